"""The verdict on a cell by everything that the store has kept."""

from __future__ import annotations

from pathlib import Path

from stackcompat.evidence.store import Store
from stackcompat.pipeline.judging import judge_kept
from support.made_up import COMPONENTS, make_cell, passed, planned, run_of, starved, unresolved

VERSIONS, OTHERS = {"alpha": "1", "beta": "1"}, {"alpha": "0.9", "beta": "1"}


def test_a_hang_is_compared_with_the_runs_of_other_cells(tmp_path: Path) -> None:
    store = Store(tmp_path / "evidence.sqlite")
    cell, other = planned(make_cell(VERSIONS), VERSIONS), planned(make_cell(OTHERS), OTHERS)
    runs = tuple(run_of(cell, starved("t::a", "alpha"), attempt=number) for number in range(2))
    for run in runs:
        store.add(run)
    assert judge_kept(cell, store, COMPONENTS)[0].verdict == "infra-error"
    store.add(run_of(other, passed("t::ab", "alpha")))
    assert judge_kept(cell, store, COMPONENTS)[0].verdict == "infra-error"
    store.add(run_of(other, passed("t::a", "alpha"), attempt=1))
    verdict, evidence = judge_kept(cell, store, COMPONENTS)
    assert (verdict.verdict, evidence) == ("broken", runs)
    store.close()


def test_a_cell_without_a_lock_has_no_evidence(tmp_path: Path) -> None:
    store = Store(tmp_path / "evidence.sqlite")
    verdict, evidence = judge_kept(unresolved(make_cell(VERSIONS), "no"), store, COMPONENTS)
    assert (verdict.verdict, evidence) == ("unresolvable", ())
    store.close()
