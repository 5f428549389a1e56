"""The gate from end to end: take the candidates, plan the cells, lock them, run them, decide."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.gate.arms import lock_questions
from stackcompat.gate.candidate import Candidate
from stackcompat.gate.cells import GateCell
from stackcompat.gate.decision import decide, false_reds
from stackcompat.gate.loader import load_candidates
from stackcompat.gate.model import GateReport
from stackcompat.gate.moving import find_moving
from stackcompat.gate.options import GateOptions
from stackcompat.gate.plan import broke_before, make_questions
from stackcompat.gate.question import PairedQuestion
from stackcompat.gate.run import Budget, run_alike, run_gate_cells
from stackcompat.gate.state import GateState
from stackcompat.pipeline.cells import now
from stackcompat.pipeline.runner import Runner

__all__ = ["run_aa_gate", "run_gate"]


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
) -> GateReport:
    """Judge candidates as one set.

    Args:
        given: The candidates as a person writes them.
        options: What they are judged by.
        runner: Locks and runs cells; its store keeps the evidence.
        index: The environment variable with the address of an extra index to take them from.
        against: The releases that they would replace, where that is not the last release.
        budget: Seconds of wall clock after which no cell is begun; None: those of the policy.
        rerun: Run again what has evidence.
        exchange: Runs the tests that write and read artifacts, for a policy that asks for them.

    Returns:
        The decision and everything that it rests on.

    Raises:
        UsageError: A candidate, or the release that it would replace, is not there.
    """
    began = time.monotonic()
    policy = options.policy
    runner.catalog.prefetch(runner.components[name].distribution for name in policy.components)
    candidates = load_candidates(
        runner, given, pythons=options.pythons, index=index, against=against, as_of=options.as_of
    )
    state = _make_state(candidates, options, runner, exchange)
    cells = lock_questions(state, _plan(state))
    seconds = policy.budget_seconds if budget is None else budget
    cells = run_gate_cells(state, cells, rerun=rerun, budget=Budget(seconds, began))
    return _decide(state, cells, time.monotonic() - began)


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
    """What the policy asks, first things first; what cannot be asked is noted as not tested."""
    components = state.runner.components
    questions, not_asked = make_questions(
        state.options.policy,
        state.candidates,
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
