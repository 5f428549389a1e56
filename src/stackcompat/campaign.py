"""One execution of a matrix, or of one cell by hand: plan, lock, run, confirm, keep. The stages joined, nothing else.

Everything that lasts is in the store; a campaign that is stopped at any instant goes on from there when started again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Protocol, TypeVar

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stackcompat.cell import Job, Limits
from stackcompat.confirm import NextRun, next_run
from stackcompat.evidence import Evidence, PlannedCell, RunRecord, evidence_key
from stackcompat.execute import Executor
from stackcompat.interpreter import Interpreter, how_to_get, this_platform
from stackcompat.lock import Lock, Resolution, Resolver
from stackcompat.matrix import Components, Level, Matrix
from stackcompat.packages import PackageCache
from stackcompat.plan import Cell, Plan, make_plan
from stackcompat.record import StackcompatError, UsageError, digest
from stackcompat.releases import Catalog, IndexUnreachable, Then
from stackcompat.rounds import Round, next_round
from stackcompat.shard import Shard
from stackcompat.store import Store
from stackcompat.suite import Suite
from stackcompat.verdict import CellVerdict, judge

__all__ = [
    "Bench",
    "Reporter",
    "Silent",
    "Source",
    "due_cells",
    "each",
    "execute",
    "last_run",
    "lock_cells",
    "lock_matrix",
    "now",
    "plan_cell",
    "pythons_here",
    "refuse_unknown",
    "run_cells",
    "run_once",
    "settle_cell",
    "try_cell",
]


class Source(Catalog, Protocol):
    """A catalog that can be asked for many projects at once."""

    def prefetch(self, names: Iterable[str]) -> None:
        """Ask for them."""
        ...


class Reporter(Protocol):
    """Told of progress."""

    def stage(self, title: str, total: int) -> None:
        """A stage of `total` steps begins."""
        ...

    def step(self, text: str) -> None:
        """One step of the stage is done; `text` says what came of it."""
        ...


class Silent:
    """A reporter for whoever does not want to know."""

    def stage(self, title: str, total: int) -> None:
        """See :class:`Reporter`."""

    def step(self, text: str) -> None:
        """See :class:`Reporter`."""


class Bench:
    """What a campaign works with: store, package cache, interpreters, resolver, executor, suite."""

    def __init__(
        self,
        *,
        components: Components,
        store: Store,
        cache: PackageCache,
        interpreters: Mapping[str, Interpreter],
        executor: Executor,
        suite: Path,
        limits: Limits | None = None,
    ) -> None:
        self.components = components
        self.store = store
        self.cache = cache
        self.interpreters = interpreters
        self.executor = executor
        self.suite = Suite(suite)
        self.limits = limits or Limits()
        paths = {python: interpreter.path for python, interpreter in interpreters.items()}
        self.resolver = Resolver(cache.packages, paths, cache.uv, cache.wheel, cache.in_use)

    def prepare(self, cells: Iterable[tuple[Cell, Lock]], level: Level, reporter: Reporter) -> None:
        """Find out what must be known before `cells` can be planned: nothing, for the smoke tests."""

    def tells_nothing(self, cell: Cell, lock: Lock, level: Level, test: str) -> str:  # noqa: ARG002  (for benches that know)
        """Why running `test` in `lock` would tell nothing, if that is known beforehand; else empty."""
        return ""

    def key(self, cell: Cell, lock: Lock, level: Level, tests: tuple[str, ...] = ()) -> str:
        """The address of the evidence on `lock`: of `tests` alone if there are any, else of all."""
        roots = tuple(sorted(set(cell.roots()) & lock.versions().keys()))
        imports = self.components.imports(lock.versions(), roots)
        return evidence_key(
            lock_id=lock.id,
            roots=roots,
            interpreter=self.interpreters[cell.python].label,
            platform=cell.platform,
            suite=digest(
                self.suite.digest(lock.versions(), thorough=cell.thorough),
                imports,
                cell.thorough,
                *([sorted(tests)] if tests else ()),
            ),
            level=level,
        )

    def job(self, cell: Cell, lock: Lock, level: Level, tests: tuple[str, ...]) -> Job:
        """The job that runs `tests` (all if none) of `lock`."""
        versions, roots = lock.versions(), cell.roots()
        return Job(
            folder=self.cache.environments / f"{os.getpid()}-{cell.id}-{threading.get_ident()}",
            lock=lock,
            interpreter=self.interpreters[cell.python].path,
            requirements=cell.requirements,
            forced=cell.overrides,
            development=cell.development,
            index=cell.index,
            imports=self.components.imports(versions, roots),
            guesses=self.components.guesses(versions, roots),
            level=level,
            thorough=cell.thorough,
            tests=tests,
            suite=self.suite.folder,
            files=self.suite.files(versions, thorough=cell.thorough),
            cache=self.cache.root,
            uv=self.cache.uv,
            limits=_limits(self.limits, self.components, versions),
        )


def _limits(limits: Limits, components: Components, installed: Collection[str]) -> Limits:
    """What the components that are installed want; `limits` where none of them says, and never less time than that."""
    here = [row for row in components.components if row.distribution in installed]
    longest = max((row.seconds for row in here), default=0.0)
    return Limits(
        seconds=max(limits.seconds, 10 * longest),
        memory_mb=max((row.memory_mb for row in here if row.memory_mb is not None), default=limits.memory_mb),
        of_tests={row.distribution: row.seconds for row in here},
    )


Item = TypeVar("Item")
Result = TypeVar("Result")


def each(items: Sequence[Item], work: Callable[[Item], Result], executor: Executor) -> Iterable[tuple[Item, Result]]:
    """Results of `work` as they come; an interrupt or error cancels what has not begun and ends what runs."""
    with ThreadPoolExecutor(executor.workers) as pool:
        try:
            waiting: dict[Future[Result], Item] = {pool.submit(work, item): item for item in items}
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED, timeout=0.5)
                for future in done:
                    yield waiting.pop(future), future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            executor.stop()
            raise


def _consulted(cell: Cell, resolution: Resolution) -> set[str]:
    """The distributions whose releases decided the resolution, as far as its outcome names them."""
    names = set(cell.roots())
    if resolution.lock is not None:
        names |= resolution.lock.versions().keys()
    if resolution.conflict is not None:
        for link in resolution.conflict.chain:
            for text in link.removesuffix(" is requested").split(" depends on "):
                names.add(canonicalize_name(Requirement(text).name))
    return {name for name in names if name != "python"}


def _fingerprint(cell: Cell, names: Iterable[str], bench: Bench, catalog: Catalog) -> str:
    """What a resolution of `cell` rests on besides the cell: releases, the interpreter's patch, who is held back."""
    interpreter = bench.interpreters[cell.python].label if cell.python in bench.interpreters else ""
    seen = sorted(
        catalog.project(name).fingerprint(None if name in cell.admitted else cell.exclude_newer) for name in names
    )
    return digest(seen, interpreter, cell.newest)


