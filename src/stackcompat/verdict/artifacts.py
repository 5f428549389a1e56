"""The verdict on one artifact, which one environment wrote and another read. Pure functions over records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Verdict, worst
from stackcompat.evidence.results import TestResult
from stackcompat.verdict.outcomes import TestStatus, why
from stackcompat.verdict.verdict import NOT_GREEN

__all__ = ["ArtifactVerdict", "Baselines", "ExchangeSide", "judge_artifacts", "written_artifacts"]

#: A side of a crossing. Empty means neither side, or both.
ExchangeSide = Literal["", "writer", "reader"]


class ArtifactVerdict(Record):
    """The verdict on one artifact in one crossing.

    Attributes:
        artifact: The artifact.
        verdict: The verdict.
        sentence: The verdict and its reason in one line.
        side: The side that is at fault alone, or whose evidence is lacking; empty if both sides did their part.
        failures: The reader's tests that the verdict rests on, if it is not green.
        passed: The number of the reader's tests that passed.
        not_applicable: The number of the reader's tests that did not apply.
    """

    artifact: str
    verdict: Verdict
    sentence: str
    side: ExchangeSide = ""
    failures: tuple[TestResult, ...] = ()
    passed: int = 0
    not_applicable: int = 0


class Baselines(NamedTuple):
    """The statuses of the reader's tests where an environment reads the artifacts that it wrote itself.

    Attributes:
        writer: The statuses in the writer's environment.
        reader: The statuses in the reader's environment.
    """

    writer: Sequence[TestStatus]
    reader: Sequence[TestStatus]

    def of_test(self, test: str) -> dict[ExchangeSide, TestStatus]:
        """The status of a test on each side that has run it."""
        sides: tuple[tuple[ExchangeSide, Sequence[TestStatus]], ...] = (
            ("writer", self.writer),
            ("reader", self.reader),
        )
        return {side: status for side, statuses in sides for status in statuses if status.result.test == test}


def written_artifacts(writes: Iterable[TestStatus]) -> tuple[str, ...]:
    """The artifacts that a writing cell left.

    For each of them some test passed, and all its other tests passed or did not apply.

    Args:
        writes: The statuses of the tests of the writing cell.
    """
    statuses = tuple(writes)
    red = {status.result.artifact for status in statuses if status.state not in ("passed", "not-applicable")}
    passed = dict.fromkeys(status.result.artifact for status in statuses if status.state == "passed")
    return tuple(artifact for artifact in passed if artifact not in red)


def judge_artifacts(
    writes: Sequence[TestStatus], reads: Sequence[TestStatus], baselines: Baselines
) -> tuple[ArtifactVerdict, ...]:
    """The verdict on each artifact that the writer was to write.

    Args:
        writes: The statuses of the writer's tests.
        reads: The statuses of the reader's tests on what the writer wrote.
        baselines: The statuses of the reader's tests on what each side wrote itself.
    """
    verdicts = []
    for artifact in dict.fromkeys(status.result.artifact for status in writes):
        not_written = _not_written(artifact, [status for status in writes if status.result.artifact == artifact])
        reading = [status for status in reads if status.result.artifact == artifact]
        verdicts.append(not_written or _judge_reading(artifact, reading, baselines))
    return tuple(verdicts)


# ---------------------------------------------------------------------------------------------------------------------
# Writing
# ---------------------------------------------------------------------------------------------------------------------


def _not_written(artifact: str, writes: Sequence[TestStatus]) -> ArtifactVerdict | None:
    """The verdict on an artifact that the writer did not leave; None if it did."""
    for state, verdict in NOT_GREEN.items():
        red = next((status for status in writes if status.state == state), None)
        if red is not None:
            sentence = f"could not be written: {why(red.result) or red.note}"
            # A side that fails alone shows no incompatibility of the two.
            of_artifact: Verdict = "untested" if state == "confirmed" else verdict
            return ArtifactVerdict(artifact=artifact, verdict=of_artifact, sentence=sentence, side="writer")
    if any(status.state == "passed" for status in writes):
        return None
    sentence = f"is not written there: {writes[0].result.reason}"
    return ArtifactVerdict(artifact=artifact, verdict="not-applicable", sentence=sentence, side="writer")


# ---------------------------------------------------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------------------------------------------------


class _JudgedTest(NamedTuple):
    """The verdict of one test of the reader on an artifact."""

    status: TestStatus
    verdict: Verdict
    sentence: str
    side: ExchangeSide


def _judge_reading(artifact: str, reads: Sequence[TestStatus], baselines: Baselines) -> ArtifactVerdict:
    """The verdict on an artifact that the writer left."""
    judged = [_judge_test(status, baselines) for status in reads]
    applying = [test for test in judged if test.verdict != "not-applicable"]
    if not applying:
        reason = judged[0].status.result.reason if judged else "no test is for what is installed"
        sentence = f"is not read there: {reason}"
        return ArtifactVerdict(artifact=artifact, verdict="not-applicable", sentence=sentence, side="reader")
    verdict = worst(test.verdict for test in applying)
    deciding = [test for test in judged if test.verdict == verdict]
    return ArtifactVerdict(
        artifact=artifact,
        verdict=verdict,
        sentence=deciding[0].sentence,
        side=deciding[0].side,
        failures=() if verdict == "works" else tuple(test.status.result for test in deciding),
        passed=sum(test.verdict == "works" for test in judged),
        not_applicable=len(judged) - len(applying),
    )


def _judge_test(status: TestStatus, baselines: Baselines) -> _JudgedTest:
    """The verdict of one test of the reader."""
    result = status.result
    match status.state:
        case "passed":
            return _JudgedTest(status, "works", "is read", "")
        case "not-applicable":
            return _JudgedTest(status, "not-applicable", result.reason, "reader")
        case "confirmed":
            return _judge_confirmed(status, baselines)
        case state:
            sentence = f"{result.test}: {status.note or why(result) or result.outcome}"
            return _JudgedTest(status, NOT_GREEN[state], sentence, "reader")


def _judge_confirmed(status: TestStatus, baselines: Baselines) -> _JudgedTest:
    """The verdict of a reader's test that failed twice.

    The failure counts only if the test passes where a side reads what it wrote itself, and fails on no side there.
    """
    result = status.result
    of_sides = baselines.of_test(result.test)
    for side, baseline in of_sides.items():
        if baseline.state not in ("passed", "not-applicable"):
            reason = why(baseline.result) or baseline.note
            sentence = f"the {side} does not read back what it wrote itself: {result.test}: {reason}"
            return _JudgedTest(status, "untested", sentence, side)
    failure = f"{result.test}: {why(result)}"
    if all(baseline.state != "passed" for baseline in of_sides.values()):
        sentence = f"neither side has shown that it reads what it wrote itself: {failure}"
        return _JudgedTest(status, "untested", sentence, "")
    changed = result.failure is not None and result.failure.changed
    return _JudgedTest(status, "changed" if changed else "broken", failure, "")
