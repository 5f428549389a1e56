"""What the evidence says of a test and of a cell. Pure functions over records.

The rules of evidence are here, and for components and pairs of them in :mod:`stackcompat.pairs`; nowhere else:

* a red run counts only when it fails again, the same way, in a fresh environment; red and green is flaky;
* infrastructure and invalid environments never turn anything red, and never green either.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Literal, NamedTuple, get_args

from stackcompat.evidence import NO_NETWORK, Evidence, Failure, PlannedCell, TestResult
from stackcompat.lock import Conflict, HeldBack
from stackcompat.matrix import Level
from stackcompat.plan import Cell
from stackcompat.record import Record
from stackcompat.wording import and_list

__all__ = [
    "LEVELS",
    "NOT_GREEN",
    "WORST_FIRST",
    "CellVerdict",
    "Standing",
    "Verdict",
    "deepest",
    "judge",
    "settle",
    "why",
    "worst",
]

Verdict = Literal[
    "works",
    "broken",
    "unresolvable",
    "uninstallable",
    "changed",
    "flaky",
    "invalid",
    "untested",
    "not-applicable",
    "infra-error",
]

#: Levels, shallowest first.
LEVELS: tuple[Level, ...] = get_args(Level)

#: Of two verdicts on the same thing (on two Pythons, by two tests), the one that stands earlier here is shown.
WORST_FIRST: tuple[Verdict, ...] = (
    "broken",
    "uninstallable",
    "unresolvable",
    "changed",
    "flaky",
    "invalid",
    "infra-error",
    "works",
    "untested",
    "not-applicable",
)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that a reader must see first; ``untested`` when there is none."""
    return min(verdicts, key=WORST_FIRST.index, default="untested")


# ---------------------------------------------------------------------------------------------------------------------
# One test over all runs of a cell
# ---------------------------------------------------------------------------------------------------------------------


class Standing(Record):
    """Where one test stands after every run of a lock.

    ``confirmed`` failed the same way in two environments, ``flaky`` failed and also passed, or failed in different
    ways, ``once`` failed and was not tried again, ``starved`` was kept from an outcome by infrastructure; ``limited``
    is as confirmed, of a feature that most users do without. `result` is the run that tells; `note` says in a few words
    what a reader should know besides.
    """

    state: Literal["passed", "confirmed", "limited", "flaky", "once", "starved", "blocked", "not-applicable"]
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


def settle(runs: Iterable[Evidence]) -> tuple[Standing, ...]:
    """Where each test stands, in the order of the first run that had it. Runs that did not run tests count for nothing.

    `runs` are oldest first; each is a fresh environment of the same lock, and may have run some of the tests only.
    """
    seen: dict[str, list[TestResult]] = {}
    for run in runs:
        if run.outcome == "ran":
            for result in run.tests:
                seen.setdefault(result.test, []).append(result)
    return tuple(_stand(results) for results in seen.values())


def _stand(results: Sequence[TestResult]) -> Standing:
    starved = [result for result in results if _starved(result)]
    red = [result for result in results if result.outcome in ("failed", "crashed") and result not in starved]
    green = [result for result in results if result.outcome == "passed"]
    if red and green:
        return Standing(state="flaky", result=red[-1], note="failed once and passed once in fresh environments")
    if green:
        return Standing(state="passed", result=green[-1])
    for first, second in combinations(red, 2):
        if _same_way(first, second):
            same = why(first) == why(second)
            note = "" if same else f"with another message the other time: {why(first)}"
            return Standing(state="limited" if second.feature else "confirmed", result=second, note=note)
    if len(red) > 1:
        note = f"failed in {len(red)} fresh environments, each time differently: {why(red[0])}; then {why(red[-1])}"
        return Standing(state="flaky", result=red[-1], note=note)
    if red:
        return Standing(state="once", result=red[0], note="failed once and was not tried again")
    if starved:
        last = starved[-1]
        return Standing(state="starved", result=last, note=why(last) or last.outcome)
    last = results[-1]
    return Standing(state="blocked" if last.outcome == "blocked" else "not-applicable", result=last)


# ---------------------------------------------------------------------------------------------------------------------
# A cell
# ---------------------------------------------------------------------------------------------------------------------


class CellVerdict(Record):
    """What is known of one cell.

    `level`: for a red verdict the first level that is red, for a green one the deepest that was reached. `failures` are
    the tests that the verdict rests on where it is not green, `limits` those of single features that do not work and
    decide nothing. `sentence` says it all in one line. `evidence` holds the ids of the runs it rests on.
    """

    cell: Cell
    verdict: Verdict
    level: Level
    sentence: str
    installed: dict[str, str] = {}
    failures: tuple[TestResult, ...] = ()
    limits: tuple[TestResult, ...] = ()
    conflict: Conflict | None = None
    held_back: tuple[HeldBack, ...] = ()
    forced: tuple[str, ...] = ()
    passed: int = 0
    not_applicable: int = 0
    blocked: int = 0
    lock_id: str = ""
    key: str = ""
    seen: dt.datetime | None = None
    evidence: tuple[str, ...] = ()


def deepest(results: Iterable[TestResult]) -> Level:
    """The deepest level of `results`; ``install`` when there are none."""
    return max((result.level for result in results), key=LEVELS.index, default="install")


def _shallowest(results: Iterable[TestResult]) -> Level:
    return min((result.level for result in results), key=LEVELS.index, default="install")


