"""What the evidence says of a test and of a cell. Pure functions over records.

The rules of evidence are here, and for components and pairs of them in :mod:`stackcompat.verdict.pairs`; nowhere else:

* a red run counts only when it fails again, the same way, in a fresh environment; red and green is flaky;
* infrastructure and invalid environments never turn anything red, and never green either.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from stackcompat.core.record import Record
from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import LEVELS, Level, Verdict
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import HeldBack
from stackcompat.verdict.outcomes import TestStatus, classify, why

__all__ = ["NOT_GREEN", "CellVerdict", "deepest", "judge"]

# ---------------------------------------------------------------------------------------------------------------------
# A cell
# ---------------------------------------------------------------------------------------------------------------------


class CellVerdict(Record):
    """What is known of one cell.

    `level`: for a red verdict the first level that is red, for a green one the deepest that was reached. `failures` are
    the tests that the verdict rests on where it is not green, `broken_features` those of single features that do not
    work and decide nothing. `sentence` says it all in one line. `evidence` holds the ids of the runs it rests on.
    """

    cell: Cell
    verdict: Verdict
    level: Level
    sentence: str
    installed: dict[str, str] = {}
    failures: tuple[TestResult, ...] = ()
    broken_features: tuple[TestResult, ...] = ()
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
    "unconfirmed": "infra-error",
    "infra": "infra-error",
    "blocked": "infra-error",
}


class _Judgement(NamedTuple):
    verdict: Verdict
    level: Level
    sentence: str
    failures: tuple[TestResult, ...] = ()


def judge(planned: PlannedCell, evidence: tuple[Evidence, ...]) -> CellVerdict:
    """The verdict on one cell from its resolution and every run of its lock, oldest first."""
    cell, resolution = planned.cell, planned.resolution
    statuses = classify(evidence)
    finding = _judge_resolution(planned) or _judge_runs(evidence, statuses)
    states = [status.state for status in statuses]
    return CellVerdict(
        cell=cell,
        verdict=finding.verdict,
        level=finding.level,
        sentence=finding.sentence,
        installed=resolution.lock.versions() if resolution.lock else {},
        failures=finding.failures,
        broken_features=tuple(status.result for status in statuses if status.state == "feature-broken"),
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


def _judge_resolution(planned: PlannedCell) -> _Judgement | None:
    """What is known before anything is installed; None when there is a lock to run."""
    resolution = planned.resolution
    if resolution.outcome == "conflict" and resolution.conflict is not None:
        return _Judgement("unresolvable", "resolve", resolution.conflict.sentence)
    if resolution.outcome == "no-wheel-for-platform":
        return _Judgement("not-applicable", "resolve", resolution.detail)
    if resolution.outcome != "locked":
        return _Judgement("infra-error", "resolve", resolution.detail or resolution.outcome)
    return None


def _judge_runs(evidence: tuple[Evidence, ...], statuses: tuple[TestStatus, ...]) -> _Judgement:
    if not evidence:
        return _Judgement("untested", "resolve", "locked, but not run yet")
    ran = any(run.outcome == "ran" for run in evidence)
    refused = [run for run in evidence if run.outcome == "uninstallable"]
    if not ran and not refused:
        last = evidence[-1]
        if last.outcome == "no-wheel-for-platform":
            return _Judgement("not-applicable", "install", last.detail or last.outcome)
        verdict: Verdict = "invalid" if last.outcome == "invalid" else "infra-error"
        return _Judgement(verdict, "install", last.detail or last.outcome)
    if not ran:
        if len(refused) < 2:
            return _Judgement("infra-error", "install", f"did not install once, not tried again: {refused[0].detail}")
        return _Judgement("uninstallable", "install", refused[-1].detail)
    finding = _judge_tests(statuses)
    if refused and finding.verdict == "works":
        sentence = f"installed in one fresh environment and not in another: {refused[-1].detail}"
        return _Judgement("flaky", "install", sentence)
    return finding


def _judge_tests(statuses: tuple[TestStatus, ...]) -> _Judgement:
    """The first of these that any test is in: confirmed, flaky, failed once, without an outcome; else what passed."""
    for state, verdict in NOT_GREEN.items():
        found = [status for status in statuses if status.state == state]
        if found:
            level = _shallowest(status.result for status in found)
            first = next(status for status in found if status.result.level == level)
            said = _sentence(first) + _own_tests(statuses)
            return _Judgement(verdict, level, said, tuple(status.result for status in found))
    passed = [status.result for status in statuses if status.state == "passed"]
    if not passed:
        return _Judgement("untested", "install", "installs, but no test applies to what is installed")
    number = sum(result.level != "upstream" for result in passed)
    noun = "test" if number == 1 else "tests"
    features = and_list(list(dict.fromkeys(s.result.feature for s in statuses if s.state == "feature-broken")))
    but = f", all but {features}" if features else ""
    return _Judgement("works", deepest(passed), f"{number} {noun} passed{but}{_own_tests(statuses)}")


def _own_tests(statuses: Iterable[TestStatus]) -> str:
    """How many of the tests that releases ship did what, by release; empty where none was to run.

    That one of their files loads is a test as well, but not one that a reader would count.
    """
    counts: dict[str, Counter[str]] = {}
    said = ""
    for status in statuses:
        result = status.result
        if result.level == "upstream" and result.test.endswith("/"):  # of all of them
            said += f"; {result.components[0]}'s own tests were not run: {result.reason}"
        elif result.level == "upstream" and (status.state != "passed" or "::" in result.test):
            kind = status.state if status.state in ("passed", "confirmed") else "other"
            counts.setdefault(result.components[0], Counter())[kind] += 1
    for name, count in counts.items():
        said += f"; of {name}'s own tests {count['passed']} pass"
        said += f", {count['confirmed']} fail that passed in its own time" if count["confirmed"] else ""
        said += f", {count['other']} tell nothing" if count["other"] else ""
    return said


def _sentence(status: TestStatus) -> str:
    test = status.result.test
    match status.state:
        case "confirmed":
            return f"{test}: {why(status.result)}" + (f" ({status.note})" if status.note else "")
        case "blocked":
            return f"{test} could not be tried: {status.result.reason}"
        case "infra":
            return f"{test}: {status.result.outcome}: {status.note}"
        case _:
            return f"{test} {status.note}"
