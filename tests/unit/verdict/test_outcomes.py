"""The status of a test, by all its runs."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from stackcompat.evidence.results import CompilerCacheUse, Evidence, Failure, TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.verdict.outcomes import (
    RUNS_THAT_SETTLE,
    TestStatus,
    classify,
    cure,
    doubted_tests,
    pass_times,
    why,
    why_limited,
)
from support.made_up import (
    blocked,
    failed,
    make_cell,
    not_applicable,
    passed,
    planned,
    run_of,
    starved,
)

TRAIN = "test_beta.py::test_train"


BOTH = {"alpha": "1.3", "beta": "2.4"}


def cell_of(versions: dict[str, str] | None = None, python: str = "3.12", **more: Any) -> PlannedCell:
    versions = versions or BOTH
    return planned(make_cell(versions, python, **more), versions)


def red(message: str = "no", **more: Any) -> TestResult:
    return failed(TRAIN, "alpha", "beta", message=message, **more)


GREEN = passed(TRAIN, "alpha", "beta")


def test_tests_stand_in_the_order_of_the_runs_and_other_runs_do_not_count() -> None:
    cell = cell_of()
    runs = (run_of(cell, GREEN, passed("a", "alpha")), run_of(cell, red(), outcome="invalid"))
    assert [(s.result.test, s.state) for s in classify(runs)] == [(TRAIN, "passed"), ("a", "passed")]


@pytest.mark.parametrize(
    ("results", "state"),
    [
        ([GREEN], "passed"),
        ([red()], "unconfirmed"),
        ([red(), red()], "confirmed"),
        ([red(), red(type="TypeError")], "flaky"),
        ([red(), red(type="TypeError"), red()], "confirmed"),
        ([red(), GREEN], "flaky"),
        ([starved(TRAIN)], "infra"),
        ([starved(TRAIN), GREEN], "passed"),
        ([starved(TRAIN), starved(TRAIN)], "hangs"),
        ([starved(TRAIN), starved(TRAIN, outcome="out-of-memory")], "infra"),
        ([starved(TRAIN), red(), starved(TRAIN)], "unconfirmed"),
        ([red("the shapes differ"), red("the queue was empty after 5 s")], "flaky"),
        ([red(type="MemoryError"), red(type="MemoryError")], "infra"),
        ([blocked(TRAIN)], "blocked"),
        ([not_applicable(TRAIN)], "not-applicable"),
    ],
)
def test_the_state_of_a_test(results: list[TestResult], state: str) -> None:
    cell = cell_of()
    (status,) = classify(run_of(cell, result, attempt=n) for n, result in enumerate(results))
    assert status.state == state


LACKS = Failure(type="ModuleNotFoundError", message="No module named 'absl'", package="jax", undeclared="absl-py")


@pytest.mark.parametrize(
    ("failure", "feature", "cured", "words"),
    [
        (LACKS, "jax.export", "install absl-py", "do this"),
        # No limit: a part of the release that everybody needs fails.
        (LACKS, "", "", "ModuleNotFoundError: No module named 'absl' [jax]"),
        (LACKS.model_copy(update={"undeclared": ""}), "boxes", "", "ModuleNotFoundError: No module named 'absl' [jax]"),
        (None, "boxes", "", "do this"),
    ],
)
def test_what_is_only_missing_is_told_with_its_cure(
    failure: Failure | None, feature: str, cured: str, words: str
) -> None:
    result = red().model_copy(update={"failure": failure, "feature": feature, "reason": "do this"})
    assert cure(result) == cured
    assert why_limited(result) == words


def status_of(*results: TestResult, elsewhere: float | None = None) -> TestStatus:
    """The status of a test by its results in several runs, and by the seconds that it took with other versions."""
    cell = cell_of()
    runs = tuple(run_of(cell, result, attempt=number) for number, result in enumerate(results))
    passes = {(runs[0].platform, TRAIN): elsewhere} if elsewhere is not None else None
    (status,) = classify(runs, passes)
    return status


# Red and green


@pytest.mark.parametrize(
    ("results", "state", "counts"),
    [
        ([GREEN, *[red()] * 20], "confirmed", "failed in 20 of 21 fresh environments, in each of the last 20"),
        ([GREEN, *[red()] * RUNS_THAT_SETTLE], "confirmed", "in each of the last 5"),
        ([GREEN, *[red()] * (RUNS_THAT_SETTLE - 1)], "flaky", "failed in 4 of 5"),
        ([red(), *[GREEN] * 49], "passed", "failed in 1 of 50 fresh environments, in none of the last 49"),
        ([*[GREEN] * 5, red()], "flaky", "failed in 1 of 6"),
        ([GREEN, red(), GREEN] * 3, "flaky", "failed in 3 of 9 fresh environments and passed in the others"),
        # A test that changed often has to say the same for longer.
        ([GREEN, red(), GREEN, *[red()] * 5], "flaky", "failed in 6 of 8"),
        ([GREEN, red(), GREEN, *[red()] * 15], "confirmed", "in each of the last 15"),
        # Infrastructure in between neither ends nor makes a stretch.
        ([GREEN, *[red(), starved(TRAIN)] * 5], "confirmed", "failed in 5 of 6"),
    ],
)
def test_the_runs_since_the_last_change_decide(results: list[TestResult], state: str, counts: str) -> None:
    status = status_of(*results)
    assert (status.state, counts in status.note) == (state, True)


def test_what_fails_each_time_differently_since_the_last_change_is_flaky() -> None:
    status = status_of(GREEN, *(red(type=f"Error{number}") for number in "ABCDE"))
    assert status.state == "flaky"
    assert "each time differently" in status.note


def test_a_status_is_as_old_as_the_run_that_shows_it() -> None:
    cell = cell_of()
    old = run_of(cell, GREEN, ago=dt.timedelta(days=90))
    (status,) = classify((old, run_of(cell, starved(TRAIN), attempt=1)))
    assert (status.state, status.seen) == ("passed", old.started)


# Tests that do not end


def test_a_hang_is_told_and_is_red_only_if_the_test_ends_with_other_versions() -> None:
    unknown = status_of(*[starved(TRAIN)] * 10)
    assert (unknown.state, why(unknown.result)) == ("hangs", "Hang: no outcome within 60 s [test]")
    assert unknown.note == "hangs every time: no outcome within 60 s in 10 of 10 fresh environments"
    red_hang = status_of(*[starved(TRAIN)] * 10, elsewhere=2.0)
    assert red_hang.state == "confirmed"
    assert red_hang.note.endswith("in 10 of 10 fresh environments; with other versions it passes within 2 s")


@pytest.mark.parametrize(("elsewhere", "state"), [(19.0, "confirmed"), (21.0, "hangs"), (None, "hangs")])
def test_a_test_that_takes_long_elsewhere_may_only_be_slow(elsewhere: float | None, state: str) -> None:
    assert status_of(starved(TRAIN), starved(TRAIN), elsewhere=elsewhere).state == state


def test_a_feature_that_hangs_is_a_broken_feature() -> None:
    slow = starved(TRAIN).model_copy(update={"feature": "boxes"})
    assert status_of(slow, slow, elsewhere=1.0).state == "feature-broken"
    assert status_of(slow, elsewhere=1.0).state == "infra"


def test_the_time_of_a_test_is_the_longest_in_which_it_passed() -> None:
    cell = cell_of()
    runs = (run_of(cell, GREEN, red()), run_of(cell, GREEN.model_copy(update={"seconds": 3.0}), attempt=1))
    lost = run_of(cell, GREEN.model_copy(update={"seconds": 30.0}), attempt=2, outcome="invalid")
    assert pass_times((*runs, lost)) == {(runs[0].platform, TRAIN): 3.0}


# --- A compiler's cache that fails ---


def run_with_cache(*tests: TestResult, **more: Any) -> Evidence:
    caches = (CompilerCacheUse(distribution="alpha", found=3),)
    return run_of(cell_of(), *tests, **more).model_copy(update={"compiler_caches": caches})


def run_without(*tests: TestResult, again: tuple[TestResult, ...] = ()) -> Evidence:
    return run_of(cell_of(), *tests, attempt=1).model_copy(update={"failed_with_caches": again})


def test_a_failure_of_a_compilers_cache_is_none_of_the_test() -> None:
    runs = [run_with_cache(red("bad program")), run_without(GREEN, again=(red("bad program"),))]
    (status,) = classify(runs)
    assert (status.state, status.result) == ("passed", GREEN)
    assert status.note == (
        "the compiler cache of alpha fails in this test: AssertionError: bad program [test];"
        " the test was run without it"
    )


@pytest.mark.parametrize("again", [(), (red("another", type="KeyError"),)], ids=["passed", "failed otherwise"])
def test_a_test_that_wavers_stays_flaky_with_a_cache(again: tuple[TestResult, ...]) -> None:
    runs = [run_with_cache(red()), run_without(GREEN, again=again)]
    assert [status.state for status in classify(runs)] == ["flaky"]


def test_a_failure_without_the_cache_counts_with_it() -> None:
    runs = [run_with_cache(red()), run_without(red())]
    assert [(status.state, status.note) for status in classify(runs)] == [("confirmed", "")]


def test_tests_that_a_cache_may_have_failed() -> None:
    b, c = failed("b", "alpha"), starved("c", "alpha")
    first = run_with_cache(red(), passed("a", "alpha"), b, c, blocked("d", "alpha"), not_applicable("e", "alpha"))
    assert doubted_tests([]) == ()
    assert doubted_tests([first]) == (TRAIN, "b", "c")
    assert doubted_tests([first, run_without(b)]) == (TRAIN, "c")
    assert doubted_tests([run_without(red())]) == ()
    assert doubted_tests([run_with_cache(red(), outcome="timeout")]) == ()
