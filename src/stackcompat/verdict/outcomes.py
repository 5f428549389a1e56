"""The status of a test: what all its runs in one cell say. Pure functions over records."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Literal, NamedTuple

from stackcompat.core.text import and_list
from stackcompat.evidence.results import Evidence, Failure, TestResult
from stackcompat.verdict.infrastructure import is_infrastructure, ran_out_of_time
from stackcompat.verdict.signature import failed_alike

__all__ = [
    "RUNS_THAT_SETTLE",
    "PassTimes",
    "TestState",
    "TestStatus",
    "classify",
    "cure",
    "doubted_tests",
    "limit_in_words",
    "pass_times",
    "what_is_limited",
    "why",
    "why_limited",
]

#: The state of a test. ``confirmed``: the test failed in the same way in two environments. ``feature-broken``: as
#: ``confirmed``, but it tests a feature that most users do without; the second environment can be that of another cell
#: (:mod:`stackcompat.verdict.confirmation`). ``flaky``: the test failed and also passed, or it
#: failed in different ways. ``unconfirmed``: the test failed and was not tried again. ``hangs``: the test did not end
#: in any environment, and it is not known to end with other versions. ``infra``: infrastructure kept the test from an
#: outcome. ``blocked``: a component that the test needs cannot be imported. ``not-judged``: the test failed, and was
#: never seen to pass with a release that is installed (see :mod:`stackcompat.verdict.greens`).
TestState = Literal[
    "passed",
    "confirmed",
    "feature-broken",
    "flaky",
    "unconfirmed",
    "hangs",
    "infra",
    "blocked",
    "not-applicable",
    "not-judged",
]

#: After a test has changed from red to green or back, it counts as settled if so many runs in a row say the same; after
#: two such changes, twice as many, and so on.
RUNS_THAT_SETTLE = 5

#: The limit of a test must be at least so many times as long as the test takes with other versions. Otherwise a busy
#: machine can be the reason why it did not end.
_COMPARABLE = 3


class TestStatus(NamedTuple):  # no Record: a history holds one for each test of each cell
    """The status of a test: what all its runs in one cell say.

    Attributes:
        state: The state of the test.
        result: The result of one run that shows this state.
        note: What else a reader should know, in a few words.
        seen: When the newest run began that shows this state.
    """

    state: TestState
    result: TestResult
    note: str = ""
    seen: dt.datetime | None = None


TestStatus.__test__ = False  # type: ignore[attr-defined]  # pytest would collect a class with this name


class _Sighting(NamedTuple):
    """The result of a test, and when the run began that showed it."""

    started: dt.datetime
    result: TestResult


def why(result: TestResult) -> str:
    """Why a test is not green, in one line: the signature of its failure, else its reason."""
    return result.failure.signature if result.failure else result.reason


def cure(result: TestResult) -> str:
    """What makes a broken feature work with the same releases; empty if nothing is known."""
    undeclared = result.failure.undeclared if result.failure is not None and result.feature else ""
    return f"install {undeclared}" if undeclared else ""


def why_limited(result: TestResult) -> str:
    """Why a feature does not work, in one line. If it is known what to do about it, the line says that."""
    return result.reason if cure(result) and result.reason else why(result)


def limit_in_words(result: TestResult) -> str:
    """What does not work where the test of a feature or of a module fails, and why, in one line."""
    return f"{what_is_limited(result)}: {why_limited(result)}"


def what_is_limited(result: TestResult) -> str:
    """What does not work where the test of a feature or of a module fails."""
    if result.modules is None:
        return f"{result.feature} does not work"
    more = len(result.modules) - 1
    others = f" and {more} more {'module' if more == 1 else 'modules'} of {result.components[0]}" if more > 0 else ""
    return f"{result.feature}{others} cannot be imported"


#: The seconds that tests took at most where they passed, by platform and test.
PassTimes = Mapping[tuple[str, str], float]


def pass_times(runs: Iterable[Evidence]) -> PassTimes:
    """How long each test took at most where it passed.

    Args:
        runs: Runs with any versions.
    """
    longest: dict[tuple[str, str], float] = {}
    for run in runs:
        if run.outcome != "ran":
            continue
        for result in run.tests:
            if result.outcome == "passed":
                address = (run.platform, result.test)
                longest[address] = max(longest.get(address, 0.0), result.seconds)
    return longest


def classify(runs: Iterable[Evidence], passes: PassTimes | None = None) -> tuple[TestStatus, ...]:
    """The status of each test in some runs.

    Args:
        runs: Runs of one lock, oldest first, each in a fresh environment. A run can have only some of the tests. Only
            runs with the outcome ``ran`` count.
        passes: How long the tests took where they passed with other versions. A test that ends in no run here, and that
            passed there within a fraction of its limit, is red.

    Returns:
        One status for each test, in the order in which the tests first occur in the runs.
    """
    runs = [run for run in runs if run.outcome == "ran"]
    passes = passes or {}
    again = {(run.platform, result.test): result for run in runs for result in run.failed_with_caches}
    if len(runs) == 1 and not again and len({result.test for result in runs[0].tests}) == len(runs[0].tests):
        (run,) = runs  # the rule below, for most cells
        return tuple([_status_in(run, result, passes) for result in run.tests])
    sightings: dict[tuple[str, str], list[_Sighting]] = {}
    notes: dict[tuple[str, str], str] = {}
    for run in runs:
        for result in run.tests:
            address = (run.platform, result.test)
            if run.compiler_caches and address in again and failed_alike(result, again[address]):
                notes[address] = _cache_fails(run, result)  # a failure of the cache, and none of the test
            else:
                sightings.setdefault(address, []).append(_sighting(run, result))
    return tuple(
        _noted(_status_of(of_test, passes.get(address)), notes.get(address, ""))
        for address, of_test in sightings.items()
    )


def _status_in(run: Evidence, result: TestResult, passes: PassTimes) -> TestStatus:
    """The status of a test of which a cell has one result."""
    if result.outcome in ("passed", "not-applicable") and result.failure is None:  # as most have it
        return TestStatus(result.outcome, result, "", run.started if result.reused is None else result.reused.seen)
    return _status_of((_sighting(run, result),), passes.get((run.platform, result.test)))


def _sighting(run: Evidence, result: TestResult) -> _Sighting:
    return _Sighting(result.reused.seen if result.reused is not None else run.started, result)


def _cache_fails(run: Evidence, result: TestResult) -> str:
    """That a test fails only with the compilers' caches of a run, in a sentence."""
    names = and_list([use.distribution for use in run.compiler_caches])
    return f"the compiler cache of {names} fails in this test: {why(result)}; the test was run without it"


