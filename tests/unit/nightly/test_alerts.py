from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest

from stackcompat.evidence.results import TestResult
from stackcompat.nightly.alerts import Alert, Facts, Subject, watch
from stackcompat.nightly.issue import closing_comment, issue_body, issue_title
from stackcompat.nightly.states import CALM_NIGHTS, QUARANTINE, Action, AlertState, Signal, State, transition
from support.made_up import COMPONENTS, NOW, failed, make_cell, passed, run_of
from support.nights import BREAKS, FIXED, JOINT, NEW, OLD, PASSES, Nights

TODAY = dt.date(2026, 11, 22)
OVER = AlertState(state="quarantined", since=TODAY - QUARANTINE, until=TODAY, open=True)
CALM = AlertState(state="flaky", flaky_nights=1, calm_nights=CALM_NIGHTS - 1)


@pytest.mark.parametrize(
    ("before", "said", "state", "actions"),
    [
        (AlertState(), "green", "passing", ()),
        (AlertState(), "failed", "failing", ()),
        (AlertState(), "broken", "confirmed", ("open",)),
        (AlertState(), "flaky", "flaky", ()),
        (AlertState(state="failing"), "green", "passing", ()),
        (AlertState(state="failing"), "failed", "failing", ()),
        (AlertState(state="failing"), "broken", "confirmed", ("open",)),
        (AlertState(state="confirmed", open=True), "broken", "confirmed", ("update",)),
        (AlertState(state="confirmed", open=True), "failed", "confirmed", ("update",)),
        (AlertState(state="confirmed", open=True), "flaky", "flaky", ("update",)),
        (AlertState(state="confirmed", open=True), "green", "fixed", ("close",)),
        (AlertState(state="fixed"), "green", "passing", ()),
        (AlertState(state="fixed"), "broken", "confirmed", ("open",)),
        (AlertState(state="flaky", flaky_nights=1), "green", "flaky", ()),
        (CALM, "green", "passing", ()),
        (CALM.model_copy(update={"open": True}), "green", "fixed", ("close",)),
        (AlertState(state="flaky", flaky_nights=2), "flaky", "quarantined", ("open",)),
        (AlertState(state="flaky", flaky_nights=2, open=True), "flaky", "quarantined", ("update",)),
        (OVER, "green", "fixed", ("close",)),
        (OVER, "broken", "confirmed", ("update",)),
        (OVER, "failed", "failing", ("update",)),
        (OVER, "flaky", "flaky", ("update",)),
        (OVER, "unknown", "quarantined", ()),
        (OVER, "gone", "gone", ("drop",)),
        (AlertState(state="confirmed", open=True), "gone", "gone", ("drop",)),
        (AlertState(), "gone", "gone", ()),
        (AlertState(state="gone"), "broken", "confirmed", ("open",)),
    ],
)
def test_transitions(before: AlertState, said: Signal, state: State, actions: tuple[Action, ...]) -> None:
    after, called = transition(before, said, TODAY)
    assert (after.state, called) == (state, actions)


def watched(nights: Nights) -> dict[str, Alert]:
    return {item.subject.id: item for item in watch(COMPONENTS, nights.runs, nights.evidence, NOW)}


def test_a_break_is_told_once_with_all_that_is_known() -> None:
    nights = Nights()
    nights.add(2, OLD, PASSES)
    nights.add(1, OLD)
    nights.add(0, NEW, BREAKS)
    items = watched(nights)
    told = [item for item in items.values() if item.action is not None]
    (item,) = told
    assert (item.watched.state, item.action, item.said) == ("confirmed", "open", "broken")
    body = issue_body(item)
    assert body.startswith(f"<!-- stackcompat: {item.subject.id} -->\n\nNow confirmed since 2026-11-22")
    for text in (
        "AttributeError: module 'alpha' has no attribute 'boxes' [beta]",
        "Culprit: alpha 1.3.0.",
        f"nox -s cell -- --lock reports/locks/{nights.cell.id}.txt --python 3.12",
        "| alpha | 1.2.0 | 1.3.0 |",
        "last green 2026-11-21 05:00 UTC",
        "Traceback",
    ):
        assert text in body
    assert "/home/" not in body
    assert issue_title(item).endswith("is broken at the newest releases")


def test_what_works_again_is_closed_also_when_a_night_was_missed() -> None:
    nights = Nights()
    nights.add(3, NEW, BREAKS)
    nights.add(2, FIXED, PASSES)
    closed = [item for item in watched(nights).values() if item.action == "close"]
    assert {item.watched.state for item in closed} == {"fixed"}
    nights.add(1, FIXED)
    nights.add(0, OLD, outcome="disk-full")
    again = watched(nights)
    assert [again[item.subject.id].action for item in closed] == ["close"] * len(closed)
    assert {again[item.subject.id].watched.state for item in closed} == {"passing"}


