"""Steps of a CheckpointManager with several items: restored with targets and without, and loaded by the v1 API."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import idioms
import pytest
from orbax_ways import abstract, assert_same

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.level("exchange"), pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint")]

KINDS = {"params": "standard", "moments": "standard", "config": "json"}


def items(step: int) -> dict[str, Any]:
    """What is saved at a step."""
    import jax.numpy as jnp

    return {
        "params": {"w": jnp.arange(4.0) + step},
        "moments": {"w": jnp.full((4,), 0.5), "count": jnp.asarray(step, jnp.int32)},
        "config": {"width": 8, "name": "m"},
    }


@pytest.mark.writes("orbax-manager")
def test_write(folder: Path) -> None:
    """Three steps of three items."""
    with closing(idioms.orbax_manager(folder / "run", KINDS)) as manager:
        for step in range(3):
            idioms.orbax_manager_save(manager, step, KINDS, items(step))
            manager.wait_until_finished()


@pytest.mark.reads("orbax-manager")
def test_resume_with_targets(folder: Path) -> None:
    """A run goes on from the newest step: all steps are found, and its items come back into targets."""
    wanted = items(2)
    targets = {"params": abstract(wanted["params"]), "moments": abstract(wanted["moments"]), "config": None}
    with closing(idioms.orbax_manager(folder / "run", KINDS)) as manager:
        assert manager.latest_step() == 2
        assert sorted(manager.all_steps()) == [0, 1, 2]
        restored = idioms.orbax_manager_restore(manager, 2, KINDS, targets)
        idioms.orbax_manager_save(manager, 3, KINDS, items(3))
        manager.wait_until_finished()
        assert manager.latest_step() == 3
    assert_same(restored["params"], wanted["params"])
    assert_same(restored["moments"], wanted["moments"])
    assert restored["config"] == wanted["config"]


@pytest.mark.reads("orbax-manager")
@pytest.mark.uses("orbax-checkpoint>=0.5.0")
def test_read_without_targets(folder: Path) -> None:
    """An older step is read item by item with nothing but their names."""
    wanted = items(1)
    with closing(idioms.orbax_manager(folder / "run", KINDS)) as manager:
        restored = idioms.orbax_manager_restore(manager, 1, KINDS, dict.fromkeys(KINDS))
    assert_same(restored["params"], wanted["params"])
    assert_same(restored["moments"], wanted["moments"])


@pytest.mark.reads("orbax-manager")
@pytest.mark.uses("orbax-checkpoint>=0.11.20")
def test_load_by_v1(folder: Path) -> None:
    """The v1 API loads what the manager of the older API wrote: the promised way from one to the other."""
    import orbax.checkpoint.experimental.v1 as ocp

    wanted = items(2)["params"]
    loaded = ocp.load_checkpointables(folder / "run" / "2", {"params": abstract(wanted)})
    assert_same(loaded["params"], wanted)
