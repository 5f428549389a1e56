"""Rows about artifacts across versions: whether an environment reads what another wrote, square by square."""

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
from stackcompat.plan.places import USUAL_PLACES, Places
from stackcompat.table.base import Sparse, Timestamp
from stackcompat.table.cells import lock_path, text_of_lock
from stackcompat.table.culprits import CulpritRow, culprits_of_crossing
from stackcompat.table.plain_lines import CrossingSide, crossing_lines
from stackcompat.verdict.artifacts import ArtifactVerdict
from stackcompat.verdict.exchange import CrossingVerdict, judge_crossings

__all__ = [
    "ArtifactSquare",
    "CrossingCell",
    "CrossingEnd",
    "PassedRead",
    "exchange_squares",
    "locks_of_ends",
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
    lock: Annotated[
        str, Field(description="Path of the published lock, relative to this file; empty: none is published.")
    ] = ""


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
            description="The command that runs the crossing again, in the folder of the ecosystem; empty: it is green."
        ),
    ] = ""
    plain: Annotated[
        tuple[str, ...],
        Field(description="Lines of a shell that show the failure without this tool; empty: it is not red."),
    ] = ()
    seen: Timestamp | None
    evidence: Annotated[tuple[str, ...], Field(description="Ids of the runs that read; `ends` has those that wrote.")]
    culprits: Annotated[
        tuple[CulpritRow, ...],
        Field(description="One row for each side that has culprits; empty: it is read, or no culprit is known yet."),
    ] = ()


class ArtifactSquare(Record):
    """One artifact in all crossings of a square: each environment writes it, and each reads it."""

    square: Annotated[str, Field(description="The label of the square: its environments in words.")]
    artifact: str
    verdict: Annotated[Verdict, Field(description="The worst verdict on the artifact in these crossings.")]
    ends: tuple[CrossingEnd, ...]
    crossings: tuple[CrossingCell, ...]


class PassedRead(NamedTuple):
    """A test that read an artifact of another environment and passed.

    Attributes:
        result: The result of the test.
        writer: The distributions of the environment that wrote, name to version.
        reader: The distributions of the environment that read, name to version.
    """

    result: TestResult
    writer: Mapping[str, str]
    reader: Mapping[str, str]


class _Square(NamedTuple):
    """A square: the crossings between the environments of one policy. The label says which environments these are."""

    label: str
    crossings: list[tuple[Crossing, CrossingVerdict]]


