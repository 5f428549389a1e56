"""Failures grouped by what they say, each with the cells that show it and its culprit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field

from stackcompat.blame.diagnosis import Diagnoses, Diagnosis
from stackcompat.core.record import Record, digest
from stackcompat.core.redact import public
from stackcompat.core.requirements import python_key, version_key
from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.ecosystem.components import Components
from stackcompat.table.cells import JudgedCell
from stackcompat.table.culprits import CulpritRow, culprit_of_failure
from stackcompat.verdict.ownership import mentioned
from stackcompat.verdict.signature import failure_of

__all__ = ["FailureGroup", "group_failures"]


class FailureGroup(Record):
    """One distinct reason why cells are not green, with everywhere it was seen."""

    id: str
    verdict: Annotated[Verdict, Field(description="What it makes of the cells that have it.")]
    level: Level
    signature: Annotated[str, Field(description="Equal for two failures exactly when they are the same failure.")]
    type: str
    message: str
    package: Annotated[str, Field(description="The distribution that the error came out of.")]
    where: str
    tests: tuple[str, ...]
    suspects: Annotated[tuple[str, ...], Field(description="Components that it points at.")]
    inferred: Annotated[bool, Field(description="Whether the suspects are inferred, not seen.")]
    versions: Annotated[dict[str, tuple[str, ...]], Field(description="Suspects' versions where it was seen.")]
    pythons: tuple[str, ...]
    cells: Annotated[tuple[str, ...], Field(description="Ids of the cells where it was seen, those of today first.")]
    today: Annotated[bool, Field(description="Whether the newest releases have it.")]
    first_seen: dt.datetime | None
    last_seen: dt.datetime | None
    details: Annotated[str, Field(description="End of the traceback, or the chain of bounds.")]
    culprit: Annotated[CulpritRow | None, Field(description="Null: nobody has searched for the culprit yet.")] = None


_TRACEBACK_CHARACTERS = 1500


class _FailureSeen(NamedTuple):
    """One failure in one cell: `test` is empty for what kept a cell from its tests."""

    case: JudgedCell
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

    @property
    def id(self) -> str:
        """The same for the same failure everywhere."""
        return digest(self.case.verdict.verdict, self.signature, length=8)


def group_failures(
    cases: Iterable[JudgedCell], components: Components, diagnoses: Diagnoses | None = None
) -> tuple[tuple[FailureGroup, ...], dict[str, tuple[str, ...]]]:
    """Every distinct failure once, the most frequent first; and the ids of the failures of each cell.

    `diagnoses` are what searches for culprits have shown.
    """
    diagnoses = diagnoses or Diagnoses()
    found: dict[str, list[_FailureSeen]] = {}
    of_cell: dict[str, list[str]] = {}
    for case in cases:
        for seen in _failures_of(case, components, diagnoses):
            found.setdefault(seen.id, []).append(seen)
            of_cell.setdefault(case.verdict.cell.id, []).append(seen.id)
    groups = sorted((_group(seen, components) for seen in found.values()), key=lambda group: -len(group.cells))
    return tuple(groups), {cell: tuple(dict.fromkeys(ids)) for cell, ids in of_cell.items()}


def _failures_of(case: JudgedCell, components: Components, diagnoses: Diagnoses) -> list[_FailureSeen]:
    verdict = case.verdict
    if verdict.verdict in ("works", "untested", "not-applicable"):
        return []
    if verdict.verdict not in ("broken", "flaky") or not verdict.failures:
        return [_kept_from_tests(case, components)]
    found = []
    for result in verdict.failures:
        suspicion = diagnoses.attribute(verdict, result, case.components, components)
        failure = failure_of(result)
        found.append(
            _FailureSeen(
                case=case,
                test=result.test,
                level=result.level,
                signature=failure.signature,
                type=failure.type,
                message=failure.message,
                package=failure.package,
                where=failure.where,
                details=public(failure.traceback)[-_TRACEBACK_CHARACTERS:],
                suspects=suspicion.components,
                inferred=not suspicion.sure,
                diagnosis=diagnoses.of_cell(verdict, result),
            )
        )
    return found


def _kept_from_tests(case: JudgedCell, components: Components) -> _FailureSeen:
    """Bounds, an installation, the machine."""
    verdict, conflict = case.verdict, case.verdict.conflict
    details = "\n".join(conflict.chain) or conflict.words if conflict else ""
    return _FailureSeen(
        case=case,
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


def _group(seen: Sequence[_FailureSeen], components: Components) -> FailureGroup:
    """One failure from everywhere it was seen; suspects in the order of the tables."""
    seen = sorted(seen, key=lambda one: not one.case.today)
    first = seen[0]
    cases = list({one.case.verdict.cell.id: one.case for one in seen}.values())
    suspects = [name for name in components.names() if any(name in one.suspects for one in seen)]
    moments = [case.verdict.seen for case in cases if case.verdict.seen is not None]
    versions = {name: {_version(case, name) for case in cases} - {""} for name in suspects}
    return FailureGroup(
        id=first.id,
        verdict=first.case.verdict.verdict,
        level=first.level,
        signature=first.signature,
        type=first.type,
        message=first.message,
        package=first.package,
        where=first.where,
        tests=tuple(sorted({one.test for one in seen if one.test})),
        suspects=tuple(suspects),
        inferred=any(one.inferred for one in seen),
        versions={name: tuple(sorted(found, key=version_key)) for name, found in versions.items() if found},
        pythons=tuple(sorted({case.verdict.cell.python for case in cases}, key=python_key)),
        cells=tuple(case.verdict.cell.id for case in cases),
        today=any(case.today for case in cases),
        first_seen=min(moments, default=None),
        last_seen=max(moments, default=None),
        details=first.details,
        culprit=culprit_of_failure([one.diagnosis for one in seen if one.diagnosis is not None], first.signature),
    )


def _version(case: JudgedCell, name: str) -> str:
    """The component's version in the cell, or the exact one that was asked for; empty: neither."""
    here = case.components.get(name)
    return here.version if here else case.pins.get(name, "")
