"""The evidence of paired cells, and what it still lacks.

Of each failure that would count against the candidates, one test is repeated in both arms before it counts: a test that
wavers in both arms would otherwise fail by chance in one of them. A flaky test is repeated as well, so that its rate is
known.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from stackcompat.core.dates import now
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.gate.cells import Arm, ArmName, PairedCell
from stackcompat.gate.comparison import Comparison, compare
from stackcompat.gate.exchange import exchange_arms, is_unfinished
from stackcompat.gate.flaky import count_runs
from stackcompat.gate.state import GateState
from stackcompat.verdict.outcomes import TestStatus, classify, why
from stackcompat.verdict.retry import needs_run

__all__ = [
    "TooFewRuns",
    "arm_is_due",
    "is_complete",
    "is_stale",
    "passed_once",
    "too_few_runs",
    "with_evidence",
    "young",
]


class TooFewRuns(NamedTuple):
    """An arm in which tests ran too seldom.

    Attributes:
        name: Which arm of the cell it is.
        arm: The arm with all of its runs.
        tests: These tests.
    """

    name: ArmName
    arm: Arm
    tests: tuple[str, ...]


def young(state: GateState, runs: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """The runs that are young enough, and in which the tests that use what differs between the arms really ran."""
    oldest, moving = state.options.policy.oldest(now()), state.moving.distributions
    return tuple(
        run
        for run in runs
        if run.seen >= oldest and all(test.reused is None or moving.isdisjoint(test.components) for test in run.tests)
    )


def is_stale(state: GateState, runs: tuple[Evidence, ...]) -> bool:
    """Whether some of the runs do not count and the others are not enough."""
    kept = young(state, runs)
    return len(kept) < len(runs) and needs_run(kept)


def with_evidence(state: GateState, cell: PairedCell) -> PairedCell:
    """The cell with all evidence that the store has on it."""
    exchange = state.exchanges.get(cell.id)
    if exchange is not None:
        control, candidate = exchange_arms(exchange)
    else:
        control, candidate = (_arm_with_evidence(state, arm) for _, arm in cell.arms)
    return cell.model_copy(update={"control": control, "candidate": candidate})


def _arm_with_evidence(state: GateState, arm: Arm) -> Arm:
    """The arm with its runs. Those that only imported count once another run ran, or as long as there is no other."""
    keys = [key for key in (arm.planned.key, arm.imports) if key]
    found = state.runner.store.of_keys(keys)
    whole = found.get(arm.planned.key, ())
    imports = found.get(arm.imports, ()) if not whole or any(run.outcome == "ran" for run in whole) else ()
    runs = sorted((*imports, *whole), key=lambda run: run.started)
    return arm.model_copy(update={"evidence": tuple(runs)})


def arm_is_due(state: GateState, arm: Arm) -> bool:
    """Whether an arm that is locked lacks a run, apart from repeats."""
    own = [run for run in young(state, arm.evidence) if run.key == arm.planned.key]
    return bool(arm.planned.key) and needs_run(own)


def is_complete(state: GateState, cell: PairedCell) -> bool:
    """Whether the evidence of a cell leaves nothing to run."""
    exchange = state.exchanges.get(cell.id)
    if exchange is not None:
        unfinished = is_unfinished(exchange, lambda runs: young(state, runs)) or passed_once(state, cell)
    else:
        unfinished = any(arm_is_due(state, arm) for _, arm in cell.arms)
    return not unfinished and not too_few_runs(state, cell)


def _young_cell(state: GateState, cell: PairedCell) -> PairedCell:
    return cell.since(state.options.policy.oldest(now()))


def _regressed(cell: PairedCell) -> list[Comparison]:
    compared = compare(cell.control.evidence, cell.candidate.evidence)
    return [comparison for comparison in compared if comparison.comparison == "regressed"]


def passed_once(state: GateState, cell: PairedCell) -> bool:
    """Whether a test regressed that ran less than twice in the control."""
    kept = _young_cell(state, cell)
    return any(count_runs(kept.control, comparison.test).runs < 2 for comparison in _regressed(kept))


def _suspects(control: Iterable[TestStatus], candidate: Iterable[TestStatus]) -> list[TestResult]:
    """The tests that failed once with the candidate and passed in the control, limits apart.

    Whatever their next run says, they are to be repeated in both arms: they will have regressed, or they are flaky. So
    the control need not wait for the candidate's next run.
    """
    passed = {status.result.test for status in control if status.state == "passed"}
    failed = [status.result for status in candidate if status.state == "unconfirmed" and not status.result.feature]
    return [result for result in failed if result.test in passed]


def too_few_runs(state: GateState, cell: PairedCell) -> list[TooFewRuns]:
    """The arms in which flaky tests, and one test of each new failure, ran too seldom, each with these tests.

    Tests that write and read artifacts are not repeated.
    """
    if cell.id in state.exchanges:
        return []
    kept = _young_cell(state, cell)
    control, candidate = (classify(arm.evidence) for _, arm in kept.arms)
    due = {status.result.test for status in (*control, *candidate) if status.state == "flaky"}
    counts = [comparison.result for comparison in _regressed(kept)] + _suspects(control, candidate)
    due |= set({why(result): result.test for result in reversed(counts)}.values())
    repeats = state.options.policy.repeats
    found = []
    for (name, arm), (_, young_arm) in zip(cell.arms, kept.arms, strict=True):
        tests = tuple(sorted(test for test in due if count_runs(young_arm, test).runs < repeats))
        if tests:
            found.append(TooFewRuns(name, arm, tests))
    return found
