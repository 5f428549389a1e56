"""One execution of a matrix: plan, lock, run, further rounds; or of a shard of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from stackcompat.core.record import StackcompatError, UsageError
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


def pythons_here(matrix: Matrix, runner: Runner) -> list[str]:
    """The Pythons of `matrix` that there are; StackcompatError if it cannot run here at all."""
    if matrix.platform not in ("", this_platform()):
        raise StackcompatError(
            f"{matrix.source}: platform: this machine is {this_platform()}, it cannot run {matrix.platform}"
        )
    pythons = [python for python in matrix.pythons if python in runner.interpreters]
    if not pythons:
        raise StackcompatError("; ".join(how_to_get(python) for python in matrix.pythons))
    return pythons


def lock_matrix(matrix: Matrix, runner: Runner, *, relock: bool = False) -> RunRecord:
    """Plan and lock `matrix`: the record of a run of it, of which nothing ran or was kept yet.

    Combinations that a covering array was to bring together but that did not resolve are tried once more as cells of
    their own; the coverage in the record is that of what was really locked.
    """
    return _planned_and_locked(matrix, runner, relock=relock)[1]


def _planned_and_locked(matrix: Matrix, runner: Runner, *, relock: bool) -> tuple[Plan, RunRecord]:
    started = now()
    pythons = pythons_here(matrix, runner)
    plan = _planned(matrix, runner, runner.catalog, pythons, started)
    resolutions = lock_cells(plan.cells, runner, again=relock)
    repairs, coverage = plan.repair(_versions(resolutions))
    if repairs:
        resolutions |= lock_cells(repairs, runner, again=relock)
        _, coverage = plan.repair(_versions(resolutions))
    cells = (*plan.cells, *repairs)
    locked = [(cell, lock) for cell in cells if (lock := resolutions[cell.id].lock) is not None]
    runner.prepare(locked, matrix.level)
    planned = [plan_cell(cell, resolutions[cell.id], runner, matrix.level) for cell in cells]
    record = RunRecord(
        matrix=matrix.name,
        started=started,
        title=matrix.title,
        components=matrix.components,
        pythons=tuple(pythons),
        missing_pythons=tuple(python for python in matrix.pythons if python not in runner.interpreters),
        coverage=coverage,
        reserved=plan.reserved,
        cells=tuple(planned),
    )
    return plan, record


def _versions(resolutions: Mapping[str, Resolution]) -> dict[str, dict[str, str]]:
    """By cell id, what the locked ones hold, and their Python as ``python``."""
    return {
        cell: one.lock.versions() | {"python": one.lock.python}
        for cell, one in resolutions.items()
        if one.lock is not None
    }


def _planned(matrix: Matrix, runner: Runner, catalog: Catalog, pythons: Sequence[str], at: dt.datetime) -> Plan:
    return make_plan(
        matrix,
        runner.components,
        catalog,
        platform=matrix.platform or this_platform(),
        pythons=pythons,
        now=at,
    )


def due_cells(planned: Iterable[PlannedCell], store: Store) -> list[PlannedCell]:
    """Of the locked cells, one for each question that has no decisive evidence yet."""
    unique = {cell.key: cell for cell in planned if cell.key}
    known = store.of_keys(unique)
    return [cell for key, cell in unique.items() if next_run(known.get(key, ()), ()) is not None]


def execute(
    matrix: Matrix,
    runner: Runner,
    *,
    rerun: bool = False,
    relock: bool = False,
    shard: Shard | None = None,
    go_on: bool = False,
) -> RunRecord:
    """Run `matrix`, or the `shard` of it: plan, lock, run, confirm; the record, which is kept.

    What a covering array leaves without a verdict is tried in further rounds; a shard knows only its part of the
    evidence, so it makes none: they follow when the merged run is gone on with, on what the shards found.

    `go_on`: nothing is planned anew. The last run goes on with its own locks, whatever was uploaded since.
    """
    if go_on:
        record = last_run(matrix, runner.store)
        run_cells(record.cells, runner, matrix.level, rerun=rerun)
        then = CatalogAt(runner.catalog, record.started)
        plan = _planned(matrix, runner, then, pythons_here(matrix, runner), record.started)
        if not plan.goals:
            return record
        return _further_rounds(plan, record, runner, matrix.level, rerun=rerun, relock=relock)
    plan, record = _planned_and_locked(matrix, runner, relock=relock)
    mine = [cell for cell in record.cells if shard is None or shard.owns(cell)]
    if shard is not None:
        record = record.model_copy(update={"shard": str(shard)})
    # Before the cells run: what is finished when somebody stops it can be published, the rest shows as untested.
    runner.store.add_run(record, instead_of=None if shard is not None else _unfinished(record, runner.store))
    run_cells(mine, runner, matrix.level, rerun=rerun)
    if shard is not None or not plan.goals:
        return record
    return _further_rounds(plan, record, runner, matrix.level, rerun=rerun, relock=relock)


def last_run(matrix: Matrix, store: Store) -> RunRecord:
    """The last whole run of `matrix`; UsageError if there is none."""
    last = store.history(matrix.name, 1)
    if not last or last[0].shard:
        raise UsageError(
            f"--continue: {store.path.name} holds no whole run of {matrix.name} to go on with; run it first"
        )
    return last[0]


def _unfinished(record: RunRecord, store: Store) -> RunRecord | None:
    """The last run of the same matrix, if it asked the same but was stopped.

    Then `record` goes on with it, and the two are one execution.
    """

    def asked(run: RunRecord) -> set[tuple[str, str]]:
        return {(one.cell.id, one.key) for one in run.cells}

    def stopped(run: RunRecord) -> bool:
        keys = {one.key for one in run.cells if one.key}
        return bool(run.coverage and not run.answered) or not keys <= store.of_keys(keys).keys()

    last = store.history(record.matrix, 1)
    return next((run for run in last if not run.shard and asked(run) == asked(record) and stopped(run)), None)


def _further_rounds(
    plan: Plan,
    record: RunRecord,
    runner: Runner,
    level: Level,
    *,
    rerun: bool,
    relock: bool,
) -> RunRecord:
    """Go on from `record`, whose cells ran, until the goals have their verdicts, or nothing more can be made for them.

    Each round follows from the evidence alone, so one that was stopped comes out the same again.
    """
    evidence = runner.store.of_keys(record.evidence_keys())
    left = {goal.label: goal.budget for goal in plan.goals}
    while True:
        rounds = {
            goal.label: next_round(goal, record.cells, evidence, runner.components, left[goal.label])
            for goal in plan.goals
        }
        cells = {cell.id: cell for one in rounds.values() for cell in one.cells}
        resolutions = lock_cells(tuple(cells.values()), runner, again=relock) if cells else {}
        further = tuple(plan_cell(cell, resolutions[cell.id], runner, level) for cell in cells.values())
        before, record = record, record.model_copy(update=_standing(rounds))
        if further:
            update = {"cells": (*record.cells, *further), "rounds": (*record.rounds, len(further)), "unanswered": ()}
            record = record.model_copy(update=update)
        runner.store.add_run(record, instead_of=before)
        if not further:
            return record
        run_cells(further, runner, level, rerun=rerun)
        evidence |= runner.store.of_keys({cell.key for cell in further})
        left = {label: left[label] - len(one.cells) for label, one in rounds.items()}


def _standing(rounds: Mapping[str, Round]) -> dict[str, object]:
    """The fields of a record that say where its goals stand."""
    return {
        "coverage": {label: one.locked for label, one in rounds.items()},
        "answered": {label: one.answered for label, one in rounds.items()},
        "unanswered": tuple(f"{label}: {text}" for label, one in rounds.items() for text in one.unanswered),
    }
