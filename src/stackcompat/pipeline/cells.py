"""Runs locked cells until their evidence can be judged, and keeps each run in the store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from stackcompat.core.errors import UsageError
from stackcompat.core.requirements import parse_requirement
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.releases import Catalog
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.runner import Runner
from stackcompat.pipeline.workers import as_completed
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock, Resolution
from stackcompat.verdict.retry import next_run
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = [
    "now",
    "outcome_words",
    "plan_cell",
    "refuse_unknown",
    "run_cells",
    "run_once",
    "run_until_judged",
    "try_cell",
]


def plan_cell(
    cell: Cell, resolution: Resolution, runner: Runner, level: Level, tests: tuple[str, ...] = ()
) -> PlannedCell:
    """Plan a cell: give its evidence an address.

    Args:
        cell: The cell.
        resolution: What the cell resolved to. Without a lock there is no address.
        runner: The runner that will run the cell.
        level: How deep the cell will be run.
        tests: The only tests that will run; all if there are none.
    """
    key = runner.key(cell, resolution.lock, level, tests) if resolution.lock is not None else ""
    return PlannedCell(cell=cell, resolution=resolution, key=key, tests=tests)


def run_cells(planned: Sequence[PlannedCell], runner: Runner, level: Level, *, rerun: bool = False) -> None:
    """Run every locked cell that has no decisive evidence yet, and confirm what is red.

    Args:
        planned: The cells. Those that share an address are run once.
        runner: Runs them, and has the store that keeps all runs.
        level: How deep they are run.
        rerun: Whether all of them are run, although there is evidence.
    """
    unique = {cell.key: cell for cell in planned if cell.key}
    known = {} if rerun else runner.store.of_keys(unique)
    due = [cell for key, cell in unique.items() if next_run(known.get(key, ()), ()) is not None]
    runner.reporter.stage("run", len(due))

    def work(cell: PlannedCell) -> list[Evidence]:
        return run_until_judged(cell, known.get(cell.key, ()), runner, level)

    for cell, evidence in as_completed(due, work, runner.executor):
        runner.reporter.step(f"{cell.cell.label} on Python {cell.cell.python}: {outcome_words(evidence)}")


def run_until_judged(planned: PlannedCell, earlier: Sequence[Evidence], runner: Runner, level: Level) -> list[Evidence]:
    """Run one cell until its evidence can be judged. Each run is kept as soon as it ends.

    Args:
        planned: The cell, which has a lock.
        earlier: The runs of earlier executions, oldest first.
        runner: Runs the cell.
        level: How deep it is run.

    Returns:
        The new runs.
    """
    new: list[Evidence] = []
    due = next_run(earlier, new)
    while due is not None:
        new.append(run_once(planned, due.tests, runner, level, attempt=len(earlier) + len(new)))
        due = next_run(earlier, new)
    return new


def run_once(planned: PlannedCell, tests: tuple[str, ...], runner: Runner, level: Level, *, attempt: int) -> Evidence:
    """Run one cell once in a new environment, and keep the run.

    Args:
        planned: The cell, which has a lock.
        tests: The only tests that run; without any, those that the cell is planned for.
        runner: Runs the cell.
        level: How deep it is run.
        attempt: How many runs there were before.
    """
    lock, cell = planned.resolution.lock, planned.cell
    assert lock is not None
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


def outcome_words(evidence: Sequence[Evidence]) -> str:
    """What the runs of a cell came to, for a line of progress."""
    red = {test.test for run in evidence for test in run.failures()}
    if red:
        return f"{len(red)} red"
    outcome = evidence[-1].outcome
    return "green" if outcome == "ran" else outcome


def now() -> dt.datetime:
    """The time, in UTC."""
    return dt.datetime.now(dt.UTC)


def try_cell(
    cell: Cell, runner: Runner, level: Level, *, lock: Lock | None = None, rerun: bool = False
) -> tuple[CellVerdict, tuple[Evidence, ...]]:
    """Resolve, run and judge one cell.

    Args:
        cell: The cell.
        runner: Runs it.
        level: How deep it is run.
        lock: Is run in place of what the cell resolves to.
        rerun: Whether the cell is run although there is evidence.

    Returns:
        The verdict, and the evidence that it rests on.

    Raises:
        UsageError: The index has no release for one of the cell's requirements.
    """
    if lock is not None:
        resolution = Resolution(outcome="locked", lock=lock)
    else:
        resolution = runner.resolver.resolve(cell, runner.catalog)
    if resolution.conflict is not None and resolution.conflict.kind == "not-found":
        refuse_unknown(cell, runner.catalog)
    planned = plan_cell(cell, resolution, runner, level)
    run_cells([planned], runner, level, rerun=rerun)
    evidence = runner.store.of_key(planned.key) if planned.key else ()
    return judge(planned, evidence), evidence


def refuse_unknown(cell: Cell, catalog: Catalog) -> None:
    """Refuse a cell with a requirement that no release fits: that is a mistake, not an incompatibility.

    Raises:
        UsageError: The index has no release for one of the cell's requirements.
    """
    for text in cell.requirements:
        requirement = parse_requirement(text)
        releases = catalog.project(requirement.name).releases
        if any(requirement.specifier.contains(release.version, prereleases=True) for release in releases):
            continue
        newest = ", ".join(release.version for release in releases[-3:]) or "no release at all"
        raise UsageError(f'"{text}": the index has no such release of {requirement.name}; its newest are {newest}')
