"""Artifacts across versions: what one environment wrote and another read, square by square."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from stackcompat.blame.diagnosis import Diagnoses
from stackcompat.core.record import Record
from stackcompat.core.redact import public
from stackcompat.core.vocabulary import Verdict, worst
from stackcompat.ecosystem.components import Components, versions_of
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import Crossing, PlannedCell, RunRecord
from stackcompat.table.base import Sparse, Timestamp
from stackcompat.table.culprits import CulpritRow, culprits_of_crossing
from stackcompat.verdict.exchange import CrossingVerdict, judge_crossings
from stackcompat.verdict.outcomes import classify

__all__ = ["CrossingCell", "CrossingEnd", "ExchangeSquare", "Read", "exchange_squares", "reads"]


class CrossingEnd(Record):
    """One environment that writes and reads."""

    cell: str
    label: str
    python: str
    components: Annotated[dict[str, str], Field(description="Component to the version that was installed.")]
    evidence: Annotated[tuple[str, ...], Field(description="Ids of the runs that wrote.")]


class CrossingCell(Sparse):
    """One artifact, written by one environment and read by another."""

    writer: str
    reader: str
    verdict: Verdict
    side: Annotated[
        Literal["", "writer", "reader"], Field(description="Who could not do its part by itself; empty: neither.")
    ] = ""
    sentence: str = "is read"
    promised: Annotated[
        bool | None, Field(description="Whether the component promises that it can be read; null: it promises nothing.")
    ] = None
    reproduce: Annotated[
        str, Field(description="The command that shows again what is not green, from the root of the project.")
    ] = ""
    seen: Timestamp | None
    evidence: Annotated[tuple[str, ...], Field(description="Ids of the runs that read; what wrote is with the ends.")]
    culprits: Annotated[
        tuple[CulpritRow, ...],
        Field(description="One row for each side that has culprits; empty: it is read, or they are not known yet."),
    ] = ()


class ExchangeSquare(Record):
    """One artifact, written and read by each of some environments."""

    square: Annotated[str, Field(description="Which environments, in words.")]
    artifact: str
    verdict: Annotated[Verdict, Field(description="The worst of its crossings.")]
    ends: tuple[CrossingEnd, ...]
    crossings: tuple[CrossingCell, ...]


_Judged = Sequence[tuple[Crossing, CrossingVerdict]]


class Read(NamedTuple):
    """A test that read what another environment wrote; `writer` and `reader` are distributions with their versions."""

    result: TestResult
    writer: Mapping[str, str]
    reader: Mapping[str, str]


def reads(runs: Iterable[RunRecord], evidence: Mapping[str, tuple[Evidence, ...]]) -> tuple[Read, ...]:
    """Every test of a reader in `runs` that passed, of the artifacts that work."""
    found = []
    for crossing, verdict in (one for run in runs if run.exchange for one in judge_crossings(run.exchange, evidence)):
        works = {artifact.artifact for artifact in verdict.artifacts if artifact.verdict == "works"}
        locks = [planned.resolution.lock for planned in (verdict.writer, verdict.reader)]
        writer, reader = (lock.versions() if lock else {} for lock in locks)
        found += [
            Read(status.result, writer, reader)
            for status in classify(evidence.get(crossing.key, ()))
            if status.state == "passed" and status.result.artifact in works
        ]
    return tuple(found)


def exchange_squares(
    runs: Iterable[RunRecord],
    evidence: Mapping[str, tuple[Evidence, ...]],
    components: Components,
    diagnoses: Diagnoses | None = None,
) -> tuple[ExchangeSquare, ...]:
    """Every square of `runs`, in the order of matrices, policies and artifacts; those without any result left out.

    `diagnoses` are what searches for culprits have shown.
    """
    found: list[ExchangeSquare] = []
    for run in runs:
        if run.exchange is None:
            continue
        judged = judge_crossings(run.exchange, evidence)
        for label in dict.fromkeys(crossing.square for crossing, _ in judged):
            here = [(crossing, verdict) for crossing, verdict in judged if crossing.square == label]
            found += _of_square(label, here, evidence, components, diagnoses or Diagnoses())
    return tuple(found)


def _of_square(
    label: str,
    judged: _Judged,
    evidence: Mapping[str, tuple[Evidence, ...]],
    components: Components,
    diagnoses: Diagnoses,
) -> Iterator[ExchangeSquare]:
    ends = {cell.cell.id: _end(cell, label, evidence, components) for _, v in judged for cell in (v.writer, v.reader)}
    names = dict.fromkeys(a.artifact for _, verdict in judged for a in verdict.artifacts)
    for artifact in names:
        cells = tuple(_cell(artifact, crossing, verdict, evidence, diagnoses) for crossing, verdict in judged)
        tried = [cell for cell in cells if cell.verdict != "not-applicable"]
        if tried:
            yield ExchangeSquare(
                square=label,
                artifact=artifact,
                verdict=worst(cell.verdict for cell in tried),
                ends=tuple(ends.values()),
                crossings=cells,
            )


def _end(
    planned: PlannedCell, square: str, evidence: Mapping[str, tuple[Evidence, ...]], components: Components
) -> CrossingEnd:
    lock = planned.resolution.lock
    return CrossingEnd(
        cell=planned.cell.id,
        label=planned.cell.label.removeprefix(f"{square}: "),
        python=planned.cell.python,
        components=versions_of(lock.versions(), components) if lock else {},
        evidence=tuple(run.id for run in evidence.get(planned.key, ())),
    )


def _cell(
    artifact: str,
    crossing: Crossing,
    verdict: CrossingVerdict,
    evidence: Mapping[str, tuple[Evidence, ...]],
    diagnoses: Diagnoses,
) -> CrossingCell:
    """What the crossing says of the artifact; where it says nothing of any, what it says of itself."""
    mine = next((a for a in verdict.artifacts if a.artifact == artifact), None)
    if mine is not None:
        said, side, sentence = mine.verdict, mine.side, mine.sentence
    elif verdict.artifacts:
        said, side, sentence = "not-applicable", "", "none of its tests is for what is installed on both sides"
    else:
        said, side, sentence = verdict.verdict, verdict.side, verdict.sentence
    return CrossingCell(
        writer=crossing.writer,
        reader=crossing.reader,
        verdict=said,
        side=side,
        sentence=public(sentence),
        promised=next((kept for name, kept in crossing.promised.items() if fnmatch(artifact, name)), None),
        reproduce=""
        if said in ("works", "not-applicable") or (said == "untested" and crossing.key not in evidence)
        else _reproduce(artifact, verdict),
        seen=verdict.seen,
        evidence=tuple(run.id for run in evidence.get(crossing.key, ())),
        culprits=culprits_of_crossing(artifact, verdict, diagnoses),
    )


def _reproduce(artifact: str, verdict: CrossingVerdict) -> str:
    words = ["stackcompat", "exchange", "--artifact", artifact]
    for side, planned in (("write", verdict.writer), ("read", verdict.reader)):
        cell, lock = planned.cell, planned.resolution.lock
        versions = lock.versions() if lock else {}
        exact = [f"{name}=={versions[name]}" for name in cell.roots() if name in versions]
        words += [f"--{side}-with", *(exact or cell.requirements), f"--{side}-python", cell.python]
        if cell.exclude_newer:
            words += [f"--{side}-exclude-newer", cell.exclude_newer.isoformat().replace("+00:00", "Z")]
    return shlex.join(words)
