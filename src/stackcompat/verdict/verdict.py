"""What the evidence says of a cell. Pure functions over records.

The rules of evidence are in this package and nowhere else. Of a test (:mod:`stackcompat.verdict.outcomes`) and a cell:

* a red run counts only when it fails again, the same way, in a fresh environment; red and green is flaky;
* infrastructure and invalid environments never turn anything red, and never green either.

Those of components and pairs are in `components` and `pairs`, those of artifacts in `exchange`.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import LEVELS, Level, Verdict
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import HeldBack, Resolution
from stackcompat.verdict.outcomes import TestStatus, classify, why

__all__ = ["NOT_GREEN", "CellVerdict", "deepest", "judge"]


class CellVerdict(Record):
    """What is known of one cell.

    Attributes:
        cell: The cell.
        verdict: The verdict.
        level: For a red verdict the shallowest level that is red, for a green one the deepest that passed.
        sentence: The verdict and its reason in one line.
        installed: Distribution to version in its lock.
        failures: The tests that the verdict rests on, if it is not green.
        broken_features: The tests of single features that do not work; they decide nothing.
        conflict: Why it has no lock, if bounds exclude each other.
        held_back: What is not at its newest in its lock, although that was asked for.
        forced: The requirements that force what metadata forbids.
        passed: How many tests passed.
        not_applicable: How many tests did not apply.
        blocked: How many tests could not be tried.
        lock_id: Its lock.
        key: The key of its evidence.
        seen: When the last of its runs began.
        evidence: The ids of the runs that the verdict rests on.
        statuses: What all runs of each test say. It is part of no JSON.
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
    statuses: Annotated[tuple[TestStatus, ...], Field(exclude=True, repr=False)] = ()


def deepest(results: Iterable[TestResult]) -> Level:
    """The deepest level of `results`; ``install`` if there are none."""
    return max((result.level for result in results), key=LEVELS.index, default="install")


def _shallowest(results: Iterable[TestResult]) -> Level:
    return min((result.level for result in results), key=LEVELS.index, default="install")


#: What a test in one of these states makes of its cell; the first state that any test is in decides.
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
    """The verdict on one cell.

    Args:
        planned: The cell and what it resolved to.
        evidence: Every run of its lock, oldest first.
    """
    cell, resolution = planned.cell, planned.resolution
    statuses = classify(evidence)
    judgement = _judge_resolution(resolution) or _judge_runs(evidence, statuses)
    states = [status.state for status in statuses]
    return CellVerdict(
        cell=cell,
        verdict=judgement.verdict,
        level=judgement.level,
        sentence=judgement.sentence,
        installed=resolution.lock.versions() if resolution.lock else {},
        failures=judgement.failures,
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
        statuses=statuses,
    )


def _judge_resolution(resolution: Resolution) -> _Judgement | None:
    """What is known before anything is installed; None if there is a lock to run."""
    if resolution.outcome == "conflict" and resolution.conflict is not None:
        return _Judgement("unresolvable", "resolve", resolution.conflict.sentence)
    if resolution.outcome == "no-wheel-for-platform":
        return _Judgement("not-applicable", "resolve", resolution.detail)
    if resolution.outcome != "locked":
        return _Judgement("infra-error", "resolve", resolution.detail or resolution.outcome)
    return None


def _judge_runs(evidence: Sequence[Evidence], statuses: Sequence[TestStatus]) -> _Judgement:
    """What the runs of a lock say."""
    if not evidence:
        return _Judgement("untested", "resolve", "locked, but not run yet")
    refused = [run for run in evidence if run.outcome == "uninstallable"]
    if not any(run.outcome == "ran" for run in evidence):
        return _judge_installs(refused) if refused else _judge_last_run(evidence[-1])
    judgement = _judge_tests(statuses)
    if refused and judgement.verdict == "works":
        sentence = f"installed in one fresh environment and not in another: {refused[-1].detail}"
        return _Judgement("flaky", "install", sentence)
    return judgement


def _judge_installs(refused: Sequence[Evidence]) -> _Judgement:
    """What it says that the lock did not install in any run."""
    if len(refused) < 2:
        return _Judgement("infra-error", "install", f"did not install once, not tried again: {refused[0].detail}")
    return _Judgement("uninstallable", "install", refused[-1].detail)


def _judge_last_run(last: Evidence) -> _Judgement:
    """What the last run says where no run came as far as the tests, or was refused."""
    sentence = last.detail or last.outcome
    if last.outcome == "no-wheel-for-platform":
        return _Judgement("not-applicable", "install", sentence)
    return _Judgement("invalid" if last.outcome == "invalid" else "infra-error", "install", sentence)


def _judge_tests(statuses: Sequence[TestStatus]) -> _Judgement:
    """The first state of NOT_GREEN that any test is in decides; else the tests that passed do."""
    for state, verdict in NOT_GREEN.items():
        deciding = [status for status in statuses if status.state == state]
        if deciding:
            level = _shallowest(status.result for status in deciding)
            first = next(status for status in deciding if status.result.level == level)
            sentence = _sentence(first) + _own_tests(statuses)
            return _Judgement(verdict, level, sentence, tuple(status.result for status in deciding))
    passed = [status.result for status in statuses if status.state == "passed"]
    if not passed:
        return _Judgement("untested", "install", "installs, but no test applies to what is installed")
    number = sum(result.level != "upstream" for result in passed)
    noun = "test" if number == 1 else "tests"
    broken_features = [status.result.feature for status in statuses if status.state == "feature-broken"]
    features = and_list(list(dict.fromkeys(broken_features)))
    but = f", all but {features}" if features else ""
    return _Judgement("works", deepest(passed), f"{number} {noun} passed{but}{_own_tests(statuses)}")


def _own_tests(statuses: Iterable[TestStatus]) -> str:
    """How many of the tests that releases ship came to what, by release; empty if there are none.

    That one of their files loads is a test as well, but readers would not count it.
    """
    counts: dict[str, Counter[str]] = {}
    clauses = []
    for status in statuses:
        result = status.result
        if result.level != "upstream":
            continue
        if result.test.endswith("/"):  # stands for all tests of a release
            clauses.append(f"{result.components[0]}'s own tests were not run: {result.reason}")
        elif status.state != "passed" or "::" in result.test:
            kind = status.state if status.state in ("passed", "confirmed") else "other"
            counts.setdefault(result.components[0], Counter())[kind] += 1
    for name, count in counts.items():
        clause = f"of {name}'s own tests {count['passed']} pass"
        clause += f", {count['confirmed']} fail that passed in its own time" if count["confirmed"] else ""
        clause += f", {count['other']} tell nothing" if count["other"] else ""
        clauses.append(clause)
    return "".join(f"; {clause}" for clause in clauses)


def _sentence(status: TestStatus) -> str:
    """What a test that is not green says."""
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
