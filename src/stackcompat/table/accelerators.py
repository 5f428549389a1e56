"""Rows about accelerator plugins: the verdict on each set of their releases, level by level.

An accelerator plugin is a component that runs only on an accelerator. Without one, its deepest level is `compile`.
"""

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

__all__ = ["AcceleratorRow", "LevelSeen", "accelerator_plugins", "accelerator_rows", "shown_components"]


class LevelSeen(Record):
    """The verdict on a set of releases at one level."""

    verdict: Verdict
    sentence: Annotated[str, Field(description="Why it is not green, or why a test did not apply; empty: neither.")]


class AcceleratorRow(Record):
    """A set of releases of accelerator plugins and of the components that they move with, on one Python."""

    python: str
    versions: Annotated[dict[str, str], Field(description="Component to version.")]
    levels: dict[Level, LevelSeen]
    cell: Annotated[str, Field(description="Id of the first cell that shows it.")]


#: The levels that a machine without an accelerator can reach.
_LEVELS: tuple[Level, ...] = LEVELS[LEVELS.index("resolve") : LEVELS.index("run")]


#: The verdicts that were seen at each level, each with its reason. An empty reason means that there is nothing to say.
_SeenAtLevels = dict[Level, list[tuple[Verdict, str]]]


def accelerator_plugins(rows: Iterable[ComponentRow]) -> tuple[str, ...]:
    """The names of the accelerator plugins: components that want an accelerator and got to `lower` or `compile`."""
    return tuple(
        row.name
        for row in rows
        if {"any", "CPU"}.isdisjoint(row.hardware) and row.deepest_level in ("lower", "compile")
    )


def accelerator_rows(
    rows: Sequence[ComponentRow], cells: Iterable[JudgedCell], components: Components
) -> tuple[AcceleratorRow, ...]:
    """The rows of all sets of releases that some cell holds or asked for, the newest first.

    A set has the releases of accelerator plugins, of the components that others move with, and of these others. All
    cells with the same set on the same Python make one row, which has the worst verdict at each level.

    Args:
        rows: The components of the table.
        cells: All cells.
        components: The components of the ecosystem.
    """
    plugins = accelerator_plugins(rows)
    leaders = {row.moves_with for row in rows if row.moves_with}
    shown = [row.name for row in rows if row.name in plugins or row.name in leaders or row.moves_with in leaders]
    sets: dict[tuple[str, tuple[tuple[str, str], ...]], list[JudgedCell]] = {}
    for cell in cells:
        held = {name: component.version for name, component in cell.components.items()} or cell.pins
        versions = tuple((name, held[name]) for name in shown if name in held)
        if cell.released and any(name in plugins for name, _ in versions):
            sets.setdefault((cell.python, versions), []).append(cell)
    accelerators = [
        _row(python, dict(versions), same, plugins, components) for (python, versions), same in sets.items()
    ]

    def order(row: AcceleratorRow) -> tuple[object, ...]:
        return *(version_key(row.versions.get(name, "0")) for name in shown), python_key(row.python)

    return tuple(sorted(accelerators, key=order, reverse=True))


def _row(
    python: str, versions: dict[str, str], cells: Sequence[JudgedCell], plugins: Collection[str], components: Components
) -> AcceleratorRow:
    """The row of a set of releases on one Python.

    Args:
        python: The Python.
        versions: The set: component to version.
        cells: The cells that hold the set or asked for it.
        plugins: The names of the accelerator plugins.
        components: The components of the ecosystem.
    """
    distributions = {name for plugin in plugins if plugin in versions for name in components[plugin].distributions}
    seen: _SeenAtLevels = {level: [] for level in _LEVELS}
    for cell in cells:
        _note_installation(cell, seen)
        for status in cell.statuses:
            _note_test(status, cell, distributions, seen)
    levels = {level: _level_seen(verdicts) for level, verdicts in seen.items()}
    return AcceleratorRow(python=python, versions=versions, levels=levels, cell=cells[0].id)


def _note_installation(cell: JudgedCell, seen: _SeenAtLevels) -> None:
    """Add to `seen` what a cell shows before its tests: it resolves and installs, or it stopped at some level."""
    if cell.components:
        seen["resolve"].append(("works", ""))
    if cell.statuses:
        seen["install"].append(("works", ""))
    elif cell.verdict.level in seen:
        seen[cell.verdict.level].append((cell.verdict.verdict, cell.verdict.sentence))


def _note_test(status: TestStatus, cell: JudgedCell, distributions: Collection[str], seen: _SeenAtLevels) -> None:
    """Add to `seen` what a test shows, if it uses an accelerator plugin.

    A test that does not apply counts only if everything that it uses is installed. A test that is not judged shows
    nothing.

    Args:
        status: The status of the test.
        cell: The cell of the test.
        distributions: The distributions of the accelerator plugins.
        seen: The verdicts at each level so far. It grows.
    """
    result = status.result
    applies = status.state != "not-applicable"
    if not applies and not set(result.components) <= cell.verdict.installed.keys():
        return
    if result.level not in seen or set(result.components).isdisjoint(distributions):
        return
    if status.state == "not-judged":
        seen[result.level].append(("untested", status.note))
        return
    verdict = NOT_GREEN.get(status.state, "works" if applies else "not-applicable")
    seen[result.level].append((verdict, why(result) if applies else f"left out: {why(result)}"))


def _level_seen(verdicts: Sequence[tuple[Verdict, str]]) -> LevelSeen:
    """The worst verdict at a level, with the first reason for it or for a test that did not apply."""
    overall = worst(verdict for verdict, _ in verdicts)
    reasons = [reason for verdict, reason in verdicts if reason and verdict in (overall, "not-applicable")]
    return LevelSeen(verdict=overall, sentence=reasons[0] if reasons else "")


def shown_components(rows: Iterable[ComponentRow], accelerators: Sequence[AcceleratorRow]) -> list[ComponentRow]:
    """The components that are in some accelerator row, in the order of the table."""
    return [row for row in rows if any(row.name in accelerator.versions for accelerator in accelerators)]
