"""One execution of a matrix, or of a shard of it: plan, lock, run, further rounds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.interpreters import how_to_get, this_platform
from stackcompat.ecosystem.releases import Catalog, CatalogAt
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.evidence.shards import Shard
from stackcompat.evidence.store import Store
from stackcompat.pipeline.adaptive import Round, next_round
from stackcompat.pipeline.cells import now, plan_cell, run_cells
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.goal import Plan
from stackcompat.plan.matrix import Matrix
from stackcompat.plan.plan import make_plan
from stackcompat.resolve.lock import Resolution
from stackcompat.verdict.retry import next_run

__all__ = ["due_cells", "execute", "last_run", "lock_matrix", "pythons_here"]


def execute(
    matrix: Matrix,
    runner: Runner,
    *,
    rerun: bool = False,
    relock: bool = False,
    shard: Shard | None = None,
    go_on: bool = False,
) -> RunRecord:
    """Plan, lock and run a matrix, and confirm what is red.

    Combinations of a covering array that get no verdict are tried in further rounds. A shard knows only its part of the
    evidence, so it makes none; they follow when the merged run is gone on with.

    Args:
        matrix: The matrix.
        runner: Runs its cells. The record is kept in its store.
        rerun: Whether cells are run although there is evidence.
        relock: Whether cells are resolved again although the index says nothing new about them.
        shard: The part of the cells that is run; all of them if None.
        go_on: Whether the last run goes on with its own locks, whatever was uploaded since; nothing is planned anew.

    Returns:
        The record of the run.

    Raises:
        UsageError: The matrix asks for what the index does not have, or there is no run to go on with.
        StackcompatError: The matrix cannot run on this machine.
    """
    if go_on:
        record = last_run(matrix, runner.store)
        run_cells(record.cells, runner, matrix.level, rerun=rerun)
        catalog = CatalogAt(runner.catalog, record.started)
        plan = _plan(matrix, runner, catalog, pythons_here(matrix, runner), record.started)
        return _further_rounds(plan, record, runner, matrix.level, rerun=rerun, relock=relock)
    plan, record = _plan_and_lock(matrix, runner, relock=relock)
    if shard is not None:
        record = record.model_copy(update={"shard": str(shard)})
        runner.store.add_run(record)
        run_cells([cell for cell in record.cells if shard.owns(cell)], runner, matrix.level, rerun=rerun)
        return record
    # Kept before the cells run, so that what is finished when somebody stops it can be published.
    runner.store.add_run(record, instead_of=_unfinished(record, runner.store))
    run_cells(record.cells, runner, matrix.level, rerun=rerun)
    return _further_rounds(plan, record, runner, matrix.level, rerun=rerun, relock=relock)


def lock_matrix(matrix: Matrix, runner: Runner, *, relock: bool = False) -> RunRecord:
    """Plan and lock a matrix without running it.

    Combinations that a covering array was to bring together but that did not resolve are tried once more as cells of
    their own. The coverage in the record is that of what was locked.

    Args:
        matrix: The matrix.
        runner: Has the index and the resolver.
        relock: Whether cells are resolved again although the index says nothing new about them.

    Returns:
        The record of a run of which nothing ran. It is not kept.
    """
    _, record = _plan_and_lock(matrix, runner, relock=relock)
    return record


def pythons_here(matrix: Matrix, runner: Runner) -> list[str]:
    """The Pythons of a matrix that are on this machine.

    Raises:
        StackcompatError: The matrix is for another platform, or none of its Pythons is here.
    """
    if matrix.platform not in ("", this_platform()):
        raise StackcompatError(
            f"{matrix.source}: platform: this machine is {this_platform()}, it cannot run {matrix.platform}"
        )
    pythons = [python for python in matrix.pythons if python in runner.interpreters]
    if not pythons:
        raise StackcompatError("; ".join(how_to_get(python) for python in matrix.pythons))
    return pythons


def due_cells(planned: Iterable[PlannedCell], store: Store) -> list[PlannedCell]:
    """One locked cell for each evidence key that has no decisive evidence yet."""
    unique = {cell.key: cell for cell in planned if cell.key}
    known = store.of_keys(unique)
    return [cell for key, cell in unique.items() if next_run(known.get(key, ()), ()) is not None]


def last_run(matrix: Matrix, store: Store) -> RunRecord:
    """The last whole run of a matrix.

    Raises:
        UsageError: There is none.
    """
    last = store.history(matrix.name, 1)
    if not last or last[0].shard:
        sentence = f"{store.path.name} holds no whole run of {matrix.name} to go on with; run it first"
        raise UsageError(f"--continue: {sentence}")
    return last[0]


def _plan(matrix: Matrix, runner: Runner, catalog: Catalog, pythons: Sequence[str], at: dt.datetime) -> Plan:
    return make_plan(
        matrix,
        runner.components,
        catalog,
        platform=matrix.platform or this_platform(),
        pythons=pythons,
        now=at,
    )


def _plan_and_lock(matrix: Matrix, runner: Runner, *, relock: bool) -> tuple[Plan, RunRecord]:
    """The plan of a matrix, and the record of a run of which nothing ran yet."""
    started = now()
    pythons = pythons_here(matrix, runner)
    plan = _plan(matrix, runner, runner.catalog, pythons, started)
    resolutions = lock_cells(plan.cells, runner, again=relock)
    repairs, coverage = plan.repair(_locked_versions(resolutions))
    if repairs:
        resolutions |= lock_cells(repairs, runner, again=relock)
        _, coverage = plan.repair(_locked_versions(resolutions))
    cells = (*plan.cells, *repairs)
    locked = [(cell, lock) for cell in cells if (lock := resolutions[cell.id].lock) is not None]
    runner.prepare(locked, matrix.level)
    record = RunRecord(
        matrix=matrix.name,
        started=started,
        title=matrix.title,
        components=matrix.components,
        pythons=tuple(pythons),
        missing_pythons=tuple(python for python in matrix.pythons if python not in runner.interpreters),
        coverage=coverage,
        reserved=plan.reserved,
        cells=tuple(plan_cell(cell, resolutions[cell.id], runner, matrix.level) for cell in cells),
    )
    return plan, record


def _locked_versions(resolutions: Mapping[str, Resolution]) -> dict[str, dict[str, str]]:
    """By cell id, the versions that a lock holds, and its Python as ``python``."""
    locks = {cell_id: resolution.lock for cell_id, resolution in resolutions.items()}
    return {cell_id: lock.versions() | {"python": lock.python} for cell_id, lock in locks.items() if lock is not None}


def _unfinished(record: RunRecord, store: Store) -> RunRecord | None:
    """The last run of the same matrix, if it planned the same cells and was stopped.

    Then the new run goes on with it, and the two are one execution.
    """
    last = store.history(record.matrix, 1)
    if not last or last[0].shard or _questions(last[0]) != _questions(record):
        return None
    return last[0] if _was_stopped(last[0], store) else None


def _questions(record: RunRecord) -> set[tuple[str, str]]:
    """What the cells of a run ask for, and where the evidence lies."""
    return {(planned.cell.id, planned.key) for planned in record.cells}


def _was_stopped(record: RunRecord, store: Store) -> bool:
    """Whether a run never came to its end: some cell has no evidence, or its goals were not looked at."""
    keys = {planned.key for planned in record.cells if planned.key}
    return bool(record.coverage and not record.answered) or not keys <= store.of_keys(keys).keys()


def _further_rounds(
    plan: Plan, record: RunRecord, runner: Runner, level: Level, *, rerun: bool, relock: bool
) -> RunRecord:
    """Go on with a run until its goals have their verdicts, or no further cell can be made for them.

    Each round follows from the evidence alone, so a round that was stopped comes out the same again.

    Args:
        plan: The plan with the goals.
        record: The run, whose cells ran.
        runner: Runs the further cells.
        level: How deep they are run.
        rerun: As in :func:`execute`.
        relock: As in :func:`execute`.

    Returns:
        The record with all rounds.
    """
    if not plan.goals:
        return record
    evidence = runner.store.of_keys(record.evidence_keys())
    left = {goal.label: goal.budget for goal in plan.goals}
    while True:
        rounds = {
            goal.label: next_round(goal, record.cells, evidence, runner.components, left[goal.label])
            for goal in plan.goals
        }
        cells = {cell.id: cell for round_ in rounds.values() for cell in round_.cells}
        resolutions = lock_cells(tuple(cells.values()), runner, again=relock) if cells else {}
        further = tuple(plan_cell(cell, resolutions[cell.id], runner, level) for cell in cells.values())
        before, record = record, _with_round(record, rounds, further)
        runner.store.add_run(record, instead_of=before)
        if not further:
            return record
        run_cells(further, runner, level, rerun=rerun)
        evidence |= runner.store.of_keys({cell.key for cell in further})
        left = {label: left[label] - len(round_.cells) for label, round_ in rounds.items()}


def _with_round(record: RunRecord, rounds: Mapping[str, Round], further: Sequence[PlannedCell]) -> RunRecord:
    """A record with where its goals are after a round, and with the cells that the round adds."""
    update: dict[str, object] = {
        "coverage": {label: round_.locked for label, round_ in rounds.items()},
        "answered": {label: round_.answered for label, round_ in rounds.items()},
        "unanswered": tuple(f"{label}: {text}" for label, round_ in rounds.items() for text in round_.unanswered),
    }
    if further:
        update |= {"cells": (*record.cells, *further), "rounds": (*record.rounds, len(further)), "unanswered": ()}
    return record.model_copy(update=update)
