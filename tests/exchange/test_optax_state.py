"""States of optax's optimizers as orbax checkpoints: named tuples, nested as transformations are chained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from orbax_ways import restore, save
from values import assert_kept, assert_near, keep

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.level("exchange"), pytest.mark.uses("jax", "jaxlib", "optax", "orbax-checkpoint")]


def optimizers() -> dict[str, Any]:
    """Some of the usual ones, and the wrappers that nest states."""
    import optax

    schedule = optax.warmup_cosine_decay_schedule(0.0, 0.1, warmup_steps=2, decay_steps=8)
    return {
        "adamw": optax.adamw(1e-2),
        "sgd": optax.sgd(1e-2, momentum=0.9, nesterov=True),
        "lion": optax.lion(1e-3),
        "adafactor": optax.adafactor(1e-2),
        "chain": optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam(), optax.scale_by_schedule(schedule)),
        "masked": optax.masked(optax.add_decayed_weights(0.01), {"w": True, "b": False}),
        "multi_steps": optax.MultiSteps(optax.adam(1e-2), every_k_schedule=2),
        "inject": optax.inject_hyperparams(optax.adam)(learning_rate=schedule),
    }


def params() -> dict[str, Any]:
    """Fixed parameters; the gradients are made of them."""
    import jax.numpy as jnp

    return {"w": jnp.arange(8, dtype=jnp.float32).reshape(4, 2) / 8, "b": jnp.ones((2,), jnp.float32)}


def advance(name: str, state: Any, steps: int) -> Any:
    """The state after some more steps with fixed gradients."""
    import jax

    gradients = jax.tree_util.tree_map(lambda leaf: leaf * 0.1 + 0.01, params())
    update = jax.jit(optimizers()[name].update)
    for _ in range(steps):
        _, state = update(gradients, state, params())
    return state


def first(name: str) -> Any:
    """The state before the first step."""
    import jax

    return jax.jit(optimizers()[name].init)(params())


@pytest.mark.writes("optax-state")
def test_write(folder: Path) -> None:
    """Each state after three steps, and what it is after two more."""
    for name in optimizers():
        state = advance(name, first(name), 3)
        save(folder / name, state)
        keep(folder, f"{name}-state", state)
        keep(folder, f"{name}-later", advance(name, state, 2))


@pytest.mark.reads("optax-state")
@pytest.mark.parametrize("name", ["adamw", "sgd", "lion", "adafactor", "chain", "masked", "multi_steps", "inject"])
def test_resume(folder: Path, name: str) -> None:
    """The state comes back bit for bit into the reader's own, and goes on as the writer's did up to rounding."""
    restored = restore(folder / name, first(name))
    assert_kept(restored, folder, f"{name}-state")
    assert_near(advance(name, restored, 2), folder, f"{name}-later", 1e-4)
