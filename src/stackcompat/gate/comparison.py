"""One test in both arms of a paired cell: what became of it, and what that means for the requirement. Pure functions.

The words are those of crater, which tries compilers of Rust on all published crates: regressed, fixed, broken before,
passes, unknown, skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, get_args

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Level
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.verdict.outcomes import TestStatus, classify, why

__all__ = ["OUTCOMES", "Comparison", "ComparisonOutcome", "Effect", "compare"]

ComparisonOutcome = Literal["regressed", "fixed", "broken-before", "passes", "unknown", "skipped"]


OUTCOMES: tuple[ComparisonOutcome, ...] = get_args(ComparisonOutcome)


Effect = Literal["none", "against", "undecided", "review"]


class Comparison(Record):
    """A test in both arms.

    Attributes:
        comparison: What became of the test from control to candidate; a skipped one applies in neither arm.
        effect: What that means for the requirement: ``against`` fails it, ``undecided`` leaves it open, ``review`` asks
            for a human's judgement.
        note: Why, as a sentence whose subject is the test.
        result: The run that tells, with the candidate where there is one.
    """

    test: str
    level: Level
    comparison: ComparisonOutcome
    effect: Effect = "none"
    note: str = ""
    result: TestResult


class _Change(NamedTuple):
    """What became of a test; see :class:`Comparison`."""

    comparison: ComparisonOutcome
    effect: Effect = "none"
    note: str = ""


#: How the probe says that a test is not meant for what is installed. A test that skips itself says something else.
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
    before = {status.result.test: status for status in classify(control)}
    after = {status.result.test: status for status in classify(runs)}
    installed = {name: version for run in runs if run.observed for name, version in run.observed.distributions.items()}
    return tuple(_compare(before.get(test), after.get(test), installed) for test in dict.fromkeys((*before, *after)))


def _compare(before: TestStatus | None, after: TestStatus | None, installed: Mapping[str, str]) -> Comparison:
    """Compare one test, which at least one arm has."""
    status = after or before
    assert status is not None
    result = status.result
    change = _change(before.state if before else "absent", after.state if after else "absent", status, installed)
    return Comparison(
        test=result.test,
        level=result.level,
        comparison=change.comparison,
        effect=change.effect,
        note=change.note,
        result=result,
    )


_NOT_APPLICABLE = ("absent", "not-applicable")


def _change(old: str, new: str, status: TestStatus, installed: Mapping[str, str]) -> _Change:
    """What became of a test; the first rule that applies holds.

    Args:
        old: The status of the test in the control, or ``absent``.
        new: The same in the candidate's arm.
        status: The status in the candidate's arm; where the test is absent there, in the control.
        installed: Distribution to version in the candidate's arm.
    """
    result = status.result
    if old in _NOT_APPLICABLE and new in _NOT_APPLICABLE:
        return _Change("skipped", note=result.reason)
    if new == "passed":
        return _passes_now(old)
    if old in ("confirmed", "feature-broken"):
        return _Change("broken-before", note=why(result))
    if old == "blocked" and new in ("blocked", "confirmed", "feature-broken"):
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


def _passes_now(old: str) -> _Change:
    if old == "passed":
        return _Change("passes")
    if old in ("confirmed", "feature-broken", "blocked"):
        return _Change("fixed")
    return _Change("unknown", note="passes, and had no outcome in the control")


def _loses_feature(old: str, result: TestResult) -> _Change:
    if old == "passed":
        return _Change("unknown", "review", f"{result.feature} does not work any more: {why(result)}")
    return _Change("unknown", note=f"{result.feature} does not work, and had no outcome in the control")


def _fails_now(old: str, result: TestResult) -> _Change:
    """A test that fails with the candidate, and did not fail in the control."""
    if old == "passed":
        if result.failure is not None and result.failure.changed:
            return _Change("unknown", "review", f"gives other values from the same seed: {why(result)}")
        return _Change("regressed", "against")
    if old in _NOT_APPLICABLE:
        return _Change("unknown", "review", f"fails, and does not apply without the candidate: {why(result)}")
    return _Change("unknown", "undecided", f"fails, and had no outcome in the control: {why(result)}")


def _loses_outcome(new: str, status: TestStatus, installed: Mapping[str, str]) -> _Change:
    """A test that passed in the control and has no outcome with the candidate, which usually leaves it undecided.

    An import test of what is not installed any more has nothing to import. A test that does not declare itself fit for
    the candidate does not apply.
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
    """Whether a test declares that it is not meant for what is installed, and that is true.

    The reason must be worded as the probe words it, and name something that the test uses, at the version that is
    installed: a reason that the test itself gives while it runs could say anything.
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
