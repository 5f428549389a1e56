"""Distrax: distributions and bijectors through JAX's transformations, mixtures, hidden Markov models."""

from __future__ import annotations

from typing import Any

import pytest

# It imports the JAX half of TensorFlow Probability, in its stable or its nightly distribution.
pytestmark = [pytest.mark.uses("distrax", "tensorflow-probability", "jax"), pytest.mark.level("interop")]


def close(actual: Any, expected: Any, tolerance: float = 1e-4) -> None:
    import numpy as np

    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=tolerance, atol=tolerance)


@pytest.mark.uses("distrax", "tensorflow-probability", "jax", "scipy")
def test_distributions_against_scipy() -> None:
    """Densities, entropies, divergences and gradients of distributions, which go through jit and vmap as trees."""
    import distrax
    import jax
    import numpy as np
    from scipy import stats

    x = np.array([0.2, 0.7, 1.9], np.float32)
    close(jax.jit(distrax.Gamma(2.0, 3.0).log_prob)(x), stats.gamma(2, scale=1 / 3).logpdf(x))
    diagonal = distrax.MultivariateNormalDiag(np.zeros(3, np.float32), np.array([1.0, 2.0, 3.0], np.float32))
    close(diagonal.log_prob(x), stats.norm.logpdf(x, 0, [1, 2, 3]).sum())
    close(distrax.Independent(distrax.Normal(np.zeros(3), np.ones(3)), 1).log_prob(x), stats.norm.logpdf(x).sum())

    probabilities = np.array([0.2, 0.3, 0.5], np.float32)
    categorical = distrax.Categorical(probs=probabilities)
    close(categorical.entropy(), stats.entropy(probabilities))
    other = distrax.Categorical(logits=np.zeros(3, np.float32))
    close(categorical.kl_divergence(other), stats.entropy(probabilities, np.ones(3) / 3))
    close(jax.grad(lambda scale: distrax.Normal(0.0, scale).log_prob(2.0))(0.5), 2.0**2 / 0.5**3 - 1 / 0.5)

    draws, densities = jax.jit(lambda key: categorical.sample_and_log_prob(seed=key, sample_shape=4000))(
        jax.random.PRNGKey(0)
    )
    close(np.bincount(draws, minlength=3) / 4000, probabilities, 0.04)
    close(densities, np.log(probabilities)[draws])

    # A distribution is an argument of a compiled function, and its result.
    shifted = jax.jit(lambda normal: distrax.Normal(normal.loc + 1, normal.scale))(distrax.Normal(1.0, 2.0))
    assert isinstance(shifted, distrax.Normal)
    close(shifted.log_prob(2.0), stats.norm(2, 2).logpdf(2.0))


def test_bijectors_change_densities() -> None:
    """A chain of bijectors and its inverse, the Jacobian by automatic differentiation, and the density that follows."""
    import distrax
    import jax
    import jax.numpy as jnp
    import numpy as np

    chain = distrax.Chain([distrax.Tanh(), distrax.ScalarAffine(shift=0.1, scale=0.5)])
    x = np.array([-0.5, 0.0, 0.8], np.float32)
    y, log_determinant = jax.jit(chain.forward_and_log_det)(x)
    close(y, np.tanh(0.1 + 0.5 * x))
    by_differentiation = jax.vmap(jax.grad(chain.forward))(jnp.asarray(x))
    close(log_determinant, np.log(np.asarray(by_differentiation)))
    close(chain.inverse(y), x, 1e-3)

    transformed = distrax.Transformed(distrax.Normal(0.0, 1.0), chain)
    close(transformed.log_prob(y), -(x**2) / 2 - np.log(2 * np.pi) / 2 - np.asarray(log_determinant), 1e-3)
    # One layer of a coupling flow: half of the elements decides what is done to the other half.
    coupling = distrax.MaskedCoupling(
        mask=jnp.array([True, False]),
        conditioner=lambda x: jnp.stack([x[::-1], jnp.tanh(x[::-1])], -1),
        bijector=lambda parameters: distrax.ScalarAffine(
            shift=parameters[..., 0], log_scale=jnp.asarray(parameters[..., 1])
        ),
    )
    point = jnp.array([0.4, -1.0])
    out, determinant = coupling.forward_and_log_det(point)
    close(out, [0.4, 0.4 - np.exp(np.tanh(0.4))])
    close(determinant, jnp.linalg.slogdet(jax.jacobian(coupling.forward)(point))[1])
    close(coupling.inverse(out), point)


