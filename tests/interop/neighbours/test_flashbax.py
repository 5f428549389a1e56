"""Flashbax: replay buffers that stay on the device, in compiled programs."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.uses("flashbax", "jax"), pytest.mark.level("interop")]


def step(value: Any) -> Any:
    """One transition, all parts of which tell its number."""
    import jax.numpy as jnp

    number = jnp.asarray(value, jnp.float32)
    return {"obs": jnp.stack([number, number + 0.5], axis=-1), "reward": 10 * number}


def test_a_flat_buffer_gives_pairs_of_successors() -> None:
    """A buffer filled by a scan gives pairs that follow each other, and forgets the oldest when it is full."""
    import flashbax as fbx
    import jax
    import jax.numpy as jnp
    import numpy as np

    buffer = fbx.make_flat_buffer(max_length=8, min_length=4, sample_batch_size=8)
    state = buffer.init(step(0))
    assert not buffer.can_sample(state)

    @jax.jit
    def fill(state: Any) -> Any:
        return jax.lax.scan(lambda state, number: (buffer.add(state, step(number)), None), state, jnp.arange(12))[0]

    state = fill(state)
    assert buffer.can_sample(state)
    keys = jax.random.split(jax.random.PRNGKey(0), 8)
    batch = jax.jit(jax.vmap(buffer.sample, in_axes=(None, 0)))(state, keys).experience
    first, second = (jax.tree_util.tree_map(np.concatenate, part) for part in (batch.first, batch.second))
    np.testing.assert_array_equal(second["obs"], first["obs"] + 1)
    np.testing.assert_array_equal(first["reward"], 10 * first["obs"][:, 0])
    # Of twelve steps at most the last eight are there, which are seven pairs.
    numbers = set(first["obs"][:, 0].tolist())
    assert numbers <= set(range(4, 11))
    assert len(numbers) >= 5


def test_a_trajectory_buffer_gives_sequences() -> None:
    """Sequences of a batch of environments are consecutive steps of one of them."""
    import flashbax as fbx
    import jax
    import jax.numpy as jnp
    import numpy as np

    buffer = fbx.make_trajectory_buffer(
        add_batch_size=2,
        sample_batch_size=32,
        sample_sequence_length=3,
        period=1,
        min_length_time_axis=3,
        max_length_time_axis=10,
    )
    state = buffer.init(step(0))
    add = jax.jit(buffer.add, donate_argnums=0)
    for start in (0, 5):
        # The second environment counts from 100.
        state = add(state, step(jnp.arange(start, start + 5) + jnp.array([[0], [100]])))
    rewards = np.asarray(jax.jit(buffer.sample)(state, jax.random.PRNGKey(0)).experience["reward"]) / 10
    assert rewards.shape == (32, 3)
    np.testing.assert_array_equal(np.diff(rewards, axis=1), 1)
    assert set(rewards[:, 0].tolist()) <= {*range(8), *range(100, 108)}
    assert len(set(rewards[:, 0] // 100)) == 2


def test_a_prioritised_buffer_prefers() -> None:
    """What has all of the priority is sampled always, with its probability."""
    import flashbax as fbx
    import jax
    import jax.numpy as jnp
    import numpy as np

    buffer = fbx.make_prioritised_flat_buffer(
        max_length=32, min_length=2, sample_batch_size=32, priority_exponent=1.0, device="cpu"
    )
    state = buffer.init(step(0))
    add = jax.jit(buffer.add)
    for number in range(9):
        state = add(state, step(number))
    sample = jax.jit(buffer.sample)
    batch = sample(state, jax.random.PRNGKey(0))
    assert len(set(np.asarray(batch.experience.first["reward"]))) > 4
    numbers = batch.experience.first["reward"] / 10
    priorities = jnp.where(numbers == 5, 1.0, 0.0)
    assert (numbers == 5).any()
    state = jax.jit(buffer.set_priorities)(state, batch.indices, priorities)
    # Those that were never drawn keep theirs: draw until all were.
    for seed in range(1, 4):
        batch = sample(state, jax.random.PRNGKey(seed))
        numbers = batch.experience.first["reward"] / 10
        state = jax.jit(buffer.set_priorities)(state, batch.indices, jnp.where(numbers == 5, 1.0, 0.0))
    batch = sample(state, jax.random.PRNGKey(9))
    np.testing.assert_array_equal(batch.experience.first["reward"], 50)
    np.testing.assert_allclose(getattr(batch, "probabilities", getattr(batch, "priorities", None)), 1, rtol=1e-5)
