"""Rows about the newest releases: what an installer gives on each Python, and whether that works."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from packaging.version import Version
from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.requirements import python_key, version_key
from stackcompat.core.vocabulary import Verdict
from stackcompat.evidence.runs import RunRecord
from stackcompat.resolve.lock import HeldBack
from stackcompat.table.judged import JudgedCell

__all__ = ["Today", "today_rows"]


class Today(Record):
    """What the newest releases of everything do together on one Python."""

    python: str
    verdict: Verdict
    cell: Annotated[str, Field(description="Id of the cell that shows it.")]
    sentence: str
    versions: Annotated[dict[str, str], Field(description="Component to the version that was installed.")]
    held_back: Annotated[
        tuple[HeldBack, ...], Field(description="What is not at its newest release, and by which bound.")
    ]
    instead: Annotated[
        str,
        Field(description="Where they do not work: id of the nearest cell that works; empty: there is none."),
    ]


def today_rows(cells: Sequence[JudgedCell], runs: Iterable[RunRecord]) -> tuple[Today, ...]:
    """One row for each Python, newest first.

    Args:
        cells: All cells.
        runs: The runs that they come from.
    """
    return tuple(_row(cell, cells) for cell in _newest_cells(cells, runs))


def _newest_cells(cells: Iterable[JudgedCell], runs: Iterable[RunRecord]) -> list[JudgedCell]:
    """The cell with the newest of everything on each Python, of the largest matrix that has one there.

    What other matrices add to it, the rows of their components say.
    """
    newest: dict[str, JudgedCell] = {}
    for run in sorted(runs, key=lambda run: len(run.cells), reverse=True):
        ids = {planned.cell.id for planned in run.cells}
        of_run = {cell.python: cell for cell in cells if cell.today and cell.id in ids}
        newest = of_run | newest
    return sorted(newest.values(), key=lambda cell: python_key(cell.python), reverse=True)


def _row(cell: JudgedCell, cells: Iterable[JudgedCell]) -> Today:
    verdict = cell.verdict
    return Today(
        python=cell.python,
        verdict=verdict.verdict,
        cell=cell.id,
        sentence=verdict.sentence,
        versions={name: component.version for name, component in cell.components.items()},
        held_back=verdict.held_back,
        instead="" if verdict.verdict == "works" else _nearest_working(cell, cells),
    )


def _nearest_working(cell: JudgedCell, cells: Iterable[JudgedCell]) -> str:
    """The id of the released combination of the same components and Python that works and is nearest to `cell`.

    Nearest: most components at the version that `cell` has, then the newest versions, component by component.
    """
    wanted = {name: component.version for name, component in cell.components.items()}
    names = list(wanted) or sorted(cell.asked)

    def nearness(other: JudgedCell) -> tuple[int, list[Version]]:
        versions = {name: other.components[name].version for name in names}
        same = sum(version == wanted.get(name) for name, version in versions.items())
        return same, [version_key(version) for version in versions.values()]

    working = [
        other
        for other in cells
        if other.verdict.verdict == "works"
        and other.released
        and other.python == cell.python
        and all(name in other.components for name in names)
        and not any(version_key(component.version).is_prerelease for component in other.components.values())
    ]
    return max(working, key=nearness).id if working and names else ""