def _noted(status: TestStatus, note: str) -> TestStatus:
    """The status with one more note; the same without one."""
    return status._replace(note="; ".join(filter(None, (status.note, note)))) if note else status


def doubted_tests(runs: Iterable[Evidence]) -> tuple[str, ...]:
    """The tests that failed with compilers' caches, and of which nothing is known without.

    Args:
        runs: Runs of one lock.
    """
    failed: dict[str, None] = {}
    known = set()
    for run in runs:
        for result in run.tests:
            if run.outcome == "ran" and not run.compiler_caches:
                known.add(result.test)
            elif run.outcome == "ran" and result.outcome not in ("passed", "not-applicable", "blocked"):
                failed[result.test] = None
    return tuple(test for test in failed if test not in known)


def _status_of(sightings: Sequence[_Sighting], elsewhere: float | None) -> TestStatus:
    """The status of one test.

    A result that was reused from another cell counts only as long as the test did not run for real.

    Args:
        sightings: The results of the test in all runs, oldest first.
        elsewhere: The seconds that the test took at most where it passed with other versions; None if it never did.
    """
    started, last = sightings[-1]
    if last.reused is None and all(result.outcome == "passed" and result.failure is None for _, result in sightings):
        return TestStatus("passed", last, "", started)  # the rule below, for most tests of a cell with several runs
    real = [sighting for sighting in sightings if sighting.result.reused is None]
    decisive = [sighting for sighting in real if _is_decisive(sighting.result)]
    decisive = decisive or [sighting for sighting in sightings if _is_decisive(sighting.result)]
    if decisive:
        return _status_of_decisive(decisive)
    infra = [sighting for sighting in sightings if is_infrastructure(sighting.result)]
    if not infra:
        return TestStatus("blocked" if last.outcome == "blocked" else "not-applicable", last, seen=started)
    if len(infra) > 1 and all(ran_out_of_time(sighting.result) for sighting in infra):
        return _status_of_hanging(infra, elsewhere)
    started, last = infra[-1]
    return TestStatus("infra", last, why(last) or last.outcome, started)


