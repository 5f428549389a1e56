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
from copy import copy
from pathlib import Path
from typing import Any

from stackcompat.core.record import UsageError, digest
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.ecosystem.suite import Suite
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import Crossing, ExchangePlan, PlannedCell, RunRecord
from stackcompat.pipeline.cells import now, run_until_judged
from stackcompat.pipeline.exchange_plan import complete, plan_crossings, promised
from stackcompat.pipeline.execution import last_run, pythons_here
from stackcompat.pipeline.locking import as_completed, lock_cells
from stackcompat.pipeline.progress import Reporter, Silent
from stackcompat.pipeline.runner import BulkCatalog, Runner
from stackcompat.plan.cell import Cell
from stackcompat.plan.matrix import Matrix
from stackcompat.plan.plan import make_plan
from stackcompat.resolve.lock import Lock
from stackcompat.run.job import Exchange, Job
from stackcompat.verdict.exchange import written
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.retry import next_run

__all__ = ["ExchangeRunner", "cross", "execute_exchange", "plan_exchange", "run_exchange"]

LEVEL: Level = "exchange"


#: Seconds after which artifacts that nobody read are dropped.
_KEPT = 30 * 24 * 3600.0


class ExchangeRunner(Runner):
    """A bench whose suite writes and reads artifacts: all of them, or those of `only`.

    `helpers` is a folder of other tests whose modules (what is no test there) the suite borrows.
    """

    def __init__(self, *, helpers: Path, only: tuple[str, ...] = (), **bench: Any) -> None:
        super().__init__(**bench)
        self.suite = Suite(self.suite.folder, self.suite.plugin, helpers)
        self.only = only
        self.artifacts = self.cache.root / "artifacts"

    def narrow(self, only: Sequence[str]) -> ExchangeRunner:
        """The same bench for the artifacts `only`."""
        other = copy(self)
        other.only = tuple(sorted(only))
        return other

    def write_key(self, cell: Cell, lock: Lock) -> str:
        """The address of the evidence on what `lock` writes."""
        return digest("write", self.key(cell, lock, LEVEL), self.only)

    def read_key(self, cell: Cell, lock: Lock, write_key: str) -> str:
        """The address of the evidence on what `lock` reads of what the writer of `write_key` wrote."""
        return digest("read", self.key(cell, lock, LEVEL), write_key)

    def store_of(self, write_key: str) -> Path:
        """Where the artifacts of a writer lie."""
        return self.artifacts / write_key

    def dress(self, job: Job, exchange: Exchange) -> Job:
        """The job of an ordinary cell as one that writes or reads."""
        return job.model_copy(update={"exchange": exchange, "helpers": self.suite.helpers})


def execute_exchange(
    matrix: Matrix,
    bench: ExchangeRunner,
    catalog: BulkCatalog,
    reporter: Reporter,
    *,
    rerun: bool = False,
    relock: bool = False,
    go_on: bool = False,
) -> RunRecord:
    """Run `matrix` as squares: the cells of each policy write, and each of them reads of all.

    The record is kept before anything runs, so that what is finished when somebody stops it can be published.
    `go_on`: nothing is planned anew, the last run goes on with its own locks.
    """
    if go_on:
        record = last_run(matrix, bench.store)
        if record.exchange is not None:
            run_exchange(record.exchange, bench, reporter, rerun=rerun)
        return record
    started = now()
    pythons = pythons_here(matrix, bench)
    squares: dict[str, Sequence[Cell]] = {}
    for number, policy in enumerate(matrix.policies):
        label = policy.label or policy.policy
        if label in squares:
            raise UsageError(
                f"{matrix.source}: policies[{number}].label: is that of another policy; allowed is one of its own"
            )
        plan = make_plan(
            matrix.model_copy(update={"policies": (policy,)}),
            bench.components,
            catalog,
            platform=this_platform(),
            pythons=pythons,
            now=started,
        )
        squares[label] = plan.cells
    crossed = plan_exchange(
        [(label, cells, cells) for label, cells in squares.items()], bench, catalog, reporter, again=relock
    )
    crossed = _with_promises(crossed, matrix, bench, catalog)
    record = RunRecord(
        matrix=matrix.name,
        started=started,
        title=matrix.title,
        components=matrix.components,
        pythons=tuple(pythons),
        missing_pythons=tuple(python for python in matrix.pythons if python not in bench.interpreters),
        exchange=crossed,
    )
    bench.store.add_run(record)
    run_exchange(crossed, bench, reporter, rerun=rerun)
    return record


