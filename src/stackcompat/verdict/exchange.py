"""What one environment writes another must read: crossings of a writing and a reading cell, planned and judged.

Pure functions over records. The rules of evidence for a crossing:

* a reader's test that fails in two fresh environments counts against the crossing only if the same test passed on what
  the writer, or the reader, wrote for itself: that is its baseline, and a test without one says nothing;
* what one side cannot do by itself (install, write, read back) is no incompatibility of the two: the artifact is
  ``untested``, and the side is named;
* ``changed`` says that everything can be read, but the same seed gives other values on the two sides.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from stackcompat.core.record import Record, digest
from stackcompat.core.vocabulary import Level, Verdict, worst
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import Crossing, ExchangePlan, PlannedCell
from stackcompat.resolve.conflict import Conflict
from stackcompat.verdict.outcomes import TestStatus, classify, why
from stackcompat.verdict.verdict import NOT_GREEN, CellVerdict, judge

__all__ = ["ArtifactVerdict", "CrossingVerdict", "ExchangeSide", "judge_crossing", "judge_crossings", "written"]

ExchangeSide = Literal["", "writer", "reader"]


class ArtifactVerdict(Record):
    """What is known of one artifact in one crossing; `side` is the one that could not do its part by itself."""

    artifact: str
    verdict: Verdict
    sentence: str
    side: ExchangeSide = ""
    failures: tuple[TestResult, ...] = ()
    passed: int = 0
    not_applicable: int = 0


class CrossingVerdict(Record):
    """What is known of one crossing: the worst over its artifacts, or why there are none.

    `evidence` holds the ids of the runs that it rests on, of both sides and of the baselines.
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

    @property
    def failures(self) -> tuple[TestResult, ...]:
        """The readers' tests that the verdict rests on, where it is not green."""
        return tuple(test for artifact in self.artifacts for test in artifact.failures)

    @property
    def red(self) -> tuple[TestResult, ...]:
        """The readers' tests for which somebody is to blame: what is not read comes before what is changed."""
        words: tuple[Verdict, ...] = ("broken", "changed")
        return tuple(t for word in words for a in self.artifacts if a.verdict == word for t in a.failures)

    @property
    def id(self) -> str:
        """The name of the crossing: the ids of the two cells."""
        return f"{self.writer.cell.id}+{self.reader.cell.id}"

    @property
    def lock_id(self) -> str:
        """The same for the same two locks."""
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
    statuses = classify(evidence)
    red = {s.result.artifact for s in statuses if s.state not in ("passed", "not-applicable")}
    return tuple(
        dict.fromkeys(s.result.artifact for s in statuses if s.state == "passed" and s.result.artifact not in red)
    )


# ---------------------------------------------------------------------------------------------------------------------
# Judging
# ---------------------------------------------------------------------------------------------------------------------


def judge_crossing(
    crossing: Crossing, plan: ExchangePlan, evidence: Mapping[str, tuple[Evidence, ...]]
) -> CrossingVerdict:
    """The verdict on `crossing`, from every run (by key) of the cells of `plan`: writing, reading, and baselines."""
    writer, reader = plan.cell(crossing.writer), plan.cell(crossing.reader)
    writes, reads = evidence.get(writer.key, ()), evidence.get(crossing.key, ())
    back, own = (
        [run for found in plan.alone(cell) for run in evidence.get(found.key, ())]
        for cell in (crossing.writer, crossing.reader)
    )
    runs = {run.id: run for run in (*writes, *reads, *back, *own)}
    values = {
        "writer": writer,
        "reader": reader,
        "seen": max((run.started for run in (*writes, *reads)), default=None),
        "evidence": tuple(runs),
    }
    parts = (("writer", writer, writes), ("reader", reader, reads))
    # Where a side has no lock nothing is run: that the other has no evidence says nothing of it.
    unlocked = [part for part in parts if part[1].resolution.lock is None]
    for side, cell, its in unlocked or parts:
        left = side == "reader" and not unlocked and not written(writes)
        if not left and not any(run.outcome == "ran" for run in its):
            return CrossingVerdict.model_validate(values | _never_ran(judge(cell, its)) | {"side": side})
    tried = _artifacts(classify(writes), classify(reads), classify(back), classify(own))
    artifacts = [found for found in tried if found.verdict != "not-applicable"]
    verdict = worst(artifact.verdict for artifact in artifacts)
    sides = {artifact.side for artifact in artifacts if artifact.verdict == verdict}
    return CrossingVerdict.model_validate(
        values
        | {
            "verdict": verdict,
            "level": "exchange",
            "sentence": _sentence(verdict, artifacts),
            "side": next(iter(sides)) if len(sides) == 1 else "",
            "artifacts": tried,
        }
    )


def judge_crossings(
    plan: ExchangePlan, evidence: Mapping[str, tuple[Evidence, ...]]
) -> tuple[tuple[Crossing, CrossingVerdict], ...]:
    """Every crossing of a square of `plan`, with its verdict."""
    asked = [crossing for crossing in plan.crossings if crossing.square]
    return tuple((crossing, judge_crossing(crossing, plan, evidence)) for crossing in asked)