def passed_reads(runs: Iterable[RunRecord], evidence: Mapping[str, tuple[Evidence, ...]]) -> tuple[PassedRead, ...]:
    """The tests that read an artifact and passed. Only artifacts with the verdict `works` count.

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
    """The distributions of an environment, name to version; empty if it has no lock."""
    lock = planned.resolution.lock
    return lock.versions() if lock else {}


def exchange_squares(
    runs: Iterable[RunRecord],
    evidence: Mapping[str, tuple[Evidence, ...]],
    components: Components,
    diagnoses: Diagnoses | None = None,
    places: Places = USUAL_PLACES,
) -> tuple[ArtifactSquare, ...]:
    """The artifacts of all squares, in the order of matrices, policies and artifacts. Those without result are absent.

    Args:
        runs: The runs.
        evidence: The evidence, by the keys of crossings and planned cells.
        components: The components of the ecosystem.
        diagnoses: The results of searches for culprits.
        places: Where the ecosystem has its published table and its tests.
    """
    rows: list[ArtifactSquare] = []
    for run in runs:
        for square in _squares(run, evidence):
            rows += _rows_of_square(square, evidence, components, diagnoses or Diagnoses(), places)
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
    places: Places,
) -> Iterator[ArtifactSquare]:
    """The rows of a square: one for each artifact for which some crossing has a result."""
    verdicts = [verdict for _, verdict in square.crossings]
    planned = {end.cell.id: end for verdict in verdicts for end in (verdict.writer, verdict.reader)}
    ends = [_end(end, square.label, evidence, components) for end in planned.values()]
    for artifact in dict.fromkeys(artifact.artifact for verdict in verdicts for artifact in verdict.artifacts):
        cells = tuple(
            _crossing_cell(artifact, crossing, verdict, evidence, diagnoses, places)
            for crossing, verdict in square.crossings
        )
        shown = {end for cell in cells if cell.plain for end in (cell.writer, cell.reader)}
        tried = [cell.verdict for cell in cells if cell.verdict != "not-applicable"]
        if tried:
            yield ArtifactSquare(
                square=square.label,
                artifact=artifact,
                verdict=worst(tried),
                ends=tuple(
                    end.model_copy(update={"lock": lock_path(end.cell)}) if end.cell in shown else end for end in ends
                ),
                crossings=cells,
            )


def locks_of_ends(runs: Iterable[RunRecord], squares: Iterable[ArtifactSquare]) -> dict[str, str]:
    """The published locks of environments that write and read, by the ids of their cells.

    Args:
        runs: The runs of the squares.
        squares: The squares. They say which locks are published.
    """
    wanted = {end.cell for square in squares for end in square.ends if end.lock}
    planned = {cell.cell.id: cell for run in runs if run.exchange is not None for cell in run.exchange.cells}
    return {name: text_of_lock(planned[name], "writes and reads artifacts") for name in sorted(wanted)}


def _end(
    planned: PlannedCell, square: str, evidence: Mapping[str, tuple[Evidence, ...]], components: Components
) -> CrossingEnd:
    """The row of an environment. `square` is the label of its square."""
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
    places: Places,
) -> CrossingCell:
    """The row of an artifact in one crossing."""
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
        plain=_plain(shown, crossing, verdict, evidence, places) if is_red else (),
        seen=verdict.seen,
        evidence=tuple(run.id for run in evidence.get(crossing.key, ())),
        culprits=culprits_of_crossing(artifact, verdict, diagnoses),
    )


def _verdict_on(artifact: str, verdict: CrossingVerdict) -> ArtifactVerdict:
    """The verdict on an artifact in a crossing. If no artifact has a verdict there, that on the whole crossing."""
    for each in verdict.artifacts:
        if each.artifact == artifact:
            return each
    if verdict.artifacts:
        sentence = "none of its tests applies to what is installed on both sides"
        return ArtifactVerdict(artifact=artifact, verdict="not-applicable", sentence=sentence)
    return ArtifactVerdict(artifact=artifact, verdict=verdict.verdict, sentence=verdict.sentence, side=verdict.side)


def _reproduce(artifact: str, verdict: CrossingVerdict) -> str:
    """The command that runs a crossing of an artifact again."""
    words = ["stackcompat", "exchange", "--artifact", artifact]
    for side, planned in (("write", verdict.writer), ("read", verdict.reader)):
        cell, versions = planned.cell, _locked(planned)
        exact = [f"{name}=={versions[name]}" for name in cell.roots() if name in versions]
        words += [f"--{side}-with", *(exact or cell.requirements), f"--{side}-python", cell.python]
        if cell.exclude_newer:
            words += [f"--{side}-exclude-newer", cell.exclude_newer.isoformat().replace("+00:00", "Z")]
    return shlex.join(words)


def _plain(
    shown: ArtifactVerdict,
    crossing: Crossing,
    verdict: CrossingVerdict,
    evidence: Mapping[str, tuple[Evidence, ...]],
    places: Places,
) -> tuple[str, ...]:
    """The lines of a shell that show why a crossing of an artifact is not green.

    Args:
        shown: The verdict on the artifact.
        crossing: The crossing.
        verdict: The verdict on the crossing.
        evidence: The evidence, by the keys of crossings and planned cells.
        places: Where the ecosystem has its published table and its tests.
    """
    writes = _tests_of(shown.artifact, evidence.get(verdict.writer.key, ()))
    reads = tuple(test.test for test in shown.failures) or _tests_of(shown.artifact, evidence.get(crossing.key, ()))
    return crossing_lines(
        shown.artifact,
        CrossingSide(verdict.writer.cell, _lock_place(verdict.writer, places), writes),
        CrossingSide(verdict.reader.cell, _lock_place(verdict.reader, places), reads),
        places,
    )


def _tests_of(artifact: str, runs: Iterable[Evidence]) -> tuple[str, ...]:
    """The tests of runs that write or read an artifact."""
    return tuple(sorted({test.test for run in runs for test in run.tests if test.artifact == artifact}))


def _lock_place(planned: PlannedCell, places: Places) -> str:
    """The file or address of the published lock of an environment; empty if it cannot be published."""
    lock = planned.resolution.lock
    return places.publication(lock_path(planned.cell.id)) if lock is not None and lock.is_portable else ""


def squares_by_label(squares: Iterable[ArtifactSquare]) -> dict[str, list[ArtifactSquare]]:
    """The artifacts of each square, by its label. Labels and artifacts keep their order."""
    grouped: dict[str, list[ArtifactSquare]] = {}
    for square in squares:
        grouped.setdefault(square.square, []).append(square)
    return grouped