def _with_promises(plan: ExchangePlan, matrix: Matrix, bench: ExchangeRunner, catalog: BulkCatalog) -> ExchangePlan:
    """`plan` with what the matrix's promises say of each crossing."""
    days: dict[str, dict[str, dt.datetime]] = {}
    for planned in plan.cells:
        versions = planned.resolution.lock.versions() if planned.resolution.lock else {}
        days[planned.cell.id] = {}
        for name in {promise.component for promise in matrix.promises}:
            distribution = bench.components[name].distribution
            release = catalog.project(distribution).find(versions[distribution]) if distribution in versions else None
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
    bench: ExchangeRunner,
    catalog: BulkCatalog,
    reporter: Reporter,
    *,
    again: bool = False,
) -> ExchangePlan:
    """Lock the writers and readers of `squares` (label, writers, readers) and cross them."""
    squares = list(squares)
    asked = {cell.id: cell for _, writers, readers in squares for cell in (*writers, *readers)}
    locked = lock_cells(list(asked.values()), bench, catalog, reporter, again=again)
    whole = {
        name: complete(cell, lock, bench.components) if (lock := locked[name].lock) is not None else cell
        for name, cell in asked.items()
    }
    more = [cell for name, cell in whole.items() if cell.id not in locked]
    locked |= lock_cells(more, bench, catalog, reporter, again=again) if more else {}
    planned = {}
    for name, cell in whole.items():
        resolution = locked[cell.id]
        key = bench.write_key(cell, resolution.lock) if resolution.lock is not None else ""
        planned[name] = PlannedCell(cell=cell, resolution=resolution, key=key)
    crossings: dict[tuple[str, str, str], Crossing] = {}
    for label, writers, readers in squares:
        here = ([planned[cell.id] for cell in writers], [planned[cell.id] for cell in readers])
        for crossing in plan_crossings(*here, _keys(*here, bench), label):
            crossings.setdefault((crossing.writer, crossing.reader, crossing.square), crossing)
    cells = {p.cell.id: p for p in planned.values()}
    return ExchangePlan(cells=tuple(cells.values()), crossings=tuple(crossings.values()))


def _keys(
    writers: Sequence[PlannedCell], readers: Sequence[PlannedCell], bench: ExchangeRunner
) -> dict[tuple[str, str], str]:
    return {
        (writer.cell.id, reader.cell.id): bench.read_key(reader.cell, reader.resolution.lock, writer.key)
        for writer in writers
        for reader in readers
        if writer.key and reader.resolution.lock is not None
    }


def run_exchange(plan: ExchangePlan, bench: ExchangeRunner, reporter: Reporter, *, rerun: bool = False) -> ExchangePlan:
    """Run what the crossings of `plan` need and has no decisive evidence yet; all of it is kept in the store.

    Where something is red, both sides also write and read the same artifacts by themselves, unless `plan` has them do
    so anyway. The plan with these baselines is what can be judged.
    """
    _drop_unread(bench)
    asked = [crossing for crossing in plan.crossings if crossing.key]
    _write({crossing.writer for crossing in asked}, plan, bench, reporter, rerun=rerun)
    _read(asked, plan, bench, reporter, rerun=rerun)
    baselines: list[Crossing] = []
    for side, artifacts in _unproven(asked, bench).items():
        own = _by_itself(plan.cell(side), bench.narrow(artifacts))
        if own.crossings[0].key not in {crossing.key for crossing in asked}:
            _write([side], own, bench.narrow(artifacts), reporter, rerun=rerun)
            _read(own.crossings, own, bench.narrow(artifacts), reporter, rerun=rerun)
            baselines += own.crossings
    return plan.model_copy(update={"crossings": (*plan.crossings, *baselines)})


def cross(
    writer: PlannedCell, reader: PlannedCell, bench: ExchangeRunner
) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
    """Every run in which one environment wrote what `bench` is for, and in which another read it; no baselines."""
    assert writer.resolution.lock is not None
    assert reader.resolution.lock is not None
    writer = writer.model_copy(update={"key": bench.write_key(writer.cell, writer.resolution.lock)})
    key = bench.read_key(reader.cell, reader.resolution.lock, writer.key)
    crossing = Crossing(writer=writer.cell.id, reader=reader.cell.id, key=key)
    plan = ExchangePlan(cells=(writer, reader), crossings=(crossing,))
    _write([writer.cell.id], plan, bench, Silent(), rerun=False)
    _read([crossing], plan, bench, Silent(), rerun=False)
    return bench.store.of_key(writer.key), bench.store.of_key(key)


