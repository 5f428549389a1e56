from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest

from stackcompat.evidence.results import TestResult
from stackcompat.nightly.alerts import Alert, watch
from stackcompat.nightly.issue_text import closing_comment, issue_body
from support.made_up import COMPONENTS, NOW, blocked, failed, not_applicable, passed, run_of, starved
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
    assert (item.current.state, item.action) == ("muted", "open")


BIG, SMALL = "t.py::big", "t.py::small"
BIG_PASSES, SMALL_PASSES = passed(BIG, "alpha", "beta"), passed(SMALL, "alpha", "beta")
BIG_BREAKS = BREAKS[0].model_copy(update={"test": BIG})


@pytest.mark.parametrize(
    ("then", "action", "state"),
    [
        ((starved(BIG, "alpha", "beta"), SMALL_PASSES), "open", "confirmed"),
        ((blocked(BIG, "alpha", "beta"), SMALL_PASSES), "open", "confirmed"),
        ((BIG_PASSES, SMALL_PASSES), "close", "fixed"),
        ((BIG_PASSES, starved(SMALL, "alpha", "beta")), "open", "confirmed"),
        ((SMALL_PASSES,), "close", "fixed"),
        ((not_applicable(BIG, "alpha", "beta"), SMALL_PASSES), "close", "fixed"),
    ],
)
def test_a_red_pair_works_again_only_if_a_test_that_showed_it_passes(
    then: tuple[TestResult, ...], action: str, state: str
) -> None:
    """The test can also be gone, or not apply any more. A joint test without an outcome leaves it open."""
    nights = Nights()
    nights.add(2, OLD, (BIG_PASSES, SMALL_PASSES))
    nights.add(1, NEW, (BIG_BREAKS, SMALL_PASSES))
    nights.add(0, FIXED, then)
    pair = watched(nights)["pair:alpha + beta"]
    assert (pair.action, pair.current.state) == (action, state)


def test_a_lifted_pair_is_judged_by_all_its_tests_again() -> None:
    """And a pass of another test on a night in between lifts nothing."""
    nights = Nights()
    nights.add(5, OLD, (BIG_PASSES, SMALL_PASSES))
    nights.add(4, NEW, (BIG_BREAKS, SMALL_PASSES))
    nights.add(3, FIXED, (starved(BIG, "alpha", "beta"), SMALL_PASSES))
    nights.add(2, {"alpha": "1.3.1", "beta": "2.4.2"}, (BIG_PASSES, SMALL_PASSES))
    pair = watched(nights)["pair:alpha + beta"]
    assert (pair.action, pair.current.since) == ("close", nights.runs[-1].started.date())
    nights.add(1, {"alpha": "1.3.2", "beta": "2.4.2"}, (SMALL_PASSES,))
    assert watched(nights)["pair:alpha + beta"].current.state == "passing"


def test_a_pair_that_is_red_on_one_python_is_not_lifted_by_another() -> None:
    nights, other = Nights(), Nights("3.13")
    nights.add(2, OLD, (BIG_PASSES, SMALL_PASSES))
    other.add(2, OLD, (BIG_PASSES, SMALL_PASSES))
    nights.add(1, NEW, (BIG_BREAKS, SMALL_PASSES))
    other.add(1, NEW, (BIG_PASSES, SMALL_PASSES))
    nights.add(0, FIXED, outcome="disk-full")
    other.add(0, FIXED, (BIG_PASSES, SMALL_PASSES))
    nights.runs = [
        run.model_copy(update={"cells": (*run.cells, *same_night.cells), "pythons": ("3.12", "3.13")})
        for run, same_night in zip(nights.runs, other.runs, strict=True)
    ]
    nights.evidence |= other.evidence
    pair = watched(nights)["pair:alpha + beta"]
    assert (pair.signal, pair.current.state) == ("unknown", "confirmed")


def three(number: int, message: str = "INTERNAL: bad thing") -> TestResult:
    """A failing test of three components: no pair is certain."""
    return failed(
        f"t.py::t{number:02}", "alpha", "beta", "gamma", type="XlaRuntimeError", message=message, packages=("numbers",)
    )


def works(test: TestResult) -> TestResult:
    return test.model_copy(update={"outcome": "passed", "failure": None})


def test_one_failure_of_many_tests_acts_once() -> None:
    nights = Nights()
    failing = tuple(three(number) for number in range(40))
    nights.add(1, OLD, tuple(map(works, failing)))
    nights.add(0, NEW, failing)
    items = watched(nights)
    (acting,) = [item for item in items.values() if item.action]
    assert acting.subject.name == "t.py::t00"
    assert len(acting.covers) == 39
    covered = [item for item in items.values() if item.covered_by]
    assert {item.covered_by for item in covered} == {"t.py::t00"}
    assert "The same failure: `t.py::t01`, " in issue_body(acting)
    assert "`t.py::t10` and 29 more." in issue_body(acting)


def test_the_subject_whose_issue_is_older_tells_a_failure() -> None:
    """A test that comes before it by name, and fails in the same way since a later night, opens no second issue."""
    nights = Nights()
    nights.add(2, OLD, (works(three(1)), works(three(2))))
    nights.add(1, NEW, (works(three(1)), three(2)))
    nights.add(0, FIXED, (three(1), three(2)))
    items = watched(nights)
    assert items["test:t.py::t02"].action == "update"
    assert items["test:t.py::t01"].covered_by == "t.py::t02"


def test_another_failure_is_not_covered_by_the_issue_on_a_pair() -> None:
    """The text of that issue does not tell it."""
    nights = Nights()
    second = three(1, message="a second break")
    nights.add(1, OLD, (*PASSES, works(second)))
    nights.add(0, NEW, (*BREAKS, second))
    items = watched(nights)
    acting = {name for name, item in items.items() if item.action}
    assert acting == {"pair:alpha + beta", "test:t.py::t01"}
    assert items[f"test:{JOINT}"].covered_by == "Alpha with Beta"
    assert not items["test:t.py::t01"].covered_by


def test_the_same_bare_assertion_of_two_tests_is_two_failures() -> None:
    nights = Nights()
    bare = [failed(f"t.py::t{number}", "alpha", message="wrong") for number in range(2)]
    nights.add(1, OLD, tuple(map(works, bare)))
    nights.add(0, NEW, tuple(bare))
    assert [item.action for item in watched(nights).values() if item.facts] == ["open", "open"]


def test_own_tests_of_a_release_are_not_watched() -> None:
    nights = Nights()
    own = failed("upstream/beta/test_core.py::test_text", "beta", level="upstream", message="7 decimals")
    nights.add(1, OLD, (*PASSES, works(own)))
    nights.add(0, NEW, (*PASSES, own))
    items = watched(nights)
    assert not [item for item in items.values() if item.facts or item.action]
    assert f"test:{own.test}" not in items
    assert items["pair:alpha + beta"].signal == "green"
