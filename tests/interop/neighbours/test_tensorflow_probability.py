"""TensorFlow Probability on JAX: distributions, bijectors, Markov chains and optimisers of its JAX substrate."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("tensorflow-probability", "jax"), pytest.mark.level("interop")]


@pytest.mark.uses("tensorflow-probability", "jax", "scipy")
def test_densities_and_their_derivatives() -> None:
    """Compiled and vectorised log-densities are those of SciPy, and their derivatives the closed forms."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import scipy.stats
    from tensorflow_probability.substrates import jax as tfp

    tfd = tfp.distributions
    points = np.array([0.3, 1.0, 2.5], np.float32)
    cases = [
        (tfd.Normal(1.0, 2.0), scipy.stats.norm(1, 2)),
        (tfd.Gamma(2.0, 3.0), scipy.stats.gamma(2, scale=1 / 3)),
        (tfd.StudentT(4.0, 0.5, 2.0), scipy.stats.t(4, 0.5, 2)),
        (tfd.LogNormal(0.2, 0.7), scipy.stats.lognorm(0.7, scale=np.exp(0.2))),
    ]
    for ours, theirs in cases:
        np.testing.assert_allclose(jax.jit(jax.vmap(ours.log_prob))(points), theirs.logpdf(points), rtol=1e-4)
    scale = jnp.array([[1.0, 0.0], [0.5, 2.0]])
    normal = tfd.MultivariateNormalTriL(jnp.array([1.0, -1.0]), scale)
    expected = scipy.stats.multivariate_normal([1, -1], np.asarray(scale @ scale.T)).logpdf([0.0, 0.5])
    np.testing.assert_allclose(jax.jit(normal.log_prob)(jnp.array([0.0, 0.5])), expected, rtol=1e-4)
    # d/dmu of the log-density of a normal distribution is (x - mu) / sigma^2.
    slopes = jax.vmap(jax.grad(lambda mean, x: tfd.Normal(mean, 2.0).log_prob(x)), in_axes=(None, 0))(1.0, points)
    np.testing.assert_allclose(slopes, (points - 1) / 4, rtol=1e-5)


def test_samples() -> None:
    """Samples have the moments of their distribution, and derivatives flow through them."""
    import jax
    import numpy as np
    from tensorflow_probability.substrates import jax as tfp

    tfd = tfp.distributions

    @jax.jit
    def draw(key: jax.Array) -> tuple[Any, Any]:
        gamma, category = jax.random.split(key)
        probabilities = np.array([0.2, 0.5, 0.3], np.float32)
        return tfd.Gamma(3.0, 2.0).sample(4000, seed=gamma), tfd.Categorical(probs=probabilities).sample(
            4000, seed=category
        )

    gamma, category = draw(jax.random.PRNGKey(0))
    np.testing.assert_allclose([gamma.mean(), gamma.var()], [1.5, 0.75], rtol=0.1)
    np.testing.assert_allclose(np.bincount(category) / 4000, [0.2, 0.5, 0.3], atol=0.04)

    def mean(scale: jax.Array) -> jax.Array:
        return tfd.Normal(1.0, scale).sample(50, seed=jax.random.PRNGKey(1)).mean()

    slope = jax.grad(mean)(2.0)
    # The sample is 1 + scale * noise, so that its mean is linear in the scale.
    np.testing.assert_allclose(slope, (mean(2.0) - 1) / 2, rtol=1e-4)


def test_joint_distributions_and_bijectors() -> None:
    """The density of a model is the sum of its parts; a chain of bijectors has an inverse and a Jacobian."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from tensorflow_probability.substrates import jax as tfp

    tfd, tfb = tfp.distributions, tfp.bijectors

    @tfd.JointDistributionCoroutineAutoBatched
    def model() -> Any:
        rate = yield tfd.Exponential(2.0, name="rate")
        yield tfd.Sample(tfd.Poisson(rate), 3, name="counts")

    values = model.sample(seed=jax.random.PRNGKey(0))
    total = tfd.Exponential(2.0).log_prob(values.rate) + tfd.Poisson(values.rate).log_prob(values.counts).sum()
    np.testing.assert_allclose(jax.jit(model.log_prob)(values), total, rtol=1e-4)

    chain = tfb.Chain([tfb.Exp(), tfb.Shift(1.0), tfb.Scale(2.0)])
    x = jnp.array([-1.0, 0.0, 0.5])
    y = jax.jit(chain.forward)(x)
    np.testing.assert_allclose(y, np.exp(2 * np.asarray(x) + 1), rtol=1e-5)
    np.testing.assert_allclose(chain.inverse(y + 0.0), x, rtol=1e-5, atol=1e-6)
    jacobian = jax.vmap(jax.grad(chain.forward))(x)
    np.testing.assert_allclose(chain.forward_log_det_jacobian(x, event_ndims=0), np.log(jacobian), rtol=1e-5)


def test_a_chain_samples_a_posterior() -> None:
    """Hamiltonian Monte Carlo with an adapted step finds the mean and the variance of a normal distribution."""
    import jax
    import numpy as np
    from tensorflow_probability.substrates import jax as tfp

    target = tfp.distributions.Normal(3.0, 0.5)

    @jax.jit
    def run(key: jax.Array) -> Any:
        kernel = tfp.mcmc.SimpleStepSizeAdaptation(
            tfp.mcmc.HamiltonianMonteCarlo(target.log_prob, step_size=0.3, num_leapfrog_steps=3),
            num_adaptation_steps=100,
        )
        return tfp.mcmc.sample_chain(
            num_results=600,
            num_burnin_steps=150,
            current_state=np.zeros(8, np.float32),
            kernel=kernel,
            trace_fn=None,
            seed=key,
        )

    samples = np.asarray(run(jax.random.PRNGKey(0)))
    assert samples.shape == (600, 8)
    np.testing.assert_allclose([samples.mean(), samples.std()], [3, 0.5], rtol=0.1)


def test_a_function_is_minimised() -> None:
    """L-BFGS finds the least value of a quadratic function, whose gradient JAX computes."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from tensorflow_probability.substrates import jax as tfp

    matrix = jnp.array([[3.0, 1.0], [1.0, 2.0]])
    goal = jnp.array([1.0, -2.0])

    def value(x: jax.Array) -> jax.Array:
        return (x - goal) @ matrix @ (x - goal) + 5

    @jax.jit
    def minimise(start: jax.Array) -> Any:
        found = tfp.optimizer.lbfgs_minimize(jax.value_and_grad(value), initial_position=start, tolerance=1e-5)
        return found.converged, found.position, found.objective_value

    converged, position, least = minimise(jnp.zeros(2))
    assert converged
    np.testing.assert_allclose(position, goal, atol=1e-3)
    np.testing.assert_allclose(least, 5, rtol=1e-5)
