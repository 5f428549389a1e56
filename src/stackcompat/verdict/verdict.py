"""The verdict on a cell. Pure functions over records.

The rules of evidence are in this package and nowhere else. For a test (:mod:`stackcompat.verdict.outcomes`) and a cell:

* A failure counts only if the test fails again, in the same way, in a fresh environment. A test that failed and passed
  is flaky.
* A failure counts only if the same test was seen to pass with the same releases (:mod:`stackcompat.verdict.greens`).
* Infrastructure and invalid environments make nothing red and nothing green.

The rules for components are in `components`, those for pairs in `pairs`, those for artifacts in `artifacts`, those for
crossings in `exchange`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field, SkipValidation

from stackcompat.core.record import Record
from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import LEVELS, Level, Verdict
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import HeldBack, Lock, Resolution
from stackcompat.verdict.depth import Depth, Trials, find_trials, shallowest
from stackcompat.verdict.greens import Greens, hold_against_greens, not_judged_clause
from stackcompat.verdict.infrastructure import is_infrastructure, ran_out_of_time
from stackcompat.verdict.outcomes import PassTimes, TestState, TestStatus, classify, why
from stackcompat.verdict.signature import failure_kind

__all__ = ["NOT_GREEN", "CellVerdict", "by_smoke_tests", "deepest", "judge", "reused_from"]


class CellVerdict(Record):
    """The verdict on one cell.

    Attributes:
        cell: The cell.
        verdict: The verdict.
        level: For a green verdict, how deep the shallowest requirement was tried; for any other verdict, the
            shallowest level that has it.
        sentence: The verdict and its reason in one line.
        installed: Distribution to version in the lock of the cell.
        components: How deep each component in the lock, each other requirement, and each part of a component was
            tried, by name.
        asked: The names in `components` that the cell is about.
        failures: The tests that the verdict rests on, if it is not green.
        broken_features: The feature tests that failed. They do not change the verdict.
        not_judged: The tests that failed and do not count, each with the reason.
        conflict: Why the cell has no lock, if bounds exclude each other.
        held_back: The distributions that were asked for at their newest release and are older in the lock.
        forced: The requirements that the cell forces although metadata forbids them.
        passed: The number of tests that passed. Those of sweeps are in none of these numbers.
        modules: How many modules sweeps imported.
        not_applicable: The number of tests that did not apply.
        blocked: The number of tests that could not be tried.
        lock_id: The id of the lock; empty if there is none.
        key: The key of the evidence.
        seen: When the newest run began whose results the verdict rests on.
        evidence: The ids of the runs that the verdict rests on.
        statuses: The status of each test, but for those of sweeps. They are in no JSON.
        swept: The status of each whole sweep, and of the modules that sweeps could not import. They are in no JSON.
        later_attempt: The clause of the sentence on a later run without results; empty if there is none. In no JSON.
        lock: The lock; None if there is none. In no JSON.
    """

    cell: Cell
    verdict: Verdict
    level: Level
    sentence: str
    installed: dict[str, str] = {}
    components: dict[str, Depth] = {}
    asked: tuple[str, ...] = ()
    failures: tuple[TestResult, ...] = ()
    broken_features: tuple[TestResult, ...] = ()
    not_judged: dict[str, str] = {}
    conflict: Conflict | None = None
    held_back: tuple[HeldBack, ...] = ()
    forced: tuple[str, ...] = ()
    passed: int = 0
    modules: int = 0
    not_applicable: int = 0
    blocked: int = 0
    lock_id: str = ""
    key: str = ""
    seen: dt.datetime | None = None
    evidence: tuple[str, ...] = ()
    statuses: Annotated[tuple[TestStatus, ...], SkipValidation, Field(exclude=True, repr=False)] = ()
    swept: Annotated[tuple[TestStatus, ...], SkipValidation, Field(exclude=True, repr=False)] = ()
    later_attempt: Annotated[str, Field(exclude=True, repr=False)] = ""
    lock: Annotated[Lock | None, SkipValidation, Field(exclude=True, repr=False)] = None

    @property
    def reached(self) -> Level:
        """How deep the shallowest requirement was tried, whatever the verdict."""
        return shallowest(self.components, self.asked)

    @property
    def has_own_tests(self) -> bool:
        """Whether tests that releases ship themselves are among its tests."""
        return any(status.result.level == "upstream" for status in self.statuses)


def deepest(results: Iterable[TestResult]) -> Level:
    """The deepest level of `results`; ``install`` if there are none."""
    return max((result.level for result in results), key=LEVELS.index, default="install")


def _shallowest(results: Iterable[TestResult]) -> Level:
    return min((result.level for result in results), key=LEVELS.index, default="install")


#: The verdict on a cell in which a test has this state. Of several states, the first one here decides.
NOT_GREEN: dict[TestState, Verdict] = {
    "confirmed": "broken",
    "flaky": "flaky",
    "unconfirmed": "infra-error",
    "hangs": "infra-error",
    "infra": "infra-error",
    "blocked": "infra-error",
}


class _Judgement(NamedTuple):
    verdict: Verdict
    level: Level
    sentence: str
    failures: tuple[TestResult, ...] = ()
    seen: dt.datetime | None = None


def judge(
    planned: PlannedCell,
    evidence: tuple[Evidence, ...],
    components: Components | None,
    *,
    greens: Greens | None = None,
    passes: PassTimes | None = None,
) -> CellVerdict:
    """The verdict on one cell.

    Args:
        planned: The cell and what it resolved to.
        evidence: Every run of its lock, oldest first.
        components: The components of the ecosystem. They say what a requirement such as a metapackage stands for, so
            the verdict rests on them. Only who does not read how deep the cell was tried can give None.
        greens: The releases with which each smoke test was seen to pass. Without them, every failure counts; that is
            for cells that are only compared with each other, and for tests that have baselines of another kind.
        passes: How long the tests took where they passed with other versions.
    """
    cell, resolution = planned.cell, planned.resolution
    installed = resolution.lock.versions() if resolution.lock else {}
    every = classify(evidence, passes)
    if greens is not None:
        every = hold_against_greens(every, installed, greens)
    statuses = tuple([status for status in every if status.result.modules is None])
    swept = _with_breaks([status for status in every if status.result.modules is not None], components)
    limits = [status.result for status in (*statuses, *swept) if status.state == "feature-broken"]
    trials = find_trials(cell, installed, statuses, components or Components(components=()))
    judgement = _judge_resolution(resolution) or _judge_runs(evidence, (*statuses, *_breaks(swept)), trials, limits)
    later_attempt = _later_attempt(evidence, judgement, statuses)
    counts = Counter([status.state for status in statuses])
    return CellVerdict(
        cell=cell,
        verdict=judgement.verdict,
        level=judgement.level,
        sentence=judgement.sentence + later_attempt,
        later_attempt=later_attempt,
        installed=installed,
        components=trials.depths if statuses else {},
        asked=trials.asked if statuses else (),
        failures=judgement.failures,
        broken_features=tuple(limits),
        not_judged={status.result.test: status.note for status in statuses if status.state == "not-judged"},
        conflict=resolution.conflict,
        held_back=resolution.held_back,
        forced=cell.overrides,
        passed=counts["passed"],
        modules=sum(len(status.result.modules or ()) for status in swept if status.state == "passed"),
        not_applicable=counts["not-applicable"],
        blocked=counts["blocked"],
        lock_id=_lock_id(planned, evidence),
        lock=resolution.lock,
        key=planned.key,
        seen=judgement.seen,
        evidence=tuple(run.id for run in evidence),
        statuses=statuses,
        swept=swept,
    )


def _with_breaks(swept: Sequence[TestStatus], components: Components | None) -> tuple[TestStatus, ...]:
    """The statuses of sweeps, those that show that a distribution cannot be used as `confirmed`.

    No smoke test tells of a distribution that is no component, and its main module may hold next to nothing. If more of
    its public modules fail than load, that is no limit of some modules.

    Args:
        swept: The statuses of whole sweeps, and of the modules that sweeps could not import.
        components: The components of the ecosystem; None if they are not known, which leaves everything as it is.
    """
    loaded: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for status in swept:
        count = loaded if status.state == "passed" else lost if status.state == "feature-broken" else None
        if count is not None and components is not None:
            name = status.result.components[0]
            count[name] += len(status.result.modules or ()) if components.of_distribution(name) is None else 0
    useless = {
        name: f"{number} of {number + loaded[name]} public modules of {name} cannot be imported"
        for name, number in lost.items()
        if number > loaded[name] + 1  # the main module is in no sweep
    }
    return tuple(
        status._replace(state="confirmed", note=useless[status.result.components[0]])
        if status.state == "feature-broken" and status.result.components[0] in useless
        else status
        for status in swept
    )


def _breaks(swept: Iterable[TestStatus]) -> list[TestStatus]:
    """The statuses of sweeps that decide a verdict."""
    return [status for status in swept if status.state == "confirmed"]


def _lock_id(planned: PlannedCell, evidence: Sequence[Evidence]) -> str:
    """The id of the lock of a cell; empty if there is none. Runs of the lock have it, which saves working it out."""
    lock = planned.resolution.lock
    if lock is None:
        return ""
    return evidence[-1].lock_id if evidence else lock.id


def reused_from(verdict: CellVerdict) -> dict[str, int]:
    """The cells that showed results on which a verdict rests, by id, each with the number of these results."""
    sources = [status.result.reused.cell for status in verdict.statuses if status.result.reused is not None]
    return dict(sorted(Counter(sources).items()))


def by_smoke_tests(verdict: CellVerdict, components: Components) -> CellVerdict:
    """The verdict on a cell by its smoke tests alone.

    A failure of a release's own tests is a note about that release, and no reason to avoid the set: whoever installs it
    does not run these tests. So the cell has the verdict that it has without them. The sentence still tells their
    results.

    Args:
        verdict: The verdict by all tests.
        components: The components of the ecosystem.
    """
    smoke = [status for status in verdict.statuses if status.result.level != "upstream"]
    rests_on_install = verdict.verdict == "flaky" and not verdict.failures
    if len(smoke) == len(verdict.statuses) or rests_on_install:
        return verdict
    trials = find_trials(verdict.cell, verdict.installed, smoke, components)
    judgement = _judge_tests([*smoke, *_breaks(verdict.swept)], trials, verdict.broken_features)
    own = _own_tests(verdict.statuses)
    update = {
        "verdict": judgement.verdict,
        "level": judgement.level,
        "sentence": judgement.sentence + own + verdict.later_attempt,
        "failures": judgement.failures,
        "passed": sum(status.state == "passed" for status in smoke),
        "seen": judgement.seen,
    }
    return verdict.model_copy(update=update)


def _judge_resolution(resolution: Resolution) -> _Judgement | None:
    """The verdict on a cell that has no lock; None if there is a lock to run."""
    if resolution.outcome == "conflict" and resolution.conflict is not None:
        return _Judgement("unresolvable", "resolve", resolution.conflict.sentence)
    if resolution.outcome == "no-wheel-for-platform":
        return _Judgement("not-applicable", "resolve", resolution.detail)
    if resolution.outcome != "locked":
        return _Judgement("infra-error", "resolve", resolution.detail or resolution.outcome)
    return None


def _judge_runs(
    evidence: Sequence[Evidence], statuses: Sequence[TestStatus], trials: Trials, limits: Sequence[TestResult]
) -> _Judgement:
    """The verdict by the runs of a lock."""
    if not evidence:
        return _Judgement("untested", "resolve", "locked, but not run yet")
    refused = [run for run in evidence if run.outcome == "uninstallable"]
    if not any(run.outcome == "ran" for run in evidence):
        return _judge_installs(refused) if refused else _judge_last_run(evidence[-1])
    judgement = _judge_tests(statuses, trials, limits)
    if refused and judgement.verdict == "works":
        sentence = f"installed in one fresh environment and not in another: {refused[-1].detail}"
        return _Judgement("flaky", "install", sentence, seen=evidence[-1].started)
    return judgement


def _judge_installs(refused: Sequence[Evidence]) -> _Judgement:
    """The verdict on a lock that installed in no run.

    Args:
        refused: The runs with the outcome `uninstallable`, oldest first.
    """
    last = refused[-1]
    if len(refused) < 2:
        sentence = f"did not install once, not tried again: {last.detail}"
        return _Judgement("infra-error", "install", sentence, seen=last.started)
    reasons = [_reason(run.detail) for run in refused]
    if len(set(reasons)) == len(reasons):
        sentence = f"did not install in {len(refused)} fresh environments, each time for another reason:"
        sentence += f" {refused[0].detail}; then {last.detail}"
        return _Judgement("flaky", "install", sentence, seen=last.started)
    return _Judgement("uninstallable", "install", last.detail, seen=last.started)


def _reason(detail: str) -> str:
    """Why an installation was refused: the first words of uv and the first cause, without what differs by run."""
    begin = re.search(r"error: |× ", detail)
    statements = re.split(r"\s(?:cause|Caused by): |[├╰]─▶", detail[begin.start() if begin else 0 :])
    words = " ".join(statements[:2])
    return failure_kind(re.sub(r"[\w/.-]*(?:\.tmp|archive-v|builds-v|sdists-v)[\w/.-]*", "", words))


def _judge_last_run(last: Evidence) -> _Judgement:
    """The verdict by the last run, if no run came as far as the tests and none was `uninstallable`."""
    sentence = last.detail or last.outcome
    if last.outcome == "no-wheel-for-platform":
        return _Judgement("not-applicable", "install", sentence, seen=last.started)
    verdict: Verdict = "invalid" if last.outcome == "invalid" else "infra-error"
    return _Judgement(verdict, "install", sentence, seen=last.started)


def _judge_tests(statuses: Sequence[TestStatus], trials: Trials, limits: Sequence[TestResult]) -> _Judgement:
    """The verdict by the statuses of the tests: the first state of `NOT_GREEN` that any test has decides.

    A cell in which none of what it asks for was tried is untested, whatever else passed.

    Args:
        statuses: The statuses of the tests; of those of sweeps, the ones that decide.
        trials: What the passed ones tried.
        limits: The tests that show limits, those of sweeps among them.
    """
    by_state: dict[TestState, list[TestStatus]] = {}
    for status in statuses:
        by_state.setdefault(status.state, []).append(status)
    for state, verdict in NOT_GREEN.items():
        deciding = by_state.get(state)
        if deciding:
            level = _shallowest(status.result for status in deciding)
            first = next(status for status in deciding if status.result.level == level)
            sentence = _sentence(first) + _own_tests(statuses) + _not_judged(statuses)
            return _Judgement(verdict, level, sentence, tuple(status.result for status in deciding), _newest(deciding))
    green = by_state.get("passed")
    if not green:
        sentence = f"installs, but no test applies to what is installed{_not_judged(statuses)}"
        return _Judgement("untested", "install", sentence, seen=_newest(statuses))
    features = and_list(_names_of_limits(limits))
    but = f", all but {features}" if features else ""
    verdict_of_passes: Verdict = "works" if trials.was_tried else "untested"
    sentence = f"{trials.sentence}{but}{_own_tests(statuses)}{_not_judged(statuses)}"
    return _Judgement(verdict_of_passes, trials.level, sentence, seen=_newest(green))


def _names_of_limits(limits: Sequence[TestResult]) -> list[str]:
    """The features that do not work, and how many modules of each distribution cannot be imported."""
    modules: dict[str, list[str]] = {}
    for limit in limits:
        if limit.modules is not None:
            modules.setdefault(limit.components[0], []).extend(limit.modules)
    names = dict.fromkeys(limit.feature for limit in limits if limit.modules is None)
    counts = [f"{len(of)} modules of {name}" if len(of) > 1 else f"the module {of[0]}" for name, of in modules.items()]
    return [*names, *counts]


def _not_judged(statuses: Sequence[TestStatus]) -> str:
    """The end of the sentence on a cell in which tests are not judged; empty if there are none."""
    clause = not_judged_clause(statuses)
    return f"; {clause}" if clause else ""


def _newest(statuses: Iterable[TestStatus]) -> dt.datetime | None:
    """When the newest run began that shows one of `statuses`."""
    return max({status.seen for status in statuses if status.seen is not None}, default=None)


def _later_attempt(evidence: Sequence[Evidence], judgement: _Judgement, statuses: Iterable[TestStatus]) -> str:
    """The outcome of the last run, if that came after all runs that a verdict rests on; else empty."""
    if not evidence or judgement.seen is None or evidence[-1].started <= judgement.seen:
        return ""
    last = evidence[-1]
    attempt = f"; the last attempt on {last.started:%Y-%m-%d}"
    if last.outcome != "ran":
        words = {"invalid": "was invalid", "uninstallable": "did not install"}
        return f"{attempt} {words.get(last.outcome, f'was lost ({last.outcome})')}: {last.detail or 'no more is known'}"
    older = {status.result.test for status in statuses if status.seen is not None and status.seen < last.started}
    for result in last.tests:
        if result.test in older and is_infrastructure(result):
            return f"{attempt} had no outcome: {result.test}: {why(result) or result.outcome}"
    return ""


def _own_tests(statuses: Iterable[TestStatus]) -> str:
    """The results of the releases' own tests, a clause for each release; empty if there are none.

    Loading a file of tests is a test as well. It is not counted if it passes, since readers would not count it.
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
    """The sentence on a test that is not green."""
    test = status.result.test
    match status.state:
        case "confirmed" if ran_out_of_time(status.result):
            return f"{test} hangs: {status.note}"
        case "confirmed":
            return f"{test}: {why(status.result)}" + (f" ({status.note})" if status.note else "")
        case "blocked":
            return f"{test} could not be tried: {status.result.reason}"
        case "hangs":
            return f"could not tell: {test} {status.note}"
        case "infra":
            return f"{test}: {status.result.outcome}: {status.note}"
        case _:
            return f"{test} {status.note}"
