"""Rows about what drives accelerators: how deep each set of releases goes, level by level."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.requirements import python_key, version_key
from stackcompat.core.vocabulary import LEVELS, Level, Verdict, worst
from stackcompat.ecosystem.components import Components
from stackcompat.table.components import ComponentRow
from stackcompat.table.judged import JudgedCell
from stackcompat.verdict.outcomes import TestStatus, why
from stackcompat.verdict.verdict import NOT_GREEN

__all__ = ["AcceleratorRow", "LevelSeen", "accelerator_rows", "drivers", "shown_components"]


class LevelSeen(Record):
    """The verdict at one level."""

    verdict: Verdict
    sentence: Annotated[str, Field(description="Why it is not green, or which test did not apply; empty: neither.")]


class AcceleratorRow(Record):
    """A set of releases of accelerator plugins, with the releases that they are for, on one Python."""

    python: str
    versions: Annotated[dict[str, str], Field(description="Component to version.")]
    levels: dict[Level, LevelSeen]
    cell: Annotated[str, Field(description="Id of the first cell that shows it.")]


#: How deep a machine without an accelerator can go.
_LEVELS: tuple[Level, ...] = LEVELS[LEVELS.index("resolve") : LEVELS.index("run")]


#: What was seen at each level: the verdicts, each with its reason (empty: there is nothing to say).
_SeenAtLevels = dict[Level, list[tuple[Verdict, str]]]


def drivers(rows: Iterable[ComponentRow]) -> tuple[str, ...]:
    """The components that only an accelerator runs: without one, nothing of them goes deeper than `compile`."""
    return tuple(
        row.name
        for row in rows
        if {"any", "CPU"}.isdisjoint(row.hardware) and row.deepest_level in ("lower", "compile")
    )


def accelerator_rows(
    rows: Sequence[ComponentRow], cells: Iterable[JudgedCell], components: Components
) -> tuple[AcceleratorRow, ...]:
    """Each set of releases of :func:`drivers`, and of what others move with, that some cell holds or asked for.

    The newest come first. What several cells saw of one set on one Python is one row, with the worst of it at each
    level.

    Args:
        rows: The components of the table.
        cells: All cells.
        components: The components of the ecosystem.
    """
    driving = drivers(rows)
    leaders = {row.moves_with for row in rows if row.moves_with}
    shown = [row.name for row in rows if row.name in driving or row.name in leaders or row.moves_with in leaders]
    sets: dict[tuple[str, tuple[tuple[str, str], ...]], list[JudgedCell]] = {}
    for cell in cells:
        held = {name: component.version for name, component in cell.components.items()} or cell.pins
        versions = tuple((name, held[name]) for name in shown if name in held)
        if cell.released and any(name in driving for name, _ in versions):
            sets.setdefault((cell.python, versions), []).append(cell)
    accelerators = [
        _row(python, dict(versions), same, driving, components) for (python, versions), same in sets.items()
    ]

    def order(row: AcceleratorRow) -> tuple[object, ...]:
        return *(version_key(row.versions.get(name, "0")) for name in shown), python_key(row.python)

    return tuple(sorted(accelerators, key=order, reverse=True))


def _row(
    python: str, versions: dict[str, str], cells: Sequence[JudgedCell], driving: Collection[str], components: Components
) -> AcceleratorRow:
    """The row of a set of releases.

    Args:
        python: The Python.
        versions: Component to version, of the set.
        cells: The cells that hold it or asked for it.
        driving: The components that only an accelerator runs.
        components: The components of the ecosystem.
    """
    distributions = {name for driver in driving if driver in versions for name in components[driver].distributions}
    seen: _SeenAtLevels = {level: [] for level in _LEVELS}
    for cell in cells:
        _note_installation(cell, seen)
        for status in cell.statuses:
            _note_test(status, cell, distributions, seen)
    levels = {level: _level_seen(verdicts) for level, verdicts in seen.items()}
    return AcceleratorRow(python=python, versions=versions, levels=levels, cell=cells[0].id)


def _note_installation(cell: JudgedCell, seen: _SeenAtLevels) -> None:
    """Add what a cell shows before its tests: that it resolves and installs, or at which level it stopped."""
    if cell.components:
        seen["resolve"].append(("works", ""))
    if cell.statuses:
        seen["install"].append(("works", ""))
    elif cell.verdict.level in seen:
        seen[cell.verdict.level].append((cell.verdict.verdict, cell.verdict.sentence))


def _note_test(status: TestStatus, cell: JudgedCell, distributions: Collection[str], seen: _SeenAtLevels) -> None:
    """Add what a test shows, if it uses what drives accelerators.

    A test that does not apply counts only where all that it uses is installed.

    Args:
        status: Where the test stands.
        cell: Its cell.
        distributions: The distributions that drive accelerators.
        seen: What was seen at each level; it is added to.
    """
    result = status.result
    applies = status.state != "not-applicable"
    if not applies and not set(result.components) <= cell.verdict.installed.keys():
        return
    if result.level not in seen or set(result.components).isdisjoint(distributions):
        return
    verdict = NOT_GREEN.get(status.state, "works" if applies else "not-applicable")
    seen[result.level].append((verdict, why(result) if applies else f"left out: {why(result)}"))


def _level_seen(verdicts: Sequence[tuple[Verdict, str]]) -> LevelSeen:
    """The worst verdict at a level, with the first reason for it or for what did not apply."""
    overall = worst(verdict for verdict, _ in verdicts)
    reasons = [reason for verdict, reason in verdicts if reason and verdict in (overall, "not-applicable")]
    return LevelSeen(verdict=overall, sentence=reasons[0] if reasons else "")


def shown_components(rows: Iterable[ComponentRow], accelerators: Sequence[AcceleratorRow]) -> list[ComponentRow]:
    """The components that some accelerator row has, in the order of the table."""
    return [row for row in rows if any(row.name in accelerator.versions for accelerator in accelerators)]
