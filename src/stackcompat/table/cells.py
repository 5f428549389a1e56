"""Rows about cells: each combination that was tried, with its verdict and how to reproduce it."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Iterable, Mapping
from typing import Annotated, NamedTuple

from pydantic import Field

from stackcompat.blame.diagnosis import Diagnoses
from stackcompat.core.record import Record
from stackcompat.core.requirements import python_key
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.resolve.lock import HeldBack
from stackcompat.table.base import Sparse, Timestamp
from stackcompat.table.culprits import CulpritRow, culprit_of_cell
from stackcompat.table.vocabulary import POLICIES
from stackcompat.verdict.history import HistoryEntry
from stackcompat.verdict.outcomes import TestStatus, classify, why
from stackcompat.verdict.ownership import pins_of
from stackcompat.verdict.pairs import judge_components, judge_parts
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = [
    "CellRow",
    "ComponentHere",
    "JudgedCell",
    "Today",
    "cell_row",
    "distinct",
    "gather",
    "lock_text",
]


class Today(Record):
    """What the newest releases of everything do together on one Python."""

    python: str
    verdict: Verdict
    cell: Annotated[str, Field(description="Id of the cell that shows it.")]
    sentence: str
    versions: Annotated[dict[str, str], Field(description="Component to the version that was installed.")]
    held_back: Annotated[tuple[HeldBack, ...], Field(description="Who is not at their newest, and by whose bound.")]
    instead: Annotated[
        str,
        Field(description="Id of the cell nearest to the newest releases that works, where they do not; empty: none."),
    ]


class ComponentHere(Sparse):
    """A component in one cell."""

    version: str
    verdict: Annotated[Verdict, Field(description="Of the tests that use it, or of the failures that point at it.")]
    level: Level = "interop"


class CellRow(Record):
    """One combination that was asked for, and what came of it."""

    id: str
    policy: Annotated[str, Field(description="Why the cell is there.")]
    label: str
    also: Annotated[tuple[str, ...], Field(description="Other policies that ask for the very same.")]
    python: str
    platform: str
    verdict: Verdict
    level: Annotated[Level, Field(description="The first level that is red, or the deepest that passed.")]
    sentence: str
    components: dict[str, ComponentHere]
    requirements: tuple[str, ...]
    pins: Annotated[dict[str, str], Field(description="Component to the exact version that was asked for.")]
    thorough: Annotated[bool, Field(description="Whether every test was to run, not the essential ones only.")]
    forced: Annotated[tuple[str, ...], Field(description="Overrides: what declared metadata would forbid.")]
    exclude_newer: dt.datetime | None
    held_back: tuple[HeldBack, ...]
    failures: Annotated[tuple[str, ...], Field(description="Ids of the failures seen here.")]
    culprit: Annotated[
        CulpritRow | None, Field(description="Null: not red, or nobody has searched for the culprit yet.")
    ] = None
    broken_features: Annotated[
        dict[str, str], Field(description="Features that do not work though the rest may, each with its signature.")
    ] = {}
    passed: int
    not_applicable: int
    blocked: int
    distributions: Annotated[int, Field(description="How many the lock holds, transitive ones too.")]
    lock: Annotated[str, Field(description="Path of the published lock beside this file; empty: none is published.")]
    lock_id: str
    reproduce: Annotated[str, Field(description="The command that shows it again, from the root of the project.")]
    seconds: Annotated[float, Field(description="Wall clock of all its runs.")]
    seen: Timestamp | None
    evidence: Annotated[tuple[str, ...], Field(description="Ids of the runs that the verdict rests on.")]
    history: Annotated[
        tuple[HistoryEntry, ...], Field(description="What each of the last runs saw, oldest first.")
    ] = ()
    first_red: Annotated[
        dt.datetime | None, Field(description="When the latest stretch of red began; null: never red in that time.")
    ] = None
    last_green: Annotated[dt.datetime | None, Field(description="When it last worked; null: not in that time.")] = None


#: Verdicts that a person may want to see for themselves: their locks are published.
_LOCKED: frozenset[Verdict] = frozenset(("broken", "uninstallable", "flaky"))


class JudgedCell(NamedTuple):
    """One cell with all that is known of it; `parts` are the components that are a part of another's distribution."""

    planned: PlannedCell
    verdict: CellVerdict
    runs: tuple[Evidence, ...]
    statuses: tuple[TestStatus, ...]
    components: dict[str, ComponentHere]
    parts: dict[str, ComponentHere]
    asked: frozenset[str]
    pins: dict[str, str]
    also: tuple[str, ...]
    culprit: CulpritRow | None

    def holds(self, name: str) -> ComponentHere | None:
        """The component as it is here; None where it is not, or is a part of which no test tells anything."""
        return self.components.get(name) or self.parts.get(name)

    def pinned_by(self, distribution: str) -> bool:
        """Whether the cell is the set that a release of `distribution`, a metapackage, pins."""
        cell = self.verdict.cell
        release = f"{distribution} {self.verdict.installed.get(distribution, '')}"
        return cell.policy == "metapackage" and f" {cell.label}".endswith(f" {release}")

    @property
    def released(self) -> bool:
        """Whether the cell tells something about releases as they are published, with their own bounds."""
        return not self.verdict.forced and not self.verdict.cell.local

    @property
    def today(self) -> bool:
        """Whether the cell asks for the newest of everything, and tells more than what releases' own tests say."""
        newest = self.verdict.cell.policy == "newest" and self.released
        return newest and self.verdict.level != "upstream"