def test_a_test_that_a_pair_explains_has_no_issue_of_its_own() -> None:
    nights = Nights()
    other = failed("test_alpha.py::test_grad", "alpha", message="alone")
    nights.add(1, OLD, (*PASSES, other.model_copy(update={"outcome": "passed", "failure": None})))
    nights.add(0, NEW, (*BREAKS, other))
    items = watched(nights)
    assert items["test:test_alpha.py::test_grad"].action == "open"
    pair = items["pair:alpha + beta"]
    test = items[f"test:{JOINT}"]
    assert {pair.action, test.action} == {"open", None}
    assert bool(test.covered_by) == (pair.action == "open")
    assert "module 'alpha'" not in issue_body(items["test:test_alpha.py::test_grad"])


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
    assert items["pair:alpha + beta"].watched.open


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
    assert (item.action, item.watched.state) == ("open", "confirmed")
    body = issue_body(item)
    assert "AssertionError: no boxes" in body
    assert "has no attribute 'boxes'" not in body


def test_a_fix_after_many_nights_that_told_nothing_closes_the_issue() -> None:
    nights = Nights()
    nights.add(40, NEW, BREAKS)
    for ago in range(39, 1, -1):
        nights.add(ago, OLD, outcome="disk-full")
    nights.add(1, FIXED, PASSES)
    closed = [item for item in watched(nights).values() if item.action == "close"]
    assert {item.called for item in closed} == {nights.runs[-1].started.date()}
    assert closed


def test_what_broke_long_ago_is_still_told_with_what_moved() -> None:
    nights = Nights()
    nights.add(50, OLD, PASSES)
    for ago in range(49, 0, -1):
        nights.add(ago, NEW, BREAKS)
    (item,) = [item for item in watched(nights).values() if item.watched.open and not item.covered_by]
    assert item.watched.since == nights.runs[1].started.date()
    assert item.facts is not None
    assert item.facts.last_green == nights.runs[0].started
    assert [move.name for move in item.facts.moved] == ["alpha", "alpha-native"]


LONE = failed("test_alpha.py::test_grad", "alpha", message="alone")
RENAMED = passed("test_alpha.py::test_gradient", "alpha")


@pytest.mark.parametrize(
    "then", [(*PASSES, RENAMED), (*PASSES, LONE.model_copy(update={"outcome": "not-applicable", "failure": None}))]
)
def test_what_is_not_there_any_more_is_closed_with_a_word(then: tuple[TestResult, ...]) -> None:
    """The test was renamed, or does not apply to the newest releases; a night that could not tell says neither."""
    nights = Nights()
    nights.add(3, NEW, (*PASSES, LONE))
    nights.add(2, OLD, outcome="disk-full")
    name = "test:test_alpha.py::test_grad"
    assert (watched(nights)[name].action, watched(nights)[name].watched.state) == ("open", "confirmed")
    nights.add(1, FIXED, then)
    gone = watched(nights)[name]
    assert (gone.action, gone.watched.state, gone.watched.open, gone.facts) == ("drop", "gone", False, None)
    assert closing_comment(gone).startswith("Closed on 2026-11-21, since nothing can tell of it any more")


def flaky_once(nights: Nights, ago: int, versions: Mapping[str, str]) -> None:
    plan = nights.add(ago, versions)
    when = dt.timedelta(days=ago)
    nights.evidence[plan.key] = (run_of(plan, LONE, ago=when), run_of(plan, WORKS, attempt=1, ago=when))


WORKS = passed("test_alpha.py::test_grad", "alpha")


def test_one_flaky_run_is_one_flaky_night_however_long_it_stands() -> None:
    nights = Nights()
    flaky_once(nights, 6, NEW)
    for ago in (5, 4, 3):
        nights.add(ago, NEW)
    item = watched(nights)["test:test_alpha.py::test_grad"]
    assert (item.watched.state, item.watched.flaky_nights, item.action) == ("flaky", 1, None)
    flaky_once(nights, 2, OLD)
    flaky_once(nights, 1, FIXED)
    item = watched(nights)["test:test_alpha.py::test_grad"]
    assert (item.watched.state, item.action) == ("quarantined", "open")


def test_the_traceback_goes_whole_where_nothing_of_it_fits() -> None:
    subject = Subject(kind="test", name="t", title="t")
    facts = Facts(signature="s", python="3.12", reproduce="nox", details="d" * 300)
    item = Alert(subject=subject, watched=AlertState(state="confirmed", open=True), said="broken", facts=facts)
    bare = item.model_copy(update={"facts": facts.model_copy(update={"details": ""})})
    for limit in range(len(issue_body(bare)), len(issue_body(item))):
        assert len(issue_body(item, limit)) <= limit
