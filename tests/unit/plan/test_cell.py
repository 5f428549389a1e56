"""The address of a cell is that of its question."""

from __future__ import annotations

from stackcompat.plan.cell import Cell
from support.plans import only


def test_a_cells_address_tells_constraints_and_who_is_admitted_and_is_as_ever_without() -> None:
    cell = Cell(python="3.12", platform="linux-x86_64", requirements=("alpha",))
    assert cell.id == "3269393861e4"
    more = [cell.model_copy(update={name: ("beta==1",)}) for name in ("constraints", "admitted")]
    assert len({cell.id, *(other.id for other in more)}) == 3


def test_ids_depend_on_the_question_only() -> None:
    first = only({"policy": "pins", "requirements": ["beta==0.2", "alpha<2"]})
    second = only({"policy": "pins", "requirements": ["alpha < 2", "Beta==0.2"], "label": "again"})
    assert first.id == second.id
    assert first.id != only({"policy": "pins", "requirements": ["beta==0.2", "alpha<2"]}, pythons=("3.11",)).id
