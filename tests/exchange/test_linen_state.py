"""A linen model in training, in flax's TrainState with its optax state, as an orbax checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from orbax_ways import restore, restore_as_it_is, save
from values import assert_kept, assert_near, keep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.level("exchange"),
    pytest.mark.uses("jax", "jaxlib", "flax", "optax", "orbax-checkpoint"),
]


def training() -> tuple[Any, Callable[[Any], Any]]:
    """A first state and a step of a small regression with normalised layers."""
    import flax.linen as nn
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    from flax.training import train_state

    x = np.linspace(-1, 1, 32, dtype=np.float32).reshape(8, 4)
    y = x.sum(axis=1, keepdims=True)

    class Model(nn.Module):
        @nn.compact
        def __call__(self, x: Any) -> Any:
            return nn.Dense(1)(nn.relu(nn.LayerNorm()(nn.Dense(8)(x))))

    model = Model()
    params = jax.jit(model.init)(jax.random.PRNGKey(0), x)["params"]
    tx = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-2))
    state = train_state.TrainState.create(apply_fn=model.apply, params=params, tx=tx)
    state = state.replace(step=jnp.asarray(0, jnp.int32))

    @jax.jit
    def step(state: Any) -> Any:
        def loss(params: Any) -> Any:
            return jnp.mean((state.apply_fn({"params": params}, x) - y) ** 2)

        return state.apply_gradients(grads=jax.grad(loss)(state.params))

    return state, step


@pytest.mark.writes("linen-state")
def test_write(folder: Path) -> None:
    """The state after three steps; what it and its next step are is kept beside it."""
    state, step = training()
    for _ in range(3):
        state = step(state)
    save(folder / "ck", state)
    keep(folder, "state", state)
    keep(folder, "params", state.params)
    keep(folder, "next", step(state))


@pytest.mark.reads("linen-state")
def test_resume(folder: Path) -> None:
    """The state comes back bit for bit into the reader's own, and the next step is the writer's up to rounding.

    (Two releases of XLA may order a sum differently; some 1e-4 of the largest value is far below a step's size.)
    """
    state, step = training()
    restored = restore(folder / "ck", state)
    assert_kept(restored, folder, "state")
    assert_near(step(restored), folder, "next", 1e-4)


@pytest.mark.reads("linen-state")
@pytest.mark.uses("orbax-checkpoint>=0.5.0")
def test_read_without_target(folder: Path) -> None:
    """The parameters are found by name in a checkpoint that is read as it is, as for serving or inspection."""
    restored = restore_as_it_is(folder / "ck")
    assert_kept(restored["params"], folder, "params")