def lock_cells(
    cells: Sequence[Cell], bench: Bench, catalog: Source, reporter: Reporter, *, again: bool = False
) -> dict[str, Resolution]:
    """Resolve every cell, by cell id. What was resolved before is reused while the index says nothing new about it."""
    reporter.stage("lock", len(cells))
    found: dict[str, Resolution] = {}
    remembered = {} if again else {cell.id: bench.store.any_resolution(cell.id) for cell in cells}
    consulted = {cell.id: _consulted(cell, old) for cell in cells if (old := remembered.get(cell.id)) is not None}
    with contextlib.suppress(IndexUnreachable):  # each cell asks again for what it needs
        catalog.prefetch(name for names in consulted.values() for name in names)
    due = []
    for cell in cells:
        known = None
        # An extra index and local files can change without the catalog knowing.
        if cell.id in consulted and not cell.index and not cell.local:
            with contextlib.suppress(IndexUnreachable):
                known = bench.store.resolution(cell.id, _fingerprint(cell, consulted[cell.id], bench, catalog))
        if known is not None:
            found[cell.id] = known
            reporter.step(f"{cell.label}: known")
        else:
            due.append(cell)

    def resolve(cell: Cell) -> Resolution:
        try:
            return bench.resolver.resolve(cell, catalog)
        except IndexUnreachable as error:
            return Resolution(outcome="index-unreachable", detail=str(error))

    for cell, resolution in each(due, resolve, bench.executor):
        found[cell.id] = resolution
        if resolution.outcome in ("locked", "conflict"):
            names = _consulted(cell, resolution)
            with contextlib.suppress(IndexUnreachable):  # then it is resolved again the next time
                catalog.prefetch(names)
                bench.store.keep_resolution(cell.id, _fingerprint(cell, names, bench, catalog), resolution)
        reporter.step(f"{cell.label}: {resolution.outcome}")
    return found


