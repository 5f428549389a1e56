"""The gate from end to end: take the candidates, plan the cells, lock them, run them, decide."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from stackcompat.core.dates import now
from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.gate.arms import lock_questions
from stackcompat.gate.candidate import Candidate
from stackcompat.gate.cells import ExcludedCell, GateCell, PairedCell, UntriedCell
from stackcompat.gate.context import make_context
from stackcompat.gate.decision import decide, false_reds
from stackcompat.gate.loader import load_candidates
from stackcompat.gate.model import GateReport
from stackcompat.gate.moving import find_moving
from stackcompat.gate.options import GateOptions
from stackcompat.gate.plan import broke_before, make_questions
from stackcompat.gate.question import PairedQuestion
from stackcompat.gate.repeats import arm_is_due, is_complete, with_evidence
from stackcompat.gate.run import NOT_TRIED, BlockWatch, end_with_block, run_alike, run_gate_cells, run_imports
from stackcompat.gate.schedule import Budget
from stackcompat.gate.state import GateState
from stackcompat.pipeline.expected import TIMED_RUNS, RunTimes
from stackcompat.pipeline.runner import Runner

__all__ = ["GatePreview", "preview_gate", "run_aa_gate", "run_gate"]


class GatePreview(NamedTuple):
    """A cell of the gate before it is run.

    Attributes:
        cell: The cell, with the evidence that there is.
        is_due: Whether anything of it would run.
        seconds: How long its arms, or some like them, took before; None: it is not due, or not known of each arm.
    """

    cell: GateCell
    is_due: bool
    seconds: float | None


def run_gate(
    given: Sequence[str],
    options: GateOptions,
    runner: Runner,
    *,
    index: str = "",
    against: Sequence[str] = (),
    budget: float | None = None,
    rerun: bool = False,
    exchange: Runner | None = None,
    tell: Callable[[str], None] = lambda _: None,
    fail_fast: bool = False,
) -> GateReport:
    """Judge candidates as one set.

    Args:
        given: The candidates as a person writes them.
        options: What they are judged by.
        runner: Locks and runs cells; its store keeps the evidence.
        index: The environment variable with the address of an extra index to take them from.
        against: The releases to replace, for candidates that would not replace the last release.
        budget: Seconds of wall clock after which no cell is begun; None: the budget of the policy.
        rerun: Whether cells that have evidence are run again.
        exchange: Runs the tests that write and read artifacts, for a policy that asks for them.
        tell: Takes the reason of a BLOCK, with what to do about it, as soon as it is certain.
        fail_fast: Whether the gate ends then; what is not tried is in the report.

    Returns:
        The decision and everything that it rests on.

    Raises:
        UsageError: A candidate, or the release that it would replace, does not exist.
    """
    began = time.monotonic()
    policy = options.policy
    runner.catalog.prefetch(runner.components[name].distribution for name in policy.components)
    candidates = load_candidates(
        runner, given, pythons=options.pythons, index=index, against=against, as_of=options.as_of
    )
    state = _make_state(candidates, options, runner, exchange)
    budget_of_gate = Budget(policy.budget_seconds if budget is None else budget, began)
    context = make_context(candidates, policy, options.waivers, runner.components, now())
    watch = BlockWatch(context, tell, fail_fast)
    cells = _cells(state, _plan(state), watch, rerun=rerun, budget=budget_of_gate)
    return _decide(state, cells, time.monotonic() - began)


def preview_gate(
    given: Sequence[str],
    options: GateOptions,
    runner: Runner,
    *,
    index: str = "",
    against: Sequence[str] = (),
    rerun: bool = False,
    exchange: Runner | None = None,
) -> list[GatePreview]:
    """The cells that the gate would judge candidates by, the most telling first. They are locked, and nothing is run.

    The arguments and errors are those of :func:`run_gate`.
    """
    candidates = load_candidates(
        runner, given, pythons=options.pythons, index=index, against=against, as_of=options.as_of
    )
    state = _make_state(candidates, options, runner, exchange)
    times = RunTimes(runner.store.run_times(TIMED_RUNS), options.policy.level)
    previews = []
    for locked in lock_questions(state, _plan(state)):
        cell = with_evidence(state, locked) if isinstance(locked, PairedCell) else locked
        if not isinstance(cell, PairedCell) or (not rerun and is_complete(state, cell)):
            previews.append(GatePreview(cell, is_due=False, seconds=None))
            continue
        arms = [arm.planned.cell for _, arm in cell.arms if rerun or arm_is_due(state, arm)]
        seconds = [times.of(arm) for arm in arms]
        known = [second for second in seconds if second is not None]
        previews.append(GatePreview(cell, True, sum(known) if known and len(known) == len(seconds) else None))
    return previews


def _cells(
    state: GateState, questions: Sequence[PairedQuestion], watch: BlockWatch, *, rerun: bool, budget: Budget
) -> list[GateCell]:
    """The cells of all questions with their evidence: what decides is locked and run before the rest is locked."""
    required = [question for question in questions if question.weight == "required"]
    rest = [question for question in questions if question.weight != "required"]
    cells = lock_questions(state, required)
    for cell in cells:
        if isinstance(cell, ExcludedCell):
            watch.look(cell)
    if not watch.ends:
        cells = run_imports(state, cells, watch, rerun=rerun, budget=budget)
    if watch.ends:
        return [*end_with_block(state, cells, watch), *map(_not_tried, rest)]
    return run_gate_cells(state, [*cells, *lock_questions(state, rest)], watch, rerun=rerun, budget=budget)


def _not_tried(question: PairedQuestion) -> UntriedCell:
    """The cell of a question that was not even locked, because the gate ended before."""
    why, remedy = NOT_TRIED
    return UntriedCell(
        id=question.id,
        rule=question.rule,
        weight=question.weight,
        label=question.label,
        python=question.python,
        why=why,
        remedy=remedy,
    )


def run_aa_gate(
    options: GateOptions,
    runner: Runner,
    *,
    exchange: Runner | None = None,
) -> GateReport:
    """Judge the newest release of the policy's first component against itself, to measure the gate.

    Only the required cells are run.

    Args:
        options: What it is judged by.
        runner: Locks and runs cells; its store keeps the evidence.
        exchange: Runs the tests that write and read artifacts, for a policy that asks for them.

    Returns:
        The decision, with the number of tests that came out differently.

    Raises:
        UsageError: The index has no release of that component.
    """
    began = time.monotonic()
    name = runner.components[options.policy.components[0]].distribution
    release = runner.catalog.project(name).newest(before=options.as_of)
    if release is None:
        raise UsageError(f"--aa: the index has no release of {name}, the first component of the policy")
    candidate = Candidate(name=name, version=release.version, replaces=release.version, source="index")
    required = tuple(rule for rule in options.policy.rules if rule.weight == "required")
    policy = options.policy.model_copy(update={"rules": required})
    options = options.model_copy(update={"policy": policy})
    state = _make_state((candidate,), options, runner, exchange)
    cells = run_alike(state, lock_questions(state, _plan(state)))
    report = _decide(state, cells, time.monotonic() - began)
    return report.model_copy(update={"alike": false_reds(cells)})


def _make_state(
    candidates: tuple[Candidate, ...],
    options: GateOptions,
    runner: Runner,
    exchange: Runner | None,
) -> GateState:
    return GateState(
        runner=runner,
        options=options,
        candidates=candidates,
        moving=find_moving(candidates, options.policy, runner.components, runner.catalog),
        exchange_runner=exchange,
    )


def _plan(state: GateState) -> tuple[PairedQuestion, ...]:
    """The questions of the policy, the most telling first; what cannot be asked is noted as not tested."""
    components = state.runner.components
    questions, not_asked = make_questions(
        state.options.policy,
        state.candidates,
        state.moving,
        components,
        state.runner.catalog,
        pythons=state.options.pythons,
        as_of=state.options.as_of,
        known=broke_before(state.options.known, state.candidates, components),
    )
    state.not_tested += not_asked
    return questions


def _decide(state: GateState, cells: Iterable[GateCell], seconds: float) -> GateReport:
    return decide(
        cells,
        state.candidates,
        state.options.policy,
        state.options.waivers,
        state.runner.components,
        not_tested=state.not_tested,
        as_of=state.options.as_of,
        platform=this_platform(),
        now=now(),
        seconds=seconds,
    )
