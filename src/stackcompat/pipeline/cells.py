"""Runs locked cells until their evidence can be judged, and keeps each run in the store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from packaging.requirements import Requirement

from stackcompat.core.record import UsageError
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.releases import Catalog
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.locking import as_completed
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock, Resolution
from stackcompat.verdict.retry import NextRun, next_run
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = ["now", "plan_cell", "refuse_unknown", "run_cells", "run_once", "run_until_judged", "try_cell"]


def run_cells(planned: Sequence[PlannedCell], runner: Runner, level: Level, *, rerun: bool = False) -> None:
    """Run every locked cell that has no decisive evidence yet, confirm what is red, keep all of it in the store.

    `rerun` asks everything again. Cells that share a lock are run once.
    """
    unique = {cell.key: cell for cell in planned if cell.key}
    known = {} if rerun else runner.store.of_keys(unique)
    due = [cell for key, cell in unique.items() if next_run(known.get(key, ()), ()) is not None]
    runner.reporter.stage("run", len(due))
    work = lambda cell: run_until_judged(cell, known.get(cell.key, ()), runner, level)  # noqa: E731  (bound to this call)
    for cell, evidence in as_completed(due, work, runner.executor):
        last = evidence[-1]
        red = {test.test for run in evidence for test in run.failures()}
        said = f"{len(red)} red" if red else "green" if last.outcome == "ran" else last.outcome
        runner.reporter.step(f"{cell.cell.label} on Python {cell.cell.python}: {said}")


def run_until_judged(
    planned: PlannedCell,
    earlier: Sequence[Evidence],
    runner: Runner,
    level: Level,
) -> list[Evidence]:
    """Run one cell until its evidence can be judged; each run is kept as soon as it ends. See :func:`run_once`."""
    now: list[Evidence] = []
    due: NextRun | None = next_run(earlier, now)
    while due is not None:
        attempt = len(earlier) + len(now)
        now.append(run_once(planned, due.tests, runner, level, attempt=attempt))
        due = next_run(earlier, now)
    return now


def run_once(
    planned: PlannedCell,
    tests: tuple[str, ...],
    runner: Runner,
    level: Level,
    *,
    attempt: int,
) -> Evidence:
    """Run `tests` (all if none) of a locked cell in a new environment; the evidence, which is kept."""
    assert planned.resolution.lock is not None
    lock, cell = planned.resolution.lock, planned.cell
    result = runner.executor.run(runner.job(planned, level, tests))
    evidence = Evidence(
        key=planned.key,
        attempt=attempt,
        lock_id=lock.id,
        python=cell.python,
        interpreter=runner.interpreters[cell.python].label,
        platform=cell.platform,
        suite=runner.suite.digest(lock.versions(), thorough=cell.thorough),
        level=level,
        roots=cell.roots(),
        reads=runner.transform.reads,
        **{name: getattr(result, name) for name in type(result).model_fields},
    )
    runner.store.add(evidence)
    return evidence


def plan_cell(
    cell: Cell, resolution: Resolution, runner: Runner, level: Level, tests: tuple[str, ...] = ()
) -> PlannedCell:
    """`cell` with its resolution and the address of its evidence, of `tests` alone if there are any."""
    key = runner.key(cell, resolution.lock, level, tests) if resolution.lock is not None else ""
    return PlannedCell(cell=cell, resolution=resolution, key=key, tests=tests)


def now() -> dt.datetime:
    """The time, in UTC."""
    return dt.datetime.now(dt.UTC)


def try_cell(
    cell: Cell,
    runner: Runner,
    level: Level,
    *,
    lock: Lock | None = None,
    rerun: bool = False,
) -> tuple[CellVerdict, tuple[Evidence, ...]]:
    """Resolve (unless `lock` is given), run and judge one cell; the verdict and the evidence it rests on."""
    resolution = Resolution(outcome="locked", lock=lock) if lock else runner.resolver.resolve(cell, runner.catalog)
    conflict = resolution.conflict
    if conflict is not None and conflict.kind == "not-found":
        refuse_unknown(cell, runner.catalog)
    planned = plan_cell(cell, resolution, runner, level)
    run_cells([planned], runner, level, rerun=rerun)
    evidence = runner.store.of_key(planned.key) if planned.key else ()
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
