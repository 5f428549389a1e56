"""RLax: returns, temporal differences and policy gradients, batched, compiled and differentiated."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("rlax", "distrax", "chex", "jax"), pytest.mark.level("interop")]


def close(actual: Any, expected: Any, tolerance: float = 1e-4) -> None:
    import numpy as np

    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=tolerance, atol=tolerance)


def trajectory() -> tuple[Any, Any, Any]:
    """Rewards, discounts and the values of five states, of which the last is where the trajectory ends."""
    import numpy as np

    rewards = np.array([1.0, 0.0, -1.0, 2.0], np.float32)
    discounts = np.array([0.9, 0.9, 0.0, 0.9], np.float32)
    return rewards, discounts, np.array([0.5, 1.0, -0.5, 0.2, 1.5], np.float32)


def test_returns_against_their_recursions() -> None:
    """Discounted and lambda returns, generalised advantages and V-trace, against loops in numpy; a batch by vmap."""
    import jax
    import numpy as np
    import rlax

    rewards, discounts, values = trajectory()
    last, discounted = values[-1], []
    for reward, discount in zip(rewards[::-1], discounts[::-1], strict=True):
        last = reward + discount * last
        discounted.append(last)
    close(jax.jit(rlax.discounted_returns)(rewards, discounts, values[1:]), discounted[::-1])

    last, mixed = values[-1], []
    for index in reversed(range(4)):
        last = rewards[index] + discounts[index] * (0.2 * values[index + 1] + 0.8 * last)
        mixed.append(last)
    close(jax.jit(rlax.lambda_returns)(rewards, discounts, values[1:], 0.8), mixed[::-1])
    batch = jax.vmap(rlax.lambda_returns, in_axes=(1, None, None, None), out_axes=1)
    close(batch(np.stack([rewards, 0 * rewards], 1), discounts, values[1:], 0.8)[:, 0], mixed[::-1])

    errors = rewards + discounts * values[1:] - values[:-1]
    last, advantages = 0.0, []
    for index in reversed(range(4)):
        last = errors[index] + discounts[index] * 0.8 * last
        advantages.append(last)
    close(jax.jit(rlax.truncated_generalized_advantage_estimation)(rewards, discounts, 0.8, values), advantages[::-1])

    ratios = np.array([0.5, 1.5, 1.0, 2.0], np.float32)
    clipped = np.minimum(ratios, 1)
    last, corrected = 0.0, []
    for index in reversed(range(4)):
        last = clipped[index] * errors[index] + discounts[index] * clipped[index] * last
        corrected.append(last)
    close(jax.jit(rlax.vtrace)(values[:-1], values[1:], rewards, discounts, ratios), corrected[::-1])


def test_temporal_differences() -> None:
    """Errors of state and action values with their gradients: targets are constants for them."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import rlax

    now, after = jnp.array([1.0, 2.0, 0.5]), jnp.array([0.0, 3.0, 1.0])
    arguments = (now, 1, 1.0, 0.9, after)
    close(rlax.q_learning(*arguments), 1 + 0.9 * 3 - 2)
    close(rlax.double_q_learning(*arguments, jnp.array([5.0, 0.0, 0.0])), 1 + 0.9 * 0 - 2)
    close(rlax.sarsa(*arguments, 2), 1 + 0.9 * 1 - 2)
    close(rlax.expected_sarsa(*arguments, jnp.array([0.5, 0.5, 0.0])), 1 + 0.9 * 1.5 - 2)

    def loss(now: Any, after: Any) -> Any:
        return rlax.l2_loss(rlax.q_learning(now, 1, 1.0, 0.9, after))

    by_now, by_after = jax.jit(jax.grad(loss, argnums=(0, 1)))(now, after)
    close(by_now, [0.0, -1.7, 0.0])
    close(by_after, np.zeros(3))
    errors = jax.jit(jax.vmap(rlax.td_learning))(jnp.ones(2), jnp.ones(2), jnp.full(2, 0.5), jnp.array([1.0, 4.0]))
    close(errors, [0.5, 2.0])


def test_distributions_over_returns() -> None:
    """A categorical target is projected onto its support; two-hot encodings and value transformations are undone."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import rlax

    support = jnp.linspace(-1.0, 1.0, 5)
    projected = jax.jit(rlax.categorical_l2_project)(jnp.array([0.25, 2.0]), jnp.array([0.4, 0.6]), support)
    close(projected, [0.0, 0.0, 0.2, 0.2, 0.6])
    loss = jax.jit(rlax.categorical_td_learning)(support, jnp.zeros(5), 0.0, 1.0, support, jnp.log(projected + 1e-9))
    close(loss, np.log(5), 1e-3)

    pair = rlax.muzero_pair(-5, 5, 21, rlax.SIGNED_HYPERBOLIC_PAIR)
    scalars = jnp.array([-3.0, 0.0, 7.5])
    probabilities = jax.jit(pair.apply)(scalars)
    close(probabilities.sum(-1), np.ones(3))
    close(pair.apply_inv(probabilities), scalars, 1e-2)
    x = np.array([-2.0, 0.5, 10.0], np.float32)
    close(rlax.signed_hyperbolic(x), np.sign(x) * (np.sqrt(np.abs(x) + 1) - 1) + 1e-3 * x)


@pytest.mark.uses("rlax", "distrax", "chex", "jax", "optax")
def test_a_policy_learns() -> None:
    """A soft-max policy that follows its gradient, with optax, comes to choose what pays; greedy ones choose too."""
    import jax
    import jax.numpy as jnp
    import optax
    import rlax

    pay = jnp.array([0.0, 1.0, 0.2])
    optimizer = optax.adam(0.1)
    policy = rlax.softmax(temperature=1.0)

    @jax.jit
    def train(logits: Any, keys: Any) -> Any:
        def step(carry: Any, key: Any) -> Any:
            logits, state = carry

            def loss(logits: Any) -> Any:
                many = jnp.broadcast_to(logits, (16, 3))
                actions = policy.sample(key, many)
                advantages = pay[actions] - pay[actions].mean()
                entropy = rlax.entropy_loss(many, jnp.ones(16))
                return rlax.policy_gradient_loss(many, actions, advantages, jnp.ones(16)) + 0.001 * entropy

            updates, state = optimizer.update(jax.grad(loss)(logits), state)
            return (optax.apply_updates(logits, updates), state), None

        return jax.lax.scan(step, (logits, optimizer.init(logits)), keys)[0][0]

    logits = train(jnp.zeros(3), jax.random.split(jax.random.PRNGKey(0), 100))
    close(policy.logprob(jnp.array(1), logits), jax.nn.log_softmax(logits)[1])
    assert policy.probs(logits)[1] > 0.9
    assert rlax.greedy().sample(jax.random.PRNGKey(1), logits) == 1
    close(rlax.epsilon_greedy(0.3).probs(logits), [0.1, 0.8, 0.1])