def run_cells(
    planned: Sequence[PlannedCell], bench: Bench, level: Level, reporter: Reporter, *, rerun: bool = False
) -> None:
    """Run every locked cell that has no decisive evidence yet, confirm what is red, keep all of it in the store.

    `rerun` asks everything again. Cells that share a lock are run once.
    """
    unique = {cell.key: cell for cell in planned if cell.key}
    known = {} if rerun else bench.store.of_keys(unique)
    due = [cell for key, cell in unique.items() if next_run(known.get(key, ()), ()) is not None]
    reporter.stage("run", len(due))
    work = lambda cell: settle_cell(cell, known.get(cell.key, ()), bench, level)  # noqa: E731  (bound to this call)
    for cell, evidence in each(due, work, bench.executor):
        last = evidence[-1]
        red = {test.test for run in evidence for test in run.failures()}
        said = f"{len(red)} red" if red else "green" if last.outcome == "ran" else last.outcome
        reporter.step(f"{cell.cell.label} on Python {cell.cell.python}: {said}")


Dress = Callable[[Job], Job]


def _plain(job: Job) -> Job:
    return job


def settle_cell(
    planned: PlannedCell,
    earlier: Sequence[Evidence],
    bench: Bench,
    level: Level,
    dress: Dress = _plain,
    reads: str = "",
) -> list[Evidence]:
    """Run one cell until its evidence can be judged; each run is kept as soon as it ends. See :func:`run_once`."""
    now: list[Evidence] = []
    due: NextRun | None = next_run(earlier, now)
    while due is not None:
        attempt = len(earlier) + len(now)
        now.append(run_once(planned, due.tests, bench, level, attempt=attempt, dress=dress, reads=reads))
        due = next_run(earlier, now)
    return now


def run_once(
    planned: PlannedCell,
    tests: tuple[str, ...],
    bench: Bench,
    level: Level,
    *,
    attempt: int,
    dress: Dress = _plain,
    reads: str = "",
) -> Evidence:
    """Run `tests` (all if none) of a locked cell in a new environment; the evidence, which is kept.

    `dress` gives a job what not every cell has; `reads` is the writer whose artifacts are read, see `Evidence`.
    """
    assert planned.resolution.lock is not None
    lock, cell = planned.resolution.lock, planned.cell
    result = bench.executor.run(dress(bench.job(cell, lock, level, tests or planned.tests)))
    evidence = Evidence(
        key=planned.key,
        attempt=attempt,
        lock_id=lock.id,
        python=cell.python,
        interpreter=bench.interpreters[cell.python].label,
        platform=cell.platform,
        suite=bench.suite.digest(lock.versions(), thorough=cell.thorough),
        level=level,
        roots=cell.roots(),
        reads=reads,
        **{name: getattr(result, name) for name in type(result).model_fields},
    )
    bench.store.add(evidence)
    return evidence


def plan_cell(
    cell: Cell, resolution: Resolution, bench: Bench, level: Level, tests: tuple[str, ...] = ()
) -> PlannedCell:
    """`cell` with its resolution and the address of its evidence, of `tests` alone if there are any."""
    key = bench.key(cell, resolution.lock, level, tests) if resolution.lock is not None else ""
    return PlannedCell(cell=cell, resolution=resolution, key=key, tests=tests)


def now() -> dt.datetime:
    """The time, in UTC."""
    return dt.datetime.now(dt.UTC)


