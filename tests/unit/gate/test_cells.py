"""The three types of cells, and their arms."""

from __future__ import annotations

import datetime as dt

import pytest
from pydantic import ValidationError

from stackcompat.evidence.runs import PlannedCell
from stackcompat.gate.cells import Arm, PairedCell, UntriedCell
from stackcompat.resolve.lock import Resolution
from support.made_up import NOW, make_cell
from support.paired import CELL, GREEN, OLD, arm, bound, pair

DAY = dt.timedelta(days=1)


def test_an_arm_knows_what_it_asks_for_and_what_it_has() -> None:
    planned = arm({"alpha": "1.2.0", "beta": "2.4.1"})
    assert planned.requested() == {"alpha": "1.2.0", "beta": "2.4.1"}
    assert planned.versions().keys() > planned.requested().keys()
    unlocked = Arm(planned=PlannedCell(cell=make_cell(OLD), resolution=Resolution(outcome="failed")))
    assert (unlocked.versions(), unlocked.requested()) == ({}, {})


def test_an_arm_ran_if_any_run_got_to_the_tests() -> None:
    assert not arm(OLD).ran()
    assert not arm(OLD, "disk-full").ran()
    assert arm(OLD, "disk-full", GREEN).ran()


def test_runs_that_are_too_old_are_left_out_of_both_arms() -> None:
    cell = pair(GREEN, control=arm(OLD, GREEN, ago=3 * DAY))
    young = cell.since(NOW - DAY)
    assert [len(arm_.evidence) for _, arm_ in young.arms] == [0, 1]
    assert [name for name, _ in young.arms] == ["control", "candidate"]
    assert cell.control.since(NOW - 4 * DAY) == cell.control


def test_a_cell_is_named_with_its_python() -> None:
    assert pair(GREEN).place == "alpha 1.3.0 with the newest others on Python 3.12"


def test_a_paired_cell_has_both_arms_and_an_untried_one_a_reason() -> None:
    with pytest.raises(ValidationError):
        PairedCell.model_validate(CELL | {"control": arm(OLD)})
    with pytest.raises(ValidationError):
        UntriedCell.model_validate(CELL)


def test_a_paired_cell_that_is_not_run_keeps_its_arms() -> None:
    cell = pair(GREEN, waiting=(bound("other"),))
    left_out = cell.untried("not run", "give it more time")
    assert (left_out.why, left_out.remedy, left_out.paired) == ("not run", "give it more time", cell)
    assert (left_out.id, left_out.weight, left_out.place, left_out.waiting) == (
        cell.id,
        cell.weight,
        cell.place,
        cell.waiting,
    )