#: What a test that is neither green nor not-applicable makes of its cell; the first of these states decides.
NOT_GREEN: dict[str, Verdict] = {
    "confirmed": "broken",
    "flaky": "flaky",
    "once": "infra-error",
    "starved": "infra-error",
    "blocked": "infra-error",
}


class _Finding(NamedTuple):
    verdict: Verdict
    level: Level
    sentence: str
    failures: tuple[TestResult, ...] = ()


def judge(planned: PlannedCell, evidence: tuple[Evidence, ...]) -> CellVerdict:
    """The verdict on one cell from its resolution and every run of its lock, oldest first."""
    cell, resolution = planned.cell, planned.resolution
    standings = settle(evidence)
    finding = _judge_resolution(planned) or _judge_runs(evidence, standings)
    states = [standing.state for standing in standings]
    return CellVerdict(
        cell=cell,
        verdict=finding.verdict,
        level=finding.level,
        sentence=finding.sentence,
        installed=resolution.lock.versions() if resolution.lock else {},
        failures=finding.failures,
        limits=tuple(standing.result for standing in standings if standing.state == "limited"),
        conflict=resolution.conflict,
        held_back=resolution.held_back,
        forced=cell.overrides,
        passed=states.count("passed"),
        not_applicable=states.count("not-applicable"),
        blocked=states.count("blocked"),
        lock_id=resolution.lock.id if resolution.lock else "",
        key=planned.key,
        seen=evidence[-1].started if evidence else None,
        evidence=tuple(run.id for run in evidence),
    )


def _judge_resolution(planned: PlannedCell) -> _Finding | None:
    """What is known before anything is installed; None when there is a lock to run."""
    resolution = planned.resolution
    if resolution.outcome == "conflict" and resolution.conflict is not None:
        return _Finding("unresolvable", "resolve", resolution.conflict.sentence)
    if resolution.outcome == "no-wheel-for-platform":
        return _Finding("not-applicable", "resolve", resolution.detail)
    if resolution.outcome != "locked":
        return _Finding("infra-error", "resolve", resolution.detail or resolution.outcome)
    return None


def _judge_runs(evidence: tuple[Evidence, ...], standings: tuple[Standing, ...]) -> _Finding:
    if not evidence:
        return _Finding("untested", "resolve", "locked, but not run yet")
    ran = any(run.outcome == "ran" for run in evidence)
    refused = [run for run in evidence if run.outcome == "uninstallable"]
    if not ran and not refused:
        last = evidence[-1]
        if last.outcome == "no-wheel-for-platform":
            return _Finding("not-applicable", "install", last.detail or last.outcome)
        verdict: Verdict = "invalid" if last.outcome == "invalid" else "infra-error"
        return _Finding(verdict, "install", last.detail or last.outcome)
    if not ran:
        if len(refused) < 2:
            return _Finding("infra-error", "install", f"did not install once, not tried again: {refused[0].detail}")
        return _Finding("uninstallable", "install", refused[-1].detail)
    finding = _judge_tests(standings)
    if refused and finding.verdict == "works":
        sentence = f"installed in one fresh environment and not in another: {refused[-1].detail}"
        return _Finding("flaky", "install", sentence)
    return finding


def _judge_tests(standings: tuple[Standing, ...]) -> _Finding:
    """The first of these that any test is in: confirmed, flaky, failed once, without an outcome; else what passed."""
    for state, verdict in NOT_GREEN.items():
        found = [standing for standing in standings if standing.state == state]
        if found:
            level = _shallowest(standing.result for standing in found)
            first = next(standing for standing in found if standing.result.level == level)
            said = _sentence(first) + _own_tests(standings)
            return _Finding(verdict, level, said, tuple(standing.result for standing in found))
    passed = [standing.result for standing in standings if standing.state == "passed"]
    if not passed:
        return _Finding("untested", "install", "installs, but no test applies to what is installed")
    number = sum(result.level != "upstream" for result in passed)
    noun = "test" if number == 1 else "tests"
    features = and_list(list(dict.fromkeys(s.result.feature for s in standings if s.state == "limited")))
    but = f", all but {features}" if features else ""
    return _Finding("works", deepest(passed), f"{number} {noun} passed{but}{_own_tests(standings)}")


def _own_tests(standings: Iterable[Standing]) -> str:
    """How many of the tests that releases ship did what, by release; empty where none was to run.

    That one of their files loads is a test as well, but not one that a reader would count.
    """
    counts: dict[str, Counter[str]] = {}
    said = ""
    for standing in standings:
        result = standing.result
        if result.level == "upstream" and result.test.endswith("/"):  # of all of them
            said += f"; {result.components[0]}'s own tests were not run: {result.reason}"
        elif result.level == "upstream" and (standing.state != "passed" or "::" in result.test):
            kind = standing.state if standing.state in ("passed", "confirmed") else "other"
            counts.setdefault(result.components[0], Counter())[kind] += 1
    for name, count in counts.items():
        said += f"; of {name}'s own tests {count['passed']} pass"
        said += f", {count['confirmed']} fail that passed in its own time" if count["confirmed"] else ""
        said += f", {count['other']} tell nothing" if count["other"] else ""
    return said


def _sentence(standing: Standing) -> str:
    test = standing.result.test
    match standing.state:
        case "confirmed":
            return f"{test}: {why(standing.result)}" + (f" ({standing.note})" if standing.note else "")
        case "blocked":
            return f"{test} could not be tried: {standing.result.reason}"
        case "starved":
            return f"{test}: {standing.result.outcome}: {standing.note}"
        case _:
            return f"{test} {standing.note}"
