"""How long cells are likely to take, by the runs of earlier cells. Pure functions.

A long cell that begins last keeps one core busy while the others are idle. So the longest cells run first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stackcompat.core.vocabulary import Level
from stackcompat.evidence.runs import PlannedCell
from stackcompat.evidence.store import RunTime
from stackcompat.plan.cell import Cell

__all__ = ["TIMED_RUNS", "RunTimes", "longest_first"]

#: How many earlier runs tell how long cells take.
TIMED_RUNS = 400


class RunTimes:
    """How long cells took before.

    A cell takes as long as the newest run with the same roots on the same Python, or else on any Python.

    Args:
        times: How long earlier runs took, newest first.
        level: How deep the cells are run. Runs of other levels tell nothing.
    """

    def __init__(self, times: Iterable[RunTime], level: Level) -> None:
        self._seconds: dict[tuple[tuple[str, ...], str], float] = {}
        for time in times:
            if time.level == level:
                roots = tuple(sorted(time.roots))
                self._seconds.setdefault((roots, time.python), time.seconds)
                self._seconds.setdefault((roots, ""), time.seconds)

    def of(self, cell: Cell) -> float | None:
        """The seconds that a cell took; None if nothing like it was run."""
        roots = tuple(sorted(cell.roots()))
        return self._seconds.get((roots, cell.python), self._seconds.get((roots, "")))


def longest_first(planned: Sequence[PlannedCell], times: Iterable[RunTime], level: Level) -> list[PlannedCell]:
    """The cells in the order in which they should begin.

    Cells of which nothing is known come first, those with the most roots before others: they could take longest.

    Args:
        planned: The cells.
        times: How long earlier runs took, newest first.
        level: How deep the cells are run.
    """
    before = RunTimes(times, level)

    def expected(cell: PlannedCell) -> tuple[float, int]:
        seconds = before.of(cell.cell)
        return (float("inf") if seconds is None else seconds), len(cell.cell.roots())

    return sorted(planned, key=expected, reverse=True)
