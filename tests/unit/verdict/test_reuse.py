"""Reused results count as they were seen, real ones come before them, and differences are told."""

from __future__ import annotations

import datetime as dt

from stackcompat.evidence.results import Reused, TestResult
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.retry import needs_run
from stackcompat.verdict.reuse import count_reuse
from stackcompat.verdict.verdict import judge, reused_from
from support.made_up import COMPONENTS, NOW, failed, make_cell, passed, planned, run_of, starved

BOTH = {"alpha": "1.3", "beta": "2.4"}
CELL = planned(make_cell(BOTH), BOTH)
SEEN = NOW - dt.timedelta(days=3)
GREEN, RED = passed("test_a.py::test_a", "alpha", "beta"), failed("test_a.py::test_a", "alpha", "beta")


def borrowed(result: TestResult, runs: int = 1, cell: str = "source") -> TestResult:
    source = Reused(evidence="e", cell=cell, label="beta 2.4 alone", lock_id="lock", seen=SEEN, runs=runs)
    return result.model_copy(update={"reused": source})


def test_a_reused_pass_is_as_old_as_the_run_that_showed_it() -> None:
    run = run_of(CELL, borrowed(GREEN))
    (status,) = classify([run])
    assert (status.state, status.seen) == ("passed", SEEN)
    verdict = judge(CELL, (run,), COMPONENTS)
    assert (verdict.verdict, verdict.seen, reused_from(verdict)) == ("works", SEEN, {"source": 1})
    assert verdict.sentence == judge(CELL, (run_of(CELL, GREEN),), COMPONENTS).sentence


def test_a_reused_failure_was_confirmed_where_it_was_seen() -> None:
    run = run_of(CELL, borrowed(RED, runs=2))
    (status,) = classify([run])
    assert status.state == "confirmed"
    assert not needs_run([run])
    feature = borrowed(RED.model_copy(update={"feature": "nets"}), runs=2)
    assert [status.state for status in classify([run_of(CELL, feature)])] == ["feature-broken"]


def test_a_real_result_counts_in_place_of_a_reused_one() -> None:
    first = run_of(CELL, borrowed(GREEN))
    once, twice = run_of(CELL, RED, attempt=1), run_of(CELL, RED, attempt=2)
    assert [status.state for status in classify([first, once])] == ["unconfirmed"]
    assert needs_run([first, once])
    assert [status.state for status in classify([first, once, twice])] == ["confirmed"]
    red = run_of(CELL, borrowed(RED, runs=2))
    assert [status.state for status in classify([red, run_of(CELL, GREEN, attempt=1)])] == ["passed"]


def test_a_result_that_infrastructure_took_leaves_the_reused_one() -> None:
    runs = [run_of(CELL, borrowed(GREEN)), run_of(CELL, starved(GREEN.test, "alpha"), attempt=1)]
    assert [status.state for status in classify(runs)] == ["passed"]
    assert (count_reuse([runs]).reused, count_reuse([runs]).rerun) == (1, 0)


def test_reused_results_and_differences_are_counted() -> None:
    other = planned(make_cell({"alpha": "1.2"}), {"alpha": "1.2"})
    same = [run_of(CELL, borrowed(GREEN), passed("test_b.py::test_b", "alpha")), run_of(CELL, GREEN, attempt=1)]
    differs = [run_of(other, borrowed(GREEN)), run_of(other, RED, attempt=1), run_of(other, RED, attempt=2)]
    count = count_reuse([same, differs, []])
    assert (count.reused, count.rerun, count.differed) == (2, 2, 1)
    total, difference = count.sentences
    assert total == "2 results of other cells were reused; 2 of them were run again, 1 differed"
    assert difference == (
        "test_a.py::test_a: passed in beta 2.4 alone and was reused, but failed (AssertionError: the loss is 0.73, "
        "more than 0.5 [test]) when it was run again; the real result counts"
    )
    assert count_reuse([[run_of(CELL, GREEN)]]).sentences == ()


def test_a_failure_of_another_kind_differs() -> None:
    another = failed(RED.test, "alpha", "beta", type="TypeError", message="no")
    runs = [run_of(CELL, borrowed(RED, runs=2)), run_of(CELL, another, attempt=1)]
    assert count_reuse([runs]).differed == 1
    assert count_reuse([[runs[0], run_of(CELL, RED, attempt=1)]]).differed == 0
