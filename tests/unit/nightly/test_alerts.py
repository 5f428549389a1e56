from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest

from stackcompat.evidence.results import TestResult
from stackcompat.nightly.alerts import Alert, watch
from stackcompat.nightly.issue import closing_comment, issue_body
from support.made_up import COMPONENTS, NOW, failed, passed, run_of
from support.nights import BREAKS, FIXED, JOINT, NEW, OLD, PASSES, Nights


def watched(nights: Nights) -> dict[str, Alert]:
    return {item.subject.id: item for item in watch(COMPONENTS, nights.runs, nights.evidence, NOW)}


def test_what_works_again_is_closed_also_when_a_night_was_missed() -> None:
    nights = Nights()
    nights.add(3, NEW, BREAKS)
    nights.add(2, FIXED, PASSES)
    closed = [item for item in watched(nights).values() if item.action == "close"]
    assert {item.current.state for item in closed} == {"fixed"}
    nights.add(1, FIXED)
    nights.add(0, OLD, outcome="disk-full")
    again = watched(nights)
    assert [again[item.subject.id].action for item in closed] == ["close"] * len(closed)
    assert {again[item.subject.id].current.state for item in closed} == {"passing"}


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


def test_a_fix_after_many_nights_that_told_nothing_closes_the_issue() -> None:
    nights = Nights()
    nights.add(40, NEW, BREAKS)
    for ago in range(39, 1, -1):
        nights.add(ago, OLD, outcome="disk-full")
    nights.add(1, FIXED, PASSES)
    closed = [item for item in watched(nights).values() if item.action == "close"]
    assert {item.called_on for item in closed} == {nights.runs[-1].started.date()}
    assert closed


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
    assert (watched(nights)[name].action, watched(nights)[name].current.state) == ("open", "confirmed")
    nights.add(1, FIXED, then)
    gone = watched(nights)[name]
    assert (gone.action, gone.current.state, gone.current.open, gone.facts) == ("drop", "gone", False, None)
    assert closing_comment(gone).startswith("Closed on 2026-11-21: this can no longer be tested")


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
    assert (item.current.state, item.current.flaky_nights, item.action) == ("flaky", 1, None)
    flaky_once(nights, 2, OLD)
    flaky_once(nights, 1, FIXED)
    item = watched(nights)["test:test_alpha.py::test_grad"]
    assert (item.current.state, item.action) == ("quarantined", "open")
