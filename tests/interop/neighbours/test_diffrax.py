"""Diffrax: differential equations solved, differentiated, stopped by events, and driven by noise."""

from __future__ import annotations

from typing import Any

import pytest

# Its solvers are equinox modules; implicit ones find roots by optimistix, which solves linear systems by lineax.
pytestmark = [pytest.mark.uses("diffrax>=0.5", "equinox", "optimistix", "lineax", "jax"), pytest.mark.level("interop")]


def close(actual: Any, expected: Any, tolerance: float = 1e-4) -> None:
    import numpy as np

    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=tolerance, atol=tolerance)


def test_an_oscillator_against_its_solution() -> None:
    """An adaptive explicit solver follows cosine and sine, at chosen times and in between."""
    import diffrax
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import numpy as np

    times = np.linspace(0, 3, 7).astype(np.float32)
    between = np.array([0.1, 1.7, 2.9], np.float32)
    solution = eqx.filter_jit(diffrax.diffeqsolve)(
        diffrax.ODETerm(lambda t, y, frequency: (frequency * y[1], -frequency * y[0])),
        diffrax.Tsit5(),
        t0=0.0,
        t1=3.0,
        dt0=0.1,
        y0=(jnp.array(1.0), jnp.array(0.0)),
        args=2.0,
        saveat=diffrax.SaveAt(ts=times, dense=True),
        stepsize_controller=diffrax.PIDController(rtol=1e-5, atol=1e-6),
    )
    position, momentum = solution.ys
    close(position, np.cos(2 * times))
    close(momentum, -np.sin(2 * times))
    close(jax.vmap(solution.evaluate)(between)[0], np.cos(2 * between), 1e-3)
    assert 5 < solution.stats["num_accepted_steps"] <= solution.stats["num_steps"] < 200


@pytest.mark.parametrize(
    "adjoint", ["RecursiveCheckpointAdjoint", pytest.param("BacksolveAdjoint", marks=pytest.mark.thorough)]
)
def test_gradients_of_a_solution(adjoint: str) -> None:
    """Discretise-then-optimise and optimise-then-discretise both give the derivatives of exponential decay."""
    import diffrax
    import jax
    import numpy as np

    def end(start: Any, rate: Any) -> Any:
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, rate: -rate * y),
            diffrax.Dopri5(),
            t0=0.0,
            t1=2.0,
            dt0=0.1,
            y0=start,
            args=rate,
            stepsize_controller=diffrax.PIDController(rtol=1e-5, atol=1e-6),
            adjoint=getattr(diffrax, adjoint)(),
        )
        return solution.ys[0]

    value, gradients = jax.jit(jax.value_and_grad(end, argnums=(0, 1)))(3.0, 0.5)
    close(value, 3 * np.exp(-1))
    close(gradients, [np.exp(-1), -2 * 3 * np.exp(-1)])


def test_a_stiff_equation() -> None:
    """An implicit solver with its root finder comes through a stiff system in few steps, and says so."""
    import diffrax
    import equinox as eqx
    import jax.numpy as jnp
    import numpy as np

    # The second part follows the first one ten thousand times as fast as that decays: an explicit solver would need
    # thousands of steps.
    matrix = np.array([[-1.0, 0.0], [1.0, -1e4]], np.float32)
    solution = eqx.filter_jit(diffrax.diffeqsolve)(
        diffrax.ODETerm(lambda t, y, matrix: matrix @ y),
        diffrax.Kvaerno3(),
        t0=0.0,
        t1=1.0,
        dt0=1e-4,
        y0=jnp.array([1.0, 1.0]),
        args=matrix,
        stepsize_controller=diffrax.PIDController(rtol=1e-3, atol=1e-4),
    )
    assert solution.result == diffrax.RESULTS.successful
    close(solution.ys[0], [np.exp(-1), np.exp(-1) / (1e4 - 1)], 1e-3)
    assert solution.stats["num_steps"] < 300


@pytest.mark.thorough
@pytest.mark.uses("diffrax>=0.6", "equinox", "optimistix", "lineax", "jax")
def test_an_event_ends_the_solve() -> None:
    """A ball falls until it meets the ground; the time is found by optimistix and has a gradient."""
    import diffrax
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optimistix

    def landing(height: Any) -> Any:
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, args: jnp.array([y[1], -10.0])),
            diffrax.Tsit5(),
            t0=0.0,
            t1=jnp.inf,
            dt0=0.1,
            y0=jnp.array([height, 0.0]),
            event=diffrax.Event(lambda t, y, args, **_: y[0], optimistix.Newton(1e-5, 1e-5, optimistix.rms_norm)),
        )
        return solution.ts[0]

    time, derivative = jax.jit(jax.value_and_grad(landing))(5.0)
    close(time, 1.0)
    close(derivative, np.sqrt(2 / 10) / (2 * np.sqrt(5.0)), 1e-3)


def test_noise_is_a_function_of_time() -> None:
    """Geometric Brownian motion along one path of a virtual Brownian tree, against its closed form on that path."""
    import diffrax
    import jax
    import jax.numpy as jnp
    import numpy as np

    drift, diffusion = 0.5, 0.3

    @jax.jit
    @jax.vmap
    def solve(key: Any) -> Any:
        path = diffrax.VirtualBrownianTree(0.0, 1.0, tol=1e-3, shape=(), key=key)
        terms = diffrax.MultiTerm(
            diffrax.ODETerm(lambda t, y, args: drift * y),
            diffrax.ControlTerm(lambda t, y, args: diffusion * y, path),
        )
        solution = diffrax.diffeqsolve(terms, diffrax.ItoMilstein(), t0=0.0, t1=1.0, dt0=0.02, y0=1.0)
        return solution.ys[0], path.evaluate(0.0, 1.0)

    values, noise = solve(jax.random.split(jax.random.PRNGKey(0), 64))
    close(values, jnp.exp(drift - diffusion**2 / 2 + diffusion * noise), 0.02)
    # The increments are those of a standard normal distribution.
    assert abs(np.mean(np.asarray(noise))) < 0.5
    assert 0.6 < np.std(np.asarray(noise)) < 1.4


@pytest.mark.thorough
@pytest.mark.uses("diffrax>=0.5", "equinox", "jax", "optax")
def test_a_neural_equation_learns() -> None:
    """The vector field, an equinox network, is fitted by optax to a trajectory through the solver."""
    import diffrax
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    times = np.linspace(0, 1, 5).astype(np.float32)
    target = np.stack([np.cos(2 * times), -np.sin(2 * times)], axis=1)
    model = eqx.nn.MLP(2, 2, 8, 1, activation=jnp.tanh, key=jax.random.PRNGKey(0))
    optimizer = optax.adam(0.03)

    @eqx.filter_value_and_grad
    def loss_and_gradient(model: Any) -> Any:
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, model: model(y)),
            diffrax.Heun(),
            t0=0.0,
            t1=1.0,
            dt0=0.125,
            y0=jnp.array([1.0, 0.0]),
            args=model,
            saveat=diffrax.SaveAt(ts=times),
        )
        return jnp.mean((solution.ys - target) ** 2)

    @eqx.filter_jit
    def step(model: Any, state: Any) -> Any:
        loss, gradients = loss_and_gradient(model)
        updates, state = optimizer.update(gradients, state)
        return loss, eqx.apply_updates(model, updates), state

    state = optimizer.init(eqx.filter(model, eqx.is_inexact_array))
    first, model, state = step(model, state)
    for _ in range(80):
        last, model, state = step(model, state)
    assert last < 0.05 * first
