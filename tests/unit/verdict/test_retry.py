"""Which run comes next. The evidence is made up; only outcomes matter."""

from __future__ import annotations

from typing import Any

import pytest

from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.verdict.retry import NextRun, needs_run, next_run
from support.made_up import failed, make_cell, not_applicable, passed, planned, run_of, starved

VERSIONS = {"alpha": "1.3.0"}
CELL = planned(make_cell(VERSIONS), VERSIONS)


def run(*tests: TestResult, outcome: Any = "ran", attempt: int = 0) -> Evidence:
    return run_of(CELL, *tests, outcome=outcome, attempt=attempt)


GREEN = run(passed("a"), passed("b"))
RED = run(passed("a"), failed("b"))
RED_AGAIN = run(failed("b"), attempt=1)
STARVED = run(passed("a"), starved("b"))


def test_what_was_never_run_is_run_whole() -> None:
    assert next_run((), ()) == NextRun()


def test_green_is_settled_at_once() -> None:
    assert next_run((), (GREEN,)) is None
    assert not needs_run((GREEN,))


def test_red_is_tried_once_more_and_only_what_failed() -> None:
    assert next_run((), (RED,)) == NextRun(tests=("b",))
    assert next_run((), (RED, RED_AGAIN)) is None


def test_red_and_then_green_is_left_as_it_is() -> None:
    assert next_run((), (RED, run(passed("b"), attempt=1))) is None


def test_a_crash_is_red() -> None:
    assert next_run((), (run(failed("b", outcome="crashed")),)) == NextRun(tests=("b",))


def test_red_of_an_earlier_execution_that_was_stopped_is_confirmed_in_this_one() -> None:
    assert next_run((RED,), ()) == NextRun(tests=("b",))
    assert next_run((RED,), (RED_AGAIN,)) is None


def test_a_test_without_an_outcome_gets_one_more_chance_now_and_one_each_time() -> None:
    assert next_run((), (STARVED,)) == NextRun(tests=("b",))
    assert next_run((), (STARVED, run(starved("b"), attempt=1))) is None
    assert next_run((STARVED, STARVED), ()) == NextRun(tests=("b",))
    assert next_run((STARVED,), (run(passed("b")),)) is None


def test_not_applicable_needs_no_second_run() -> None:
    assert next_run((), (run(not_applicable("a")),)) is None


@pytest.mark.parametrize("outcome", ["timeout", "index-unreachable", "invalid", "crashed", "disk-full"])
def test_infrastructure_gets_one_more_chance_now_and_one_each_time(outcome: str) -> None:
    broken = run(outcome=outcome)
    assert next_run((), (broken,)) == NextRun()
    assert next_run((), (broken, broken)) is None
    assert next_run((broken, broken), ()) == NextRun()


def test_a_lock_that_does_not_install_is_tried_twice_and_never_again() -> None:
    refused = run(outcome="uninstallable")
    assert next_run((), (refused,)) == NextRun()
    assert next_run((), (refused, refused)) is None
    assert next_run((refused,), ()) == NextRun()
    assert not needs_run((refused, refused))


def test_several_reasons_at_once() -> None:
    mixed = run(failed("c"), passed("a"), starved("b"), not_applicable("d"))
    assert next_run((), (mixed,)) == NextRun(tests=("b", "c"))
    # One is settled, the other is starved again: it had its chance.
    assert next_run((), (mixed, run(failed("c"), starved("b"), attempt=1))) is None
