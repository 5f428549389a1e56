"""Which run of paired cells comes next, so that no worker is idle as long as anything can run.

The cells come in the order in which they were planned: what a cell still needs comes before the next cell. A cell is
not begun if it would likely end after the time budget. Runs that only confirm known limits come last, since other cells
can make them needless.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from stackcompat.core.vocabulary import Level
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.gate.cells import ArmName, PairedCell
from stackcompat.gate.repeats import TooFewRuns, is_stale, passed_once, too_few_runs, with_evidence, young
from stackcompat.gate.state import GateState
from stackcompat.pipeline.limits import KnownLimits
from stackcompat.pipeline.schedule import CellRuns
from stackcompat.verdict.retry import NextRun

__all__ = ["Budget", "CellNow", "GateSchedule", "GateTask"]

#: How many tests of one failure are repeated at most, one after another.
_MOST_ROUNDS = 3


@dataclass(frozen=True)
class Budget:
    """How long the gate can take.

    Attributes:
        seconds: The whole of it, in seconds of wall clock.
        began: When the gate began, by :func:`time.monotonic`.
    """

    seconds: float
    began: float

    def left(self) -> float:
        """The seconds that are left; negative once they are used up."""
        return self.seconds - (time.monotonic() - self.began)


class GateTask(NamedTuple):
    """A part of a cell that can run now.

    Attributes:
        cell: The id of the cell.
        arm: The arm that runs; None: artifacts cross between both.
        planned: What is run; None for artifacts.
        tests: The only tests that run; empty means all tests.
        attempt: The number of runs before this one.
        level: How deep the arm is run.
        is_repeat: Whether the tests have been confirmed before.
        rerun: Whether artifacts cross although there is evidence.
    """

    cell: str
    arm: ArmName | None
    planned: PlannedCell | None = None
    tests: tuple[str, ...] = ()
    attempt: int = 0
    level: Level = "interop"
    is_repeat: bool = False
    rerun: bool = False


class CellNow(NamedTuple):
    """A cell after one of its tasks has ended.

    Attributes:
        cell: The cell with all of its evidence.
        is_settled: Whether it can be judged for the first time: nothing is left to run but what confirms limits.
        is_repeated: Whether each failure was repeated as often as the policy wants.
    """

    cell: PairedCell
    is_settled: bool
    is_repeated: bool


@dataclass
class _CellWork:
    """A cell, and how far it is.

    Attributes:
        cell: The cell with its evidence.
        arms: The runs of its arms; nothing where artifacts cross.
        too_few: The arms in which tests are to be repeated.
        began: When it was begun, by :func:`time.monotonic`; None: it was not.
        running: What runs now: an arm, or None for artifacts.
        repeats: How often tests of each arm were repeated.
        crossed: How often artifacts crossed.
    """

    cell: PairedCell
    arms: Mapping[ArmName, CellRuns]
    too_few: Sequence[TooFewRuns] = ()
    began: float | None = None
    running: set[ArmName | None] = field(default_factory=set)
    repeats: dict[ArmName, int] = field(default_factory=dict)
    crossed: int = 0


class GateSchedule:
    """The runs that paired cells need until their arms can be compared.

    Attributes:
        out_of_time: The cells that were not begun because of the time budget.

    Args:
        state: The execution of the gate.
        cells: The cells with their evidence so far, the most telling first.
        level: How deep the arms are run.
        rerun: Whether all is run although there is evidence.
        budget: The time limit; None: no limit.
    """

    def __init__(
        self,
        state: GateState,
        cells: Sequence[PairedCell],
        level: Level,
        *,
        rerun: bool = False,
        budget: Budget | None = None,
    ) -> None:
        self._state = state
        self._level = level
        self._rerun = rerun
        self._budget = budget
        self._longest = 0.0
        self._limits = KnownLimits(state.runner.store, alone=rerun)
        self._open = {cell.id: self._work(cell) for cell in cells}
        self._limited: dict[str, _CellWork] = {}
        self.out_of_time: list[PairedCell] = []

    def _work(self, cell: PairedCell) -> _CellWork:
        """A cell of which nothing runs yet."""
        if cell.id in self._state.exchanges:
            return _CellWork(cell, {})
        arms: dict[ArmName, CellRuns] = {}
        for name, arm in cell.arms:
            if not arm.planned.key:
                continue
            known = () if self._rerun else young(self._state, arm.evidence)
            self._limits.learn(known)
            own = [run for run in known if run.key == arm.planned.key]
            arms[name] = CellRuns(arm.planned, own, also=[run for run in known if run.key == arm.imports])
        return _CellWork(cell, arms, too_few=() if self._rerun else too_few_runs(self._state, cell))

    def take(self) -> GateTask | None:
        """The next task; None if none can begin before another one has ended."""
        crossing = any(None in work.running for work in self._open.values())
        for work in list(self._open.values()):
            if crossing and work.cell.id in self._state.exchanges:  # two exchanges could write the same artifacts
                continue
            if work.began is None:
                if self._budget is not None and self._budget.left() < self._longest:
                    self.out_of_time.append(self._open.pop(work.cell.id).cell)
                    continue
                work.began = time.monotonic()
            task = self._next(work)
            if task is not None:
                return self._begin(work, task)
            if not work.running:  # its evidence lacks nothing, or only limits are open
                self._limited[work.cell.id] = self._open.pop(work.cell.id)
        if self._open:  # what runs can confirm limits
            return None
        for work in self._limited.values():
            for name, arm in work.arms.items():
                if name in work.running:
                    continue
                arm.earlier += self._limits.confirm(arm.runs()) if arm.only_limits_are_open() else []
                due = arm.due()
                if due is not None:
                    return self._begin(work, self._run_of(work, name, due))
        return None

    def _run_of(self, work: _CellWork, name: ArmName, due: NextRun) -> GateTask:
        """The task that makes a run of an arm."""
        arm = work.arms[name]
        return GateTask(work.cell.id, name, arm.planned, due.tests, len(arm.runs()), self._level)

    def _begin(self, work: _CellWork, task: GateTask) -> GateTask:
        """Note that a task begins."""
        work.running.add(task.arm)
        if task.arm is None:
            work.crossed += 1
        elif task.is_repeat:
            work.repeats[task.arm] = work.repeats.get(task.arm, 0) + 1
        return task

    def _next(self, work: _CellWork) -> GateTask | None:
        """What is to run next of a cell, apart from what only confirms limits; None if nothing can begin now."""
        if work.cell.id in self._state.exchanges:
            return self._crossing(work)
        for name, arm in work.arms.items():
            due = arm.due() if name not in work.running else None
            if due is not None and not arm.only_limits_are_open():
                return self._run_of(work, name, due)
        # A repeated test that wavers leaves its failure to the next test with the same failure.
        most = _MOST_ROUNDS * self._state.options.policy.repeats
        for name, arm_with_runs, tests in work.too_few:
            if name not in work.running and work.repeats.get(name, 0) < most:
                planned, attempt = arm_with_runs.planned, len(arm_with_runs.evidence)
                return GateTask(work.cell.id, name, planned, tests, attempt, self._level, is_repeat=True)
        return None

    def _crossing(self, work: _CellWork) -> GateTask | None:
        """The crossing of artifacts, which comes once more if a test regressed that ran only once in the control."""
        if work.crossed == 0:
            stale = any(is_stale(self._state, arm.evidence) for _, arm in work.cell.arms)
            return GateTask(work.cell.id, None, rerun=self._rerun or stale)
        if work.crossed == 1 and passed_once(self._state, work.cell):
            return GateTask(work.cell.id, None, rerun=True)
        return None

    def ended(self, task: GateTask, run: Evidence | None) -> CellNow:
        """Take the end of a task.

        Args:
            task: The task.
            run: The run of an arm; None if artifacts crossed.
        """
        is_open = task.cell in self._open
        work = self._open[task.cell] if is_open else self._limited[task.cell]
        work.running.discard(task.arm)
        if task.arm is not None and run is not None:
            work.arms[task.arm].now.append(run)
            self._limits.learn([run])
        work.cell = with_evidence(self._state, work.cell)
        work.too_few = too_few_runs(self._state, work.cell)
        is_settled = is_open and not work.running and self._next(work) is None
        if is_settled:
            self._limited[task.cell] = self._open.pop(task.cell)
            self._longest = max(self._longest, time.monotonic() - (work.began or 0.0))
        is_repeated = not work.too_few and not (task.arm is None and passed_once(self._state, work.cell))
        return CellNow(work.cell, is_settled, is_repeated)
