"""Judges the cells of a store. The same lock with the same evidence is judged once, however many tables show it."""

from __future__ import annotations

from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.outcomes import PassTimes
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = ["Judge"]


class Judge:
    """Judges cells by their evidence, see :func:`stackcompat.verdict.verdict.judge`.

    Args:
        components: The components of the ecosystem.
        passes: How long the tests took where they passed, by all evidence.
        greens: The releases with which each smoke test was seen to pass.
    """

    def __init__(
        self,
        components: Components,
        passes: PassTimes,
        greens: Greens | None = None,
    ) -> None:
        self._components = components
        self._greens = greens
        self._passes = passes
        #: By evidence key, number of runs, and what the cell asks for and is not about.
        self._verdicts: dict[tuple[str, int, tuple[str, ...], tuple[str, ...]], CellVerdict] = {}

    def verdict(self, planned: PlannedCell, known: tuple[Evidence, ...]) -> CellVerdict:
        """The verdict on a cell.

        Args:
            planned: The cell and what it resolved to.
            known: The first runs of its lock, oldest first; all, or those that had been made at some time.
        """
        if not planned.key:
            return judge(planned, known, self._components)  # nothing was run
        cell = planned.cell
        # Cells that share a lock can be about other parts of it, and so can be tried to another depth.
        address = (planned.key, len(known), cell.roots(), cell.accompanying)
        if address not in self._verdicts:
            self._verdicts[address] = judge(planned, known, self._components, greens=self._greens, passes=self._passes)
        # Such cells can differ in the bounds of the requirements as well, so these fields are not shared.
        of_cell = {
            "cell": cell,
            "forced": cell.overrides,
            "held_back": planned.resolution.held_back,
        }
        return self._verdicts[address].model_copy(update=of_cell)
