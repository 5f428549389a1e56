"""Crossings run: writers first, each serving all of its readers, then readers, then the baselines of what is red.

Artifacts outlive the environment that wrote them, in the tool's cache, each writer's in a folder named after its
evidence key. They can be made again at any time, and are when they are missing; the evidence is in the store like any
other.
"""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from stackcompat.core.record import UsageError, digest
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import Crossing, ExchangePlan, PlannedCell, RunRecord
from stackcompat.pipeline.cells import now, plan_cell, run_until_judged
from stackcompat.pipeline.exchange_plan import choose, complete, plan_crossings, promised
from stackcompat.pipeline.execution import last_run, pythons_here
from stackcompat.pipeline.locking import as_completed, lock_cells
from stackcompat.pipeline.runner import JobTransform, Runner
from stackcompat.plan.cell import Cell
from stackcompat.plan.matrix import Matrix
from stackcompat.plan.plan import make_plan
from stackcompat.resolve.lock import Lock
from stackcompat.run.job import Exchange, Job
from stackcompat.verdict.exchange import written
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.retry import next_run

__all__ = ["Reading", "Writing", "artifact_store", "cross", "execute_exchange", "plan_exchange", "run_exchange"]

LEVEL: Level = "exchange"


#: Seconds after which artifacts that nobody read are dropped.
_KEPT = 30 * 24 * 3600.0


class Writing(JobTransform):
    """The jobs write `artifacts`, all of them if none are named."""

    def __init__(self, artifacts: Iterable[str] = ()) -> None:
        self.artifacts = tuple(sorted(artifacts))

    def key(self, key: str, cell: Cell, lock: Lock, level: Level, tests: tuple[str, ...], runner: Runner) -> str:  # noqa: ARG002
        """The address of the evidence on what is written."""
        return digest("write", key, self.artifacts)

    def job(self, job: Job, planned: PlannedCell, runner: Runner) -> Job:
        """The job, which leaves its artifacts in the writer's own folder."""
        store = artifact_store(planned.key, runner)
        return job.model_copy(update={"exchange": Exchange(mode="write", store=store, artifacts=self.artifacts)})


class Reading(JobTransform):
    """The jobs read `artifacts` of the writer whose evidence has the address `write_key`."""

    def __init__(self, write_key: str, artifacts: Iterable[str] = ()) -> None:
        self.write_key = write_key
        self.artifacts = tuple(artifacts)

    @property
    def reads(self) -> str:
        """The address of the evidence on the writer."""
        return self.write_key

    def key(self, key: str, cell: Cell, lock: Lock, level: Level, tests: tuple[str, ...], runner: Runner) -> str:  # noqa: ARG002
        """The address of the evidence on reading what that writer wrote."""
        return digest("read", key, self.write_key)

    def job(self, job: Job, planned: PlannedCell, runner: Runner) -> Job:  # noqa: ARG002
        """The job, which takes its artifacts from the writer's folder."""
        store = artifact_store(self.write_key, runner)
        return job.model_copy(update={"exchange": Exchange(mode="read", store=store, artifacts=self.artifacts)})


def artifact_store(write_key: str, runner: Runner) -> Path:
    """Where the artifacts of the writer lie whose evidence has the address `write_key`."""
    return _artifacts(runner) / write_key


def _artifacts(runner: Runner) -> Path:
    return runner.cache.root / "artifacts"


def execute_exchange(
    matrix: Matrix, runner: Runner, *, rerun: bool = False, relock: bool = False, go_on: bool = False
) -> RunRecord:
    """Run `matrix` as squares: the cells of each policy write, and each of them reads of all.

    The record is kept before anything runs, so that what is finished when somebody stops it can be published.
    `go_on`: nothing is planned anew, the last run goes on with its own locks.
    """
    artifacts = _chosen(matrix, runner)
    if go_on:
        record = last_run(matrix, runner.store)
        if record.exchange is not None:
            run_exchange(record.exchange, runner, artifacts=artifacts, rerun=rerun)
        return record
    started = now()
    pythons = pythons_here(matrix, runner)
    squares: dict[str, Sequence[Cell]] = {}
    for number, policy in enumerate(matrix.policies):
        label = policy.label or policy.policy
        if label in squares:
            key = f"{matrix.source}: policies[{number}].label"
            raise UsageError(f"{key}: is that of another policy; allowed is one of its own")
        plan = make_plan(
            matrix.model_copy(update={"policies": (policy,)}),
            runner.components,
            runner.catalog,
            platform=this_platform(),
            pythons=pythons,
            now=started,
        )
        squares[label] = plan.cells
    crossed = plan_exchange(
        [(label, cells, cells) for label, cells in squares.items()], runner, artifacts=artifacts, again=relock
    )
    crossed = _with_promises(crossed, matrix, runner)
    record = RunRecord(
        matrix=matrix.name,
        started=started,
        title=matrix.title,
        components=matrix.components,
        pythons=tuple(pythons),
        missing_pythons=tuple(python for python in matrix.pythons if python not in runner.interpreters),
        exchange=crossed,
    )
    runner.store.add_run(record)
    run_exchange(crossed, runner, artifacts=artifacts, rerun=rerun)
    return record


