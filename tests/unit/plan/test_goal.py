"""What a covering array lacks once cells are locked."""

from __future__ import annotations

import pytest

from stackcompat.plan.cell import Cell
from support.plans import PAIRS, plan


def test_pairs_repair_what_was_not_locked() -> None:
    made = plan(PAIRS)
    (goal,) = made.goals

    def locked(cell: Cell) -> dict[str, str]:
        exact = [text.partition("==") for text in cell.requirements if "==" in text]
        return {name: version for name, _, version in exact} | {"python": cell.python}

    whole = {cell.id: locked(cell) for cell in made.cells}
    assert made.unreached(whole) == ((), {goal.label: 100.0})
    failed = next(cell for cell in made.cells if {"alpha==1.1", "beta==0.2"} < set(cell.requirements))
    partly = {name: versions for name, versions in whole.items() if name != failed.id}
    cells, reached = made.unreached(partly)
    assert reached == {goal.label: pytest.approx(100 * 13 / 15)}
    assert {cell.requirements for cell in cells} == {
        ("alpha==1.1", "alphalib", "beta==0.2", "gamma"),
        ("alpha", "alphalib", "beta==0.2", "gamma==5"),
    }
    assert {cell.policy for cell in cells} == {"pairs"}
    assert made.unreached(partly | {cell.id: locked(cell) for cell in cells})[1] == {goal.label: 100.0}


def test_forced_locks_do_not_count_for_what_metadata_allows() -> None:
    forced = {"policy": "pins", "requirements": ["alpha==1.1", "beta==0.2"], "overrides": ["tool==3"]}
    made = plan(PAIRS, forced)
    cell = next(cell for cell in made.cells if cell.forced)
    locked = {"alpha": "1.1", "beta": "0.2", "python": "3.12"}
    assert made.unreached({cell.id: locked})[1] == {made.goals[0].label: 0.0}
