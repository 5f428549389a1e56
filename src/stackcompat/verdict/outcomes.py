"""What all runs of one test say: passed, failed again in the same way, flaky and so on. Pure functions over records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from stackcompat.evidence.results import NO_NETWORK, Evidence, Failure, TestResult

__all__ = ["TestState", "TestStatus", "classify", "why"]

#: What all runs of a test say. ``confirmed``: it failed the same way in two environments. ``feature-broken``: the same,
#: of a feature that most users do without. ``flaky``: it failed and also passed, or failed in different ways.
#: ``unconfirmed``: it failed and was not tried again. ``infra``: infrastructure kept it from an outcome. ``blocked``: a
#: component that it needs cannot be imported.
TestState = Literal[
    "passed", "confirmed", "feature-broken", "flaky", "unconfirmed", "infra", "blocked", "not-applicable"
]


@dataclass(frozen=True, slots=True)  # no Record: a history holds one for each test of each cell
class TestStatus:
    """What all runs of one test in one cell say.

    Attributes:
        state: What they say.
        result: The run that shows it.
        note: What else a reader should know, in a few words.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    state: TestState
    result: TestResult
    note: str = ""


#: What an exhausted machine or an absent network says through an exception: never an incompatibility.
_EXHAUSTED = re.compile(
    r"no space left on device|disk quota exceeded|cannot allocate memory|out of memory|std::bad_alloc"
    rf"|too many open files|can't start new thread|resource temporarily unavailable|{NO_NETWORK}",
    re.IGNORECASE,
)


def _is_infra(result: TestResult) -> bool:
    """Whether infrastructure kept a test from an outcome of its own."""
    if result.outcome in ("timeout", "out-of-memory"):
        return True
    failure = result.failure
    return failure is not None and (
        failure.type.endswith("MemoryError") or _EXHAUSTED.search(failure.message) is not None
    )


def _way_of_failing(result: TestResult) -> tuple[str, str, str, str]:
    """The exception and its place, without the message: numbers in it can differ from run to run."""
    failure = result.failure or Failure(type="", message="")
    return result.outcome, failure.type, failure.package, failure.where


def why(result: TestResult) -> str:
    """Why a test is not green, in one line: the signature of its failure, else its reason."""
    return result.failure.signature if result.failure else result.reason


def classify(runs: Iterable[Evidence]) -> tuple[TestStatus, ...]:
    """What all runs of each test say.

    Args:
        runs: Runs of one lock, oldest first, each in a fresh environment. A run can have only some of the tests. Runs
            in which no tests ran do not count.

    Returns:
        The tests in the order in which the runs have them.
    """
    results: dict[str, list[TestResult]] = {}
    for run in runs:
        if run.outcome == "ran":
            for result in run.tests:
                results.setdefault(result.test, []).append(result)
    return tuple(_status_of(results_of_test) for results_of_test in results.values())


def _status_of(results: Sequence[TestResult]) -> TestStatus:
    """What the runs of one test say, oldest first."""
    infra = [result for result in results if _is_infra(result)]
    red = [result for result in results if result.outcome in ("failed", "crashed") and not _is_infra(result)]
    green = [result for result in results if result.outcome == "passed"]
    if red and green:
        return TestStatus("flaky", red[-1], "failed once and passed once in fresh environments")
    if green:
        return TestStatus("passed", green[-1])
    if red:
        return _status_of_red(red)
    if infra:
        return TestStatus("infra", infra[-1], why(infra[-1]) or infra[-1].outcome)
    last = results[-1]
    return TestStatus("blocked" if last.outcome == "blocked" else "not-applicable", last)


def _status_of_red(red: Sequence[TestResult]) -> TestStatus:
    """What the failures of a test say that never passed, oldest first."""
    if len(red) == 1:
        return TestStatus("unconfirmed", red[0], "failed once and was not tried again")
    for first, second in combinations(red, 2):
        if _way_of_failing(first) == _way_of_failing(second):
            note = "" if why(first) == why(second) else f"with another message the other time: {why(first)}"
            return TestStatus("feature-broken" if second.feature else "confirmed", second, note)
    note = f"failed in {len(red)} fresh environments, each time differently: {why(red[0])}; then {why(red[-1])}"
    return TestStatus("flaky", red[-1], note)