def _chosen(matrix: Matrix, runner: Runner) -> tuple[str, ...]:
    """The artifacts that `matrix` is about; none if it is about all of them."""
    try:
        return choose(matrix.artifacts, runner.suite.artifacts())
    except UsageError as error:
        raise UsageError(f"{matrix.source}: artifacts: {error}") from None


def _with_promises(plan: ExchangePlan, matrix: Matrix, runner: Runner) -> ExchangePlan:
    """`plan` with what the matrix's promises say of each crossing."""
    days: dict[str, dict[str, dt.datetime]] = {}
    for planned in plan.cells:
        versions = planned.resolution.lock.versions() if planned.resolution.lock else {}
        days[planned.cell.id] = {}
        for name in {promise.component for promise in matrix.promises}:
            distribution = runner.components[name].distribution
            if distribution in versions:
                release = runner.catalog.project(distribution).find(versions[distribution])
                if release is not None:
                    days[planned.cell.id][name] = release.uploaded
    crossings = [
        crossing.model_copy(
            update={"promised": promised(matrix.promises, days[crossing.writer], days[crossing.reader])}
        )
        for crossing in plan.crossings
    ]
    return plan.model_copy(update={"crossings": tuple(crossings)})


def plan_exchange(
    squares: Iterable[tuple[str, Sequence[Cell], Sequence[Cell]]],
    runner: Runner,
    *,
    artifacts: Sequence[str] = (),
    again: bool = False,
) -> ExchangePlan:
    """Lock the writers and readers of `squares` (label, writers, readers) and cross them."""
    squares = list(squares)
    asked = {cell.id: cell for _, writers, readers in squares for cell in (*writers, *readers)}
    locked = lock_cells(list(asked.values()), runner, again=again)
    whole = {
        name: complete(cell, lock, runner.components) if (lock := locked[name].lock) is not None else cell
        for name, cell in asked.items()
    }
    more = [cell for name, cell in whole.items() if cell.id not in locked]
    locked |= lock_cells(more, runner, again=again) if more else {}
    writing = runner.using(Writing(artifacts))
    planned = {name: plan_cell(cell, locked[cell.id], writing, LEVEL) for name, cell in whole.items()}
    crossings: dict[tuple[str, str, str], Crossing] = {}
    for label, writers, readers in squares:
        here = ([planned[cell.id] for cell in writers], [planned[cell.id] for cell in readers])
        for crossing in plan_crossings(*here, _keys(*here, runner), label):
            crossings.setdefault((crossing.writer, crossing.reader, crossing.square), crossing)
    cells = {p.cell.id: p for p in planned.values()}
    return ExchangePlan(cells=tuple(cells.values()), crossings=tuple(crossings.values()))


def _keys(writers: Sequence[PlannedCell], readers: Sequence[PlannedCell], runner: Runner) -> dict[tuple[str, str], str]:
    return {
        (writer.cell.id, reader.cell.id): _read_key(reader, writer.key, runner)
        for writer in writers
        for reader in readers
        if writer.key and reader.resolution.lock is not None
    }


def _read_key(reader: PlannedCell, write_key: str, runner: Runner) -> str:
    """The address of the evidence on what a locked reader reads of what the writer of `write_key` wrote."""
    return plan_cell(reader.cell, reader.resolution, runner.using(Reading(write_key)), LEVEL).key


def run_exchange(
    plan: ExchangePlan, runner: Runner, *, artifacts: Sequence[str] = (), rerun: bool = False
) -> ExchangePlan:
    """Run what the crossings of `plan` need and has no decisive evidence yet; all of it is kept in the store.

    Where something is red, both sides also write and read the same artifacts by themselves, unless `plan` has them do
    so anyway. The plan with these baselines is what can be judged.
    """
    _drop_unread(runner)
    asked = [crossing for crossing in plan.crossings if crossing.key]
    _write({crossing.writer for crossing in asked}, plan, runner, artifacts, rerun=rerun)
    _read(asked, plan, runner, rerun=rerun)
    baselines: list[Crossing] = []
    for side, red in _unproven(asked, runner).items():
        own = _crossed(plan.cell(side), plan.cell(side), runner, red)
        if own.crossings[0].key not in {crossing.key for crossing in asked}:
            _write([side], own, runner, red, rerun=rerun)
            _read(own.crossings, own, runner, rerun=rerun)
            baselines += own.crossings
    return plan.model_copy(update={"crossings": (*plan.crossings, *baselines)})


