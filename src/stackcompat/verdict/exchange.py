"""What the evidence says of a crossing: one environment writes artifacts, another reads them.

Pure functions over records. The rules of evidence for a crossing:

* a reader's test that fails in two fresh environments counts against the crossing only if the same test passed on what
  the writer, or the reader, wrote for itself: that is its baseline, and a test without one says nothing;
* what one side cannot do alone (install, write, read back) is no incompatibility of the two: the artifact is
  ``untested``, and the side is named;
* ``changed`` says that everything can be read, but the same seed gives other values on the two sides.

Those for one artifact are in :mod:`stackcompat.verdict.artifacts`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Record, digest
from stackcompat.core.vocabulary import Level, Verdict, worst
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import Crossing, ExchangePlan, PlannedCell
from stackcompat.resolve.conflict import Conflict
from stackcompat.verdict.artifacts import (
    ArtifactVerdict,
    Baselines,
    ExchangeSide,
    judge_artifacts,
    written_artifacts,
)
from stackcompat.verdict.outcomes import TestStatus, classify
from stackcompat.verdict.verdict import judge

__all__ = ["CrossingVerdict", "judge_crossing", "judge_crossings", "written"]


class CrossingVerdict(Record):
    """What is known of one crossing.

    Attributes:
        writer: The cell that writes.
        reader: The cell that reads.
        verdict: The worst verdict over the artifacts; if there are none, why not.
        level: The level of the verdict.
        sentence: The verdict and its reason in one line.
        side: The side that cannot do its part alone.
        artifacts: What is known of each artifact.
        conflict: Why a side has no lock, if bounds exclude each other.
        seen: When the last run of either side began.
        evidence: The ids of the runs that the verdict rests on, of both sides and of the baselines.
        reads: What all runs of each of the reader's tests say. It is part of no JSON.
    """

    writer: PlannedCell
    reader: PlannedCell
    verdict: Verdict
    level: Level
    sentence: str
    side: ExchangeSide = ""
    artifacts: tuple[ArtifactVerdict, ...] = ()
    conflict: Conflict | None = None
    seen: dt.datetime | None = None
    evidence: tuple[str, ...] = ()
    reads: Annotated[tuple[TestStatus, ...], Field(exclude=True, repr=False)] = ()

    @property
    def failures(self) -> tuple[TestResult, ...]:
        """The reader's tests that the verdict rests on, if it is not green."""
        return tuple(test for artifact in self.artifacts for test in artifact.failures)

    @property
    def red(self) -> tuple[TestResult, ...]:
        """The reader's tests that somebody is to blame for; those of broken artifacts before those of changed ones."""
        words: tuple[Verdict, ...] = ("broken", "changed")
        return tuple(
            test
            for word in words
            for artifact in self.artifacts
            if artifact.verdict == word
            for test in artifact.failures
        )

    @property
    def id(self) -> str:
        """The name of the crossing: the ids of the two cells."""
        return f"{self.writer.cell.id}+{self.reader.cell.id}"

    @property
    def lock_id(self) -> str:
        """An address that is the same for the same two locks."""
        return digest(*(planned.resolution.lock and planned.resolution.lock.id for planned in self.sides.values()))

    @property
    def sides(self) -> dict[ExchangeSide, PlannedCell]:
        """Both cells, by side."""
        return {"writer": self.writer, "reader": self.reader}

    def installed(self, side: ExchangeSide) -> dict[str, str]:
        """Distribution to version, on one side."""
        lock = self.sides[side].resolution.lock
        return lock.versions() if lock else {}


def written(evidence: Iterable[Evidence]) -> tuple[str, ...]:
    """The artifacts that a writing cell left, by all runs of it."""
    return written_artifacts(classify(evidence))


def judge_crossings(
    plan: ExchangePlan, evidence: Mapping[str, tuple[Evidence, ...]]
) -> tuple[tuple[Crossing, CrossingVerdict], ...]:
    """Every crossing of a square of `plan`, with its verdict; see :func:`judge_crossing`."""
    of_squares = [crossing for crossing in plan.crossings if crossing.square]
    return tuple((crossing, judge_crossing(crossing, plan, evidence)) for crossing in of_squares)


