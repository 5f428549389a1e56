"""JAXopt: unconstrained, projected and proximal solvers, quadratic programs, roots, and their derivatives."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("jaxopt>=0.8", "jax"), pytest.mark.level("interop")]


def close(actual: Any, expected: Any, tolerance: float = 1e-3) -> None:
    import numpy as np

    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=tolerance, atol=tolerance)


def regression() -> tuple[Any, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 3)).astype(np.float32)
    return x, (x @ np.array([1.0, -2.0, 0.5]) + 0.1 * rng.normal(size=12)).astype(np.float32)


def ridge(weights: Any, strength: Any, data: Any) -> Any:
    import jax.numpy as jnp

    x, y = data
    return jnp.mean((x @ weights - y) ** 2) / 2 + strength * jnp.sum(weights**2) / 2


def ridge_solution(strength: float) -> Any:
    import numpy as np

    x, y = (array.astype(np.float64) for array in regression())
    return np.linalg.solve(x.T @ x / len(y) + strength * np.eye(3), x.T @ y / len(y))


@pytest.mark.parametrize("name", ["GradientDescent", "LBFGS", "BFGS", "NonlinearCG"])
def test_unconstrained_solvers(name: str) -> None:
    """Each solver finds the solution of ridge regression, compiled."""
    import jax
    import jax.numpy as jnp
    import jaxopt

    solver = getattr(jaxopt, name)(fun=ridge, maxiter=500, tol=1e-4)
    parameters, state = jax.jit(lambda start: solver.run(start, 0.1, regression()))(jnp.zeros(3))
    close(parameters, ridge_solution(0.1))
    assert state.error < 1e-3


def test_derivatives_of_solutions() -> None:
    """The solution has the derivative of the implicit function, forward for a batch and backward."""
    import jax
    import jax.numpy as jnp
    import jaxopt
    import numpy as np

    solver = jaxopt.GradientDescent(fun=ridge, maxiter=500, tol=1e-5, implicit_diff=True)

    def solution(strength: Any) -> Any:
        return solver.run(jnp.zeros(3), strength, regression()).params

    step = 1e-4
    expected = (ridge_solution(0.1 + step) - ridge_solution(0.1 - step)) / (2 * step)
    close(jax.jit(jax.jacrev(solution))(0.1), expected, 1e-2)
    batch = jax.jit(jax.vmap(solution))(jnp.array([0.1, 1.0]))
    close(batch, np.stack([ridge_solution(0.1), ridge_solution(1.0)]))

    def conditions(weights: Any, strength: Any) -> Any:
        return jax.grad(ridge)(weights, strength, regression())

    @jaxopt.implicit_diff.custom_root(conditions)
    def direct(start: Any, strength: Any) -> Any:
        x, y = regression()
        return jnp.linalg.solve(x.T @ x / len(y) + strength * jnp.eye(3), x.T @ y / len(y))

    close(jax.jacobian(direct, argnums=1)(None, 0.1), expected, 1e-2)


def test_constraints_and_penalties() -> None:
    """Projection onto the simplex, non-negative and sparse regression, against their optimality conditions."""
    import jax
    import jax.numpy as jnp
    import jaxopt
    import numpy as np
    from jaxopt import projection, prox

    close(projection.projection_simplex(jnp.array([0.5, 1.2, -0.3])), [0.15, 0.85, 0.0])
    close(projection.projection_box(jnp.array([-2.0, 0.5, 3.0]), (0.0, 1.0)), [0.0, 0.5, 1.0])

    x, y = regression()
    projected = jaxopt.ProjectedGradient(ridge, projection.projection_non_negative, maxiter=500, tol=1e-4)
    weights = np.asarray(jax.jit(lambda start: projected.run(start, None, 0.0, (x, y)).params)(jnp.ones(3)))
    gradient = x.T @ (x @ weights - y) / len(y)
    assert np.all(weights >= 0)
    assert np.all(gradient > -1e-3)
    close(weights * gradient, np.zeros(3))

    lasso = jaxopt.ProximalGradient(
        lambda weights, data: jnp.mean((data[0] @ weights - data[1]) ** 2) / 2, prox.prox_lasso, maxiter=500, tol=1e-4
    )
    weights = np.asarray(jax.jit(lambda start: lasso.run(start, 0.5, (x, y)).params)(jnp.ones(3)))
    gradient = x.T @ (x @ weights - y) / len(y)
    assert np.sum(weights == 0) == 2
    close(gradient[weights != 0], -0.5 * np.sign(weights[weights != 0]), 5e-3)
    assert np.all(np.abs(gradient) < 0.505)


def test_quadratic_programs() -> None:
    """A program with an equation and an inequality ends at its known solution, which has a derivative."""
    import jax
    import jax.numpy as jnp
    import jaxopt

    square, slope = jnp.array([[4.0, 1.0], [1.0, 2.0]]), jnp.array([1.0, 1.0])
    # x + y = 1, x <= 0.1; without the bound, x were 0.25.
    equation = (jnp.array([[1.0, 1.0]]), jnp.array([1.0]))
    solver = jaxopt.OSQP(tol=1e-4)

    def solution(bound: Any) -> Any:
        inequality = (jnp.array([[1.0, 0.0], [-1.0, 0.0]]), jnp.stack([bound, jnp.array(5.0)]))
        run = solver.run(params_obj=(square, slope), params_eq=equation, params_ineq=inequality)
        return run.params.primal

    close(jax.jit(solution)(0.1), [0.1, 0.9], 1e-2)
    close(jax.jit(solution)(3.0), [0.25, 0.75], 1e-2)
    close(jax.jit(jax.jacobian(solution))(0.1), [1.0, -1.0], 2e-2)


def test_roots_and_least_squares() -> None:
    """Bisection, fixed points with Anderson acceleration, and two solvers of non-linear least squares."""
    import jax
    import jax.numpy as jnp
    import jaxopt
    import numpy as np

    bisection = jaxopt.Bisection(lambda x, square: x**2 - square, 0.0, 3.0, tol=1e-5, check_bracket=False)
    close(jax.jit(lambda square: bisection.run(None, square).params)(2.0), np.sqrt(2))
    close(jax.jit(jax.grad(lambda square: bisection.run(None, square).params))(2.0), 0.5 / np.sqrt(2))
    anderson = jaxopt.AndersonAcceleration(jnp.cos, history_size=3, tol=1e-5, maxiter=100)
    close(jax.jit(lambda start: anderson.run(start).params)(jnp.array([0.5])), [0.7390851])

    times = np.linspace(0, 2, 8).astype(np.float32)
    data = 3 * np.exp(-0.7 * times)
    for name in ("LevenbergMarquardt", "GaussNewton"):
        solver = getattr(jaxopt, name)(lambda p: p[0] * jnp.exp(-p[1] * times) - data, maxiter=50, tol=1e-5)
        close(jax.jit(lambda start, solver=solver: solver.run(start).params)(jnp.array([2.0, 0.5])), [3.0, 0.7], 1e-2)


@pytest.mark.uses("jaxopt>=0.8", "jax", "optax")
def test_a_rule_of_optax_as_solver() -> None:
    """OptaxSolver trains with a rule of optax, step by step, and over an iterator of batches."""
    import itertools

    import jax.numpy as jnp
    import jaxopt
    import optax
    from jaxopt import objective

    solver = jaxopt.OptaxSolver(opt=optax.adam(0.1), fun=ridge, maxiter=200, tol=1e-4)
    close(solver.run(jnp.zeros(3), 0.1, regression()).params, ridge_solution(0.1), 1e-2)

    batches = itertools.cycle([regression()])
    over_batches = jaxopt.OptaxSolver(opt=optax.sgd(0.5), fun=objective.least_squares, maxiter=300, tol=1e-4)
    parameters, state = over_batches.run_iterator(jnp.zeros(3), batches)
    close(parameters, ridge_solution(0.0), 1e-2)
    assert state.iter_num <= 300
