"""What all runs of one test say."""

from __future__ import annotations

from typing import Any

import pytest

from stackcompat.evidence.results import TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.verdict.outcomes import classify
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
        ([red(type="MemoryError"), red(type="MemoryError")], "infra"),
        ([blocked(TRAIN)], "blocked"),
        ([not_applicable(TRAIN)], "not-applicable"),
    ],
)
def test_the_state_of_a_test(results: list[TestResult], state: str) -> None:
    cell = cell_of()
    (status,) = classify(run_of(cell, result, attempt=n) for n, result in enumerate(results))
    assert status.state == state
