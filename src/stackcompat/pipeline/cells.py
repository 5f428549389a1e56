"""Run locked cells until their evidence can be judged. Each run is kept in the store."""

from __future__ import annotations

from collections.abc import Sequence

from stackcompat.core.redact import without_secrets
from stackcompat.core.vocabulary import Level
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.reuse import Known, keep_for_others, recall, with_known
from stackcompat.pipeline.runner import Runner
from stackcompat.pipeline.schedule import DueRun, Schedule
from stackcompat.pipeline.workers import work_through
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Resolution
from stackcompat.verdict.outcomes import doubted_tests
from stackcompat.verdict.retry import next_run

__all__ = [
    "outcome_words",
    "plan_cell",
    "run_cells",
    "run_once",
    "run_until_judged",
]


def plan_cell(
    cell: Cell, resolution: Resolution, runner: Runner, level: Level, tests: tuple[str, ...] = ()
) -> PlannedCell:
    """Plan a cell: compute the key of its evidence.

    Args:
        cell: The cell.
        resolution: What the cell resolved to. Without a lock the key is empty.
        runner: The runner that will run the cell.
        level: How deep the cell will be run.
        tests: The only tests that will run; empty means all tests.
    """
    key = runner.key(cell, resolution.lock, level, tests) if resolution.lock is not None else ""
    return PlannedCell(cell=cell, resolution=resolution, key=key, tests=tests)


def run_cells(planned: Sequence[PlannedCell], runner: Runner, level: Level, *, rerun: bool = False) -> None:
    """Run every locked cell that has no decisive evidence yet, and confirm what is red.

    A limit that another environment showed in the same way, with the same versions of what is on the traceback, is
    confirmed without a run of its own (:mod:`stackcompat.verdict.confirmation`).

    Args:
        planned: The cells. Cells that share a key are run once.
        runner: Runs the cells, and has the store that keeps all runs.
        level: How deep they are run.
        rerun: Whether all of them are run, although there is evidence.
    """
    unique = {cell.key: cell for cell in planned if cell.key}
    known = {} if rerun else runner.store.of_keys(unique)
    if rerun:
        runner = runner.reusing(None)
    schedule = Schedule(tuple(unique.values()), known, level, runner.store, alone=rerun)
    runner.reporter.stage("run", schedule.due)

    def work(run: DueRun) -> Evidence:
        return run_once(run.planned, run.tests, runner, level, attempt=run.attempt)

    for run, evidence in work_through(schedule.take, work, runner.executor):
        if judged := schedule.ended(evidence):
            cell = run.planned.cell
            runner.reporter.step(f"{cell.label} on Python {cell.python}: {outcome_words(judged)}")


def run_until_judged(planned: PlannedCell, earlier: Sequence[Evidence], runner: Runner, level: Level) -> list[Evidence]:
    """Run one cell until its evidence can be judged. Each run is stored as soon as it ends.

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
    """Run one cell once in a new environment, and store the run.

    In the first run of a cell, the results of other cells that hold there are reused, and only the other tests run. If
    all are known, no environment is made. A run that confirms a failure is always a real one.

    Args:
        planned: The cell, which has a lock.
        tests: The only tests that run; empty means the tests for which the cell is planned.
        runner: Runs the cell.
        level: How deep it is run.
        attempt: The number of runs before this one.
    """
    lock, cell = planned.resolution.lock, planned.cell
    assert lock is not None
    job = runner.job(planned, level, tests)
    if attempt:
        # What is confirmed is compiled anew. Only a test that passes so and failed with the caches tries them again.
        doubted = doubted_tests(runner.store.of_key(planned.key))
        job = job.model_copy(update={"doubted": doubted} if doubted else {"compilers": {}})
    known = recall(planned, job, runner, runner.reuse) if runner.reuse is not None and attempt == 0 else Known({})
    ran = None if known.is_whole else runner.executor.run(known.skipping(job))
    result = without_secrets(with_known(ran, known))  # tests print what they like, and evidence is published
    evidence = Evidence(
        key=planned.key,
        attempt=attempt,
        lock_id=lock.id,
        python=cell.python,
        interpreter=runner.interpreters[cell.python].label,
        platform=cell.platform,
        suite=runner.suite_digest(cell, lock),
        level=level,
        roots=cell.roots(),
        reads=runner.transform.reads,
        hardware=runner.hardware.label,
        variables=runner.hardware.variables,
        **{name: getattr(result, name) for name in type(result).model_fields if name not in ("surfaces", "skipped")},
    )
    runner.store.add(evidence)
    if ran is not None:
        keep_for_others(planned, job, ran, evidence, runner)
    return evidence


def outcome_words(evidence: Sequence[Evidence]) -> str:
    """The result of the runs of a cell in a few words, for a line of progress.

    Args:
        evidence: The runs, at least one, oldest first.
    """
    red = {test.test for run in evidence for test in run.failures()}
    if red:
        return f"{len(red)} red"
    outcome = evidence[-1].outcome
    return "green" if outcome == "ran" else outcome
