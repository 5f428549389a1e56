"""tinygp: Gaussian processes by dense and by quasiseparable solvers, against linear algebra."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("tinygp", "jax"), pytest.mark.level("interop")]

NOISE = 0.2


def data() -> tuple[Any, Any]:
    import numpy as np

    inputs = np.linspace(0.0, 4.0, 25, dtype=np.float32)
    return inputs, np.sin(2 * inputs) + NOISE * np.cos(31 * inputs).astype(np.float32)


def matern_32(left: Any, right: Any, scale: float) -> Any:
    """The Matern-3/2 kernel with a variance of 1.5."""
    import numpy as np

    distance = np.sqrt(3) * np.abs(left[:, None] - right[None]) / scale
    return 1.5 * (1 + distance) * np.exp(-distance)


def expected(scale: float) -> Any:
    """The log-likelihood, and the mean and variance at two further points, by NumPy in double precision."""
    import numpy as np

    inputs, values = (np.asarray(column, np.float64) for column in data())
    new = np.array([0.55, 4.4])
    covariance = matern_32(inputs, inputs, scale) + NOISE**2 * np.eye(len(inputs))
    between = matern_32(new, inputs, scale)
    likelihood = -0.5 * (
        values @ np.linalg.solve(covariance, values)
        + np.linalg.slogdet(covariance)[1]
        + len(inputs) * np.log(2 * np.pi)
    )
    variance = np.diag(matern_32(new, new, scale) - between @ np.linalg.solve(covariance, between.T))
    return likelihood, between @ np.linalg.solve(covariance, values), variance


@pytest.mark.parametrize("solver", ["dense", "quasiseparable"])
def test_conditioning_is_that_of_the_formulas(solver: str) -> None:
    """Likelihood, mean and variance of a process that is conditioned on data, compiled, are those of NumPy."""
    import jax
    import numpy as np
    from tinygp import GaussianProcess, kernels

    inputs, values = data()

    @jax.jit
    def condition(scale: Any, inputs: Any, values: Any, new: Any) -> Any:
        matern = kernels.Matern32 if solver == "dense" else kernels.quasisep.Matern32
        likelihood, process = GaussianProcess(1.5 * matern(scale), inputs, diag=NOISE**2).condition(values, new)
        return likelihood, process.mean, process.variance

    found = condition(0.8, inputs, values, np.array([0.55, 4.4], np.float32))
    for one, other in zip(found, expected(0.8), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-3)


@pytest.mark.uses("tinygp", "jax", "optax")
def test_a_scale_is_fitted() -> None:
    """The gradient of the likelihood is its slope, and optax follows it to the best scale of a grid."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from tinygp import GaussianProcess, kernels

    inputs, values = data()

    def loss(log_scale: Any) -> Any:
        kernel = 1.5 * kernels.quasisep.Matern32(jnp.exp(log_scale))
        return -GaussianProcess(kernel, inputs, diag=NOISE**2).log_probability(values)

    gradient = jax.jit(jax.grad(loss))
    slope = -(expected(np.exp(0.01))[0] - expected(np.exp(-0.01))[0]) / 0.02
    np.testing.assert_allclose(gradient(0.0), slope, rtol=2e-2, atol=1e-2)

    tx = optax.adam(0.05)

    @jax.jit
    def fit(log_scale: Any) -> Any:
        def step(carry: Any, _: Any) -> Any:
            log_scale, state = carry
            updates, state = tx.update(jax.grad(loss)(log_scale), state)
            return (optax.apply_updates(log_scale, updates), state), None

        return jax.lax.scan(step, (log_scale, tx.init(log_scale)), None, length=100)[0][0]

    grid = np.linspace(-1.5, 1.5, 61)
    best = grid[np.argmax([expected(np.exp(point))[0] for point in grid])]
    assert -1.4 < best < 1.4
    np.testing.assert_allclose(fit(jnp.array(-1.5)), best, atol=0.1)


def test_a_transformed_kernel_in_several_dimensions() -> None:
    """A kernel of transformed inputs and a sum of kernels are the matrices of NumPy, mapped over a batch of values."""
    import jax
    import numpy as np
    from tinygp import GaussianProcess, kernels, transforms

    random = np.random.default_rng(0)
    inputs = random.normal(size=(10, 2)).astype(np.float32)
    values = random.normal(size=(3, 10)).astype(np.float32)
    scales = np.array([0.5, 2.0], np.float32)
    kernel = transforms.Linear(1 / scales, kernels.ExpSquared()) + 0.3 * kernels.Constant(1.0)
    process = GaussianProcess(kernel, inputs, diag=0.1)

    apart = (inputs[:, None] - inputs[None]) / scales
    matrix = np.exp(-0.5 * (apart**2).sum(-1)) + 0.3
    found = jax.jit(lambda inputs: kernel(inputs, inputs))(inputs)
    np.testing.assert_allclose(found, matrix, atol=1e-5)
    covariance = matrix + 0.1 * np.eye(10)
    quadratic = (values * np.linalg.solve(covariance, values.T).T).sum(1)
    likelihood = -0.5 * (quadratic + np.linalg.slogdet(covariance)[1] + 10 * np.log(2 * np.pi))
    found = jax.jit(jax.vmap(process.log_probability))(values)
    np.testing.assert_allclose(found, likelihood, rtol=1e-4)