def _is_decisive(result: TestResult) -> bool:
    """Whether a result is red or green."""
    return result.outcome in ("passed", "failed", "crashed") and not is_infrastructure(result)


# ---------------------------------------------------------------------------------------------------------------------
# Red and green
# ---------------------------------------------------------------------------------------------------------------------


def _status_of_decisive(sightings: Sequence[_Sighting]) -> TestStatus:
    """The status of a test by its red and green results, oldest first.

    The runs since the last change from red to green or back decide, if there are enough of them for a test that changed
    so often. Otherwise the test is flaky.
    """
    green = [sighting.result.outcome == "passed" for sighting in sightings]
    changes = [number for number, (before, after) in enumerate(pairwise(green), 1) if before != after]
    latest = sightings[changes[-1] :] if changes else sightings
    started, last = sightings[-1]
    failed = green.count(False)
    counts = f"failed in {failed} of {len(green)} fresh environments"
    if changes and len(latest) < RUNS_THAT_SETTLE * len(changes):
        return TestStatus("flaky", _newest_red(sightings), f"{counts} and passed in the others", started)
    if green[-1]:
        note = f"{counts}, in none of the last {len(latest)}" if changes else ""
        return TestStatus("passed", last, note, started)
    status = _status_of_red(latest)
    if not changes:
        return status
    note = "; ".join(filter(None, (f"{counts}, in each of the last {len(latest)}", status.note)))
    return TestStatus(status.state, status.result, note, status.seen)


def _newest_red(sightings: Sequence[_Sighting]) -> TestResult:
    """The newest result that is red."""
    return next(result for _, result in reversed(sightings) if result.outcome != "passed")


def _status_of_red(red: Sequence[_Sighting]) -> TestStatus:
    """The status of a test by failed results alone.

    Args:
        red: The failed results, oldest first.
    """
    started, last = red[-1]
    if last.reused is not None and last.reused.runs > 1:
        return TestStatus("feature-broken" if last.feature else "confirmed", last, seen=started)
    if len(red) == 1:
        return TestStatus("unconfirmed", last, "failed once and was not tried again", started)
    for (_, first), (confirmed, again) in combinations(red, 2):
        if failed_alike(first, again):
            # A run that confirms a failure in a sweep has only the module that stands for all that fail so.
            second = again.model_copy(update={"modules": first.modules}) if first.modules else again
            note = "" if why(first) == why(second) else f"with another message the other time: {why(first)}"
            if elsewhere := first.confirmed_by or second.confirmed_by:
                note = f"the second time in another cell, in run {elsewhere}"
            return TestStatus("feature-broken" if second.feature else "confirmed", second, note, confirmed)
    ways = f"{why(red[0].result)}; then {why(last)}"
    note = f"failed in {len(red)} fresh environments, each time differently: {ways}"
    return TestStatus("flaky", last, note, started)


# ---------------------------------------------------------------------------------------------------------------------
# Tests that do not end
# ---------------------------------------------------------------------------------------------------------------------


def _status_of_hanging(hung: Sequence[_Sighting], elsewhere: float | None) -> TestStatus:
    """The status of a test that ended in no environment.

    Args:
        hung: The results of the test, oldest first.
        elsewhere: The seconds that the test took at most where it passed with other versions; None if it never did.
    """
    started, last = hung[-1]
    limit = _limit(last)
    times = f"no outcome within {limit:.0f} s in {len(hung)} of {len(hung)} fresh environments"
    hanging = last.model_copy(update={"failure": Failure(type="Hang", message=f"no outcome within {limit:.0f} s")})
    if elsewhere is None or elsewhere * _COMPARABLE > limit:
        return TestStatus("hangs", hanging, f"hangs every time: {times}", started)
    note = f"{times}; with other versions it passes within {max(1.0, elsewhere):.0f} s"
    return TestStatus("feature-broken" if last.feature else "confirmed", hanging, note, started)


def _limit(result: TestResult) -> float:
    """The seconds after which a test was ended."""
    words = result.failure.message if result.failure else result.reason
    named = re.search(r"after (\d+(?:\.\d+)?)", words)
    return float(named[1]) if named else result.seconds
