"""Rows about artifacts across versions: what one environment wrote and another read, square by square."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from itertools import chain
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
from stackcompat.verdict.artifacts import ArtifactVerdict
from stackcompat.verdict.exchange import CrossingVerdict, judge_crossings

__all__ = [
    "CrossingCell",
    "CrossingEnd",
    "ExchangeSquare",
    "PassedRead",
    "exchange_squares",
    "passed_reads",
    "squares_by_label",
]


class CrossingEnd(Record):
    """One environment of a square, which writes and reads."""

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
        Literal["", "writer", "reader"], Field(description="The side that could not do its part alone; empty: neither.")
    ] = ""
    sentence: str = "is read"
    promised: Annotated[
        bool | None,
        Field(description="Whether the component promises that the artifact can be read; null: it promises nothing."),
    ] = None
    reproduce: Annotated[
        str,
        Field(
            description="The command that runs the crossing again, from the root of the project; empty: it is green."
        ),
    ] = ""
    seen: Timestamp | None
    evidence: Annotated[tuple[str, ...], Field(description="Ids of the runs that read; `ends` has those that wrote.")]
    culprits: Annotated[
        tuple[CulpritRow, ...],
        Field(description="One row for each side that has culprits; empty: it is read, or they are not known yet."),
    ] = ()


class ExchangeSquare(Record):
    """One artifact, written by each of several environments and read by each of them."""

    square: Annotated[str, Field(description="The environments, in words.")]
    artifact: str
    verdict: Annotated[Verdict, Field(description="The worst of its crossings.")]
    ends: tuple[CrossingEnd, ...]
    crossings: tuple[CrossingCell, ...]


class PassedRead(NamedTuple):
    """A test that read an artifact of another environment and passed.

    Attributes:
        result: The test.
        writer: The distributions of the environment that wrote, name to version.
        reader: The distributions of the environment that read.
    """

    result: TestResult
    writer: Mapping[str, str]
    reader: Mapping[str, str]


class _Square(NamedTuple):
    """The crossings between the environments of one policy; `label` says in words which environments."""

    label: str
    crossings: list[tuple[Crossing, CrossingVerdict]]


def passed_reads(runs: Iterable[RunRecord], evidence: Mapping[str, tuple[Evidence, ...]]) -> tuple[PassedRead, ...]:
    """Every test that read an artifact and passed, of the artifacts that work.

    Args:
        runs: The runs.
        evidence: The evidence, by the keys of crossings and planned cells.
    """
    reads = []
    exchanges = [run.exchange for run in runs if run.exchange is not None]
    for _, verdict in chain.from_iterable(judge_crossings(plan, evidence) for plan in exchanges):
        works = {artifact.artifact for artifact in verdict.artifacts if artifact.verdict == "works"}
        writer, reader = _locked(verdict.writer), _locked(verdict.reader)
        for status in verdict.reads:
            if status.state == "passed" and status.result.artifact in works:
                reads.append(PassedRead(status.result, writer, reader))
    return tuple(reads)


def _locked(planned: PlannedCell) -> dict[str, str]:
    """The distributions of an environment, name to version; empty where it has no lock."""
    lock = planned.resolution.lock
    return lock.versions() if lock else {}


def exchange_squares(
    runs: Iterable[RunRecord],
    evidence: Mapping[str, tuple[Evidence, ...]],
    components: Components,
    diagnoses: Diagnoses | None = None,
) -> tuple[ExchangeSquare, ...]:
    """Every square of the runs, in the order of matrices, policies and artifacts; those without any result left out.

    Args:
        runs: The runs.
        evidence: The evidence, by the keys of crossings and planned cells.
        components: The components of the ecosystem.
        diagnoses: What searches for culprits have shown.
    """
    rows: list[ExchangeSquare] = []
    for run in runs:
        for square in _squares(run, evidence):
            rows += _rows_of_square(square, evidence, components, diagnoses or Diagnoses())
    return tuple(rows)


def _squares(run: RunRecord, evidence: Mapping[str, tuple[Evidence, ...]]) -> list[_Square]:
    if run.exchange is None:
        return []
    grouped: dict[str, _Square] = {}
    for crossing, verdict in judge_crossings(run.exchange, evidence):
        square = grouped.setdefault(crossing.square, _Square(crossing.square, []))
        square.crossings.append((crossing, verdict))
    return list(grouped.values())


def _rows_of_square(
    square: _Square,
    evidence: Mapping[str, tuple[Evidence, ...]],
    components: Components,
    diagnoses: Diagnoses,
) -> Iterator[ExchangeSquare]:
    """A row for each artifact that some crossing has a result for."""
    verdicts = [verdict for _, verdict in square.crossings]
    planned = {end.cell.id: end for verdict in verdicts for end in (verdict.writer, verdict.reader)}
    ends = tuple(_end(end, square.label, evidence, components) for end in planned.values())
    for artifact in dict.fromkeys(artifact.artifact for verdict in verdicts for artifact in verdict.artifacts):
        cells = tuple(
            _crossing_cell(artifact, crossing, verdict, evidence, diagnoses) for crossing, verdict in square.crossings
        )
        tried = [cell.verdict for cell in cells if cell.verdict != "not-applicable"]
        if tried:
            yield ExchangeSquare(
                square=square.label, artifact=artifact, verdict=worst(tried), ends=ends, crossings=cells
            )


def _end(
    planned: PlannedCell, square: str, evidence: Mapping[str, tuple[Evidence, ...]], components: Components
) -> CrossingEnd:
    """The row of an environment of the square with this label."""
    return CrossingEnd(
        cell=planned.cell.id,
        label=planned.cell.label.removeprefix(f"{square}: "),
        python=planned.cell.python,
        components=versions_of(_locked(planned), components),
        evidence=tuple(run.id for run in evidence.get(planned.key, ())),
    )


def _crossing_cell(
    artifact: str,
    crossing: Crossing,
    verdict: CrossingVerdict,
    evidence: Mapping[str, tuple[Evidence, ...]],
    diagnoses: Diagnoses,
) -> CrossingCell:
    """What a crossing says of an artifact."""
    shown = _verdict_on(artifact, verdict)
    never_ran = shown.verdict == "untested" and crossing.key not in evidence
    is_red = shown.verdict not in ("works", "not-applicable") and not never_ran
    return CrossingCell(
        writer=crossing.writer,
        reader=crossing.reader,
        verdict=shown.verdict,
        side=shown.side,
        sentence=public(shown.sentence),
        promised=next((kept for name, kept in crossing.promised.items() if fnmatch(artifact, name)), None),
        reproduce=_reproduce(artifact, verdict) if is_red else "",
        seen=verdict.seen,
        evidence=tuple(run.id for run in evidence.get(crossing.key, ())),
        culprits=culprits_of_crossing(artifact, verdict, diagnoses),
    )


def _verdict_on(artifact: str, verdict: CrossingVerdict) -> ArtifactVerdict:
    """The verdict on an artifact in a crossing; where the crossing has none on any artifact, that on the crossing."""
    for each in verdict.artifacts:
        if each.artifact == artifact:
            return each
    if verdict.artifacts:
        sentence = "none of its tests applies to what is installed on both sides"
        return ArtifactVerdict(artifact=artifact, verdict="not-applicable", sentence=sentence)
    return ArtifactVerdict(artifact=artifact, verdict=verdict.verdict, sentence=verdict.sentence, side=verdict.side)


def _reproduce(artifact: str, verdict: CrossingVerdict) -> str:
    """The command that shows a crossing of an artifact again."""
    words = ["stackcompat", "exchange", "--artifact", artifact]
    for side, planned in (("write", verdict.writer), ("read", verdict.reader)):
        cell, versions = planned.cell, _locked(planned)
        exact = [f"{name}=={versions[name]}" for name in cell.roots() if name in versions]
        words += [f"--{side}-with", *(exact or cell.requirements), f"--{side}-python", cell.python]
        if cell.exclude_newer:
            words += [f"--{side}-exclude-newer", cell.exclude_newer.isoformat().replace("+00:00", "Z")]
    return shlex.join(words)


def squares_by_label(squares: Iterable[ExchangeSquare]) -> dict[str, list[ExchangeSquare]]:
    """The artifacts of each square; the squares, and the artifacts of each, are in the order in which they come."""
    grouped: dict[str, list[ExchangeSquare]] = {}
    for square in squares:
        grouped.setdefault(square.square, []).append(square)
    return grouped
