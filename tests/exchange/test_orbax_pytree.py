"""A checkpoint of PyTreeCheckpointer, orbax's oldest API: read with nothing but its path, and into a target."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from orbax_ways import assert_same, make_tree

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.level("exchange"), pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint")]


@pytest.mark.writes("orbax-pytree")
def test_write(folder: Path) -> None:
    """Every kind of leaf that training states are made of."""
    import orbax.checkpoint as ocp

    with closing(ocp.PyTreeCheckpointer()) as checkpointer:
        checkpointer.save(folder / "ck", make_tree())


@pytest.mark.reads("orbax-pytree")
def test_read_without_target(folder: Path) -> None:
    """The tree comes back from what is on disk alone, bit for bit."""
    import orbax.checkpoint as ocp

    with closing(ocp.PyTreeCheckpointer()) as checkpointer:
        assert_same(checkpointer.restore(folder / "ck"), make_tree())


@pytest.mark.reads("orbax-pytree")
def test_read_with_target(folder: Path) -> None:
    """The tree comes back into a target with its restore arguments, bit for bit, as jax arrays."""
    import jax
    import orbax.checkpoint as ocp

    tree = make_tree()
    restore_args = ocp.checkpoint_utils.construct_restore_args(tree)
    with closing(ocp.PyTreeCheckpointer()) as checkpointer:
        restored = checkpointer.restore(folder / "ck", item=tree, restore_args=restore_args)
    assert_same(restored, tree)
    assert isinstance(restored["params"]["scale"], jax.Array)
