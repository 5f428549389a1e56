"""What an issue says of the last run."""

from __future__ import annotations

from stackcompat.nightly.alerts import Alert, watch
from stackcompat.nightly.issue import issue_body
from support.made_up import COMPONENTS, NOW, failed, make_cell, passed
from support.nights import BREAKS, NEW, OLD, PASSES, Nights


def watched(nights: Nights) -> dict[str, Alert]:
    return {item.subject.id: item for item in watch(COMPONENTS, nights.runs, nights.evidence, NOW)}


def test_a_witness_of_an_earlier_night_is_not_asked_what_it_says_tonight() -> None:
    """The matrix has got another cell since, and tonight's could not be tried."""
    nights = Nights()
    nights.add(2, OLD, PASSES)
    nights.add(1, NEW, BREAKS)
    later = Nights()
    later.cell = make_cell({"alpha": "", "beta": "", "gamma": ""}, "3.12", "newest", "newest", newest=("alpha",))
    later.add(0, NEW | {"gamma": "1.0.0"}, outcome="disk-full")
    nights.runs += later.runs
    nights.evidence |= later.evidence
    items = watched(nights)
    assert items["pair:alpha + beta"].current.open


def test_an_issue_is_about_the_cell_that_is_red() -> None:
    """On another Python, which comes first, the pair was not tried."""
    nights, other = Nights(), Nights("3.11")
    nights.add(1, OLD, PASSES)
    nights.add(0, NEW, BREAKS)
    older = {"alpha": "1.0.0", "beta": "2.0.0"}
    other.add(0, older, (passed("test_alpha.py::test_grad", "alpha"),))
    before, run = nights.runs
    both = run.model_copy(update={"pythons": ("3.11", "3.12"), "cells": (*other.runs[0].cells, *run.cells)})
    items = {i.subject.id: i for i in watch(COMPONENTS, [before, both], nights.evidence | other.evidence, NOW)}
    facts = items["pair:alpha + beta"].facts
    assert facts is not None
    assert facts.python == "3.12"
    assert "has no attribute 'boxes'" in facts.signature


def test_an_issue_about_a_feature_says_what_that_does() -> None:
    """Whatever else fails in its cell."""
    nights = Nights()
    boxes = failed("test_boxes", "alpha", message="no boxes").model_copy(update={"feature": "boxes"})
    nights.add(1, OLD, PASSES)
    nights.add(0, NEW, (*BREAKS, boxes))
    item = watched(nights)["test:test_boxes"]
    assert (item.action, item.current.state) == ("open", "confirmed")
    body = issue_body(item)
    assert "AssertionError: no boxes" in body
    assert "has no attribute 'boxes'" not in body


def test_what_broke_long_ago_is_still_told_with_what_moved() -> None:
    nights = Nights()
    nights.add(50, OLD, PASSES)
    for ago in range(49, 0, -1):
        nights.add(ago, NEW, BREAKS)
    (item,) = [item for item in watched(nights).values() if item.current.open and not item.covered_by]
    assert item.current.since == nights.runs[1].started.date()
    assert item.facts is not None
    assert item.facts.last_green == nights.runs[0].started
    assert [move.name for move in item.facts.moved] == ["alpha", "alpha-native"]
