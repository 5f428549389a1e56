"""gymnax: classic environments of reinforcement learning as JAX programs, compared with their equations in numpy."""

from __future__ import annotations

from typing import Any

import idioms
import pytest

pytestmark = [pytest.mark.uses("gymnax", "jax"), pytest.mark.level("interop")]


def stepped(env: Any, key: Any, state: Any, action: Any, params: Any) -> tuple[Any, Any, Any, Any]:
    """What was observed, the state, the reward, and whether the episode is over.

    gymnax 1.0 tells the end of an episode from the end of its time, as gymnasium does.
    """
    if idioms.at_least("gymnax", "1.0"):
        observed, state, reward, terminated, truncated, _ = env.step(key, state, action, params)
        return observed, state, reward, terminated | truncated
    observed, state, reward, done, _ = env.step(key, state, action, params)
    return observed, state, reward, done


def test_a_batch_of_cart_poles() -> None:
    """Compiled and vectorised steps of CartPole follow its equations of motion."""
    import gymnax
    import jax
    import jax.numpy as jnp
    import numpy as np

    env, params = gymnax.make("CartPole-v1")
    keys = jax.random.split(jax.random.PRNGKey(0), 4)
    observed, state = jax.jit(jax.vmap(env.reset, in_axes=(0, None)))(keys, params)
    assert observed.shape == (4, 4)
    assert np.abs(observed).max() <= 0.05
    actions = jnp.array([0, 1, 1, 0])
    step = jax.jit(jax.vmap(lambda key, state, action: stepped(env, key, state, action, params)))
    after, state, reward, done = step(keys, state, actions)

    x, speed, angle, turn = np.asarray(observed, np.float64).T
    force = np.where(actions == 1, 10.0, -10.0)
    pull = (force + 0.05 * turn**2 * np.sin(angle)) / 1.1
    bend = (9.8 * np.sin(angle) - np.cos(angle) * pull) / (0.5 * (4 / 3 - 0.1 * np.cos(angle) ** 2 / 1.1))
    push = pull - 0.05 * bend * np.cos(angle) / 1.1
    expected = [x + 0.02 * speed, speed + 0.02 * push, angle + 0.02 * turn, turn + 0.02 * bend]
    np.testing.assert_allclose(after, np.stack(expected, axis=1), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(reward, 1)
    assert not done.any()


def test_an_episode_ends_and_begins_anew() -> None:
    """In a scan, the pole that is always pushed one way falls; the next step begins a new episode."""
    import gymnax
    import jax
    import numpy as np

    env, params = gymnax.make("CartPole-v1")
    _, state = env.reset(jax.random.PRNGKey(0), params)

    def push(state: Any, key: jax.Array) -> tuple[Any, Any]:
        observed, state, _, done = stepped(env, key, state, 1, params)
        return state, (observed, done)

    keys = jax.random.split(jax.random.PRNGKey(1), 30)
    _, (observed, done) = jax.jit(lambda state: jax.lax.scan(push, state, keys))(state)
    ends = np.flatnonzero(done)
    # It falls after 8 to 10 steps, wherever it begins.
    assert 2 <= len(ends) <= 4
    assert 7 <= ends[0] <= 10
    assert np.abs(observed[ends]).max() <= 0.05
    assert np.abs(observed[ends - 1][:, 2]).min() > 0.1


@pytest.mark.uses("gymnax", "jax", "flax", "optax")
def test_a_policy_is_trained() -> None:
    """Policy gradients through whole episodes teach a network of Flax to hold the pole longer."""
    import gymnax
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from flax import linen as nn

    env, params = gymnax.make("CartPole-v1")
    network = nn.Dense(2, kernel_init=nn.initializers.zeros)
    optimizer = optax.adam(0.1)

    def episode(weights: Any, key: jax.Array) -> tuple[Any, Any, Any]:
        observed, state = env.reset(key, params)

        def act(carry: Any, key: jax.Array) -> tuple[Any, Any]:
            observed, state, alive = carry
            choose, move = jax.random.split(key)
            action = jax.random.categorical(choose, network.apply(weights, observed))
            after, state, _, done = stepped(env, move, state, action, params)
            return (after, state, alive & ~done), (observed, action, alive)

        _, steps = jax.lax.scan(act, (observed, state, jnp.array(True)), jax.random.split(key, 60))
        return steps

    @jax.jit
    def train(weights: Any, moments: Any, key: jax.Array) -> tuple[Any, Any, Any]:
        observed, actions, alive = jax.vmap(episode, in_axes=(None, 0))(weights, jax.random.split(key, 64))
        left = jnp.cumsum(alive[:, ::-1], axis=1)[:, ::-1] * alive
        advantage = (left - left.sum(0) / jnp.maximum(alive.sum(0), 1)) * alive

        def loss(weights: Any) -> jax.Array:
            scores = jax.nn.log_softmax(network.apply(weights, observed))
            return -(jnp.take_along_axis(scores, actions[..., None], axis=-1)[..., 0] * advantage).sum() / alive.sum()

        updates, moments = optimizer.update(jax.grad(loss)(weights), moments)
        return optax.apply_updates(weights, updates), moments, alive.sum(1).mean()

    weights = network.init(jax.random.PRNGKey(0), jnp.zeros(4))
    moments = optimizer.init(weights)
    lengths = []
    for key in jax.random.split(jax.random.PRNGKey(1), 25):
        weights, moments, length = train(weights, moments, key)
        lengths.append(float(length))
    # Pushes at random hold it for about 22 steps.
    assert 17 < lengths[0] < 28
    assert np.mean(lengths[-3:]) > 1.6 * lengths[0]
