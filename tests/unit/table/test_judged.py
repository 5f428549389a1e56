"""Each distinct cell is judged once."""

from __future__ import annotations

import datetime as dt

from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.table.judged import judge_cells
from support.made_up import (
    COMPONENTS,
    NOW,
    make_cell,
    planned,
    unresolved,
)

GOOD = {"alpha": "1.3.0", "beta": "2.4.1"}


def record(*cells: PlannedCell, matrix: str = "nightly", ago: int = 1) -> RunRecord:
    return RunRecord(
        matrix=matrix,
        started=NOW - dt.timedelta(days=ago),
        title=matrix,
        components=("alpha", "beta"),
        pythons=("3.12",),
        cells=cells,
    )


def test_a_cell_that_two_policies_ask_for_stands_once_under_the_first() -> None:
    pairs = planned(make_cell(GOOD, policy="pairs", label="row 3"), GOOD)
    newest = planned(make_cell(GOOD, policy="newest"), GOOD)
    (case,) = judge_cells(COMPONENTS, (record(pairs), record(newest, matrix="quick")), {})
    assert case.verdict.cell.policy == "newest"
    assert case.also == ("pairs: row 3",)
    assert case.today


def test_of_two_runs_the_newer_one_counts() -> None:
    before = unresolved(make_cell(GOOD, policy="pins"), "no")
    after = planned(make_cell(GOOD, policy="pins"), GOOD)
    (case,) = judge_cells(COMPONENTS, (record(before, ago=9), record(after, matrix="quick")), {})
    assert case.verdict.verdict == "untested"


def test_cells_are_ordered_by_policy_python_and_day() -> None:
    def asked(policy: str, python: str, day: int | None = None) -> PlannedCell:
        until = dt.datetime(2026, 10, day, tzinfo=dt.UTC) if day else None
        return planned(make_cell(GOOD, python, policy, exclude_newer=until), GOOD)

    cells = (asked("pairs", "3.10"), asked("as-of", "3.12", 1), asked("as-of", "3.12", 2), asked("newest", "3.9"))
    more = (asked("newest", "3.12"), asked("as-of", "3.9", 3))
    found = [case.verdict.cell for case in judge_cells(COMPONENTS, (record(*cells, *more),), {})]
    assert [(cell.policy, cell.python, cell.exclude_newer and cell.exclude_newer.day) for cell in found] == [
        ("newest", "3.12", None),
        ("newest", "3.9", None),
        ("as-of", "3.12", 2),
        ("as-of", "3.12", 1),
        ("as-of", "3.9", 3),
        ("pairs", "3.10", None),
    ]


def test_what_was_never_run_was_seen_when_the_run_began() -> None:
    (case,) = judge_cells(COMPONENTS, (record(unresolved(make_cell(GOOD), "no")),), {})
    assert case.verdict.seen == NOW - dt.timedelta(days=1)


def test_of_two_requests_under_one_policy_the_thorough_one_stands() -> None:
    brief = planned(make_cell(GOOD, policy="pairs", thorough=False), GOOD)
    thorough = planned(make_cell(GOOD, policy="pairs"), GOOD)
    (case,) = judge_cells(COMPONENTS, (record(brief), record(thorough, matrix="quick")), {})
    assert case.verdict.cell.thorough
