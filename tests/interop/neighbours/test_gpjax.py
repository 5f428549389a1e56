"""GPJax: exact and sparse Gaussian processes, trained by optax, against the formulas of linear algebra."""

from __future__ import annotations

from typing import Any

import idioms
import pytest

pytestmark = [pytest.mark.uses("gpjax", "jax"), pytest.mark.level("interop")]

NOISE = 0.3
POINTS = 20


def data() -> tuple[Any, Any]:
    """Inputs and noisy values of a sine, as columns."""
    import numpy as np

    inputs = np.linspace(-2.0, 2.0, POINTS)[:, None]
    return inputs, np.sin(2 * inputs) + NOISE * np.cos(37 * inputs)


def squared_exponential(left: Any, right: Any, lengthscale: float = 1.0) -> Any:
    import numpy as np

    return np.exp(-0.5 * ((left - right.T) / lengthscale) ** 2)


def model() -> Any:
    """A prior with a Gaussian likelihood; until GPJax 1.0 the likelihood was told the number of points."""
    import gpjax as gpx
    import jax.numpy as jnp

    prior = gpx.gps.Prior(mean_function=gpx.mean_functions.Zero(), kernel=gpx.kernels.RBF(lengthscale=1.0))
    noise = jnp.array(NOISE)
    if idioms.at_least("gpjax", "1.0"):
        return prior * gpx.likelihoods.Gaussian(obs_stddev=noise)
    return prior * gpx.likelihoods.Gaussian(num_datapoints=POINTS, obs_stddev=noise)


def mean(distribution: Any) -> Any:
    """The mean of a GPJax distribution: a property since GPJax 0.11, which left TensorFlow Probability for NumPyro."""
    return distribution.mean if idioms.at_least("gpjax", "0.11") else distribution.mean()


def log_marginal_likelihood(inputs: Any, values: Any) -> float:
    import numpy as np

    covariance = squared_exponential(inputs, inputs) + NOISE**2 * np.eye(POINTS)
    _, determinant = np.linalg.slogdet(covariance)
    quadratic = (values.T @ np.linalg.solve(covariance, values)).item()
    return -0.5 * (quadratic + determinant + POINTS * np.log(2 * np.pi))


def test_a_posterior_is_that_of_the_formulas() -> None:
    """Mean and covariance of an exact posterior, compiled, are those of linear algebra in NumPy."""
    import gpjax as gpx
    import jax
    import jax.numpy as jnp
    import numpy as np

    inputs, values = data()
    new = np.array([[-1.3], [0.2], [2.5]])
    with idioms.enable_x64():
        process = model()

        @jax.jit
        def predict(inputs: Any, values: Any, new: Any) -> Any:
            latent = process.predict(new, gpx.Dataset(X=inputs, y=values))
            return mean(latent), latent.covariance()

        found_mean, found_covariance = predict(jnp.asarray(inputs), jnp.asarray(values), jnp.asarray(new))

    covariance = squared_exponential(inputs, inputs) + NOISE**2 * np.eye(POINTS)
    between = squared_exponential(new, inputs)
    np.testing.assert_allclose(found_mean, (between @ np.linalg.solve(covariance, values))[:, 0], atol=1e-3)
    expected = squared_exponential(new, new) - between @ np.linalg.solve(covariance, between.T)
    np.testing.assert_allclose(found_covariance, expected, atol=1e-3)


def test_the_marginal_likelihood_and_its_gradient() -> None:
    """The objective is the closed form, and so is its gradient by the observations."""
    import gpjax as gpx
    import jax
    import jax.numpy as jnp
    import numpy as np

    inputs, values = data()
    with idioms.enable_x64():
        process = model()

        def objective(values: Any) -> Any:
            return gpx.objectives.conjugate_mll(process, gpx.Dataset(X=jnp.asarray(inputs), y=values))

        found, gradient = jax.jit(jax.value_and_grad(objective))(jnp.asarray(values))
    np.testing.assert_allclose(found, log_marginal_likelihood(inputs, values), rtol=1e-3)
    covariance = squared_exponential(inputs, inputs) + NOISE**2 * np.eye(POINTS)
    np.testing.assert_allclose(gradient, -np.linalg.solve(covariance, values), atol=1e-2)


@pytest.mark.uses("gpjax", "jax", "optax")
def test_hyperparameters_are_fitted() -> None:
    """Adam lowers the negative marginal likelihood at every stage, and SciPy's minimiser goes lower still."""
    import gpjax as gpx
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    inputs, values = data()
    with idioms.enable_x64():
        observed = gpx.Dataset(X=jnp.asarray(inputs), y=jnp.asarray(values))

        def loss(model: Any, data: Any) -> Any:
            return -gpx.objectives.conjugate_mll(model, data)

        trained, history = gpx.fit(
            model=model(),
            objective=loss,
            train_data=observed,
            optim=optax.adam(0.05),
            num_iters=60,
            key=jax.random.key(0),
            verbose=False,
        )
        best, _ = gpx.fit_scipy(model=model(), objective=loss, train_data=observed, max_iters=40, verbose=False)
        after, lowest = float(loss(trained, observed)), float(loss(best, observed))
    np.testing.assert_allclose(history[0], -log_marginal_likelihood(inputs, values), rtol=1e-3)
    assert after < history[20] < history[0] - 0.5
    assert lowest < after + 1e-3


@pytest.mark.thorough
@pytest.mark.uses("gpjax", "jax", "optax")
def test_a_sparse_approximation_is_a_tight_bound() -> None:
    """With all points inducing, the collapsed bound is the marginal likelihood; with few, training raises it."""
    import gpjax as gpx
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    inputs, values = data()
    exact = log_marginal_likelihood(inputs, values)
    with idioms.enable_x64():
        observed = gpx.Dataset(X=jnp.asarray(inputs), y=jnp.asarray(values))

        def family(inducing: Any) -> Any:
            return gpx.variational_families.CollapsedVariationalGaussian(model(), jnp.asarray(inducing))

        def loss(family: Any, data: Any) -> Any:
            return -gpx.objectives.collapsed_elbo(family, data)

        full = family(inputs)
        everywhere = -float(jax.jit(lambda values: loss(full, gpx.Dataset(X=observed.X, y=values)))(observed.y))
        _, history = gpx.fit(
            model=family(np.array([[-2.0], [-1.8], [0.0], [1.0]])),
            objective=loss,
            train_data=observed,
            optim=optax.adam(0.05),
            num_iters=30,
            key=jax.random.key(0),
            verbose=False,
        )
    np.testing.assert_allclose(everywhere, exact, atol=0.1)
    assert -history[0] < exact
    assert history[-1] < history[0] - 0.5
