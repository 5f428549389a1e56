"""The gate's crossings: what the release that is replaced wrote the candidate reads, and the other way round.

A handover is a paired cell like any other: a test reads in the control's arm what the control's own environment wrote,
and in the candidate's arm what crossed from one environment to the other. Backward, the candidate's environment reads;
forward, the control's does, and what each side could write counts as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import Crossing
from stackcompat.gate.model import Arm, PairedCell
from stackcompat.gate.policy import Direction
from stackcompat.pipeline.exchange import plan_exchange, run_exchange
from stackcompat.pipeline.runner import Runner
from stackcompat.verdict.exchange import written
from stackcompat.verdict.retry import next_run

__all__ = ["Handover"]


class Handover:
    """The crossings of one paired cell, whose arms are locked."""

    def __init__(self, cell: PairedCell, direction: Direction, bench: Runner, artifacts: Sequence[str]) -> None:
        assert cell.control is not None
        assert cell.candidate is not None
        control, candidate = cell.control.planned.cell, cell.candidate.planned.cell
        across = ([control], [candidate]) if direction == "backward" else ([candidate], [control])
        self._direction = direction
        self._bench, self._artifacts = bench.quiet(), artifacts
        squares = [("own", [control], [control]), ("across", *across)]
        self._plan = plan_exchange(squares, self._bench, artifacts=artifacts)

    def run(self, *, rerun: bool) -> None:
        """Have what has no decisive evidence yet written and read; all of it again if `rerun`."""
        run_exchange(self._plan, self._bench, artifacts=self._artifacts, rerun=rerun)

    def open(self, counted: Callable[[tuple[Evidence, ...]], tuple[Evidence, ...]]) -> bool:
        """Whether something is still to be written or read, going by the runs of each that are `counted`."""
        for crossing in self._plan.crossings:
            wrote = self._bench.store.of_key(self._plan.cell(crossing.writer).key)
            read = self._bench.store.of_key(crossing.key)
            due = [wrote, read] if written(wrote) else [wrote]  # what left nothing is read by nobody
            if any(next_run(counted(runs), ()) is not None for runs in due):
                return True
        return False

    def arms(self) -> tuple[Arm, Arm]:
        """Control and candidate, with their runs as far as there are any."""
        own, across = (next(c for c in self._plan.crossings if c.square == name) for name in ("own", "across"))
        candidate = across.reader if self._direction == "backward" else across.writer
        return self._arm(own, own.reader), self._arm(across, candidate)

    def _arm(self, crossing: Crossing, cell: str) -> Arm:
        keys = [crossing.key] if self._direction == "backward" else [self._plan.cell(crossing.writer).key, crossing.key]
        runs = [run for key in keys if key for run in self._bench.store.of_key(key)]
        return Arm(planned=self._plan.cell(cell), evidence=tuple(runs))