def distinct(runs: Iterable[RunRecord]) -> dict[str, list[tuple[PlannedCell, dt.datetime]]]:
    """Each distinct cell by its id: every time that it was asked for, and when that run began.

    First stands the one that tables show: by policy (in the order of POLICIES), thorough ones first, then the newest.
    """
    asked: dict[str, list[tuple[PlannedCell, dt.datetime]]] = {}
    for run in sorted(runs, key=lambda run: run.started, reverse=True):
        for planned in run.cells:
            asked.setdefault(planned.cell.id, []).append((planned, run.started))
    order = list(POLICIES)
    for entries in asked.values():
        entries.sort(key=lambda entry: (order.index(entry[0].cell.policy), not entry[0].cell.thorough))
    return asked


def gather(
    components: Components,
    runs: Iterable[RunRecord],
    evidence: Mapping[str, tuple[Evidence, ...]],
    diagnoses: Diagnoses | None = None,
) -> tuple[JudgedCell, ...]:
    """Each distinct cell once, under the first policy (in the order of POLICIES) that asks for it.

    `diagnoses` are what searches for culprits have shown.
    """
    diagnoses = diagnoses or Diagnoses()
    cases = []
    for (planned, started), *others in distinct(runs).values():
        why = f"{planned.cell.policy}: {planned.cell.label}"
        also = {f"{other.cell.policy}: {other.cell.label}" for other, _ in others} - {why}
        known = evidence.get(planned.key, ())
        verdict = judge(planned, known)
        if verdict.seen is None:  # what the index and the machine had, was seen when the run began
            verdict = verdict.model_copy(update={"seen": started})
        statuses = classify(known)
        states = judge_components(verdict, statuses, components, diagnoses)
        here = {
            name: ComponentHere(version=version, verdict=states[name][0], level=states[name][1])
            for name, version in versions_of(verdict.installed, components).items()
        }
        parts = {
            name: ComponentHere(version=verdict.installed[components[name].distribution], verdict=said, level=level)
            for name, (said, level) in judge_parts(verdict, statuses, components, diagnoses).items()
        }
        owners = [components.of_distribution(name) for name in planned.cell.roots()]
        cases.append(
            JudgedCell(
                planned=planned,
                verdict=verdict,
                runs=known,
                statuses=statuses,
                components=here,
                parts=parts,
                asked=frozenset(component.name for component in owners if component is not None),
                pins=pins_of(planned.cell, components),
                also=tuple(sorted(also)),
                culprit=culprit_of_cell(verdict, diagnoses),
            )
        )
    return tuple(sorted(cases, key=_case_key))


def _case_key(case: JudgedCell) -> tuple[object, ...]:
    """By policy, newest Python first, newest day first; then as planned."""
    cell = case.verdict.cell
    day = -cell.exclude_newer.timestamp() if cell.exclude_newer else 0.0
    return list(POLICIES).index(cell.policy), [-part for part in python_key(cell.python)], day


def cell_row(case: JudgedCell, failures: tuple[str, ...]) -> CellRow:
    verdict, cell = case.verdict, case.verdict.cell
    lock = case.planned.resolution.lock
    # A lock with a file of this machine would be of no use anywhere else.
    published = lock is not None and verdict.verdict in _LOCKED and not any(pin.source for pin in lock.pins)
    path = f"locks/{cell.id}.txt" if published else ""
    return CellRow(
        id=cell.id,
        policy=cell.policy,
        label=cell.label,
        also=case.also,
        python=cell.python,
        platform=cell.platform,
        verdict=verdict.verdict,
        level=verdict.level,
        sentence=verdict.sentence,
        components=case.components,
        requirements=cell.requirements,
        pins=case.pins,
        thorough=cell.thorough,
        forced=cell.overrides,
        exclude_newer=cell.exclude_newer,
        held_back=verdict.held_back,
        failures=failures,
        culprit=case.culprit,
        broken_features={test.feature: why(test) for test in verdict.broken_features},
        passed=verdict.passed,
        not_applicable=verdict.not_applicable,
        blocked=verdict.blocked,
        distributions=len(verdict.installed),
        lock=path,
        lock_id=verdict.lock_id,
        reproduce=_reproduce(case, path),
        seconds=round(sum(run.seconds for run in case.runs), 1),
        seen=verdict.seen,
        evidence=verdict.evidence,
    )


def _reproduce(case: JudgedCell, lock: str) -> str:
    cell = case.verdict.cell
    words = ["nox", "-s", "cell", "--", *(("--level", "upstream") if case.verdict.level == "upstream" else ())]
    if lock:
        return shlex.join([*words, "--lock", f"reports/{lock}", "--python", cell.python])
    words += [*cell.requirements, "--python", cell.python]
    if cell.exclude_newer:
        words += ["--exclude-newer", cell.exclude_newer.isoformat().replace("+00:00", "Z")]
    for override in cell.overrides:
        words += ["--override", override]
    return shlex.join(words)


def lock_text(case: JudgedCell) -> str:
    lock = case.planned.resolution.lock
    assert lock is not None  # only cells with a lock have its path
    cell = case.verdict.cell
    return f"# cell {cell.id}: {case.verdict.verdict} on Python {cell.python}, {cell.platform}\n{lock.text()}"
