"""A checkpoint of orbax's v1 API: loaded with a target and without one, and a sequence of training steps resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import idioms
import pytest
from orbax_ways import abstract, assert_same, make_tree

if TYPE_CHECKING:
    from pathlib import Path

# The v1 API is experimental, and settled enough to be documented only from here on.
pytestmark = [pytest.mark.level("exchange"), pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.11.20")]


def step_of(number: int) -> dict[str, Any]:
    """What is saved at a training step."""
    import jax.numpy as jnp

    return {"w": jnp.full((3,), float(number))}


@pytest.mark.writes("orbax-v1")
def test_write(folder: Path) -> None:
    """One tree."""
    import orbax.checkpoint.experimental.v1 as ocp

    idioms.orbax_v1_save(ocp)(folder / "ck", make_tree())


@pytest.mark.reads("orbax-v1")
def test_load_with_target(folder: Path) -> None:
    """The tree comes back into the reader's shapes, types and shardings."""
    import orbax.checkpoint.experimental.v1 as ocp

    assert_same(idioms.orbax_v1_load(ocp)(folder / "ck", abstract(make_tree())), make_tree())


@pytest.mark.reads("orbax-v1")
def test_load_without_target(folder: Path) -> None:
    """The tree comes back from what is on disk alone."""
    import orbax.checkpoint.experimental.v1 as ocp

    assert_same(idioms.orbax_v1_load(ocp)(folder / "ck"), make_tree())


@pytest.mark.writes("orbax-v1-training")
def test_write_steps(folder: Path) -> None:
    """Three steps of training.Checkpointer."""
    import orbax.checkpoint.experimental.v1 as ocp

    every_step = ocp.training.save_decision_policies.FixedIntervalPolicy(1)
    with ocp.training.Checkpointer(folder / "run", save_decision_policy=every_step) as checkpointer:
        for number in range(3):
            idioms.orbax_v1_save(checkpointer)(number, step_of(number))


@pytest.mark.reads("orbax-v1-training")
def test_resume(folder: Path) -> None:
    """The newest step is found and loaded."""
    import orbax.checkpoint.experimental.v1 as ocp

    with ocp.training.Checkpointer(folder / "run") as checkpointer:
        assert checkpointer.latest.step == 2
        assert_same(idioms.orbax_v1_load(checkpointer)(2, abstract(step_of(2))), step_of(2))
