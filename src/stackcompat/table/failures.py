"""Failures grouped by verdict and signature, each group with its cells and its culprits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import Field

from stackcompat.blame.diagnosis import Diagnoses, Diagnosis
from stackcompat.core.record import Record, digest
from stackcompat.core.redact import public
from stackcompat.core.requirements import python_key, version_key
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import TestResult
from stackcompat.plan.places import USUAL_PLACES, Places
from stackcompat.table.cells import lock_place
from stackcompat.table.culprits import CulpritRow, culprit_of_failure
from stackcompat.table.judged import JudgedCell
from stackcompat.table.plain_lines import plain_lines
from stackcompat.verdict.ownership import mentioned
from stackcompat.verdict.signature import failure_of, has_particulars

__all__ = ["FailureGroup", "FailureKind", "failures_by_kind", "group_failures", "own_test_failures"]


class FailureGroup(Record):
    """One failure, or another reason why cells are not green, with all cells that have it."""

    id: str
    verdict: Annotated[Verdict, Field(description="The verdict of the cells that have it.")]
    level: Level
    signature: Annotated[
        str,
        Field(
            description="The failure in one line. Failures with equal signature and verdict are one group, unless the "
            "signature has no particulars: then each test has its own."
        ),
    ]
    type: str
    message: str
    package: Annotated[str, Field(description="The distribution that the error came out of.")]
    where: str
    tests: tuple[str, ...]
    suspects: Annotated[tuple[str, ...], Field(description="Components that the failure points at.")]
    inferred: Annotated[bool, Field(description="Whether the failure can also come from other components.")]
    versions: Annotated[dict[str, tuple[str, ...]], Field(description="The suspects' versions in these cells.")]
    pythons: tuple[str, ...]
    cells: Annotated[
        tuple[str, ...], Field(description="Ids of the cells that have it, those with the newest releases first.")
    ]
    today: Annotated[bool, Field(description="Whether a cell with the newest releases has it.")]
    first_seen: dt.datetime | None
    last_seen: dt.datetime | None
    details: Annotated[str, Field(description="End of the traceback, or the chain of bounds.")]
    plain: Annotated[
        tuple[str, ...],
        Field(description="Lines of a shell that show it in the first of the cells without this tool; can be empty."),
    ] = ()
    culprit: Annotated[CulpritRow | None, Field(description="Null: no search has been made yet.")] = None


#: The kinds of failures, in the order in which reports show them. ``today``: broken with the newest releases.
#: ``elsewhere``: broken in other combinations only. ``unknown``: the cell could not tell. ``own tests``: notes about
#: releases, of which tests that they ship fail. They say nothing against a set.
FailureKind = Literal["today", "elsewhere", "unresolvable", "flaky", "unknown", "own tests"]


#: The most characters of a traceback or a chain of bounds that are published.
_TRACEBACK_CHARACTERS = 1500


class _FailureInCell(NamedTuple):
    """One failure in one cell.

    `test` is empty if the cell did not come as far as its tests. `recognisable` says whether the failure has
    particulars. `result` is the result of the test.
    """

    cell: JudgedCell
    verdict: Verdict
    test: str
    level: Level
    signature: str
    type: str
    message: str
    package: str
    where: str
    details: str
    suspects: frozenset[str]
    inferred: bool
    diagnosis: Diagnosis | None = None
    recognisable: bool = True
    result: TestResult | None = None

    @property
    def id(self) -> str:
        """The id of the group: equal for equal verdicts and signatures, and tests if there are no particulars.

        Own tests of releases have groups apart.
        """
        apart = [] if self.recognisable else [self.test]
        apart += ["own tests"] if self.level == "upstream" else []
        return digest(self.verdict, self.signature, *apart, length=8)


def group_failures(
    cells: Iterable[JudgedCell],
    components: Components,
    diagnoses: Diagnoses | None = None,
    places: Places = USUAL_PLACES,
) -> tuple[tuple[FailureGroup, ...], dict[str, tuple[str, ...]]]:
    """Group the failures of all cells.

    Args:
        cells: All cells.
        components: The components of the ecosystem.
        diagnoses: The results of searches for culprits.
        places: Where the ecosystem has its published table and its tests.

    Returns:
        The groups, the most frequent first; and by cell id, the ids of its groups, those of own tests of releases left
        out.
    """
    grouped: dict[str, list[_FailureInCell]] = {}
    of_cell: dict[str, list[str]] = {}
    for cell in cells:
        for failure in _failures_of(cell, components, diagnoses or Diagnoses()):
            grouped.setdefault(failure.id, []).append(failure)
            if failure.level != "upstream":
                of_cell.setdefault(cell.id, []).append(failure.id)
    groups = sorted(
        (_group(seen, components, places) for seen in grouped.values()), key=lambda group: -len(group.cells)
    )
    return tuple(groups), {cell: tuple(dict.fromkeys(ids)) for cell, ids in of_cell.items()}


def own_test_failures(cells: Iterable[JudgedCell], groups: Iterable[FailureGroup]) -> dict[str, tuple[str, ...]]:
    """By cell id, the ids of the failures of tests that releases ship. A cell without any is left out."""
    own = [group for group in groups if group.level == "upstream"]
    ids = {cell.id: tuple(group.id for group in own if cell.id in group.cells) for cell in cells}
    return {cell: failures for cell, failures in ids.items() if failures}


def _failures_of(cell: JudgedCell, components: Components, diagnoses: Diagnoses) -> list[_FailureInCell]:
    own = [_failure_of_test(result, cell, components, diagnoses) for result in cell.own_failures]
    return [*_smoke_failures_of(cell, components, diagnoses), *own]


def _smoke_failures_of(cell: JudgedCell, components: Components, diagnoses: Diagnoses) -> list[_FailureInCell]:
    verdict = cell.verdict
    if verdict.verdict in ("works", "untested", "not-applicable"):
        return []
    if verdict.verdict not in ("broken", "flaky") or not verdict.failures:
        return [_kept_from_tests(cell, components)]
    return [_failure_of_test(result, cell, components, diagnoses) for result in verdict.failures]


def _failure_of_test(
    result: TestResult, cell: JudgedCell, components: Components, diagnoses: Diagnoses
) -> _FailureInCell:
    attribution = diagnoses.attribute(cell.verdict, result, cell.components, components)
    failure = failure_of(result)
    return _FailureInCell(
        cell=cell,
        verdict="broken" if result.level == "upstream" else cell.verdict.verdict,
        test=result.test,
        level=result.level,
        signature=failure.signature,
        type=failure.type,
        message=failure.message,
        package=failure.package,
        where=failure.where,
        details=public(failure.traceback)[-_TRACEBACK_CHARACTERS:],
        suspects=attribution.components,
        inferred=not attribution.sure,
        diagnosis=diagnoses.of_cell(cell.verdict, result),
        recognisable=has_particulars(failure),
        result=result,
    )


def _kept_from_tests(cell: JudgedCell, components: Components) -> _FailureInCell:
    """The reason why a cell did not come as far as its tests: bounds, an installation, or the machine."""
    verdict, conflict = cell.verdict, cell.verdict.conflict
    details = "\n".join(conflict.chain) or conflict.words if conflict else ""
    return _FailureInCell(
        cell=cell,
        verdict=verdict.verdict,
        test="",
        level=verdict.level,
        signature=public(verdict.sentence),
        type=conflict.kind if conflict else verdict.verdict,
        message=public(verdict.sentence),
        package="",
        where="",
        details=public(details)[:_TRACEBACK_CHARACTERS],
        suspects=mentioned(conflict.sentence, components) if conflict else frozenset(),
        inferred=False,
    )


def _group(seen: Iterable[_FailureInCell], components: Components, places: Places) -> FailureGroup:
    """Make a group of equal failures. Its suspects are in the order of the tables."""
    failures = sorted(seen, key=lambda failure: not failure.cell.today)
    first = failures[0]
    cells = list({failure.cell.id: failure.cell for failure in failures}.values())
    suspects = [name for name in components.names() if any(name in failure.suspects for failure in failures)]
    moments = [cell.verdict.seen for cell in cells if cell.verdict.seen is not None]
    versions = {name: {_version(cell, name) for cell in cells} - {""} for name in suspects}
    diagnoses = [failure.diagnosis for failure in failures if failure.diagnosis is not None]
    return FailureGroup(
        id=first.id,
        verdict=first.verdict,
        level=first.level,
        signature=first.signature,
        type=first.type,
        message=first.message,
        package=first.package,
        where=first.where,
        tests=tuple(sorted({failure.test for failure in failures if failure.test})),
        suspects=tuple(suspects),
        inferred=any(failure.inferred for failure in failures),
        versions={name: tuple(sorted(each, key=version_key)) for name, each in versions.items() if each},
        pythons=tuple(sorted({cell.python for cell in cells}, key=python_key)),
        cells=tuple(cell.id for cell in cells),
        today=any(cell.today for cell in cells),
        first_seen=min(moments, default=None),
        last_seen=max(moments, default=None),
        details=first.details,
        plain=plain_lines(first.cell.verdict, lock_place(first.cell, places), components, places, first.result),
        culprit=culprit_of_failure(diagnoses, first.signature),
    )


def _version(cell: JudgedCell, name: str) -> str:
    """The component's version in the cell, or the exact version that the cell asks for; empty if there is neither."""
    component = cell.components.get(name)
    return component.version if component else cell.pins.get(name, "")


def failures_by_kind(groups: Iterable[FailureGroup]) -> dict[FailureKind, list[FailureGroup]]:
    """The failures of each kind, in the order of `groups`. Every kind has an entry, if only an empty one."""
    kinds: dict[FailureKind, list[FailureGroup]] = {kind: [] for kind in get_args(FailureKind)}
    for group in groups:
        if group.level == "upstream":
            kinds["own tests"].append(group)
            continue
        match group.verdict:
            case "broken" | "uninstallable":
                kinds["today" if group.today else "elsewhere"].append(group)
            case "unresolvable" | "flaky":
                kinds[group.verdict].append(group)
            case _:
                kinds["unknown"].append(group)
    return kinds
