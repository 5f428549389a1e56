"""Plan and run crossings.

The writers run first, once for all of their readers. Then the readers run, then the baselines of red crossings. All
evidence is in the store, like that of other cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import Crossing, ExchangePlan, PlannedCell
from stackcompat.pipeline.artifacts import LEVEL, Reading, Writing, artifact_store, drop_unread
from stackcompat.pipeline.cells import outcome_words, plan_cell, run_until_judged
from stackcompat.pipeline.exchange_plan import complete, plan_crossings
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.runner import Runner
from stackcompat.pipeline.workers import as_completed
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Resolution
from stackcompat.verdict.exchange import written
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.retry import needs_run

__all__ = ["Square", "cross", "plan_exchange", "run_exchange"]


class Square(NamedTuple):
    """Writers and readers under one label. Each reader reads the artifacts of each writer."""

    label: str
    writers: Sequence[Cell]
    readers: Sequence[Cell]


def plan_exchange(
    squares: Iterable[tuple[str, Sequence[Cell], Sequence[Cell]]],
    runner: Runner,
    *,
    artifacts: Sequence[str] = (),
    again: bool = False,
) -> ExchangePlan:
    """Lock the writers and readers of squares, and cross them.

    Args:
        squares: The squares, or equal tuples of label, writers and readers.
        runner: Resolves the cells, and will run them.
        artifacts: The only artifacts that will be written and read; empty means all artifacts.
        again: Whether cells are resolved again although the index says nothing new about them.
    """
    all_squares = [Square(*square) for square in squares]
    asked = {cell.id: cell for square in all_squares for cell in (*square.writers, *square.readers)}
    planned = _plan_writers(asked, runner, artifacts, again=again)
    crossings: dict[tuple[str, str, str], Crossing] = {}
    for label, writers, readers in all_squares:
        write = [planned[cell.id] for cell in writers]
        read = [planned[cell.id] for cell in readers]
        for crossing in plan_crossings(write, read, _read_keys(write, read, runner), label):
            crossings.setdefault((crossing.writer, crossing.reader, crossing.square), crossing)
    cells = {cell.cell.id: cell for cell in planned.values()}
    return ExchangePlan(cells=tuple(cells.values()), crossings=tuple(crossings.values()))


def _plan_writers(
    asked: dict[str, Cell], runner: Runner, artifacts: Sequence[str], *, again: bool
) -> dict[str, PlannedCell]:
    """The locked cells, planned as writers, by the ids of the cells in `asked`.

    Some components need more for their artifacts than they declare. A cell with such a component is locked once more,
    with the missing distributions added.
    """
    resolutions = lock_cells(list(asked.values()), runner, again=again)
    completed = {cell_id: _complete(cell, resolutions[cell_id], runner) for cell_id, cell in asked.items()}
    changed = [cell for cell in completed.values() if cell.id not in resolutions]
    if changed:
        resolutions |= lock_cells(changed, runner, again=again)
    writing = runner.using(Writing(artifacts))
    return {cell_id: plan_cell(cell, resolutions[cell.id], writing, LEVEL) for cell_id, cell in completed.items()}


def _complete(cell: Cell, resolution: Resolution, runner: Runner) -> Cell:
    return complete(cell, resolution.lock, runner.components) if resolution.lock is not None else cell


def _read_keys(
    writers: Sequence[PlannedCell], readers: Sequence[PlannedCell], runner: Runner
) -> dict[tuple[str, str], str]:
    """The keys of the evidence on reading, by the ids of a locked writer and a locked reader."""
    return {
        (writer.cell.id, reader.cell.id): _read_key(reader, writer.key, runner)
        for writer in writers
        for reader in readers
        if writer.key and reader.resolution.lock is not None
    }


def _read_key(reader: PlannedCell, write_key: str, runner: Runner) -> str:
    """The key of the evidence on a locked reader that reads what the writer with the key `write_key` wrote."""
    return plan_cell(reader.cell, reader.resolution, runner.using(Reading(write_key)), LEVEL).key


def run_exchange(
    plan: ExchangePlan, runner: Runner, *, artifacts: Sequence[str] = (), rerun: bool = False
) -> ExchangePlan:
    """Run the writers and readers of a plan that have no decisive evidence yet.

    If a crossing is red, each of its sides also writes the red artifacts for itself and reads them back. These
    crossings are the baselines. They are left out if the plan has them already.

    Args:
        plan: The crossings.
        runner: Runs the cells, and has the store that keeps all runs.
        artifacts: The only artifacts that are written and read, the same as in the plan; empty means all artifacts.
        rerun: Whether everything is run although there is evidence.

    Returns:
        The plan with the baselines. It can be judged.
    """
    drop_unread(runner)
    asked = [crossing for crossing in plan.crossings if crossing.key]
    _write({crossing.writer for crossing in asked}, plan, runner, artifacts, rerun=rerun)
    _read(asked, plan, runner, rerun=rerun)
    baselines: list[Crossing] = []
    for side, red in _without_baseline(asked, runner).items():
        baseline = _plan_crossing(plan.cell(side), plan.cell(side), runner, red)
        if baseline.crossings[0].key not in {crossing.key for crossing in asked}:
            _write([side], baseline, runner, red, rerun=rerun)
            _read(baseline.crossings, baseline, runner, rerun=rerun)
            baselines += baseline.crossings
    return plan.model_copy(update={"crossings": (*plan.crossings, *baselines)})


def cross(
    writer: PlannedCell, reader: PlannedCell, runner: Runner, artifacts: Sequence[str]
) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
    """Run one crossing without baselines and without progress messages.

    Args:
        writer: The locked cell that writes.
        reader: The locked cell that reads.
        runner: Runs the cells, and has the store that keeps all runs.
        artifacts: The only artifacts that are written and read; empty means all artifacts.

    Returns:
        Every run that wrote, and every run that read.
    """
    runner = runner.quiet()
    plan = _plan_crossing(writer, reader, runner, artifacts)
    (crossing,) = plan.crossings
    _write([crossing.writer], plan, runner, artifacts, rerun=False)
    _read([crossing], plan, runner, rerun=False)
    return runner.store.of_key(plan.cell(crossing.writer).key), runner.store.of_key(crossing.key)


def _plan_crossing(writer: PlannedCell, reader: PlannedCell, runner: Runner, artifacts: Sequence[str]) -> ExchangePlan:
    """A plan with one crossing of `artifacts` between two locked cells."""
    writer = plan_cell(writer.cell, writer.resolution, runner.using(Writing(artifacts)), LEVEL)
    crossing = Crossing(writer=writer.cell.id, reader=reader.cell.id, key=_read_key(reader, writer.key, runner))
    cells = (writer,) if writer.cell.id == reader.cell.id else (writer, reader)
    return ExchangePlan(cells=cells, crossings=(crossing,))


def _without_baseline(crossings: Sequence[Crossing], runner: Runner) -> dict[str, tuple[str, ...]]:
    """The sides of red crossings that have no crossing with themselves, each with its red artifacts."""
    alone = {crossing.writer for crossing in crossings if crossing.writer == crossing.reader}
    sides: dict[str, set[str]] = {}
    for crossing in crossings:
        statuses = classify(runner.store.of_key(crossing.key))
        red = {status.result.artifact for status in statuses if status.state == "confirmed"}
        for side in {crossing.writer, crossing.reader} - alone:
            if red:
                sides.setdefault(side, set()).update(red)
    return {side: tuple(sorted(sides[side])) for side in sorted(sides)}


def _write(cells: Iterable[str], plan: ExchangePlan, runner: Runner, artifacts: Sequence[str], *, rerun: bool) -> None:
    """Run the writers with these ids, unless their evidence is decisive and their artifacts are still there."""
    unique = {planned.key: planned for planned in map(plan.cell, sorted(cells))}
    known = {} if rerun else runner.store.of_keys(unique)
    for key in unique:
        # The artifacts were written long ago and have been removed. The evidence stands, but nothing can be read.
        if any(not (artifact_store(key, runner) / artifact).is_dir() for artifact in written(known.get(key, ()))):
            known.pop(key)
    due = [planned for key, planned in unique.items() if needs_run(known.get(key, ()))]
    runner.reporter.stage("write", len(due))
    writing = runner.using(Writing(artifacts))

    def work(planned: PlannedCell) -> list[Evidence]:
        return run_until_judged(planned, known.get(planned.key, ()), writing, LEVEL)

    for planned, evidence in as_completed(due, work, runner.executor):
        runner.reporter.step(f"{planned.cell.label} on Python {planned.cell.python}: {outcome_words(evidence)}")


def _read(crossings: Sequence[Crossing], plan: ExchangePlan, runner: Runner, *, rerun: bool) -> None:
    """Run the readers of crossings that have no decisive evidence, if their writers left any artifact."""
    unique = {crossing.key: crossing for crossing in crossings}
    known = {} if rerun else runner.store.of_keys(unique)
    writers = {crossing.writer for crossing in unique.values()}
    left = {cell_id: written(runner.store.of_key(plan.cell(cell_id).key)) for cell_id in writers}
    due = [crossing for key, crossing in unique.items() if left[crossing.writer] and needs_run(known.get(key, ()))]
    runner.reporter.stage("read", len(due))

    def work(crossing: Crossing) -> list[Evidence]:
        writer, reader = plan.cell(crossing.writer), plan.cell(crossing.reader)
        reading = runner.using(Reading(writer.key, left[crossing.writer]))
        planned = reader.model_copy(update={"key": crossing.key})
        return run_until_judged(planned, known.get(crossing.key, ()), reading, LEVEL)

    for crossing, evidence in as_completed(due, work, runner.executor):
        writer, reader = plan.cell(crossing.writer).cell, plan.cell(crossing.reader).cell
        ends = f"{writer.label} on {writer.python} to {reader.label} on {reader.python}"
        runner.reporter.step(f"{ends}: {outcome_words(evidence)}")
