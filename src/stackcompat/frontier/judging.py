"""What the evidence on a cell says of the two releases that the cell pins. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.ecosystem.components import versions_of
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.frontier.answers import PairAnswer
from stackcompat.frontier.survey import Survey
from stackcompat.verdict.attribution import attribute_failure
from stackcompat.verdict.outcomes import TestStatus, classify, why
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = ["judge_pair"]


class _Failure(NamedTuple):
    """A failure that can be one of the two.

    Attributes:
        result: The test that failed.
        doubt: Why the failure may come from a third component, or is not one of the two together.
        alone: The side that alone is to blame; empty if none is.
    """

    result: TestResult
    doubt: str
    alone: str


def judge_pair(
    survey: Survey, planned: PlannedCell, level: Level, evidence: tuple[Evidence, ...], reused: int
) -> PairAnswer:
    """Judge the two releases that a cell pins.

    The cell says nothing about them (``untested``) if no test used them, or if only others failed. But where only
    others failed and all tests that use both sides passed, these tests decide. A failure counts as one of the two
    unless it certainly lies between others, or between one of the two and another. A failure that points at one side
    alone keeps the two from working as well, but it is not one of the two together.

    Args:
        survey: The two components.
        planned: The cell.
        level: How deep the cell was run.
        evidence: All runs of the cell, oldest first.
        reused: How many of these there were before the question.
    """
    verdict = judge(planned, evidence)
    statuses = classify(evidence)
    answer = PairAnswer(
        verdict=verdict.verdict,
        level=verdict.level,
        sentence=verdict.sentence,
        runs=len(evidence) - reused,
        reused=reused,
        evidence=verdict.evidence,
    )
    if verdict.verdict == "broken":
        return _broken(survey, answer, verdict, level, statuses)
    if verdict.verdict == "works":
        return _working(survey, answer, statuses)
    return answer


def _broken(
    survey: Survey, answer: PairAnswer, verdict: CellVerdict, level: Level, statuses: Sequence[TestStatus]
) -> PairAnswer:
    """The answer for a cell that is broken."""
    failures, others = _failures(survey, verdict, statuses)
    if not failures:
        return _broken_by_others(survey, answer, level, statuses, others)
    first = min(failures, key=lambda failure: (LEVELS.index(failure.result.level), bool(failure.doubt)))
    signature = why(first.result)
    return answer.model_copy(
        update={
            "level": first.result.level,
            "sentence": f"{first.result.test}: {signature}",
            "signature": signature,
            "doubt": first.doubt,
            "alone": first.alone,
        }
    )


def _failures(survey: Survey, verdict: CellVerdict, statuses: Sequence[TestStatus]) -> tuple[list[_Failure], set[str]]:
    """The confirmed failures that can be of the two sides, and the components to which the other failures point."""
    sides = {side.name for side in survey.sides}
    present = versions_of(verdict.installed, survey.components)
    failures: list[_Failure] = []
    others: set[str] = set()
    for status in statuses:
        if status.state != "confirmed":
            continue
        suspicion = attribute_failure(status.result, present, survey.components)
        suspects = suspicion.components
        if not suspects & sides or (suspicion.sure and not suspects <= sides):
            others |= suspects - sides
        elif suspicion.sure and len(suspects) == 1:
            alone = min(suspects)
            failures.append(_Failure(status.result, f"it points at {alone} and nobody else", alone))
        else:
            failures.append(_Failure(status.result, suspicion.doubt, ""))
    return failures, others


def _broken_by_others(
    survey: Survey, answer: PairAnswer, level: Level, statuses: Sequence[TestStatus], others: set[str]
) -> PairAnswer:
    """The answer for a cell in which only others failed: the tests that use both sides tell, if all of them passed."""
    both = {side.distribution for side in survey.sides}
    joint = [status for status in statuses if both <= set(status.result.components)]
    passed = sum(status.state == "passed" and status.result.level == level for status in joint)
    if passed and all(status.state in ("passed", "feature-broken", "not-applicable") for status in joint):
        sentence = f"{passed} of their tests passed; of others, {answer.sentence}"
        return answer.model_copy(update={"verdict": "works", "level": level, "sentence": sentence})
    sentence = f"hidden by a failure of {', '.join(sorted(others))}: {answer.sentence}"
    return answer.model_copy(update={"verdict": "untested", "sentence": sentence})


def _working(survey: Survey, answer: PairAnswer, statuses: Sequence[TestStatus]) -> PairAnswer:
    """The answer for a cell that works: nothing, if no test used one of the sides."""
    used = {name for status in statuses if status.state == "passed" for name in status.result.components}
    unused = [side.name for side in survey.sides if side.distribution not in used]
    if not unused:
        return answer
    sentence = f"no test of {' or '.join(unused)} applies"
    return answer.model_copy(update={"verdict": "untested", "sentence": sentence})