def pythons_here(matrix: Matrix, path: Path, bench: Bench) -> list[str]:
    """The Pythons of `matrix` (read from `path`) that there are; StackcompatError if it cannot run here at all."""
    if matrix.platform not in ("", this_platform()):
        raise StackcompatError(f"{path}: platform: this machine is {this_platform()}, it cannot run {matrix.platform}")
    pythons = [python for python in matrix.pythons if python in bench.interpreters]
    if not pythons:
        raise StackcompatError("; ".join(how_to_get(python) for python in matrix.pythons))
    return pythons


def lock_matrix(
    matrix: Matrix, path: Path, bench: Bench, catalog: Source, reporter: Reporter, *, relock: bool = False
) -> RunRecord:
    """Plan and lock `matrix` (read from `path`): the record of a run of it, of which nothing ran or was kept yet.

    Combinations that a covering array was to bring together but that did not resolve are tried once more as cells of
    their own; the coverage in the record is that of what was really locked.
    """
    return _planned_and_locked(matrix, path, bench, catalog, reporter, relock=relock)[1]


def _planned_and_locked(
    matrix: Matrix, path: Path, bench: Bench, catalog: Source, reporter: Reporter, *, relock: bool
) -> tuple[Plan, RunRecord]:
    started = now()
    pythons = pythons_here(matrix, path, bench)
    plan = _planned(matrix, path, bench, catalog, pythons, started)
    resolutions = lock_cells(plan.cells, bench, catalog, reporter, again=relock)
    repairs, coverage = plan.repair(resolutions)
    if repairs:
        resolutions |= lock_cells(repairs, bench, catalog, reporter, again=relock)
        _, coverage = plan.repair(resolutions)
    cells = (*plan.cells, *repairs)
    locked = [(cell, lock) for cell in cells if (lock := resolutions[cell.id].lock) is not None]
    bench.prepare(locked, matrix.level, reporter)
    planned = [plan_cell(cell, resolutions[cell.id], bench, matrix.level) for cell in cells]
    record = RunRecord(
        matrix=path.stem,
        started=started,
        title=matrix.title,
        components=matrix.components,
        pythons=tuple(pythons),
        missing_pythons=tuple(python for python in matrix.pythons if python not in bench.interpreters),
        coverage=coverage,
        reserved=plan.reserved,
        cells=tuple(planned),
    )
    return plan, record


def _planned(
    matrix: Matrix, path: Path, bench: Bench, catalog: Catalog, pythons: Sequence[str], at: dt.datetime
) -> Plan:
    return make_plan(
        matrix,
        bench.components,
        catalog,
        platform=matrix.platform or this_platform(),
        pythons=pythons,
        now=at,
        source=str(path),
    )


def due_cells(planned: Iterable[PlannedCell], store: Store) -> list[PlannedCell]:
    """Of the locked cells, one for each question that has no decisive evidence yet."""
    unique = {cell.key: cell for cell in planned if cell.key}
    known = store.of_keys(unique)
    return [cell for key, cell in unique.items() if next_run(known.get(key, ()), ()) is not None]


def execute(
    matrix: Matrix,
    path: Path,
    bench: Bench,
    catalog: Source,
    reporter: Reporter,
    *,
    rerun: bool = False,
    relock: bool = False,
    shard: Shard | None = None,
    go_on: bool = False,
) -> RunRecord:
    """Run `matrix` (read from `path`), or the `shard` of it: plan, lock, run, confirm; the record, which is kept.

    What a covering array leaves without a verdict is tried in further rounds; a shard knows only its part of the
    evidence, so it makes none: they follow when the merged run is gone on with, on what the shards found.

    `go_on`: nothing is planned anew. The last run goes on with its own locks, whatever was uploaded since.
    """
    if go_on:
        record = last_run(path, bench.store)
        run_cells(record.cells, bench, matrix.level, reporter, rerun=rerun)
        then = Then(catalog, record.started)
        plan = _planned(matrix, path, bench, then, pythons_here(matrix, path, bench), record.started)
        if not plan.goals:
            return record
        return _further_rounds(plan, record, bench, catalog, matrix.level, reporter, rerun=rerun, relock=relock)
    plan, record = _planned_and_locked(matrix, path, bench, catalog, reporter, relock=relock)
    mine = [cell for cell in record.cells if shard is None or shard.owns(cell)]
    if shard is not None:
        record = record.model_copy(update={"shard": str(shard)})
    # Before the cells run: what is finished when somebody stops it can be published, the rest shows as untested.
    bench.store.add_run(record, instead_of=None if shard is not None else _unfinished(record, bench.store))
    run_cells(mine, bench, matrix.level, reporter, rerun=rerun)
    if shard is not None or not plan.goals:
        return record
    return _further_rounds(plan, record, bench, catalog, matrix.level, reporter, rerun=rerun, relock=relock)


