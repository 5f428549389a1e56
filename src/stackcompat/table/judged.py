"""The cells of all runs, each once with all that is known of it: what every table is built from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Annotated, NamedTuple

from pydantic import Field

from stackcompat.blame.diagnosis import Diagnoses
from stackcompat.core.requirements import python_key
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.table.base import Sparse
from stackcompat.table.culprits import CulpritRow, culprit_of_cell
from stackcompat.table.vocabulary import POLICIES
from stackcompat.verdict.components import judge_components, judge_parts
from stackcompat.verdict.outcomes import TestStatus
from stackcompat.verdict.ownership import pins_of
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = ["ComponentInCell", "JudgedCell", "distinct_cells", "judge_cells"]


class ComponentInCell(Sparse):
    """A component in one cell."""

    version: str
    verdict: Annotated[
        Verdict, Field(description="The verdict of the tests that use it, or of the failures that point at it.")
    ]
    level: Level = "interop"


class JudgedCell(NamedTuple):
    """One cell with all that is known of it.

    Attributes:
        planned: The cell and what it was locked to.
        verdict: What the evidence says of it.
        runs: The evidence.
        components: The components in it, by name.
        parts: The components in it that are a part of another's distribution, if a test tells anything of them.
        asked: Names of the components that it asks for.
        pins: Component to the exact version that it asks for.
        also: Other policies that ask for the same, each with its label.
        culprit: The releases to blame, if it is red and they are known.
    """

    planned: PlannedCell
    verdict: CellVerdict
    runs: tuple[Evidence, ...]
    components: dict[str, ComponentInCell]
    parts: dict[str, ComponentInCell]
    asked: frozenset[str]
    pins: dict[str, str]
    also: tuple[str, ...]
    culprit: CulpritRow | None

    @property
    def id(self) -> str:
        """The cell's id."""
        return self.verdict.cell.id

    @property
    def statuses(self) -> tuple[TestStatus, ...]:
        """What all runs of each test say."""
        return self.verdict.statuses

    @property
    def python(self) -> str:
        """The cell's Python."""
        return self.verdict.cell.python

    @property
    def released(self) -> bool:
        """Whether the cell tells something about releases as they are published, with their own bounds."""
        return not self.verdict.forced and not self.verdict.cell.local

    @property
    def today(self) -> bool:
        """Whether the cell asks for the newest of everything, and tells more than what releases' own tests say."""
        newest = self.verdict.cell.policy == "newest" and self.released
        return newest and self.verdict.level != "upstream"

    def holds(self, name: str) -> ComponentInCell | None:
        """The component in this cell; None where it is not there, or is a part of which no test tells anything."""
        return self.components.get(name) or self.parts.get(name)

    def pinned_by(self, distribution: str) -> bool:
        """Whether the cell is the set that a release of `distribution`, a metapackage, pins."""
        cell = self.verdict.cell
        release = f"{distribution} {self.verdict.installed.get(distribution, '')}"
        return cell.policy == "metapackage" and f" {cell.label}".endswith(f" {release}")


def distinct_cells(runs: Iterable[RunRecord]) -> dict[str, list[tuple[PlannedCell, dt.datetime]]]:
    """Each distinct cell by its id: every time that it was asked for, and when that run began.

    The first entry is the one that tables show: by policy (in the order of POLICIES), thorough ones first, then the
    newest.
    """
    asked: dict[str, list[tuple[PlannedCell, dt.datetime]]] = {}
    for run in sorted(runs, key=lambda run: run.started, reverse=True):
        for planned in run.cells:
            asked.setdefault(planned.cell.id, []).append((planned, run.started))
    policies = list(POLICIES)
    for entries in asked.values():
        entries.sort(key=lambda entry: (policies.index(entry[0].cell.policy), not entry[0].cell.thorough))
    return asked


def judge_cells(
    components: Components,
    runs: Iterable[RunRecord],
    evidence: Mapping[str, tuple[Evidence, ...]],
    diagnoses: Diagnoses | None = None,
) -> tuple[JudgedCell, ...]:
    """Each distinct cell once, under the first policy (in the order of POLICIES) that asks for it.

    They are in the order of policies, newest Python first, newest day first; then as planned.

    Args:
        components: The components of the ecosystem.
        runs: Where the cells come from.
        evidence: The evidence, by the planned cells' keys.
        diagnoses: What searches for culprits have shown.
    """
    diagnoses = diagnoses or Diagnoses()
    cells = []
    for (planned, started), *elsewhere in distinct_cells(runs).values():
        shown = _reason(planned)
        also = tuple(sorted({_reason(other) for other, _ in elsewhere} - {shown}))
        cells.append(_judge_cell(planned, started, also, components, evidence.get(planned.key, ()), diagnoses))
    return tuple(sorted(cells, key=_order))


def _reason(planned: PlannedCell) -> str:
    """Why a cell is asked for."""
    return f"{planned.cell.policy}: {planned.cell.label}"


def _judge_cell(
    planned: PlannedCell,
    started: dt.datetime,
    also: tuple[str, ...],
    components: Components,
    runs: tuple[Evidence, ...],
    diagnoses: Diagnoses,
) -> JudgedCell:
    """Judge one cell.

    Args:
        planned: The cell and what it was locked to.
        started: When the run that planned it began.
        also: Why it was asked for elsewhere.
        components: The components of the ecosystem.
        runs: The evidence on the cell.
        diagnoses: What searches for culprits have shown.
    """
    verdict = judge(planned, runs)
    if verdict.seen is None:  # what the index and the machine had was seen when the run began
        verdict = verdict.model_copy(update={"seen": started})
    versions = versions_of(verdict.installed, components)
    states = judge_components(verdict, components, diagnoses)
    parts = judge_parts(verdict, components, diagnoses)
    owners = [components.of_distribution(name) for name in planned.cell.roots()]
    return JudgedCell(
        planned=planned,
        verdict=verdict,
        runs=runs,
        components={
            name: ComponentInCell(version=version, verdict=states[name][0], level=states[name][1])
            for name, version in versions.items()
        },
        parts={
            name: ComponentInCell(
                version=verdict.installed[components[name].distribution], verdict=part_verdict, level=level
            )
            for name, (part_verdict, level) in parts.items()
        },
        asked=frozenset(component.name for component in owners if component is not None),
        pins=pins_of(planned.cell, components),
        also=also,
        culprit=culprit_of_cell(verdict, diagnoses),
    )


def _order(cell: JudgedCell) -> tuple[int, list[int], float]:
    asked = cell.verdict.cell
    day = -asked.exclude_newer.timestamp() if asked.exclude_newer else 0.0
    return list(POLICIES).index(asked.policy), [-part for part in python_key(asked.python)], day
