"""Compares one test in both arms of a paired cell, and says what that means for the requirement. Pure functions.

The words are those of crater, a tool that tries new Rust compilers on all published crates: regressed, fixed, broken
before, passes, unknown, skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, get_args

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Level
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.sweep import imported_in, is_whole
from stackcompat.verdict.outcomes import TestStatus, classify, what_is_limited, why
from stackcompat.verdict.signature import similar_failure

__all__ = ["OUTCOMES", "Comparison", "ComparisonOutcome", "Effect", "compare"]

ComparisonOutcome = Literal["regressed", "fixed", "broken-before", "passes", "unknown", "skipped"]


OUTCOMES: tuple[ComparisonOutcome, ...] = get_args(ComparisonOutcome)


Effect = Literal["none", "against", "undecided", "review"]


class Comparison(Record):
    """A test in both arms.

    Attributes:
        comparison: How the test changed from control to candidate. A skipped test applies in neither arm.
        effect: What that means for the requirement: ``against`` fails it, ``undecided`` leaves it open, ``review`` asks
            for a human's judgement.
        note: The reason, in words that follow the name of the test.
        result: The result of the test with the candidate. It is that of the control if the candidate's arm lacks the
            test.
    """

    test: str
    level: Level
    comparison: ComparisonOutcome
    effect: Effect = "none"
    note: str = ""
    result: TestResult


class _Change(NamedTuple):
    """How a test changed from control to candidate; see :class:`Comparison`."""

    comparison: ComparisonOutcome
    effect: Effect = "none"
    note: str = ""


#: The reason that the test plugin gives if a test is not meant for what is installed. A test that skips itself gives
#: another reason.
_NOT_MEANT = re.compile(r"(?P<name>\S+) (?:is not installed|(?P<version>\S+) is outside (?P<bounds>\S+))")


def compare(control: Iterable[Evidence], candidate: Iterable[Evidence]) -> tuple[Comparison, ...]:
    """Compare every test of either arm, from all runs of both.

    Args:
        control: The runs of the control's arm, oldest first.
        candidate: The runs of the candidate's arm, oldest first.

    Returns:
        The tests of the control in their order, then those that only the candidate's arm has.
    """
    runs = tuple(candidate)
    before, after = _with_modules(classify(control), classify(runs))
    installed = {name: version for run in runs if run.observed for name, version in run.observed.distributions.items()}
    return tuple(_compare(before.get(test), after.get(test), installed) for test in dict.fromkeys((*before, *after)))


def _with_modules(
    before: Iterable[TestStatus], after: Iterable[TestStatus]
) -> tuple[dict[str, TestStatus], dict[str, TestStatus]]:
    """The statuses of both arms by test. Of sweeps, the modules count that at least one arm could not import."""
    arms = [list(before), list(after)]
    found = [{one.result.test: one for one in arm if not is_whole(one.result)} for arm in arms]
    lost = {test for of_arm in found for test, status in of_arm.items() if status.result.modules is not None}
    for arm, of_arm in zip(arms, found, strict=True):
        for whole in (status for status in arm if is_whole(status.result)):
            for test in lost.intersection(imported_in([whole.result])) - of_arm.keys():
                of_arm[test] = TestStatus("passed", whole.result.model_copy(update={"test": test, "lost": ()}))
    return found[0], found[1]


def _compare(before: TestStatus | None, after: TestStatus | None, installed: Mapping[str, str]) -> Comparison:
    """Compare one test, which at least one arm has."""
    status = after or before
    assert status is not None
    result = status.result
    change = _change(before, after, installed)
    return Comparison(
        test=result.test,
        level=result.level,
        comparison=change.comparison,
        effect=change.effect,
        note=change.note,
        result=result,
    )


_NOT_APPLICABLE = ("absent", "not-applicable")


_FAILS = ("confirmed", "feature-broken")


def _change(before: TestStatus | None, after: TestStatus | None, installed: Mapping[str, str]) -> _Change:
    """How a test changed from control to candidate; the first rule that applies holds.

    Args:
        before: What the control says of the test; None if it does not have it.
        after: What the candidate's arm says of the test; None if it does not have it.
        installed: Distribution to version in the candidate's arm.
    """
    status = after or before
    assert status is not None
    result = status.result
    old, new = before.state if before else "absent", after.state if after else "absent"
    if old in _NOT_APPLICABLE and new in _NOT_APPLICABLE:
        return _Change("skipped", note=result.reason)
    if new == "passed":
        return _passes_now(old)
    if before is not None and old in (*_FAILS, "blocked") and new in _FAILS:
        return _fails_again(before.result, result)
    if old in _FAILS or old == new == "blocked":
        return _Change("broken-before", note=why(result))
    if "flaky" in (old, new):
        return _Change("unknown", "review", "is flaky: failed and passed, or failed each time differently")
    if new == "feature-broken":
        return _loses_feature(old, result)
    if new == "confirmed":
        return _fails_now(old, result)
    if old != "passed":
        return _Change("unknown", note="has an outcome in neither arm")
    return _loses_outcome(new, status, installed)


def _fails_again(before: TestResult, after: TestResult) -> _Change:
    """The change of a test that fails with the candidate, and failed or could not be tried in the control.

    Only the same failure was there before. Another one can hide behind it, so a human looks at it.
    """
    if before.outcome == after.outcome and similar_failure(before, after):
        return _Change("broken-before", note=why(after))
    earlier = f"could not be tried ({why(before)})" if before.outcome == "blocked" else f"failed with {why(before)}"
    return _Change("unknown", "review", f"fails with {why(after)}; without the candidate it {earlier}")


def _passes_now(old: str) -> _Change:
    if old == "passed":
        return _Change("passes")
    if old in ("confirmed", "feature-broken", "blocked"):
        return _Change("fixed")
    return _Change("unknown", note="passes, and had no outcome in the control")


def _loses_feature(old: str, result: TestResult) -> _Change:
    if old == "passed":
        return _Change("unknown", "review", f"{what_is_limited(result)} any more: {why(result)}")
    return _Change("unknown", note=f"{what_is_limited(result)}, and had no outcome in the control")


def _fails_now(old: str, result: TestResult) -> _Change:
    """The change of a test that fails with the candidate and did not fail in the control."""
    if old == "passed":
        if result.failure is not None and result.failure.changed:
            return _Change("unknown", "review", f"gives other values from the same seed: {why(result)}")
        return _Change("regressed", "against")
    if old in _NOT_APPLICABLE:
        return _Change("unknown", "review", f"fails, and does not apply without the candidate: {why(result)}")
    return _Change("unknown", "undecided", f"fails, and had no outcome in the control: {why(result)}")


def _loses_outcome(new: str, status: TestStatus, installed: Mapping[str, str]) -> _Change:
    """The change of a test that passed in the control and has no outcome with the candidate.

    Usually this leaves the requirement undecided. It has no effect if an import test has nothing left to import, or if
    the test declares that it is not meant for the candidate.
    """
    result = status.result
    if new == "absent":
        imports_nothing = result.level == "import" and not set(result.components) & installed.keys()
        return _Change("unknown", "none" if imports_nothing else "undecided", "is not there with the candidate")
    if new == "not-applicable":
        note = f"does not apply with the candidate: {result.reason}"
        return _Change("unknown", "none" if _is_not_meant(result, installed) else "undecided", note)
    return _Change("unknown", "undecided", f"has no outcome with the candidate: {status.note or why(result)}")


def _is_not_meant(result: TestResult, installed: Mapping[str, str]) -> bool:
    """Whether a test declares that it is not meant for what is installed, and whether that is true.

    The reason must be worded as the test plugin words it, and must name a distribution that the test uses, at the
    installed version. A reason that the test gives while it runs could say anything.
    """
    reason = _NOT_MEANT.fullmatch(result.reason)
    if reason is None or reason["name"] not in result.components:
        return False
    version = reason["version"]
    if installed.get(reason["name"]) != version:
        return False
    try:
        return version is None or not SpecifierSet(reason["bounds"]).contains(version, prereleases=True)
    except InvalidSpecifier:
        return False
