"""What an execution of a matrix would run, before anything is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stackcompat.core.vocabulary import Level
from stackcompat.evidence.runs import ExchangePlan, PlannedCell
from stackcompat.evidence.store import Store
from stackcompat.pipeline.execution import due_cells
from stackcompat.pipeline.expected import TIMED_RUNS, RunTimes
from stackcompat.verdict.retry import needs_run

__all__ = ["CellPreview", "due_crossings", "preview_cells"]


class CellPreview(NamedTuple):
    """A cell before it is run.

    Attributes:
        planned: The cell.
        is_due: Whether it would run.
        shares: The id of the cell before it whose run would count for it, too; empty if there is none.
        seconds: How long it, or one like it, took before; None: nothing like it was run.
    """

    planned: PlannedCell
    is_due: bool
    shares: str
    seconds: float | None


def preview_cells(
    cells: Sequence[PlannedCell], store: Store, level: Level, *, rerun: bool = False
) -> list[CellPreview]:
    """Which of some cells would run, in the same order.

    Args:
        cells: The cells with their locks.
        store: Has the evidence.
        level: How deep they would be run.
        rerun: Whether those that have evidence would run, too.
    """
    locked = [planned for planned in cells if planned.key]
    due = {planned.key for planned in (locked if rerun else due_cells(locked, store))}
    first: dict[str, str] = {}
    times = RunTimes(store.run_times(TIMED_RUNS), level)
    previews = []
    for planned in cells:
        shares = first.get(planned.key, "")
        is_due = planned.key in due and not shares
        if is_due:
            first[planned.key] = planned.cell.id
        previews.append(CellPreview(planned, is_due, shares, times.of(planned.cell)))
    return previews


def due_crossings(plan: ExchangePlan, store: Store, *, rerun: bool = False) -> int:
    """How many crossings would run, if their writers leave artifacts.

    Args:
        plan: The crossings.
        store: Has the evidence.
        rerun: Whether those that have evidence would run, too.
    """
    keys = {crossing.key for crossing in plan.crossings if crossing.key}
    known = {} if rerun else store.of_keys(keys)
    return sum(needs_run(known.get(key, ())) for key in keys)
