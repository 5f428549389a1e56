"""The sets of metapackages as they are, and with one pin moved."""

from __future__ import annotations

from stackcompat.resolve.lock import HeldBack
from stackcompat.table.judged import judge_cells
from stackcompat.table.pinned import pinned_sets
from support.made_up import COMPONENTS, History, make_cell

LABEL = "zeta 0.9.4"
PINS = {"alpha": "1.1.0", "beta": "2.2.0"}


def test_a_set_has_its_pins_and_an_answer_for_each_that_moved() -> None:
    made = History()
    whole = PINS | {"zeta": "0.9.4"}
    made.add(make_cell(whole, policy="metapackage", label=LABEL), whole)
    moved = make_cell(PINS | {"alpha": ""}, policy="metapackage", label=f"{LABEL} with the newest alpha")
    held = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="beta 2.2.0", bound="alpha<1.3")
    made.add(moved.model_copy(update={"newest": ("alpha",)}), PINS | {"alpha": "1.2.0"}, (held,))
    made.add(make_cell(whole, policy="pins"), whole)  # a cell of the policy `pins` is no set
    (row,) = pinned_sets(judge_cells(COMPONENTS, (made.record(),), made.evidence))
    assert (row.name, row.pins) == (LABEL, PINS)
    answers = {pin.distribution: [(a.version, a.verdict, a.held_back) for a in pin.answers] for pin in row.moved}
    assert answers == {"": [("", "works", "")], "alpha": [("1.2.0", "works", "beta 2.2.0: alpha<1.3")]}
