"""Runs the arms of paired cells until their evidence can be compared.

A test that regressed must have passed twice in the control, and a flaky test is repeated in both arms, so that its rate
is known. What has young evidence is not run again.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.gate.cells import Arm, GateCell, PairedCell, UntriedCell
from stackcompat.gate.comparison import compare
from stackcompat.gate.exchange import exchange_arms, is_unfinished, run_artifacts
from stackcompat.gate.flaky import count_runs
from stackcompat.gate.state import GateState
from stackcompat.pipeline.cells import now, run_cells, run_once
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.retry import next_run

__all__ = ["Budget", "run_alike", "run_gate_cells"]


@dataclass(frozen=True)
class Budget:
    """How long the gate can take.

    Attributes:
        seconds: The whole of it, in seconds of wall clock.
        began: When the gate began, by :func:`time.monotonic`.
    """

    seconds: float
    began: float

    def left(self) -> float:
        """The seconds that are left; negative once they are used up."""
        return self.seconds - (time.monotonic() - self.began)


def run_gate_cells(
    state: GateState, cells: Sequence[GateCell], *, rerun: bool = False, budget: Budget | None = None
) -> list[GateCell]:
    """The cells with their evidence, in the same order; those that are not paired are left as they are.

    Args:
        state: The gate that asks.
        cells: What is to be run, first things first.
        rerun: Run also what has all of its evidence.
        budget: No cell is begun that would likely end after it. A cell with all of its evidence costs no time and is
            never left out.
    """
    paired = [cell for cell in cells if isinstance(cell, PairedCell)]
    state.runner.reporter.stage("run", len(paired))
    done: dict[str, GateCell] = {}
    if not rerun:
        known = [_with_evidence(state, cell) for cell in paired]
        done |= {cell.id: cell for cell in known if _is_complete(state, cell)}
    for cell in done.values():
        state.runner.reporter.step(f"{cell.place}: known")
    due = [cell for cell in paired if cell.id not in done]
    at_once = max(1, state.runner.executor.workers // 2)
    longest = 0.0
    for first in range(0, len(due), at_once):
        batch = due[first : first + at_once]
        if budget is not None and budget.left() < longest:
            done |= {cell.id: _out_of_time(cell, budget) for cell in batch}
            continue
        began = time.monotonic()
        _run_batch(state, batch, rerun=rerun)
        for cell in batch:
            done[cell.id] = _settle(state, cell)
            state.runner.reporter.step(cell.place)
        longest = max(longest, time.monotonic() - began)
    return [done.get(cell.id, cell) for cell in cells]


def _out_of_time(cell: PairedCell, budget: Budget) -> UntriedCell:
    why = f"not run because too little was left of the time budget of {budget.seconds:.0f} s"
    return cell.untried(why, "give more time with --budget; what has run is not run again")


def _run_batch(state: GateState, batch: Sequence[PairedCell], *, rerun: bool) -> None:
    """Run what the cells of a batch lack."""
    plain = [cell for cell in batch if cell.id not in state.exchanges]
    _run_arms(state, [arm.planned for cell in plain for _, arm in cell.arms], rerun=rerun)
    for cell in batch:
        exchange = state.exchanges.get(cell.id)
        if exchange is not None:
            stale = any(_is_stale(state, arm.evidence) for arm in exchange_arms(exchange))
            run_artifacts(exchange, rerun=rerun or stale)


def _run_arms(state: GateState, arms: Iterable[PlannedCell], *, rerun: bool) -> None:
    """Run what has no evidence, and run again what has none that is young enough to count."""
    locked = [arm for arm in arms if arm.key]
    known = state.runner.store.of_keys(arm.key for arm in locked)
    stale = [arm for arm in locked if _is_stale(state, known.get(arm.key, ()))]
    fresh = [arm for arm in locked if arm not in stale]
    for group, again in ((fresh, rerun), (stale, True)):
        if group:
            run_cells(group, state.runner.quiet(), state.options.policy.level, rerun=again)


def _is_stale(state: GateState, runs: tuple[Evidence, ...]) -> bool:
    """Whether some of the runs are too old, and the others do not suffice."""
    young = _young(state, runs)
    return len(young) < len(runs) and next_run(young, ()) is not None


def _young(state: GateState, runs: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    oldest = now() - dt.timedelta(days=state.options.policy.max_age_days)
    return tuple(run for run in runs if run.started >= oldest)


def _young_cell(state: GateState, cell: PairedCell) -> PairedCell:
    return cell.since(now() - dt.timedelta(days=state.options.policy.max_age_days))


# ---------------------------------------------------------------------------------------------------------------------
# What a cell still lacks
# ---------------------------------------------------------------------------------------------------------------------


def _with_evidence(state: GateState, cell: PairedCell) -> PairedCell:
    """The cell with all evidence that the store has on it."""
    exchange = state.exchanges.get(cell.id)
    if exchange is not None:
        control, candidate = exchange_arms(exchange)
    else:
        control, candidate = (_arm_with_evidence(state, arm) for _, arm in cell.arms)
    return cell.model_copy(update={"control": control, "candidate": candidate})


def _arm_with_evidence(state: GateState, arm: Arm) -> Arm:
    evidence = state.runner.store.of_key(arm.planned.key) if arm.planned.key else ()
    return Arm(planned=arm.planned, evidence=evidence)


def _is_complete(state: GateState, cell: PairedCell) -> bool:
    """Whether the evidence of a cell leaves nothing to run."""
    exchange = state.exchanges.get(cell.id)
    if exchange is not None:
        unfinished = is_unfinished(exchange, lambda runs: _young(state, runs))
    else:
        unfinished = any(
            arm.planned.key and next_run(_young(state, arm.evidence), ()) is not None for _, arm in cell.arms
        )
    return not unfinished and not _passed_once(state, cell) and not _too_few_runs(state, cell)


def _passed_once(state: GateState, cell: PairedCell) -> set[str]:
    """The tests that regressed and had an outcome no more than once in the control."""
    young = _young_cell(state, cell)
    compared = compare(young.control.evidence, young.candidate.evidence)
    regressed = [comparison.test for comparison in compared if comparison.comparison == "regressed"]
    return {test for test in regressed if count_runs(young.control, test).runs < 2}


def _too_few_runs(state: GateState, cell: PairedCell) -> list[tuple[Arm, set[str]]]:
    """The arms that have not run a flaky test often enough for a rate, with these tests.

    Tests that write and read artifacts are not repeated.
    """
    if cell.id in state.exchanges:
        return []
    young = _young_cell(state, cell)
    statuses = [status for _, arm in young.arms for status in classify(arm.evidence)]
    flaky = {status.result.test for status in statuses if status.state == "flaky"}
    repeats = state.options.policy.repeats
    arms = []
    for (_, arm), (_, young_arm) in zip(cell.arms, young.arms, strict=True):
        tests = {test for test in flaky if count_runs(young_arm, test).runs < repeats}
        if tests:
            arms.append((arm, tests))
    return arms


def _settle(state: GateState, cell: PairedCell) -> PairedCell:
    """The cell with its evidence, once what regressed passed twice in the control and what is flaky was repeated."""
    cell = _with_evidence(state, cell)
    passed_once = _passed_once(state, cell)
    exchange = state.exchanges.get(cell.id)
    if passed_once and exchange is not None:
        run_artifacts(exchange, rerun=True)
        return _with_evidence(state, cell)
    if passed_once:
        _run_tests(state, cell.control, passed_once)
        cell = _with_evidence(state, cell)
    for _ in range(state.options.policy.repeats):
        too_few = _too_few_runs(state, cell)
        if not too_few:
            break
        for arm, tests in too_few:
            _run_tests(state, arm, tests)
        cell = _with_evidence(state, cell)
    return cell


def _run_tests(state: GateState, arm: Arm, tests: Iterable[str]) -> None:
    level = state.options.policy.level
    run_once(arm.planned, tuple(sorted(tests)), state.runner, level, attempt=len(arm.evidence))


# ---------------------------------------------------------------------------------------------------------------------
# The A/A run
# ---------------------------------------------------------------------------------------------------------------------


def run_alike(state: GateState, cells: Iterable[GateCell]) -> list[GateCell]:
    """The cells of an A/A run: each control is run twice, anew, and the second run stands for the candidate's arm."""
    return [
        _run_twice(state, cell) if isinstance(cell, PairedCell) and cell.control.planned.key else cell for cell in cells
    ]


def _run_twice(state: GateState, cell: PairedCell) -> PairedCell:
    before = _with_evidence(state, cell).control
    arms = []
    for _ in range(2):
        exchange = state.exchanges.get(cell.id)
        if exchange is not None:
            run_artifacts(exchange, rerun=True)
        else:
            run_cells([cell.control.planned], state.runner, state.options.policy.level, rerun=True)
        after = _with_evidence(state, cell).control
        new = tuple(run for run in after.evidence if run not in before.evidence)
        arms.append(after.model_copy(update={"evidence": new}))
        before = after
    return cell.model_copy(update={"control": arms[0], "candidate": arms[1]})
