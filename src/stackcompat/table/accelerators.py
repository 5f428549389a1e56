"""What drives accelerators beside each release, level by level."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.requirements import python_key, version_key
from stackcompat.core.vocabulary import LEVELS, Level, Verdict, worst
from stackcompat.ecosystem.components import Components
from stackcompat.table.cells import JudgedCell
from stackcompat.table.components import ComponentRow
from stackcompat.verdict.outcomes import why
from stackcompat.verdict.verdict import NOT_GREEN

__all__ = ["AcceleratorRow", "LevelSeen", "accelerator_rows", "drivers"]


class LevelSeen(Record):
    """What was seen at one level."""

    verdict: Verdict
    sentence: Annotated[str, Field(description="Why it is not green, or what did not apply; empty: nothing to say.")]


class AcceleratorRow(Record):
    """Releases of what drives accelerators and of what they are driven for, together on one Python."""

    python: str
    versions: Annotated[dict[str, str], Field(description="Component to version.")]
    levels: dict[Level, LevelSeen]
    cell: Annotated[str, Field(description="Id of the first cell that shows it.")]


#: How deep a machine without an accelerator can go.
_LEVELS: tuple[Level, ...] = LEVELS[LEVELS.index("resolve") : LEVELS.index("run")]


def drivers(rows: Iterable[ComponentRow]) -> tuple[str, ...]:
    """The components that only an accelerator runs: what is known of them ends where something would run."""
    return tuple(
        row.name
        for row in rows
        if {"any", "CPU"}.isdisjoint(row.hardware) and row.deepest_level in ("lower", "compile")
    )


def accelerator_rows(
    rows: Sequence[ComponentRow], cases: Iterable[JudgedCell], components: Components
) -> tuple[AcceleratorRow, ...]:
    """Each set of releases of :func:`drivers`, and of what others move with, that some cell holds or asked for.

    The newest first; what several cells saw of one set on one Python is one row, with the worst of it at each level.
    """
    driving = drivers(rows)
    led = {row.moves_with for row in rows if row.moves_with}
    shown = [row.name for row in rows if row.name in driving or row.name in led or row.moves_with in led]
    found: dict[tuple[str, tuple[tuple[str, str], ...]], list[JudgedCell]] = {}
    for case in cases:
        held = {name: here.version for name, here in case.components.items()} or case.pins
        versions = tuple((name, held[name]) for name in shown if name in held)
        if case.released and any(name in driving for name, _ in versions):
            found.setdefault((case.verdict.cell.python, versions), []).append(case)
    made = [_row(python, dict(versions), same, driving, components) for (python, versions), same in found.items()]

    def order(row: AcceleratorRow) -> tuple[object, ...]:
        return *(version_key(row.versions.get(name, "0")) for name in shown), python_key(row.python)

    return tuple(sorted(made, key=order, reverse=True))


def _row(
    python: str, versions: dict[str, str], cases: Sequence[JudgedCell], driving: Collection[str], components: Components
) -> AcceleratorRow:
    told: dict[Level, list[tuple[Verdict, str]]] = {level: [] for level in _LEVELS}
    names = {name for one in driving if one in versions for name in components[one].distributions}
    for case in cases:
        verdict = case.verdict
        told["resolve"] += [("works", "")] if case.components else []
        told["install"] += [("works", "")] if case.statuses else []
        if not case.statuses and verdict.level in told:
            told[verdict.level].append((verdict.verdict, verdict.sentence))
        for status in case.statuses:
            result = status.result
            other: Verdict = "not-applicable" if status.state == "not-applicable" else "works"
            here = other == "works" or verdict.installed.keys() >= set(result.components)
            if here and result.level in told and names & set(result.components):
                said = f"left out: {why(result)}" if other == "not-applicable" else why(result)
                told[result.level].append((NOT_GREEN.get(status.state, other), said))
    levels = {}
    for level, seen in told.items():
        worst_of = worst(one for one, _ in seen)
        reasons = [text for one, text in seen if text and one in (worst_of, "not-applicable")]
        levels[level] = LevelSeen(verdict=worst_of, sentence=next(iter(reasons), ""))
    return AcceleratorRow(python=python, versions=versions, levels=levels, cell=cases[0].verdict.cell.id)