def cross(
    writer: PlannedCell, reader: PlannedCell, runner: Runner, artifacts: Sequence[str]
) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
    """Every run in which one environment wrote `artifacts`, and in which another read them; no baselines."""
    plan = _crossed(writer, reader, runner, artifacts)
    (crossing,) = plan.crossings
    _write([crossing.writer], plan, runner.quiet(), artifacts, rerun=False)
    _read([crossing], plan, runner.quiet(), rerun=False)
    return runner.store.of_key(plan.cell(crossing.writer).key), runner.store.of_key(crossing.key)


def _crossed(writer: PlannedCell, reader: PlannedCell, runner: Runner, artifacts: Sequence[str]) -> ExchangePlan:
    """The crossing of `artifacts` between two locked cells."""
    writer = plan_cell(writer.cell, writer.resolution, runner.using(Writing(artifacts)), LEVEL)
    crossing = Crossing(writer=writer.cell.id, reader=reader.cell.id, key=_read_key(reader, writer.key, runner))
    cells = (writer,) if writer.cell.id == reader.cell.id else (writer, reader)
    return ExchangePlan(cells=cells, crossings=(crossing,))


def _unproven(crossings: Sequence[Crossing], runner: Runner) -> dict[str, tuple[str, ...]]:
    """The sides of what is red that are in no crossing with themselves, and the artifacts that are red there."""
    alone = {crossing.writer for crossing in crossings if crossing.writer == crossing.reader}
    found: dict[str, set[str]] = {}
    for crossing in crossings:
        statuses = classify(runner.store.of_key(crossing.key))
        red = {status.result.artifact for status in statuses if status.state == "confirmed"}
        for side in {crossing.writer, crossing.reader} - alone if red else ():
            found.setdefault(side, set()).update(red)
    return {side: tuple(sorted(found[side])) for side in sorted(found)}


def _write(cells: Iterable[str], plan: ExchangePlan, runner: Runner, artifacts: Sequence[str], *, rerun: bool) -> None:
    """Have the cells write what is not there."""
    unique = {planned.key: planned for planned in map(plan.cell, sorted(cells))}
    known = {} if rerun else runner.store.of_keys(unique)
    for key in unique:
        # Written long ago, and dropped since: the evidence stands, but there is nothing to read.
        if any(not (artifact_store(key, runner) / artifact).is_dir() for artifact in written(known.get(key, ()))):
            known.pop(key)
    due = [planned for key, planned in unique.items() if next_run(known.get(key, ()), ()) is not None]
    runner.reporter.stage("write", len(due))
    writing = runner.using(Writing(artifacts))

    def work(planned: PlannedCell) -> list[Evidence]:
        return run_until_judged(planned, known.get(planned.key, ()), writing, LEVEL)

    for planned, evidence in as_completed(due, work, runner.executor):
        runner.reporter.step(f"{planned.cell.label} on Python {planned.cell.python}: {_told(evidence)}")


def _read(crossings: Sequence[Crossing], plan: ExchangePlan, runner: Runner, *, rerun: bool) -> None:
    """Have the readers read what the writers left, where they left anything."""
    unique = {crossing.key: crossing for crossing in crossings}
    known = {} if rerun else runner.store.of_keys(unique)
    left = {name: written(runner.store.of_key(plan.cell(name).key)) for name in {c.writer for c in unique.values()}}
    due = [c for key, c in unique.items() if left[c.writer] and next_run(known.get(key, ()), ()) is not None]
    runner.reporter.stage("read", len(due))

    def work(crossing: Crossing) -> list[Evidence]:
        writer, reader = plan.cell(crossing.writer), plan.cell(crossing.reader)
        reading = runner.using(Reading(writer.key, left[crossing.writer]))
        here = reader.model_copy(update={"key": crossing.key})
        return run_until_judged(here, known.get(crossing.key, ()), reading, LEVEL)

    for crossing, evidence in as_completed(due, work, runner.executor):
        writer, reader = plan.cell(crossing.writer).cell, plan.cell(crossing.reader).cell
        said = f"{writer.label} on {writer.python} to {reader.label} on {reader.python}: {_told(evidence)}"
        runner.reporter.step(said)


def _told(evidence: Sequence[Evidence]) -> str:
    red = {test.test for run in evidence for test in run.failures()}
    last = evidence[-1]
    return f"{len(red)} red" if red else "green" if last.outcome == "ran" else last.outcome


def _drop_unread(runner: Runner) -> None:
    """Remove artifacts that were not written or read for long."""
    _artifacts(runner).mkdir(parents=True, exist_ok=True)
    for folder in _artifacts(runner).glob("*/"):
        if time.time() - folder.stat().st_mtime > _KEPT:
            shutil.rmtree(folder, ignore_errors=True)
            Path(f"{folder}.lock").unlink(missing_ok=True)
