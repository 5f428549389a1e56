"""What the evidence on a cell says of the two releases that the cell pins. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.ecosystem.components import Component, versions_of
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.frontier.answers import PairAnswer
from stackcompat.frontier.survey import Survey
from stackcompat.verdict.attribution import attribute_failure
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.outcomes import TestStatus, why
from stackcompat.verdict.verdict import CellVerdict, deepest, judge

__all__ = ["judge_pair"]


class _Failure(NamedTuple):
    """A failure that counts against the pair.

    Attributes:
        result: The test that failed.
        doubt: Why the failure possibly comes from a third component, or needs only one side; empty if neither.
        alone: The side that breaks by itself; empty if neither side does.
    """

    result: TestResult
    doubt: str
    alone: str


def judge_pair(
    survey: Survey,
    planned: PlannedCell,
    level: Level,
    evidence: tuple[Evidence, ...],
    reused: int,
    greens: Greens | None = None,
) -> PairAnswer:
    """Judge the two releases that a cell pins.

    What a failure means follows from the components at which it points:

    * It surely points at both sides, and at nothing else: the pair is broken.
    * It surely points at one side, and at nothing else: the pair is broken, and `alone` names the side.
    * It surely points at a third component: it says nothing of the pair.
    * It points at nothing for sure: it counts against the pair if a side is among its suspects.

    If failures say nothing of the pair, the pair works if all tests that use both sides passed, and is ``untested`` if
    not.

    In a cell that works, the pair works up to the deepest test that used both sides. If no such test passed, it works
    up to ``import`` if some test used each side: both were imported there. If not, it is ``untested``. A test that uses
    the component that a side moves with uses the side, too.

    Args:
        survey: The two components.
        planned: The cell.
        level: How deep the cell was run.
        evidence: All runs of the cell, oldest first.
        reused: How many of these there were before the question, without confirmations by runs of other cells.
        greens: In which releases each smoke test was seen to pass; see :func:`stackcompat.verdict.verdict.judge`.
    """
    verdict = judge(planned, evidence, survey.components, greens=greens)
    statuses = verdict.statuses
    answer = PairAnswer(
        verdict=verdict.verdict,
        level=verdict.level,
        sentence=verdict.sentence,
        runs=sum(not run.is_confirmation for run in evidence) - reused,
        reused=reused,
        evidence=verdict.evidence,
    )
    if verdict.verdict == "broken":
        return _broken(survey, answer, verdict, level, statuses)
    if verdict.verdict == "works":
        return _working(survey, answer, verdict.statuses)
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
    """The confirmed failures that count against the pair, and the third components at which the others point."""
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
    """The answer for a cell whose failures say nothing of the pair: the tests that use both sides decide."""
    joint = [status for status in statuses if all(_uses(status.result, side, survey) for side in survey.sides)]
    passed = sum(status.state == "passed" and status.result.level == level for status in joint)
    if passed and all(status.state in ("passed", "feature-broken", "not-applicable", "not-judged") for status in joint):
        sentence = f"{passed} of their tests passed; of others, {answer.sentence}"
        return answer.model_copy(update={"verdict": "works", "level": level, "sentence": sentence})
    sentence = f"hidden by a failure of {', '.join(sorted(others))}: {answer.sentence}"
    return answer.model_copy(update={"verdict": "untested", "sentence": sentence})


def _working(survey: Survey, answer: PairAnswer, statuses: Sequence[TestStatus]) -> PairAnswer:
    """The answer for a cell that works: up to the deepest test of both, to imports without one, or ``untested``."""
    passed = [status.result for status in statuses if status.state == "passed"]
    unused = [side.name for side in survey.sides if not any(_uses(result, side, survey) for result in passed)]
    if unused:
        sentence = f"no test of {' or '.join(unused)} applies"
        return answer.model_copy(update={"verdict": "untested", "sentence": sentence})
    joint = [result for result in passed if all(_uses(result, side, survey) for side in survey.sides)]
    if joint:
        return answer.model_copy(update={"level": deepest(joint)})
    first, second = (side.name for side in survey.sides)
    sentence = f"works up to import: no test that uses both {first} and {second} applies; {answer.sentence}"
    return answer.model_copy(update={"level": "import", "sentence": sentence})


def _uses(result: TestResult, side: Component, survey: Survey) -> bool:
    """Whether a test uses a side, or a component that the side moves with."""
    component: Component | None = side
    while component is not None:
        if component.distribution in result.components:
            return True
        known = component.moves_with in survey.components.names()
        component = survey.components[component.moves_with] if known else None
    return False