def _unproven(crossings: Sequence[Crossing], bench: ExchangeRunner) -> dict[str, tuple[str, ...]]:
    """The sides of what is red that are in no crossing with themselves, and the artifacts that are red there."""
    alone = {crossing.writer for crossing in crossings if crossing.writer == crossing.reader}
    found: dict[str, set[str]] = {}
    for crossing in crossings:
        statuses = classify(bench.store.of_key(crossing.key))
        red = {status.result.artifact for status in statuses if status.state == "confirmed"}
        for side in {crossing.writer, crossing.reader} - alone if red else ():
            found.setdefault(side, set()).update(red)
    return {side: tuple(sorted(found[side])) for side in sorted(found)}


def _by_itself(planned: PlannedCell, bench: ExchangeRunner) -> ExchangePlan:
    """One environment that writes what `bench` is for, and reads it."""
    cell, lock = planned.cell, planned.resolution.lock
    assert lock is not None  # it has read, or was read
    key = bench.write_key(cell, lock)
    crossing = Crossing(writer=cell.id, reader=cell.id, key=bench.read_key(cell, lock, key))
    return ExchangePlan(cells=(planned.model_copy(update={"key": key}),), crossings=(crossing,))


def _write(cells: Iterable[str], plan: ExchangePlan, bench: ExchangeRunner, reporter: Reporter, *, rerun: bool) -> None:
    """Have the cells write what is not there."""
    unique = {planned.key: planned for planned in map(plan.cell, sorted(cells))}
    known = {} if rerun else bench.store.of_keys(unique)
    for key in unique:
        # Written long ago, and dropped since: the evidence stands, but there is nothing to read.
        if any(not (bench.store_of(key) / artifact).is_dir() for artifact in written(known.get(key, ()))):
            known.pop(key)
    due = [planned for key, planned in unique.items() if next_run(known.get(key, ()), ()) is not None]
    reporter.stage("write", len(due))

    def work(planned: PlannedCell) -> list[Evidence]:
        exchange = Exchange(mode="write", store=bench.store_of(planned.key), artifacts=bench.only)
        dress = lambda job: bench.dress(job, exchange)  # noqa: E731  (bound to this call)
        return run_until_judged(planned, known.get(planned.key, ()), bench, LEVEL, dress)

    for planned, evidence in as_completed(due, work, bench.executor):
        reporter.step(f"{planned.cell.label} on Python {planned.cell.python}: {_told(evidence)}")


def _read(
    crossings: Sequence[Crossing], plan: ExchangePlan, bench: ExchangeRunner, reporter: Reporter, *, rerun: bool
) -> None:
    """Have the readers read what the writers left, where they left anything."""
    unique = {crossing.key: crossing for crossing in crossings}
    known = {} if rerun else bench.store.of_keys(unique)
    left = {name: written(bench.store.of_key(plan.cell(name).key)) for name in {c.writer for c in unique.values()}}
    due = [c for key, c in unique.items() if left[c.writer] and next_run(known.get(key, ()), ()) is not None]
    reporter.stage("read", len(due))

    def work(crossing: Crossing) -> list[Evidence]:
        writer, reader = plan.cell(crossing.writer), plan.cell(crossing.reader)
        exchange = Exchange(mode="read", store=bench.store_of(writer.key), artifacts=left[crossing.writer])
        dress = lambda job: bench.dress(job, exchange)  # noqa: E731  (as above)
        here = reader.model_copy(update={"key": crossing.key})
        return run_until_judged(here, known.get(crossing.key, ()), bench, LEVEL, dress, reads=writer.key)

    for crossing, evidence in as_completed(due, work, bench.executor):
        writer, reader = plan.cell(crossing.writer).cell, plan.cell(crossing.reader).cell
        reporter.step(f"{writer.label} on {writer.python} to {reader.label} on {reader.python}: {_told(evidence)}")


def _told(evidence: Sequence[Evidence]) -> str:
    red = {test.test for run in evidence for test in run.failures()}
    last = evidence[-1]
    return f"{len(red)} red" if red else "green" if last.outcome == "ran" else last.outcome


def _drop_unread(bench: ExchangeRunner) -> None:
    """Remove artifacts that were not written or read for long."""
    bench.artifacts.mkdir(parents=True, exist_ok=True)
    for folder in bench.artifacts.glob("*/"):
        if time.time() - folder.stat().st_mtime > _KEPT:
            shutil.rmtree(folder, ignore_errors=True)
            Path(f"{folder}.lock").unlink(missing_ok=True)