def _never_ran(apart: CellVerdict) -> dict[str, object]:
    """Why one side got no further than `apart` says."""
    return {
        "verdict": apart.verdict,
        "level": apart.level,
        "sentence": apart.sentence,
        "conflict": apart.conflict,
    }


def _artifacts(
    writes: Sequence[TestStatus], reads: Sequence[TestStatus], back: Sequence[TestStatus], own: Sequence[TestStatus]
) -> tuple[ArtifactVerdict, ...]:
    """One verdict for each artifact that the writer was to write."""
    baselines = [{s.result.test: s for s in statuses} for statuses in (back, own)]
    found = []
    for artifact in dict.fromkeys(status.result.artifact for status in writes):
        cannot = _cannot_write([s for s in writes if s.result.artifact == artifact])
        if cannot is not None:
            verdict, said = cannot
            found.append(ArtifactVerdict(artifact=artifact, verdict=verdict, sentence=said, side="writer"))
            continue
        mine = [status for status in reads if status.result.artifact == artifact]
        found.append(_judge_reading(artifact, mine, *baselines))
    return tuple(found)


def _cannot_write(statuses: Sequence[TestStatus]) -> tuple[Verdict, str] | None:
    """Verdict and sentence where the writer left no artifact; None where it did."""
    for state in NOT_GREEN:
        red = next((s for s in statuses if s.state == state), None)
        if red is not None:
            said = f"could not be written: {why(red.result) or red.note}"
            return ("untested" if state == "confirmed" else NOT_GREEN[state]), said
    if not any(s.state == "passed" for s in statuses):
        return "not-applicable", f"is not written there: {statuses[0].result.reason}"
    return None


def _judge_reading(
    artifact: str, statuses: Sequence[TestStatus], back: Mapping[str, TestStatus], own: Mapping[str, TestStatus]
) -> ArtifactVerdict:
    judged = [(status, *_judge_test(status, back, own)) for status in statuses]
    verdict = worst(verdict for _, verdict, _, _ in judged if verdict != "not-applicable")
    if not judged:
        said = "is not read there: no test is for what is installed"
        return ArtifactVerdict(artifact=artifact, verdict="not-applicable", sentence=said, side="reader")
    if all(each == "not-applicable" for _, each, _, _ in judged):
        said = f"is not read there: {judged[0][0].result.reason}"
        return ArtifactVerdict(artifact=artifact, verdict="not-applicable", sentence=said, side="reader")
    decisive = [each for each in judged if each[1] == verdict]
    _, _, sentence, side = decisive[0]
    return ArtifactVerdict(
        artifact=artifact,
        verdict=verdict,
        sentence=sentence,
        side=side,
        failures=() if verdict == "works" else tuple(status.result for status, _, _, _ in decisive),
        passed=sum(each == "works" for _, each, _, _ in judged),
        not_applicable=sum(each == "not-applicable" for _, each, _, _ in judged),
    )


def _judge_test(
    status: TestStatus, back: Mapping[str, TestStatus], own: Mapping[str, TestStatus]
) -> tuple[Verdict, str, ExchangeSide]:
    """Verdict, sentence and side of one test of the reader; `back` and `own` are its baselines by test.

    The baselines are the same test in the writer's environment on what that wrote (`back`), and in the reader's on what
    that wrote itself (`own`).
    """
    result = status.result
    said = f"{result.test}: {why(result)}"
    match status.state:
        case "passed":
            return "works", "is read", ""
        case "not-applicable":
            return "not-applicable", result.reason, "reader"
        case "confirmed":
            pass
        case state:
            return NOT_GREEN[state], f"{result.test}: {status.note or why(result) or result.outcome}", "reader"
    sides: tuple[tuple[ExchangeSide, Mapping[str, TestStatus]], ...] = (("writer", back), ("reader", own))
    baselines = {side: known[result.test] for side, known in sides if result.test in known}
    for side, baseline in baselines.items():
        if baseline.state not in ("passed", "not-applicable"):
            reason = why(baseline.result) or baseline.note
            return "untested", f"the {side} does not read back what it wrote itself: {result.test}: {reason}", side
    if all(baseline.state != "passed" for baseline in baselines.values()):
        return "untested", f"neither side has shown that it reads what it wrote itself: {said}", ""
    if result.failure is not None and result.failure.changed:
        return "changed", said, ""
    return "broken", said, ""


def _sentence(verdict: Verdict, artifacts: Sequence[ArtifactVerdict]) -> str:
    """All artifacts in one line: the first of the worst ones, and how many there are of each kind."""
    if not artifacts:
        return "none of the artifacts is for what is installed on both sides"
    counts = {each: sum(a.verdict == each for a in artifacts) for each in dict.fromkeys(a.verdict for a in artifacts)}
    tally = ", ".join(f"{number} {'work' if each == 'works' else each}" for each, number in counts.items())
    first = next(a for a in artifacts if a.verdict == verdict)
    shown = next((a for a in artifacts if a.verdict == "untested"), None) if verdict == "works" else first
    noun = "artifact" if len(artifacts) == 1 else "artifacts"
    detail = f"; {shown.artifact} {shown.sentence}" if shown is not None else ""
    return f"of {len(artifacts)} {noun}, {tally}{detail}"
