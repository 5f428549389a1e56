"""The tests that releases ship: which of them count, from made-up records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from stackcompat.core.dates import end_of_day
from stackcompat.ecosystem.components import Component, Upstream
from stackcompat.ecosystem.releases import Release
from stackcompat.evidence.results import CellOutcome, Evidence, TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import Resolution
from stackcompat.run.job import ShippedTests
from stackcompat.verdict.baseline import baseline_cell
from stackcompat.verdict.upstream import Baseline, own_tests, read_baseline
from stackcompat.verdict.verdict import judge
from support.made_up import COMPONENTS, NOW, failed, make_cell, make_lock, not_applicable, passed, starved

CHOSEN = Upstream(archive="sdist", tests=("tests/*_test.py",), requires=("gamma>=1",))
FILE = "upstream/beta/tests/nets_test.py"
RELEASE = Release(version="1.2", uploaded=dt.datetime(2025, 3, 4, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-5))))


def own(test: str, outcome: str = "passed", **more: Any) -> TestResult:
    """One of beta's own tests."""
    make: dict[str, Callable[..., TestResult]] = {
        "passed": passed,
        "failed": failed,
        "starved": starved,
        "skipped": not_applicable,
    }
    return make[outcome](test, "beta", **more).model_copy(update={"level": "upstream"})


def runs(*tests: tuple[TestResult, ...] | CellOutcome) -> tuple[Evidence, ...]:
    """A run for each, oldest first: what its tests did, or how it ended."""
    return tuple(
        Evidence(
            key="k",
            attempt=number,
            lock_id="l",
            python="3.12",
            interpreter="i",
            platform="p",
            suite="s",
            level="upstream",
            outcome="ran" if isinstance(each, tuple) else each,
            detail="" if isinstance(each, tuple) else "why",
            started=NOW + dt.timedelta(minutes=number),
            seconds=1.0,
            tests=each if isinstance(each, tuple) else (),
        )
        for number, each in enumerate(tests)
    )


def planned(**more: Any) -> PlannedCell:
    until = end_of_day(RELEASE.uploaded)
    cell = baseline_cell("beta", "1.2", CHOSEN.requires, until, python="3.12", platform="linux-x86_64")
    resolution = Resolution(outcome="locked", lock=make_lock({"alpha": "1.0", "beta": "1.2"}))
    return PlannedCell.model_validate({"cell": cell, "resolution": resolution, "key": "k"} | more)


def test_the_baseline_is_the_end_of_the_day_of_the_upload_with_what_the_tests_need() -> None:
    cell = planned().cell
    assert cell.requirements == ("beta==1.2", "gamma>=1")
    assert cell.exclude_newer == dt.datetime(2025, 3, 5, 23, 59, 59, tzinfo=dt.UTC)
    assert cell.policy == "baseline"


def test_only_what_surely_passed_in_its_own_time_counts() -> None:
    first = (
        own(FILE),
        own(f"{FILE}::good"),
        own(f"{FILE}::bad", "failed"),
        own(f"{FILE}::shaky", "failed"),
        own(f"{FILE}::slow", "starved"),
        own(f"{FILE}::skip", "skipped"),
    )
    second = (own(f"{FILE}::bad", "failed"), own(f"{FILE}::shaky"), own(f"{FILE}::slow", "starved"))
    found = read_baseline(planned(), runs(first, second))
    assert found.passed == (FILE, f"{FILE}::good")
    assert found.left_out[f"{FILE}::bad"].startswith("failed on 2025-03-05 too: AssertionError")
    assert found.left_out[f"{FILE}::slow"].startswith("did not end on 2025-03-05 too: Hang: no outcome within 60 s")
    assert found.left_out.keys() == {f"{FILE}::bad", f"{FILE}::shaky", f"{FILE}::slow"}


@pytest.mark.parametrize(
    ("cell", "evidence", "reason"),
    [
        (planned(), runs("index-unreachable", "index-unreachable"), "why"),
        (planned(), runs("uninstallable", "uninstallable"), "why"),
        (planned(), (), "not run yet"),
        (planned(), runs(()), "holds none of the chosen tests"),
        (
            planned(
                key="",
                resolution=Resolution(outcome="conflict", conflict=Conflict(kind="bounds", sentence="beta is too old")),
            ),
            (),
            "beta is too old",
        ),
    ],
)
def test_without_a_baseline_no_test_counts_and_the_reason_is_said(
    cell: PlannedCell, evidence: tuple[Evidence, ...], reason: str
) -> None:
    baseline = read_baseline(cell, evidence)
    assert reason in baseline.absent
    chosen = own_tests("beta", CHOSEN, {"beta": "1.2", "gamma": "1.0"}, baseline)
    assert chosen.tests == ()
    assert chosen.left_out == {"upstream/beta/": baseline.absent}


def test_what_the_tests_need_must_be_there() -> None:
    baseline = Baseline(passed=(FILE,), left_out={f"{FILE}::bad": "failed then"})
    there = own_tests("beta", CHOSEN, {"beta": "1.2", "gamma": "1.0"}, baseline)
    assert there == ShippedTests(distribution="beta", chosen=CHOSEN, tests=(FILE,), left_out=baseline.left_out)
    missing = own_tests("beta", CHOSEN, {"beta": "1.2"}, baseline)
    assert missing.tests == ()
    assert missing.left_out == {"upstream/beta/": "its tests need gamma, not installed here"}


def test_the_first_entry_for_a_release_is_taken() -> None:
    fields = {
        "name": "beta",
        "title": "Beta",
        "summary": "s",
        "group": "core",
        "documentation": "d",
        "upstream": [
            {"archive": "wheel", "versions": ">=2", "tests": ["new"]},
            {"archive": "sdist", "versions": ">=1", "tests": ["old"]},
        ],
    }
    beta = Component.model_validate(fields)
    found = [beta.ships(version) for version in ("0.9", "1.5", "2.0", "2.1.dev1")]
    assert [own.tests[0] if own else None for own in found] == [None, "old", "new", "new"]


def test_a_cell_counts_the_releases_own_tests_apart() -> None:
    cell = PlannedCell(
        cell=make_cell({"alpha": "2.0", "beta": "1.2"}),
        resolution=Resolution(outcome="locked", lock=make_lock({"alpha": "2.0", "beta": "1.2"})),
        key="k",
    )
    smoke = (passed("test_it.py::a", "alpha"), passed("test_it.py::b", "alpha", "beta"))
    green = (*smoke, own(FILE), own(f"{FILE}::good"), own(f"{FILE}::then", "skipped"))
    verdict = judge(cell, runs(green), COMPONENTS)
    assert (verdict.verdict, verdict.level) == ("works", "interop")
    assert verdict.sentence == "2 tests passed; of beta's own tests 1 pass, 1 tell nothing"
    red = own(f"{FILE}::bad", "failed", message="gone")
    verdict = judge(cell, runs((*green, red), (red,)), COMPONENTS)
    assert (verdict.verdict, verdict.level) == ("broken", "upstream")
    assert verdict.sentence.startswith(f"{FILE}::bad: AssertionError: gone")
    assert verdict.sentence.endswith("1 pass, 1 fail that passed in its own time, 1 tell nothing")
    absent = own("upstream/beta/", "skipped")
    verdict = judge(cell, runs((*smoke, absent)), COMPONENTS)
    assert verdict.sentence == f"2 tests passed; beta's own tests were not run: {absent.reason}"
    once = judge(cell, runs((*green, red), (own(f"{FILE}::bad"),)), COMPONENTS)
    assert once.verdict == "flaky"