def last_run(path: Path, store: Store) -> RunRecord:
    """The last whole run of the matrix in the file `path`; UsageError if there is none."""
    last = store.history(path.stem, 1)
    if not last or last[0].shard:
        raise UsageError(f"--continue: {store.path.name} holds no whole run of {path.stem} to go on with; run it first")
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
    bench: Bench,
    catalog: Source,
    level: Level,
    reporter: Reporter,
    *,
    rerun: bool,
    relock: bool,
) -> RunRecord:
    """Go on from `record`, whose cells ran, until the goals have their verdicts, or nothing more can be made for them.

    Each round follows from the evidence alone, so one that was stopped comes out the same again.
    """
    evidence = bench.store.of_keys(record.evidence_keys())
    left = {goal.label: goal.budget for goal in plan.goals}
    while True:
        rounds = {
            goal.label: next_round(goal, record.cells, evidence, bench.components, left[goal.label])
            for goal in plan.goals
        }
        cells = {cell.id: cell for one in rounds.values() for cell in one.cells}
        resolutions = lock_cells(tuple(cells.values()), bench, catalog, reporter, again=relock) if cells else {}
        further = tuple(plan_cell(cell, resolutions[cell.id], bench, level) for cell in cells.values())
        before, record = record, record.model_copy(update=_standing(rounds))
        if further:
            update = {"cells": (*record.cells, *further), "rounds": (*record.rounds, len(further)), "unanswered": ()}
            record = record.model_copy(update=update)
        bench.store.add_run(record, instead_of=before)
        if not further:
            return record
        run_cells(further, bench, level, reporter, rerun=rerun)
        evidence |= bench.store.of_keys({cell.key for cell in further})
        left = {label: left[label] - len(one.cells) for label, one in rounds.items()}


def _standing(rounds: Mapping[str, Round]) -> dict[str, object]:
    """The fields of a record that say where its goals stand."""
    return {
        "coverage": {label: one.locked for label, one in rounds.items()},
        "answered": {label: one.answered for label, one in rounds.items()},
        "unanswered": tuple(f"{label}: {text}" for label, one in rounds.items() for text in one.unanswered),
    }


def try_cell(
    cell: Cell,
    bench: Bench,
    catalog: Source,
    level: Level,
    reporter: Reporter,
    *,
    lock: Lock | None = None,
    rerun: bool = False,
) -> tuple[CellVerdict, tuple[Evidence, ...]]:
    """Resolve (unless `lock` is given), run and judge one cell; the verdict and the evidence it rests on."""
    resolution = Resolution(outcome="locked", lock=lock) if lock else bench.resolver.resolve(cell, catalog)
    conflict = resolution.conflict
    if conflict is not None and conflict.kind == "not-found":
        refuse_unknown(cell, catalog)
    planned = plan_cell(cell, resolution, bench, level)
    run_cells([planned], bench, level, reporter, rerun=rerun)
    evidence = bench.store.of_key(planned.key) if planned.key else ()
    return judge(planned, evidence), evidence


def refuse_unknown(cell: Cell, catalog: Catalog) -> None:
    """Raise UsageError for a requirement that no release on the index fits: a mistake, not an incompatibility."""
    for text in cell.requirements:
        requirement = Requirement(text)
        releases = catalog.project(requirement.name).releases
        if any(requirement.specifier.contains(release.version, prereleases=True) for release in releases):
            continue
        newest = ", ".join(release.version for release in releases[-3:]) or "no release at all"
        raise UsageError(f'"{text}": the index has no such release of {requirement.name}; its newest are {newest}')
