"""How deep the requirements of a cell were tried, in words. Pure."""

from __future__ import annotations

from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.table.cells import CellRow
from stackcompat.verdict.depth import Depth, by_level

__all__ = ["depth_lines", "shallow_levels"]


def depth_lines(row: CellRow) -> list[str]:
    """A line for each requirement of a cell, the shallowest first; none where all were tried to one level.

    Rows that an older version wrote have no depths: there it is a line for each component.
    """
    if not row.depths:
        levels = by_level({name: Depth(level=held.level, tests=0) for name, held in row.components.items()})
        if row.verdict != "works" or len(levels) < 2:
            return []
        return [f"{name}: up to {level}" for level, names in levels.items() for name in names]
    groups = by_level({name: row.depths[name] for name in row.asked})
    if len(groups) < 2:
        return []
    return [f"{name}: {row.depths[name].words()}" for names in groups.values() for name in names]


def shallow_levels(row: CellRow) -> dict[str, Level]:
    """The components of a cell that work and were tried less deep than another one, each with its level."""
    deepest = max((LEVELS.index(depth.level) for depth in row.depths.values()), default=0)
    return {
        name: depth.level
        for name, depth in row.depths.items()
        if name in row.components and row.components[name].verdict == "works" and LEVELS.index(depth.level) < deepest
    }
