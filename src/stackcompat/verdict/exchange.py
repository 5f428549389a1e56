"""The verdict on a crossing: one environment writes artifacts, another reads them.

Pure functions over records. The rules of evidence for a crossing:

* The baseline of a reader's test is the same test where the writer, or the reader, reads what it wrote itself. A test
  that fails in two fresh environments counts against the crossing only if it passed in a baseline. A test without a
  baseline says nothing.
* A side can fail alone: at installing, writing or reading back. That is no incompatibility of the two sides. The
  artifact is ``untested``, and the side is named.
* ``changed`` says that everything can be read, but the same seed gives other values on the two sides.

The rules for one artifact are in :mod:`stackcompat.verdict.artifacts`.
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
    """The verdict on one crossing.

    Attributes:
        writer: The cell that writes.
        reader: The cell that reads.
        verdict: The worst verdict on an artifact. If a side did not come as far as its tests: the verdict on that side.
        level: The level of the verdict.
        sentence: The verdict and its reason in one line.
        side: The side that is at fault alone, or whose evidence is lacking; empty if both sides did their part.
        artifacts: The verdict on each artifact.
        conflict: Why a side has no lock, if bounds exclude each other.
        seen: When the last run of either side began.
        evidence: The ids of the runs that the verdict rests on: those of both sides and of the baselines.
        reads: The statuses of the reader's tests. They are in no JSON.
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
        """The reader's tests that failed on broken artifacts, then those that failed on changed artifacts."""
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
        """The id of the writer's and the reader's lock together: equal if both locks are equal."""
        return digest(*(planned.resolution.lock and planned.resolution.lock.id for planned in self.sides.values()))

    @property
    def sides(self) -> dict[ExchangeSide, PlannedCell]:
        """The two cells, by side."""
        return {"writer": self.writer, "reader": self.reader}

    def installed(self, side: ExchangeSide) -> dict[str, str]:
        """The distributions of one side, name to version; empty if it has no lock."""
        lock = self.sides[side].resolution.lock
        return lock.versions() if lock else {}


def written(evidence: Iterable[Evidence]) -> tuple[str, ...]:
    """The artifacts that a writing cell left, judged by all its runs."""
    return written_artifacts(classify(evidence))


def judge_crossings(
    plan: ExchangePlan, evidence: Mapping[str, tuple[Evidence, ...]]
) -> tuple[tuple[Crossing, CrossingVerdict], ...]:
    """Every crossing of `plan` that belongs to a square, with its verdict; see :func:`judge_crossing`."""
    of_squares = [crossing for crossing in plan.crossings if crossing.square]
    return tuple((crossing, judge_crossing(crossing, plan, evidence)) for crossing in of_squares)


def judge_crossing(
    crossing: Crossing, plan: ExchangePlan, evidence: Mapping[str, tuple[Evidence, ...]]
) -> CrossingVerdict:
    """The verdict on a crossing.

    Args:
        crossing: The crossing.
        plan: The plan that it belongs to, with its cells.
        evidence: Every run that wrote, read or was a baseline, by the keys of the plan.
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
    """The verdict on a crossing in which one side did not come as far as its tests; None if both sides did.

    Args:
        writer: The cell that writes.
        reader: The cell that reads.
        writes: The runs of writing.
        reads: The runs of reading.
        artifacts: The artifacts that the writer left. If there are none, the reader is not run.
    """
    sides: list[tuple[ExchangeSide, PlannedCell, tuple[Evidence, ...]]] = [
        ("writer", writer, writes),
        ("reader", reader, reads),
    ]
    # If a side has no lock, neither side is run. So only the side without a lock is looked at.
    without_lock = [side for side in sides if side[1].resolution.lock is None]
    if not without_lock and not artifacts:
        sides = sides[:1]
    for side, planned, runs in without_lock or sides:
        if not any(run.outcome == "ran" for run in runs):
            alone = judge(planned, runs, None)
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
    """The verdict on a crossing, made from the verdicts on its artifacts."""
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
    """The artifacts in one line: how many have each verdict, and one artifact that explains the worst verdict."""
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
