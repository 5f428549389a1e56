"""One execution of a matrix, or of a shard of it: plan, lock, run, further rounds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from stackcompat.core.dates import now
from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.core.record import digest
from stackcompat.core.requirements import python_key
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.interpreters import how_to_get, is_too_old, this_platform
from stackcompat.ecosystem.releases import Catalog, CatalogAt
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.evidence.shards import PLANS, Shard, ShardPlan
from stackcompat.evidence.store import Store
from stackcompat.pipeline.adaptive import Round, next_round
from stackcompat.pipeline.audit import audit_reused
from stackcompat.pipeline.baselines import greens_of, run_baselines
from stackcompat.pipeline.cells import plan_cell, run_cells
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.matrix import Matrix
from stackcompat.plan.plan import Plan, make_plan
from stackcompat.resolve.lock import Resolution
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.retry import needs_run

__all__ = ["due_cells", "execute", "last_run", "lock_matrix", "plan_shards", "pythons_here"]


def execute(
    matrix: Matrix,
    runner: Runner,
    *,
    rerun: bool = False,
    relock: bool = False,
    shard: Shard | None = None,
    go_on: bool = False,
) -> RunRecord:
    """Plan, lock and run a matrix, confirm what is red, and run the baselines that it needs to count.

    Combinations of a covering array that get no verdict are tried in further rounds. A shard knows only its part of the
    evidence, so it makes no further rounds. These follow when the merged run is continued. A shard has the cells and
    locks of the plan in the store (:func:`plan_shards`). If there is none, the shard makes a plan for itself.

    Args:
        matrix: The matrix.
        runner: Runs its cells. The record is kept in its store.
        rerun: Whether cells are run although there is evidence.
        relock: Whether cells are resolved again although the index says nothing new about them.
        shard: The part of the cells that is run; all cells if None.
        go_on: Whether the last run is continued with its own locks, even if releases were uploaded since. Then only
            further rounds add cells.

    Returns:
        The record of the run.

    Raises:
        UsageError: The matrix asks for a release that the index does not have, there is no run to continue, or the
            matrix of a shard is not as it was planned.
        StackcompatError: The matrix cannot run on this machine.
    """
    if go_on:
        record = last_run(matrix, runner.store)
        _run(record.cells, runner, matrix.level, rerun=rerun)
        catalog = CatalogAt(runner.catalog, record.started)
        plan = _plan(matrix, runner, catalog, pythons_here(matrix, runner), record.started)
        return _further_rounds(plan, record, runner, matrix.level, rerun=rerun, relock=relock)
    if shard is not None:
        record = _shard_record(matrix, runner, shard, relock=relock)
        runner.store.add_run(record)
        _run([cell for cell in record.cells if shard.owns(cell)], runner, matrix.level, rerun=rerun)
        return record
    plan, record = _plan_and_lock(matrix, runner, relock=relock)
    # The record is stored before the cells run. So the finished part can be published if the run is stopped.
    runner.store.add_run(record, instead_of=_unfinished(record, runner.store))
    _run(record.cells, runner, matrix.level, rerun=rerun)
    return _further_rounds(plan, record, runner, matrix.level, rerun=rerun, relock=relock)


def _run(planned: Sequence[PlannedCell], runner: Runner, level: Level, *, rerun: bool) -> Greens:
    """Run cells, some of what they reused, and the baselines without which failures do not count; the greens then."""
    began = now()
    run_cells(planned, runner, level, rerun=rerun)
    audit_reused(planned, runner, level, began)
    return run_baselines(planned, runner)


def lock_matrix(matrix: Matrix, runner: Runner, *, relock: bool = False) -> RunRecord:
    """Plan and lock a matrix without running it.

    A combination of a covering array is in no lock if its cell did not resolve. Such a combination is locked once more
    in a cell of its own. The coverage in the record counts the combinations that some lock holds.

    Args:
        matrix: The matrix.
        runner: Has the index and the resolver.
        relock: Whether cells are resolved again although the index says nothing new about them.

    Returns:
        The record of a run in which no cell was run. It is not stored.
    """
    _, record = _plan_and_lock(matrix, runner, relock=relock)
    return record


def plan_shards(matrix: Matrix, runner: Runner, number: int) -> RunRecord:
    """Plan and lock a matrix that is run in parts, and keep the plan in the store, from which each part starts.

    Args:
        matrix: The matrix.
        runner: Has the index, the resolver and the store.
        number: How many parts there are.

    Returns:
        The record of a run in which no cell was run. It carries the id of the plan.
    """
    record = lock_matrix(matrix, runner)
    plan_id = digest("plan", matrix.name, record.started.isoformat(), number, sorted(record.evidence_keys()), length=12)
    record = record.model_copy(update={"plan": plan_id, "planned": record.started})
    runner.store.keep(PLANS, ShardPlan(of=number, question=digest(matrix), record=record))
    return record


def _shard_record(matrix: Matrix, runner: Runner, shard: Shard, *, relock: bool) -> RunRecord:
    """The record of a shard, of which nothing was run yet: as it was planned for all shards, or else for this alone."""
    plans = [plan for plan in runner.store.kept(PLANS) if plan.record.matrix == matrix.name and plan.of == shard.of]
    if not plans:
        _, record = _plan_and_lock(matrix, runner, relock=relock)
        return record.model_copy(update={"shard": str(shard)})
    (plan,) = plans
    anew = f"plan it again with `stackcompat plan --shards {shard.of}`"
    if relock:
        raise UsageError(f"--relock: a shard has the locks of its plan; leave it out, or {anew}")
    if plan.question != digest(matrix):
        raise UsageError(f"--shard: {matrix.source} was changed after it was planned in {shard.of} parts; {anew}")
    pythons_here(matrix, runner)
    own = [planned for planned in plan.record.cells if shard.owns(planned)]
    locked = [(planned.cell, lock) for planned in own if (lock := planned.resolution.lock) is not None]
    missing = {cell.python for cell, _ in locked} - runner.interpreters.keys()
    if missing:
        raise StackcompatError("; ".join(how_to_get(python) for python in sorted(missing, key=python_key)))
    runner.prepare(locked, matrix.level)
    # The keys depend on this machine: on its interpreters and its hardware.
    mine = {planned.cell.id: plan_cell(planned.cell, planned.resolution, runner, matrix.level) for planned in own}
    cells = tuple(mine.get(planned.cell.id, planned) for planned in plan.record.cells)
    return plan.record.model_copy(update={"shard": str(shard), "started": now(), "cells": cells})


def pythons_here(matrix: Matrix, runner: Runner) -> list[str]:
    """The Pythons of a matrix that this machine has.

    Raises:
        UsageError: One of its Pythons is older than the smoke tests.
        StackcompatError: The matrix is for another platform, or none of its Pythons is here.
    """
    if matrix.platform not in ("", this_platform()):
        raise StackcompatError(
            f"{matrix.source}: platform: this machine is {this_platform()}, it cannot run {matrix.platform}"
        )
    for python in filter(is_too_old, matrix.pythons):
        raise UsageError(f"{matrix.source}: pythons: {how_to_get(python)}")
    pythons = [python for python in matrix.pythons if python in runner.interpreters]
    if not pythons:
        raise StackcompatError("; ".join(how_to_get(python) for python in matrix.pythons))
    return pythons


def due_cells(planned: Iterable[PlannedCell], store: Store) -> list[PlannedCell]:
    """One locked cell for each evidence key that has no decisive evidence yet."""
    unique = {cell.key: cell for cell in planned if cell.key}
    known = store.of_keys(unique)
    return [cell for key, cell in unique.items() if needs_run(known.get(key, ()))]


def last_run(matrix: Matrix, store: Store) -> RunRecord:
    """The last run of a matrix, which must not be that of a shard.

    Args:
        matrix: The matrix.
        store: Has the runs.

    Raises:
        UsageError: There is no run, or the last one is that of a shard.
    """
    last = store.history(matrix.name, 1)
    if not last or last[0].shard:
        sentence = f"{store.label} holds no whole run of {matrix.name} to go on with; run it first"
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
    """The plan of a matrix, and the record of a run in which no cell was run yet."""
    started = now()
    pythons = pythons_here(matrix, runner)
    plan = _plan(matrix, runner, runner.catalog, pythons, started)
    resolutions = lock_cells(plan.cells, runner, again=relock)
    repairs, coverage = plan.unreached(_locked_versions(resolutions))
    if repairs:
        resolutions |= lock_cells(repairs, runner, again=relock)
        _, coverage = plan.unreached(_locked_versions(resolutions))
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
    """By cell id, the versions in the lock, and the Python of the lock under the name ``python``."""
    locks = {cell_id: resolution.lock for cell_id, resolution in resolutions.items()}
    return {cell_id: lock.versions() | {"python": lock.python} for cell_id, lock in locks.items() if lock is not None}


def _unfinished(record: RunRecord, store: Store) -> RunRecord | None:
    """The last run of the same matrix, if it planned the same cells and was stopped; else None.

    The new run continues such a run, and its record replaces the old one.
    """
    last = store.history(record.matrix, 1)
    if not last or last[0].shard or _questions(last[0]) != _questions(record):
        return None
    return last[0] if _was_stopped(last[0], store) else None


def _questions(record: RunRecord) -> set[tuple[str, str]]:
    """The ids and evidence keys of the cells of a run."""
    return {(planned.cell.id, planned.key) for planned in record.cells}


def _was_stopped(record: RunRecord, store: Store) -> bool:
    """Whether a run was stopped: some cell has no evidence, or no round was computed for its goals."""
    keys = {planned.key for planned in record.cells if planned.key}
    return bool(record.coverage and not record.answered) or not keys <= store.of_keys(keys).keys()


def _further_rounds(
    plan: Plan, record: RunRecord, runner: Runner, level: Level, *, rerun: bool, relock: bool
) -> RunRecord:
    """Add rounds to a run until all combinations have a verdict or no further cell can be made.

    A round depends on the evidence alone, so a round that was stopped is the same when it is computed again.

    Args:
        plan: The plan with the goals.
        record: The run. All its cells have been run.
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
    greens = greens_of(runner)
    left = {goal.label: goal.budget for goal in plan.goals}
    while True:
        rounds = {
            goal.label: next_round(goal, record.cells, evidence, runner.components, left[goal.label], greens)
            for goal in plan.goals
        }
        cells = {cell.id: cell for round_ in rounds.values() for cell in round_.cells}
        resolutions = lock_cells(tuple(cells.values()), runner, again=relock) if cells else {}
        further = tuple(plan_cell(cell, resolutions[cell.id], runner, level) for cell in cells.values())
        before, record = record, _with_round(record, rounds, further)
        runner.store.add_run(record, instead_of=before)
        if not further:
            return record
        greens = _run(further, runner, level, rerun=rerun)
        evidence |= runner.store.of_keys({cell.key for cell in further})
        left = {label: left[label] - len(round_.cells) for label, round_ in rounds.items()}


def _with_round(record: RunRecord, rounds: Mapping[str, Round], further: Sequence[PlannedCell]) -> RunRecord:
    """The record with the cells that a round adds, and with how many combinations have a lock and a verdict."""
    update: dict[str, object] = {
        "coverage": {label: round_.locked for label, round_ in rounds.items()},
        "answered": {label: round_.answered for label, round_ in rounds.items()},
        "unanswered": tuple(f"{label}: {text}" for label, round_ in rounds.items() for text in round_.unanswered),
    }
    if further:
        update |= {"cells": (*record.cells, *further), "rounds": (*record.rounds, len(further)), "unanswered": ()}
    return record.model_copy(update=update)