def judge_crossing(
    crossing: Crossing, plan: ExchangePlan, evidence: Mapping[str, tuple[Evidence, ...]]
) -> CrossingVerdict:
    """The verdict on a crossing.

    Args:
        crossing: The crossing.
        plan: The plan that it belongs to, with its cells.
        evidence: Every run of the cells of the plan, by key: writing, reading, and baselines.
    """
    writer, reader = plan.cell(crossing.writer), plan.cell(crossing.reader)
    writes, reads = evidence.get(writer.key, ()), evidence.get(crossing.key, ())
    read_back = _runs_alone(crossing.writer, plan, evidence), _runs_alone(crossing.reader, plan, evidence)
    write_statuses = classify(writes)
    verdict = _side_without_run(writer, reader, writes, reads, written_artifacts(write_statuses))
    if verdict is None:
        read_statuses = classify(reads)
        baselines = Baselines(writer=classify(read_back[0]), reader=classify(read_back[1]))
        artifacts = judge_artifacts(write_statuses, read_statuses, baselines)
        verdict = _summarise(writer, reader, artifacts).model_copy(update={"reads": read_statuses})
    runs = dict.fromkeys(run.id for run in (*writes, *reads, *read_back[0], *read_back[1]))
    seen = max((run.started for run in (*writes, *reads)), default=None)
    return verdict.model_copy(update={"seen": seen, "evidence": tuple(runs)})


def _runs_alone(cell_id: str, plan: ExchangePlan, evidence: Mapping[str, tuple[Evidence, ...]]) -> tuple[Evidence, ...]:
    """The runs in which a cell reads what it wrote itself."""
    return tuple(run for crossing in plan.alone(cell_id) for run in evidence.get(crossing.key, ()))


def _side_without_run(
    writer: PlannedCell,
    reader: PlannedCell,
    writes: tuple[Evidence, ...],
    reads: tuple[Evidence, ...],
    artifacts: Sequence[str],
) -> CrossingVerdict | None:
    """The verdict on a crossing of which one side did not come as far as its tests; None if both did.

    Args:
        writer: The cell that writes.
        reader: The cell that reads.
        writes: The runs of writing.
        reads: The runs of reading.
        artifacts: What the writer left: a reader for which there is nothing is not run.
    """
    sides: list[tuple[ExchangeSide, PlannedCell, tuple[Evidence, ...]]] = [
        ("writer", writer, writes),
        ("reader", reader, reads),
    ]
    # If a side has no lock, nothing is run: that the other side has no evidence says nothing of it.
    without_lock = [side for side in sides if side[1].resolution.lock is None]
    if not without_lock and not artifacts:
        sides = sides[:1]
    for side, planned, runs in without_lock or sides:
        if not any(run.outcome == "ran" for run in runs):
            alone = judge(planned, runs)
            return CrossingVerdict(
                writer=writer,
                reader=reader,
                verdict=alone.verdict,
                level=alone.level,
                sentence=alone.sentence,
                side=side,
                conflict=alone.conflict,
            )
    return None


def _summarise(writer: PlannedCell, reader: PlannedCell, artifacts: Sequence[ArtifactVerdict]) -> CrossingVerdict:
    """The verdict on a crossing from those on its artifacts."""
    applying = [artifact for artifact in artifacts if artifact.verdict != "not-applicable"]
    verdict = worst(artifact.verdict for artifact in applying)
    sides = {artifact.side for artifact in applying if artifact.verdict == verdict}
    return CrossingVerdict(
        writer=writer,
        reader=reader,
        verdict=verdict,
        level="exchange",
        sentence=_sentence(verdict, applying),
        side=sides.pop() if len(sides) == 1 else "",
        artifacts=tuple(artifacts),
    )


def _sentence(verdict: Verdict, artifacts: Sequence[ArtifactVerdict]) -> str:
    """All artifacts in one line: how many there are of each verdict, and one that explains the worst."""
    if not artifacts:
        return "none of the artifacts is for what is installed on both sides"
    verdicts = [artifact.verdict for artifact in artifacts]
    counts = {word: verdicts.count(word) for word in dict.fromkeys(verdicts)}
    tally = ", ".join(f"{number} {'work' if word == 'works' else word}" for word, number in counts.items())
    explained = "untested" if verdict == "works" else verdict
    shown = next((artifact for artifact in artifacts if artifact.verdict == explained), None)
    noun = "artifact" if len(artifacts) == 1 else "artifacts"
    detail = f"; {shown.artifact} {shown.sentence}" if shown is not None else ""
    return f"of {len(artifacts)} {noun}, {tally}{detail}"
