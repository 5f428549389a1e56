"""What the runs of one test amount to: passed, failed again in the same way, flaky, starved and so on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Literal

from stackcompat.core.record import Record
from stackcompat.evidence.results import NO_NETWORK, Evidence, Failure, TestResult

__all__ = ["TestStatus", "classify", "why"]

# ---------------------------------------------------------------------------------------------------------------------
# One test over all runs of a cell
# ---------------------------------------------------------------------------------------------------------------------


class TestStatus(Record):
    """Where one test stands after every run of a lock.

    ``confirmed`` failed the same way in two environments, ``flaky`` failed and also passed, or failed in different
    ways, ``once`` failed and was not tried again, ``starved`` was kept from an outcome by infrastructure; ``limited``
    is as confirmed, of a feature that most users do without. `result` is the run that tells; `note` says in a few words
    what a reader should know besides.
    """

    state: Literal[
        "passed", "confirmed", "feature-broken", "flaky", "unconfirmed", "infra", "blocked", "not-applicable"
    ]
    result: TestResult
    note: str = ""


#: What an exhausted machine or an absent network says through an exception: never an incompatibility.
_EXHAUSTED = re.compile(
    r"no space left on device|disk quota exceeded|cannot allocate memory|out of memory|std::bad_alloc"
    rf"|too many open files|can't start new thread|resource temporarily unavailable|{NO_NETWORK}",
    re.IGNORECASE,
)


def _starved(result: TestResult) -> bool:
    if result.outcome in ("timeout", "out-of-memory"):
        return True
    failure = result.failure
    return failure is not None and (
        failure.type.endswith("MemoryError") or _EXHAUSTED.search(failure.message) is not None
    )


def _same_way(first: TestResult, second: TestResult) -> bool:
    """The same exception from the same place; the message may hold numbers that differ from run to run."""

    def way(result: TestResult) -> tuple[str, str, str, str]:
        failure = result.failure or Failure(type="", message="")
        return result.outcome, failure.type, failure.package, failure.where

    return way(first) == way(second)


def why(result: TestResult) -> str:
    """What a test that is not green says for itself, in one line."""
    return result.failure.signature if result.failure else result.reason


def classify(runs: Iterable[Evidence]) -> tuple[TestStatus, ...]:
    """Where each test stands, in the order of the first run that had it. Runs that did not run tests count for nothing.

    `runs` are oldest first; each is a fresh environment of the same lock, and may have run some of the tests only.
    """
    seen: dict[str, list[TestResult]] = {}
    for run in runs:
        if run.outcome == "ran":
            for result in run.tests:
                seen.setdefault(result.test, []).append(result)
    return tuple(_status_of(results) for results in seen.values())


def _status_of(results: Sequence[TestResult]) -> TestStatus:
    starved = [result for result in results if _starved(result)]
    red = [result for result in results if result.outcome in ("failed", "crashed") and result not in starved]
    green = [result for result in results if result.outcome == "passed"]
    if red and green:
        return TestStatus(state="flaky", result=red[-1], note="failed once and passed once in fresh environments")
    if green:
        return TestStatus(state="passed", result=green[-1])
    for first, second in combinations(red, 2):
        if _same_way(first, second):
            same = why(first) == why(second)
            note = "" if same else f"with another message the other time: {why(first)}"
            return TestStatus(state="feature-broken" if second.feature else "confirmed", result=second, note=note)
    if len(red) > 1:
        note = f"failed in {len(red)} fresh environments, each time differently: {why(red[0])}; then {why(red[-1])}"
        return TestStatus(state="flaky", result=red[-1], note=note)
    if red:
        return TestStatus(state="unconfirmed", result=red[0], note="failed once and was not tried again")
    if starved:
        last = starved[-1]
        return TestStatus(state="infra", result=last, note=why(last) or last.outcome)
    last = results[-1]
    return TestStatus(state="blocked" if last.outcome == "blocked" else "not-applicable", result=last)
