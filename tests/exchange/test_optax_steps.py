"""What optax's optimizers do with the same gradients: defaults and formulas, over some steps; and its schedules.

Other values are no break, but a training run that goes on after an upgrade goes another way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from values import assert_unchanged, keep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.level("exchange"), pytest.mark.uses("jax", "jaxlib", "optax")]

OPTIMIZERS = ("adam", "adamw", "adafactor", "adagrad", "adamax", "lamb", "lion", "nadam", "radam", "rmsprop", "sgd")
SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "cosine": lambda optax: optax.cosine_decay_schedule(0.1, 10),
    "warmup_cosine": lambda optax: optax.warmup_cosine_decay_schedule(0.0, 0.1, 3, 10, 0.01),
    "exponential": lambda optax: optax.exponential_decay(0.1, 3, 0.5),
    "linear": lambda optax: optax.linear_schedule(0.1, 0.01, 8),
    "onecycle": lambda optax: optax.cosine_onecycle_schedule(10, 0.1),
}


def trained(name: str) -> Any:
    """Parameters after five steps with fixed gradients, which shrink as training goes on."""
    import jax
    import jax.numpy as jnp
    import optax

    params = {"w": jnp.arange(1, 9, dtype=jnp.float32).reshape(4, 2) / 8, "b": jnp.ones((2,), jnp.float32)}
    optimizer = getattr(optax, name)(learning_rate=0.01)

    @jax.jit
    def step(params: Any, state: Any, number: Any) -> Any:
        gradients = jax.tree_util.tree_map(lambda leaf: (leaf - 0.4) / number, params)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    state = jax.jit(optimizer.init)(params)
    for number in range(1, 6):
        params, state = step(params, state, number)
    return params


def scheduled(name: str) -> Any:
    """The values of a schedule at each step."""
    import jax
    import jax.numpy as jnp
    import optax

    schedule = jax.jit(SCHEDULES[name](optax))
    return jnp.stack([schedule(step) for step in range(12)])


@pytest.mark.writes("optax-steps")
def test_write(folder: Path) -> None:
    """All of them."""
    for name in OPTIMIZERS:
        keep(folder, name, trained(name))
    for name in SCHEDULES:
        keep(folder, name, scheduled(name))


@pytest.mark.reads("optax-steps")
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_same_steps(folder: Path, name: str) -> None:
    """Taken anew, the same up to rounding."""
    assert_unchanged(trained(name), folder, name)


@pytest.mark.reads("optax-steps")
@pytest.mark.parametrize("name", SCHEDULES)
def test_same_schedules(folder: Path, name: str) -> None:
    """Computed anew, the same up to rounding."""
    assert_unchanged(scheduled(name), folder, name)
