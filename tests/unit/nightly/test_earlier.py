"""What the nights before the last one showed."""

from __future__ import annotations

from stackcompat.nightly.earlier import earlier_nights, passed_tests
from stackcompat.verdict.history import History
from support.made_up import failed
from support.nights import BREAKS, FIXED, JOINT, NEW, OLD, PASSES, Nights

BOXES = failed("test_boxes.py::test_boxes", "alpha", message="no boxes").model_copy(update={"feature": "boxes"})


def test_infrastructure_hides_no_verdict_and_the_last_night_does_not_count() -> None:
    nights = Nights()
    nights.add(3, OLD, (*PASSES, BOXES))
    nights.add(2, NEW, BREAKS)
    nights.add(1, FIXED, outcome="disk-full")
    nights.add(0, OLD)
    earlier = earlier_nights(History(nights.runs, nights.evidence))
    cell = nights.cell.id
    assert earlier.judged[cell].run == nights.runs[1]
    assert earlier.green[cell].run == nights.runs[0]
    assert not earlier.was_green(cell)
    assert "AttributeError: module 'alpha' has no attribute 'boxes' [beta]" in earlier.signatures
    assert earlier.broken_features == {("boxes", "AssertionError: no boxes [test]")}
    assert passed_tests(earlier.green[cell]) == {JOINT}


def test_a_first_night_has_none_before() -> None:
    nights = Nights()
    nights.add(0, OLD, PASSES)
    earlier = earlier_nights(History(nights.runs, nights.evidence))
    assert (earlier.judged, earlier.signatures) == ({}, set())
    assert not earlier.was_green(nights.cell.id)
