"""What an issue says of the last run."""

from __future__ import annotations

from stackcompat.nightly.alerts import Alert, watch
from stackcompat.nightly.issue_text import issue_body
from support.made_up import COMPONENTS, NOW, failed, make_cell, passed, run_of
from support.nights import BREAKS, FIXED, NEW, OLD, PASSES, Nights


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


def test_a_feature_that_is_lost_for_days_has_its_own_last_green() -> None:
    """Its cell works on every night, so the cell's last green would be tonight, with nothing moved."""
    nights = Nights()
    feature = failed("t.py::feature", "alpha", "beta", type="AttributeError", message="gone", packages=("beta",))
    lost = feature.model_copy(update={"feature": "boxes"})
    nights.add(5, OLD, (*PASSES, lost.model_copy(update={"outcome": "passed", "failure": None})))
    for ago in range(4, -1, -1):
        nights.add(ago, NEW, (*PASSES, lost))
    facts = watched(nights)["test:t.py::feature"].facts
    assert facts is not None
    assert facts.last_green == nights.runs[0].started
    assert [change.name for change in facts.moved] == ["alpha", "alpha-native"]


def test_an_issue_about_a_new_test_accuses_no_release() -> None:
    wrong = failed("test_new.py::test_wrong", "alpha", "gamma", "beta", message="typo in the test", where="test")
    nights = Nights()
    nights.add(1, NEW, PASSES)
    nights.add(0, FIXED, (*PASSES, wrong))
    (item,) = [item for item in watched(nights).values() if item.action]
    body = issue_body(item)
    assert "new test: it never passed here" in body
    assert "Culprit" not in body
    assert "last green" not in body


def test_a_culprit_is_certain_only_if_it_alone_moved() -> None:
    both, alone = Nights(), Nights()
    both.add(1, OLD, PASSES)
    both.add(0, NEW, BREAKS)
    alone.add(1, NEW, PASSES)
    alone.add(0, FIXED, BREAKS)
    bodies = [issue_body(item) for nights in (both, alone) for item in watched(nights).values() if item.action]
    assert ["Not certain: 2 things moved." in body for body in bodies] == [True, False]
    assert "Culprit: beta 2.4.2.\n" in bodies[1]


def test_an_issue_about_a_flaky_test_in_a_broken_cell_quotes_its_own_failure() -> None:
    nights = Nights()
    shaky = failed("test_shaky.py::test_shaky", "alpha", message="it shakes")
    steady = shaky.model_copy(update={"outcome": "passed", "failure": None})
    nights.add(1, OLD, (*PASSES, steady))
    plan = nights.add(0, NEW)
    nights.evidence[plan.key] = (run_of(plan, *BREAKS, shaky), run_of(plan, *BREAKS, steady, attempt=1))
    facts = watched(nights)["test:test_shaky.py::test_shaky"].facts
    assert facts is not None
    assert facts.signature == "AssertionError: it shakes [test]"
    assert "it shakes" in facts.details


def test_reports_of_one_failure_have_one_id_whatever_its_numbers() -> None:
    ids = []
    for message in ("got 3 boxes", "got 4 boxes", "no boxes"):
        nights = Nights()
        broken = failed("t", "alpha", type="ValueError", message=message, packages=("beta",))
        nights.add(1, OLD, (broken.model_copy(update={"outcome": "passed", "failure": None}),))
        nights.add(0, NEW, (broken,))
        facts = watched(nights)["test:t"].facts
        assert facts is not None
        ids.append(facts.failure)
    assert ids[0] == ids[1] != ids[2]
