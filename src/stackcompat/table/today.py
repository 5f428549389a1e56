"""Rows about the newest releases: what an installer gave on each Python when it was asked, and whether it works."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from packaging.version import Version
from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.requirements import python_key, version_key
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.evidence.runs import RunRecord
from stackcompat.resolve.lock import HeldBack
from stackcompat.table.base import Timestamp
from stackcompat.table.judged import JudgedCell
from stackcompat.table.vocabulary import sign
from stackcompat.verdict.depth import Depth

__all__ = ["Today", "states", "today_rows"]


class Today(Record):
    """The newest releases of everything on one Python, and the verdict on them together."""

    python: str
    verdict: Verdict
    cell: Annotated[str, Field(description="Id of the cell that shows the verdict.")]
    sentence: str
    level: Annotated[
        Level | None, Field(description="The level of the verdict, as that of a cell; null: it is not known.")
    ] = None
    versions: Annotated[dict[str, str], Field(description="Component to the version that was installed.")]
    depths: Annotated[
        dict[str, Depth], Field(description="How deep each component was tried; empty: it is not known.")
    ] = {}
    held_back: Annotated[
        tuple[HeldBack, ...],
        Field(description="Distributions that are not at their newest release, each with the bound."),
    ]
    instead: Annotated[
        str,
        Field(description="Where they do not work: id of the nearest cell that works; empty: there is none."),
    ]
    instead_versions: Annotated[
        dict[str, str], Field(description="Component to version in that cell; empty: there is none.")
    ] = {}
    seen: Annotated[Timestamp | None, Field(description="When they were last tested together; null: never.")] = None

    @property
    def state(self) -> str:
        """What every output says of the set: ``works``, ``held back``, or the word of another verdict.

        ``held back``: the set works, but some release in it is not the newest.
        """
        if self.verdict == "works" and self.held_back:
            return "held back"
        return sign(self.verdict).word


def today_rows(cells: Sequence[JudgedCell], runs: Iterable[RunRecord]) -> tuple[Today, ...]:
    """One row for each Python, newest first.

    Args:
        cells: All cells.
        runs: The runs that planned the cells.
    """
    return tuple(_row(cell, cells) for cell in _newest_cells(cells, runs))


def _newest_cells(cells: Iterable[JudgedCell], runs: Iterable[RunRecord]) -> list[JudgedCell]:
    """On each Python, the cell with the newest release of everything.

    If several matrices have such a cell on a Python, that of the largest matrix is taken. The others show in the rows
    of their components.
    """
    newest: dict[str, JudgedCell] = {}
    for run in sorted(runs, key=lambda run: len(run.cells), reverse=True):
        ids = {planned.cell.id for planned in run.cells}
        of_run = {cell.python: cell for cell in cells if cell.today and cell.id in ids}
        newest = of_run | newest
    return sorted(newest.values(), key=lambda cell: python_key(cell.python), reverse=True)


def _row(cell: JudgedCell, cells: Iterable[JudgedCell]) -> Today:
    verdict = cell.verdict
    instead = None if verdict.verdict == "works" else _nearest_working(cell, cells)
    return Today(
        python=cell.python,
        verdict=verdict.verdict,
        cell=cell.id,
        sentence=verdict.sentence,
        level=verdict.level,
        versions={name: component.version for name, component in cell.components.items()},
        depths={name: depth for name, depth in verdict.components.items() if name in cell.components},
        held_back=verdict.held_back,
        instead=instead.id if instead else "",
        instead_versions={name: held.version for name, held in instead.components.items()} if instead else {},
        seen=verdict.seen,
    )


def states(today: Iterable[Today]) -> dict[str, list[str]]:
    """The Pythons on which the newest releases have each state, in the order of `today`."""
    pythons: dict[str, list[str]] = {}
    for row in today:
        pythons.setdefault(row.state, []).append(row.python)
    return pythons


def _nearest_working(cell: JudgedCell, cells: Iterable[JudgedCell]) -> JudgedCell | None:
    """The nearest cell that works; None if there is none.

    The cell must have the same Python and components, and published final releases only. The nearest cell has the most
    components at the version in `cell`; of several, it has the newest versions, compared component by component.
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
    return max(working, key=nearness) if working and names else None
