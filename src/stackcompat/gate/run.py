"""Runs the arms of paired cells until their evidence can be compared.

What decides most comes first: the imports of the required cells, then the required cells, then the others. As soon as
one required cell has failed for good, the decision is BLOCK, and the reason is told. A cell whose evidence is complete
and young is not run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from stackcompat.core.dates import now
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.evidence.results import Evidence
from stackcompat.gate.cells import Arm, GateCell, PairedCell, UntriedCell
from stackcompat.gate.context import GateContext
from stackcompat.gate.decision import certain_block
from stackcompat.gate.exchange import run_artifacts
from stackcompat.gate.repeats import is_complete, too_few_runs, with_evidence
from stackcompat.gate.schedule import Budget, GateSchedule, GateTask
from stackcompat.gate.state import GateState
from stackcompat.pipeline.cells import plan_cell, run_cells, run_once
from stackcompat.pipeline.runner import Reuse, Runner
from stackcompat.pipeline.workers import OneAtATime, work_through

__all__ = ["NOT_TRIED", "BlockWatch", "end_with_block", "run_alike", "run_gate_cells", "run_imports"]


@dataclass
class BlockWatch:
    """Tells the reason of a BLOCK once, as soon as it is certain.

    Attributes:
        context: What the cells are judged by.
        tell: Takes the reason, with what to do about it.
        fail_fast: Whether nothing more is run then.
        reason: The reason that was told; empty as long as the decision is open.
    """

    context: GateContext
    tell: Callable[[str], None]
    fail_fast: bool = False
    reason: str = ""

    @property
    def ends(self) -> bool:
        """Whether nothing more is to run."""
        return self.fail_fast and bool(self.reason)

    def look(self, cell: GateCell) -> bool:
        """Whether a cell has failed for good, so that the decision is BLOCK. The first reason is told.

        Args:
            cell: A cell of which each failure was repeated as often as the policy wants.
        """
        reason = certain_block(self.context, cell)
        if reason and not self.reason:
            self.reason = reason
            self.tell(reason)
        return bool(reason)


def run_imports(
    state: GateState,
    cells: Sequence[GateCell],
    watch: BlockWatch,
    *,
    rerun: bool = False,
    budget: Budget | None = None,
) -> list[GateCell]:
    """The cells, in the same order, after the imports of the required ones ran in both arms.

    An import takes seconds, and most breaks show there. A cell that fails so is returned as it was run, if the gate
    ends with it; the arms of any other know the key of these runs.

    Args:
        state: The execution of the gate.
        cells: The cells.
        watch: Gets to know each cell as its evidence grows. It can end the runs.
        rerun: Whether cells with evidence are run as well.
        budget: The time limit; None: no limit.
    """
    if LEVELS.index(state.options.policy.level) <= LEVELS.index("import"):
        return list(cells)
    copies = {
        cell.id: _at_import(state, cell)
        for cell in cells
        if isinstance(cell, PairedCell)
        and cell.weight == "required"
        and cell.id not in state.exchanges
        and all(arm.planned.key for _, arm in cell.arms)
        and (rerun or not is_complete(state, with_evidence(state, cell)))
    }
    known = {} if rerun else {cell.id: cell for cell in copies.values() if is_complete(state, cell)}
    state.runner.reporter.stage("imports", len(copies))
    for cell in known.values():
        state.runner.reporter.step(f"{cell.place}: known")
        watch.look(cell)
    due = [cell for cell in copies.values() if cell.id not in known]
    if not watch.ends:
        _run_through(state, due, "import", watch, rerun=rerun, budget=budget)
    if watch.ends:
        return [copies.get(cell.id, cell) for cell in cells]
    return [_with_imports(cell, copies[cell.id]) if cell.id in copies else cell for cell in cells]


def _at_import(state: GateState, cell: PairedCell) -> PairedCell:
    """The same cell for imports alone, with its evidence so far."""
    arms: dict[str, Arm] = {
        name: Arm(planned=plan_cell(arm.planned.cell, arm.planned.resolution, state.runner, "import"))
        for name, arm in cell.arms
    }
    return with_evidence(state, cell.model_copy(update=arms))


def _with_imports(cell: GateCell, at_import: PairedCell) -> GateCell:
    """The cell, whose arms know the key of the runs that only imported."""
    assert isinstance(cell, PairedCell)
    arms: dict[str, Arm] = {
        name: arm.model_copy(update={"imports": imports.planned.key})
        for (name, arm), (_, imports) in zip(cell.arms, at_import.arms, strict=True)
    }
    return cell.model_copy(update=arms)


def run_gate_cells(
    state: GateState,
    cells: Sequence[GateCell],
    watch: BlockWatch,
    *,
    rerun: bool = False,
    budget: Budget | None = None,
) -> list[GateCell]:
    """The cells with their evidence, in the same order; cells that are not paired stay as they are.

    Args:
        state: The execution of the gate.
        cells: The cells, the most telling first.
        watch: Gets to know each cell as its evidence grows. It can end the runs; then cells without a result are
            untried.
        rerun: Whether cells with complete evidence are run as well.
        budget: The time limit; None: no limit. A cell that would likely end after it is not begun. A cell with complete
            evidence costs no time and is never left out.
    """
    paired = [with_evidence(state, cell) for cell in cells if isinstance(cell, PairedCell)]
    state.runner.reporter.stage("run", len(paired))
    known = [] if rerun else [cell for cell in paired if is_complete(state, cell)]
    for cell in known:
        state.runner.reporter.step(f"{cell.place}: known")
        watch.look(cell)
    known_ids = {cell.id for cell in known}
    due = [cell for cell in paired if cell.id not in known_ids]
    level = state.options.policy.level
    left_out = [] if watch.ends else _run_through(state, due, level, watch, rerun=rerun, budget=budget)
    if watch.ends:
        return end_with_block(state, cells, watch)
    done: dict[str, GateCell] = {cell.id: with_evidence(state, cell) for cell in paired}
    for cell in left_out:
        has_failed = watch.reason and _has_failed(state, with_evidence(state, cell), watch)
        if budget is not None and not has_failed:
            done[cell.id] = _out_of_time(cell, budget)
    return [done.get(cell.id, cell) for cell in cells]


def _out_of_time(cell: PairedCell, budget: Budget) -> UntriedCell:
    why = f"not run because too little was left of the time budget of {budget.seconds:.0f} s"
    return cell.untried(why, "give more time with --budget; what has run is not run again")


def end_with_block(state: GateState, cells: Iterable[GateCell], watch: BlockWatch) -> list[GateCell]:
    """The cells of a gate that ends with the first BLOCK: paired cells that did not fail for good are untried."""
    shown: list[GateCell] = []
    for cell in cells:
        current = with_evidence(state, cell) if isinstance(cell, PairedCell) else cell
        if isinstance(current, PairedCell) and not _has_failed(state, current, watch):
            shown.append(current.untried(*NOT_TRIED))
        else:
            shown.append(current)
    return shown


#: Why a cell was not tried after a BLOCK, and what to do about it.
NOT_TRIED = ("not tried because the gate ended with the first BLOCK", "run the gate again without --fail-fast")


def _has_failed(state: GateState, cell: PairedCell, watch: BlockWatch) -> bool:
    """Whether a cell failed, and each of its failures was repeated as often as the policy wants."""
    return not too_few_runs(state, cell) and watch.look(cell)


def _run_through(
    state: GateState,
    cells: Sequence[PairedCell],
    level: Level,
    watch: BlockWatch,
    *,
    rerun: bool,
    budget: Budget | None,
) -> list[PairedCell]:
    """Run cells until they are settled, or until `watch` ends it. Returns those that were left out for lack of time."""
    schedule = GateSchedule(state, cells, level, rerun=rerun, budget=budget)
    runner = _arm_runner(state, rerun=rerun)

    def work(task: GateTask) -> Evidence | None:
        return _run_task(state, task, runner)

    with closing(work_through(schedule.take, work, state.runner.executor)) as results:
        for task, run in results:
            current = schedule.ended(task, run)
            if current.is_repeated:
                watch.look(current.cell)
            if current.is_settled:
                state.runner.reporter.step(current.cell.place)
            if watch.ends:
                break
    return schedule.out_of_time


def _arm_runner(state: GateState, *, rerun: bool) -> Runner:
    """The runner of arms.

    A test that depends on what differs between the arms runs for real in both. Of other tests, results of other cells
    are reused if they are young enough, unless all is run again.
    """
    if state.runner.reuse is None or rerun:
        return state.runner.reusing(None)
    return state.runner.reusing(Reuse(without=state.moving.distributions, since=state.options.policy.oldest(now())))


def _run_task(state: GateState, task: GateTask, runner: Runner) -> Evidence | None:
    """Run a task. Returns the run of an arm; None if artifacts crossed."""
    if task.planned is None:
        exchange = state.exchanges[task.cell]
        runner = replace(exchange.runner, executor=OneAtATime(exchange.runner.executor))
        run_artifacts(replace(exchange, runner=runner), rerun=task.rerun)
        return None
    return run_once(task.planned, task.tests, runner, task.level, attempt=task.attempt)


# ---------------------------------------------------------------------------------------------------------------------
# The A/A run
# ---------------------------------------------------------------------------------------------------------------------


def run_alike(state: GateState, cells: Iterable[GateCell]) -> list[GateCell]:
    """The cells of an A/A run. Each control is run twice, and the second run stands for the candidate's arm."""
    return [
        _run_twice(state, cell) if isinstance(cell, PairedCell) and cell.control.planned.key else cell for cell in cells
    ]


def _run_twice(state: GateState, cell: PairedCell) -> PairedCell:
    before = with_evidence(state, cell).control
    arms = []
    for _ in range(2):
        exchange = state.exchanges.get(cell.id)
        if exchange is not None:
            run_artifacts(exchange, rerun=True)
        else:
            run_cells([cell.control.planned], state.runner, state.options.policy.level, rerun=True)
        after = with_evidence(state, cell).control
        new = tuple(run for run in after.evidence if run not in before.evidence)
        arms.append(after.model_copy(update={"evidence": new}))
        before = after
    return cell.model_copy(update={"control": arms[0], "candidate": arms[1]})
