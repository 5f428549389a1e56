"""Judge the cells of all runs, each distinct cell once. All tables are built from the result."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Annotated, NamedTuple

from pydantic import Field

from stackcompat.blame.diagnosis import Diagnoses
from stackcompat.core.requirements import python_key
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.table.base import Sparse
from stackcompat.table.culprits import CulpritRow, culprit_of_cell
from stackcompat.table.vocabulary import POLICIES
from stackcompat.verdict.components import judge_components, judge_parts
from stackcompat.verdict.judge import Judge
from stackcompat.verdict.outcomes import TestStatus, pass_times
from stackcompat.verdict.ownership import pins_of
from stackcompat.verdict.verdict import CellVerdict, by_smoke_tests

__all__ = ["ComponentInCell", "JudgedCell", "distinct_cells", "judge_cells"]


class ComponentInCell(Sparse):
    """The version of a component in a cell, and the verdict on the component there."""

    version: str
    verdict: Annotated[
        Verdict, Field(description="The verdict of the tests that use it, or of the failures that point at it.")
    ]
    level: Level = "interop"


class JudgedCell(NamedTuple):
    """One cell with everything that is known of it.

    Attributes:
        planned: The cell and what it resolved to.
        verdict: The verdict on the cell, by its smoke tests.
        runs: The evidence: the runs of the lock of the cell.
        components: The components in the lock, by name.
        parts: By name, the components that are a part of another's distribution. A part is left out if none of its
            tests says anything here.
        asked: The names of the components for which the cell asks.
        pins: By component, the exact version for which the cell asks.
        also: The other policies that ask for the same cell, each with its label.
        culprit: The culprits, if the cell is red and they are known.
        own_failures: The confirmed failures of tests that releases ship. They are no part of the verdict.
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
    own_failures: tuple[TestResult, ...] = ()

    @property
    def id(self) -> str:
        """The cell's id."""
        return self.verdict.cell.id

    @property
    def statuses(self) -> tuple[TestStatus, ...]:
        """The status of each test."""
        return self.verdict.statuses

    @property
    def python(self) -> str:
        """The cell's Python."""
        return self.verdict.cell.python

    @property
    def released(self) -> bool:
        """Whether the cell has published releases only and respects their bounds."""
        return not self.verdict.forced and not self.verdict.cell.local

    @property
    def today(self) -> bool:
        """Whether the cell asks for the newest of everything, as published."""
        return self.verdict.cell.policy == "newest" and self.released

    def holds(self, name: str) -> ComponentInCell | None:
        """The component, or part of a distribution, that has this name in the cell; None if there is none."""
        return self.components.get(name) or self.parts.get(name)

    def pinned_by(self, distribution: str) -> bool:
        """Whether `distribution` is a metapackage and the cell is the set that its release pins."""
        cell = self.verdict.cell
        release = f"{distribution} {self.verdict.installed.get(distribution, '')}"
        return cell.policy == "metapackage" and f" {cell.label}".endswith(f" {release}")


def distinct_cells(runs: Iterable[RunRecord]) -> dict[str, list[tuple[PlannedCell, dt.datetime]]]:
    """By cell id, every plan of the cell, each with the time at which its run began.

    Tables show the first entry. The entries are sorted by policy (in the order of `POLICIES`); of one policy, thorough
    ones come first, then those of the latest runs.
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
    judge: Judge | None = None,
) -> tuple[JudgedCell, ...]:
    """Judge each distinct cell once, under the first policy (in the order of `POLICIES`) that asks for it.

    The cells are sorted by policy, then from the newest Python to the oldest, then from the newest day to the oldest.

    Args:
        components: The components of the ecosystem.
        runs: The runs that planned the cells.
        evidence: The evidence, by the keys of the planned cells.
        diagnoses: The results of searches for culprits.
        judge: Judges the cells by this evidence; without one, every failure counts.
    """
    diagnoses = diagnoses or Diagnoses()
    judge = judge or Judge(components, pass_times(chain.from_iterable(evidence.values())))
    cells = []
    for (planned, started), *elsewhere in distinct_cells(runs).values():
        shown = _reason(planned)
        also = tuple(sorted({_reason(other) for other, _ in elsewhere} - {shown}))
        runs_of_cell = evidence.get(planned.key, ())
        cells.append(_judge_cell(planned, started, also, components, runs_of_cell, diagnoses, judge))
    return tuple(sorted(cells, key=_order))


def _reason(planned: PlannedCell) -> str:
    """The policy that asks for a cell, and the label of the cell."""
    return f"{planned.cell.policy}: {planned.cell.label}"


def _judge_cell(
    planned: PlannedCell,
    started: dt.datetime,
    also: tuple[str, ...],
    components: Components,
    runs: tuple[Evidence, ...],
    diagnoses: Diagnoses,
    judge: Judge,
) -> JudgedCell:
    """Judge one cell.

    Args:
        planned: The cell and what it resolved to.
        started: When the run that planned the cell began.
        also: The other policies that ask for the cell, each with its label.
        components: The components of the ecosystem.
        runs: The evidence on the cell.
        diagnoses: The results of searches for culprits.
        judge: Judges the cell.
    """
    judged = judge.verdict(planned, runs)
    verdict = by_smoke_tests(judged, components)
    if verdict.seen is None:  # nothing was run, so the resolution was seen when the run began
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
        own_failures=tuple(
            status.result
            for status in judged.statuses
            if status.state == "confirmed" and status.result.level == "upstream"
        ),
    )


def _order(cell: JudgedCell) -> tuple[int, list[int], float]:
    asked = cell.verdict.cell
    day = -asked.exclude_newer.timestamp() if asked.exclude_newer else 0.0
    return list(POLICIES).index(asked.policy), [-part for part in python_key(asked.python)], day
