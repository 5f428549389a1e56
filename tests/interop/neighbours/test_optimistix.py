"""Optimistix: least squares, roots, minima and fixed points, and derivatives through their solutions."""

from __future__ import annotations

from typing import Any

import pytest

# Its solvers are equinox modules and solve linear systems by lineax.
pytestmark = [pytest.mark.uses("optimistix>=0.0.7", "equinox", "lineax", "jax"), pytest.mark.level("interop")]


def close(actual: Any, expected: Any, tolerance: float = 1e-4) -> None:
    import numpy as np

    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("solver", ["LevenbergMarquardt", "GaussNewton", "Dogleg"])
def test_least_squares(solver: str) -> None:
    """A decay is fitted exactly, from a tree of parameters, under jit."""
    import equinox as eqx
    import jax.numpy as jnp
    import numpy as np
    import optimistix as optx

    times = np.linspace(0, 2, 8).astype(np.float32)
    data = 3 * np.exp(-0.7 * times)

    def residuals(parameters: Any, data: Any) -> Any:
        return parameters["height"] * jnp.exp(-parameters["rate"] * times) - data

    start = {"height": jnp.array(2.0), "rate": jnp.array(0.5)}
    method = getattr(optx, solver)(rtol=1e-5, atol=1e-6)
    solution = eqx.filter_jit(optx.least_squares)(residuals, method, start, args=data)
    assert solution.result == optx.RESULTS.successful
    close([solution.value["height"], solution.value["rate"]], [3.0, 0.7], 1e-3)


def test_roots_and_their_derivatives() -> None:
    """Newton's method and bisection find a root; its derivative is that of the implicit function; a batch of them."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optimistix as optx

    newton = optx.Newton(rtol=1e-6, atol=1e-6)

    def root(square: Any) -> Any:
        return optx.root_find(lambda y, square: y**2 - square, newton, jnp.array(1.0), args=square).value

    squares = np.array([2.0, 4.0, 9.0], np.float32)
    close(jax.jit(jax.vmap(root))(squares), np.sqrt(squares))
    close(jax.jit(jax.vmap(jax.grad(root)))(squares), 0.5 / np.sqrt(squares))

    # A system of two: a circle and a line.
    system = optx.root_find(
        lambda y, _: jnp.array([y[0] ** 2 + y[1] ** 2 - 25, y[0] - y[1] + 1]), newton, jnp.array([2.0, 5.0])
    )
    close(system.value, [3.0, 4.0])

    bisection = optx.Bisection(rtol=1e-5, atol=1e-5)
    found = optx.root_find(lambda y, _: jnp.cos(y), bisection, 1.0, options={"lower": 1.0, "upper": 2.0})
    close(found.value, np.pi / 2)


def test_minima_of_a_valley() -> None:
    """Quasi-Newton, conjugate gradients and the simplex method end where Rosenbrock's function is smallest."""
    import equinox as eqx
    import jax.numpy as jnp
    import optimistix as optx

    def valley(y: Any, steepness: Any) -> Any:
        return (1 - y[0]) ** 2 + steepness * (y[1] - y[0] ** 2) ** 2

    for method in (
        optx.BFGS(rtol=1e-5, atol=1e-5),
        optx.NonlinearCG(rtol=1e-5, atol=1e-5),
        optx.NelderMead(rtol=1e-5, atol=1e-5),
    ):
        solution = eqx.filter_jit(optx.minimise)(valley, method, jnp.array([-1.0, 1.0]), args=5.0, max_steps=2000)
        assert solution.result == optx.RESULTS.successful
        close(solution.value, [1.0, 1.0], 2e-3)


@pytest.mark.uses("optimistix>=0.0.7", "equinox", "jax", "optax")
def test_an_optax_rule_minimises() -> None:
    """A rule of optax, driven to convergence, finds the minimum of a quadratic function."""
    import equinox as eqx
    import jax.numpy as jnp
    import numpy as np
    import optax
    import optimistix as optx

    centre = np.array([1.0, -2.0, 3.0], np.float32)
    method = optx.OptaxMinimiser(optax.adam(0.1), rtol=1e-4, atol=1e-5)
    solution = eqx.filter_jit(optx.minimise)(
        lambda y, _: jnp.sum((y - centre) ** 2), method, jnp.zeros(3), max_steps=2000
    )
    close(solution.value, centre, 1e-2)
    assert solution.stats["num_steps"] > 10


def test_fixed_points_and_failure() -> None:
    """The fixed point of a cosine has the derivative of the implicit function; what does not converge says so."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optimistix as optx

    iteration = optx.FixedPointIteration(rtol=1e-6, atol=1e-6)

    def fixed(scale: Any) -> Any:
        return optx.fixed_point(lambda y, scale: jnp.cos(scale * y), iteration, 0.5, args=scale).value

    value, derivative = jax.jit(jax.value_and_grad(fixed))(1.0)
    close(value, 0.7390851)
    close(derivative, -0.7390851 * np.sin(0.7390851) / (1 + np.sin(0.7390851)), 1e-3)

    newton = optx.Newton(rtol=1e-6, atol=1e-6)
    no_root = optx.root_find(lambda y, _: y**2 + 1.0, newton, jnp.array(0.3), max_steps=20, throw=False)
    assert no_root.result != optx.RESULTS.successful
    with pytest.raises(Exception, match=r"(?i)steps"):
        jax.block_until_ready(
            optx.root_find(lambda y, _: y**2 + 1.0, newton, jnp.array(0.3), max_steps=20).value,
        )
