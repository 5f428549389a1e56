"""A checkpoint of StandardCheckpointer: read into a target, and with nothing but its path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from orbax_ways import assert_same, make_tree, restore, restore_as_it_is, save

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.level("exchange"), pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint")]


@pytest.mark.writes("orbax-standard")
def test_write(folder: Path) -> None:
    """Every kind of leaf that training states are made of."""
    save(folder / "ck", make_tree())


@pytest.mark.reads("orbax-standard")
def test_read_with_target(folder: Path) -> None:
    """The documented way: shapes, types and shardings are the reader's own, bits the writer's."""
    assert_same(restore(folder / "ck", make_tree()), make_tree())


@pytest.mark.reads("orbax-standard")
@pytest.mark.uses("orbax-checkpoint>=0.5.0")
def test_read_without_target(folder: Path) -> None:
    """The tree comes back from what is on disk alone."""
    assert_same(restore_as_it_is(folder / "ck"), make_tree())
