"""The verdict on a cell by everything that the store has kept."""

from __future__ import annotations

from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.evidence.store import Store
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.outcomes import pass_times
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = ["judge_kept"]


def judge_kept(planned: PlannedCell, store: Store, components: Components) -> tuple[CellVerdict, tuple[Evidence, ...]]:
    """The verdict on a cell, and the evidence on it.

    If a test ends in no run of the cell, the runs of other cells show whether it ends with other versions.
    """
    evidence = store.of_key(planned.key) if planned.key else ()
    greens = Greens(store.green_releases(), components)
    verdict = judge(planned, evidence, components, greens=greens)
    hanging = [status.result.test for status in verdict.statuses if status.state == "hangs"]
    if not hanging:
        return verdict, evidence
    passes = pass_times(run for test in hanging for run in store.with_test(test))
    return judge(planned, evidence, components, greens=greens, passes=passes), evidence
