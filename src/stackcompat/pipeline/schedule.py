"""Which run of some cells comes next: first runs, the longest first, then what confirms or repeats.

Cells of one execution confirm each other's limits, so the runs that only confirm limits come last, when every first run
has ended. Those that are left are needed: nothing else showed the same limit with the same versions. A run that begins
there can confirm the limits of further cells, which wait for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from stackcompat.core.vocabulary import Level
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.evidence.store import Store
from stackcompat.pipeline.expected import TIMED_RUNS, longest_first
from stackcompat.pipeline.limits import KnownLimits
from stackcompat.verdict.confirmation import LimitSeen, confirmation, unconfirmed_limits
from stackcompat.verdict.retry import NextRun, next_run

__all__ = ["CellRuns", "DueRun", "Schedule"]


@dataclass
class CellRuns:
    """The runs of a cell so far.

    Attributes:
        planned: The cell, which has a lock.
        earlier: The runs of earlier executions and the confirmations by other cells, oldest first.
        now: The runs of this execution, oldest first.
        also: Runs of the same lock for another question. They confirm failures; the cell must be run all the same.
        is_told: Whether somebody was told the result of the cell.
    """

    planned: PlannedCell
    earlier: list[Evidence]
    now: list[Evidence] = field(default_factory=list)
    also: Sequence[Evidence] = ()
    is_told: bool = False

    def runs(self) -> list[Evidence]:
        """All of them, oldest first."""
        return [*self.earlier, *self.now]

    def due(self) -> NextRun | None:
        """The next run of the cell; None if its evidence can be judged."""
        due = next_run(self.earlier, self.now)
        return next_run([*self.also, *self.earlier], self.now) if due is not None and due.tests else due

    def only_limits_are_open(self) -> bool:
        """Whether the next run would have no test but those of limits that were seen once."""
        due = self.due()
        limits = {seen.result.test for seen in unconfirmed_limits(self.runs())}
        return due is not None and bool(due.tests) and limits >= set(due.tests)


class DueRun(NamedTuple):
    """A run that can begin.

    Attributes:
        planned: The cell.
        tests: The only tests that run; empty means all tests.
        attempt: The number of runs before this one.
    """

    planned: PlannedCell
    tests: tuple[str, ...]
    attempt: int


class Schedule:
    """The runs that some cells need until their evidence can be judged.

    Args:
        cells: Cells with locks and different keys.
        known: The evidence from earlier executions, by key.
        level: How deep the cells are run.
        store: Gets the confirmations. It has the runs of other cells.
        alone: Whether runs of earlier executions confirm nothing.
    """

    def __init__(
        self,
        cells: Sequence[PlannedCell],
        known: Mapping[str, Sequence[Evidence]],
        level: Level,
        store: Store,
        *,
        alone: bool = False,
    ) -> None:
        self._cells = {cell.key: CellRuns(cell, list(known.get(cell.key, ()))) for cell in cells}
        self._limits = KnownLimits(store, alone=alone)
        self._searching: set[str] = set()
        #: The cells that have a run which only confirms limits, and has not ended.
        self._confirming: set[str] = set()
        for runs in known.values():
            self._limits.learn(runs)
        due = [state for state in self._cells.values() if state.due() is not None]
        first = [state.planned for state in due if not state.only_limits_are_open()]
        times = store.run_times(TIMED_RUNS) if len(first) > 1 else ()
        self.due = len(due)
        self._first = deque(cell.key for cell in longest_first(first, times, level))
        self._again: deque[str] = deque()
        self._limited = deque(state.planned.key for state in due if state.only_limits_are_open())
        #: Cells of `_limited` whose limit a run of `_confirming` can confirm, until one of these has ended.
        self._waiting: list[str] = []

    def take(self) -> DueRun | None:
        """The next run; None if none can begin before another one has ended."""
        while queue := self._queue():
            state = self._cells[queue.popleft()]
            if state.runs():
                state.earlier += self._limits.confirm(state.runs())
            due = state.due()
            if due is None:
                continue
            if queue is self._limited:
                if self._is_being_confirmed(state):
                    self._waiting.append(state.planned.key)
                    continue
                self._confirming.add(state.planned.key)
            else:
                self._searching.add(state.planned.key)
            return DueRun(state.planned, due.tests, len(state.runs()))
        return None

    def _is_being_confirmed(self, state: CellRuns) -> bool:
        """Whether a run that has not ended will confirm a limit of the cell, if it fails as before."""
        expected = [
            LimitSeen(seen.run.model_copy(update={"compiler_caches": ()}), seen.result)
            for key in self._confirming
            for seen in unconfirmed_limits(self._cells[key].runs())
        ]
        return confirmation(state.runs(), expected) is not None

    def _queue(self) -> deque[str]:
        """The queue that is taken from now; an empty one if nothing can begin."""
        if self._first:
            return self._first
        return self._again if self._again or self._searching else self._limited

    def ended(self, run: Evidence) -> Sequence[Evidence]:
        """Take the result of a run.

        Args:
            run: The run.

        Returns:
            The runs that the cell had in this execution if its result is known now and was not before; else none. The
            result is known if no run is due, or only runs that confirm limits.
        """
        self._searching.discard(run.key)
        if run.key in self._confirming:
            self._confirming.remove(run.key)
            self._limited.extendleft(reversed(self._waiting))
            self._waiting.clear()
        state = self._cells[run.key]
        state.now.append(run)
        self._limits.learn([run])
        if state.due() is not None:
            if not state.only_limits_are_open():
                self._again.append(run.key)
                return ()
            self._limited.append(run.key)
        was_told, state.is_told = state.is_told, True
        return () if was_told else state.now
