"""Made-up tables in which something does not follow from its neighbours: blocks, bands, patch releases, noise."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from stackcompat.frontier.inference import Pair
from stackcompat.frontier.space import PairSpace
from support.planted import stairs, table

__all__ = ["ODD_WORLDS", "odd_world"]

#: Whether each pair works.
_Works = dict[Pair, bool]


def _green(size: int) -> _Works:
    """A table in which everything works."""
    return {(row, column): True for row in range(size) for column in range(size)}


def _block(dice: random.Random, size: int, block: int) -> _Works:
    """A square of broken pairs amid pairs that work."""
    top, left = dice.randrange(1, size - block), dice.randrange(1, size - block)
    works = _green(size)
    works.update({(top + down, left + across): False for down in range(block) for across in range(block)})
    return works


def _two_bad_releases(dice: random.Random) -> _Works:
    """Two releases of the second side are broken with three releases of the first side that follow each other."""
    works = _green(20)
    top = dice.randrange(1, 16)
    for column in dice.sample(range(1, 19), 2):
        works.update({(row, column): False for row in range(top, top + 3)})
    return works


def _half_a_column(dice: random.Random) -> _Works:
    """One release of the second side is broken with the older half of the first side."""
    column = dice.randrange(1, 19)
    return _green(20) | {(row, column): False for row in range(10)}


def _patch_release(dice: random.Random) -> _Works:
    """Releases of the first side work up to the same partner, but one of them works with all."""
    patch = dice.randrange(3, 17)
    return stairs([(0, 19 if row == patch else 11) for row in range(20)], 20)


def _two_branches(dice: random.Random) -> _Works:
    """Releases of two branches alternate; those of the older branch break earlier."""
    old, new = dice.randrange(4, 9), dice.randrange(12, 18)
    return stairs([(0, old if row % 2 else new) for row in range(20)], 20)


def _noise(dice: random.Random) -> _Works:
    """One pair of fifty is broken, anywhere."""
    works = _green(20)
    works.update(dict.fromkeys(dice.sample(sorted(works), 8), False))
    return works


def _floor_that_falls(dice: random.Random) -> _Works:
    """Newer releases of the first side need older partners than before."""
    high, low = dice.randrange(10, 16), dice.randrange(0, 6)
    at = dice.randrange(6, 14)
    return stairs([(high if row < at else low, 19) for row in range(20)], 20)


def _floor_that_rises_and_falls(dice: random.Random) -> _Works:
    """Only the releases in the middle of the first side need newer partners."""
    high, at = dice.randrange(6, 14), dice.randrange(4, 10)
    return stairs([(high if at <= row < at + 6 else 2, 19) for row in range(20)], 20)


def _moving(dice: random.Random) -> _Works:
    """Nothing odd: what works moves with time."""
    older, newer = dice.randrange(4, 8), dice.randrange(3, 7)
    return stairs([(max(0, row - older), min(19, row + newer)) for row in range(20)], 20)


#: By name: draws whether each pair of a table works.
ODD_WORLDS: dict[str, Callable[[random.Random], _Works]] = {
    "nothing odd": _moving,
    "a broken block of 4 x 4": lambda dice: _block(dice, 20, 4),
    "a broken block of 3 x 3 in 30 x 30": lambda dice: _block(dice, 30, 3),
    "two bad releases with three": _two_bad_releases,
    "a release bad for the older half": _half_a_column,
    "a patch release that works past others": _patch_release,
    "two branches that alternate": _two_branches,
    "one pair of fifty broken": _noise,
    "a floor that falls": _floor_that_falls,
    "a floor that rises and falls": _floor_that_rises_and_falls,
}


def odd_world(name: str, seed: int) -> tuple[PairSpace, _Works]:
    """One world of a kind: its pairs, and whether each works.

    Args:
        name: The kind, a key of `ODD_WORLDS`.
        seed: Chooses where the odd thing is.
    """
    dice: Any = random.Random(f"{name} {seed}")
    works = ODD_WORLDS[name](dice)
    size = 1 + max(row for row, _ in works)
    return table(size, size), works