@pytest.mark.feature("distrax.Lambda")
def test_a_function_is_inverted() -> None:
    """A function of JAX is a bijector: its inverse and its determinant are found from its program."""
    import distrax
    import jax
    import jax.numpy as jnp
    import numpy as np

    double = distrax.Lambda(lambda x: 2 * x + 1)
    close(jax.jit(double.inverse_and_log_det)(jnp.array(5.0)), [2.0, -np.log(2)])


@pytest.mark.uses("distrax", "tensorflow-probability", "jax", "scipy")
def test_mixtures_and_hidden_states() -> None:
    """The density of a mixture; the likelihood, posterior and best path of a hidden Markov model, by enumeration."""
    import itertools

    import distrax
    import jax
    import numpy as np
    from scipy import stats

    mixture = distrax.MixtureSameFamily(
        distrax.Categorical(probs=np.array([0.3, 0.7], np.float32)),
        distrax.Normal(np.array([-1.0, 2.0], np.float32), np.array([0.5, 1.0], np.float32)),
    )
    close(mixture.log_prob(0.5), np.log(0.3 * stats.norm(-1, 0.5).pdf(0.5) + 0.7 * stats.norm(2, 1).pdf(0.5)))

    start, moves = np.array([0.6, 0.4], np.float32), np.array([[0.7, 0.3], [0.2, 0.8]], np.float32)
    means, seen = np.array([0.0, 3.0], np.float32), np.array([0.1, 2.5, 2.9, 1.0], np.float32)
    model = distrax.HMM(
        trans_dist=distrax.Categorical(probs=moves),
        init_dist=distrax.Categorical(probs=start),
        obs_dist=distrax.Normal(means, np.ones(2, np.float32)),
    )
    paths = np.array(list(itertools.product([0, 1], repeat=4)))
    joint = start[paths[:, 0]] * stats.norm.pdf(seen, means[paths]).prod(1)
    joint *= moves[paths[:, :-1], paths[:, 1:]].prod(1)
    _, _, marginals, likelihood = jax.jit(model.forward_backward)(seen)
    close(likelihood, np.log(joint.sum()), 1e-3)
    close(marginals[:, 1], (joint[:, None] * paths).sum(0) / joint.sum(), 1e-3)
    assert np.asarray(jax.jit(model.viterbi)(seen)).tolist() == paths[joint.argmax()].tolist()


@pytest.mark.uses("distrax", "tensorflow-probability", "jax", "optax")
def test_a_policy_learns() -> None:
    """By gradients of its log-probabilities, a categorical policy comes to choose what pays best."""
    import distrax
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    pay = jnp.array([0.0, 1.0, 0.2])
    optimizer = optax.adam(0.1)

    @jax.jit
    def train(logits: Any, keys: Any) -> Any:
        def step(carry: Any, key: Any) -> Any:
            logits, state = carry

            def loss(logits: Any) -> Any:
                policy = distrax.Categorical(logits=logits)
                actions = policy.sample(seed=key, sample_shape=(16,))
                advantages = pay[actions] - pay[actions].mean()
                return -jnp.mean(policy.log_prob(actions) * advantages) - 0.001 * policy.entropy()

            updates, state = optimizer.update(jax.grad(loss)(logits), state)
            return (optax.apply_updates(logits, updates), state), None

        return jax.lax.scan(step, (logits, optimizer.init(logits)), keys)[0][0]

    logits = train(jnp.zeros(3), jax.random.split(jax.random.PRNGKey(0), 100))
    policy = distrax.Categorical(logits=logits)
    assert policy.mode() == 1
    assert policy.probs[1] > 0.9
    greedy = distrax.EpsilonGreedy(pay, epsilon=0.3)
    close(greedy.probs, [0.1, 0.8, 0.1])
    assert np.isclose(float(policy.probs.sum()), 1.0)


@pytest.mark.uses("distrax", "tensorflow-probability", "jax")
def test_distributions_of_tensorflow_probability() -> None:
    """A distribution and a bijector of TensorFlow Probability are taken as they are, and the other way round."""
    import distrax
    import jax
    import numpy as np
    from tensorflow_probability.substrates import jax as tfp

    beta = distrax.as_distribution(tfp.distributions.Kumaraswamy(2.0, 3.0))
    close(jax.jit(beta.log_prob)(0.4), np.log(2 * 3 * 0.4 * (1 - 0.4**2) ** 2))
    softplus = distrax.as_bijector(tfp.bijectors.Softplus())
    close(jax.jit(softplus.forward)(1.0), np.log1p(np.e))
    close(tfp.distributions.kl_divergence(distrax.Normal(0.0, 1.0), tfp.distributions.Normal(1.0, 1.0)), 0.5)
