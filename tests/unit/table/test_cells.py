from __future__ import annotations

import datetime as dt
import shlex

from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.resolve.lock import Lock, Resolution
from stackcompat.table.cells import cell_row, gather, lock_text
from support.made_up import (
    COMPONENTS,
    NOW,
    PLATFORM,
    History,
    failed,
    make_cell,
    make_lock,
    planned,
    run_of,
    unresolved,
)

GOOD = {"alpha": "1.3.0", "beta": "2.4.1"}
BAD = {"alpha": "1.3.0", "beta": "2.0.0"}


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
    (case,) = gather(COMPONENTS, (record(pairs), record(newest, matrix="quick")), {})
    assert case.verdict.cell.policy == "newest"
    assert case.also == ("pairs: row 3",)
    assert case.today


def test_of_two_runs_the_newer_one_counts() -> None:
    before = unresolved(make_cell(GOOD, policy="pins"), "no")
    after = planned(make_cell(GOOD, policy="pins"), GOOD)
    (case,) = gather(COMPONENTS, (record(before, ago=9), record(after, matrix="quick")), {})
    assert case.verdict.verdict == "untested"


def test_cells_are_ordered_by_policy_python_and_day() -> None:
    def asked(policy: str, python: str, day: int | None = None) -> PlannedCell:
        until = dt.datetime(2026, 10, day, tzinfo=dt.UTC) if day else None
        return planned(make_cell(GOOD, python, policy, exclude_newer=until), GOOD)

    cells = (asked("pairs", "3.10"), asked("as-of", "3.12", 1), asked("as-of", "3.12", 2), asked("newest", "3.9"))
    more = (asked("newest", "3.12"), asked("as-of", "3.9", 3))
    found = [case.verdict.cell for case in gather(COMPONENTS, (record(*cells, *more),), {})]
    assert [(cell.policy, cell.python, cell.exclude_newer and cell.exclude_newer.day) for cell in found] == [
        ("newest", "3.12", None),
        ("newest", "3.9", None),
        ("as-of", "3.12", 2),
        ("as-of", "3.12", 1),
        ("as-of", "3.9", 3),
        ("pairs", "3.10", None),
    ]


def test_what_was_never_run_was_seen_when_the_run_began() -> None:
    (case,) = gather(COMPONENTS, (record(unresolved(make_cell(GOOD), "no")),), {})
    assert case.verdict.seen == NOW - dt.timedelta(days=1)


def test_a_red_cell_publishes_a_lock_that_its_command_takes() -> None:
    made = History()
    made.add(make_cell(BAD), BAD)
    (case,) = gather(COMPONENTS, (made.record(),), made.evidence)
    row = cell_row(case, ("f1",))
    assert row.lock == f"locks/{row.id}.txt"
    assert row.reproduce == f"nox -s cell -- --lock reports/locks/{row.id}.txt --python 3.12"
    text = lock_text(case)
    assert text.startswith(f"# cell {row.id}: broken on Python 3.12, {PLATFORM}\n")
    assert Lock.parse(text, "3.12", PLATFORM) == make_lock(BAD)
    assert row.seconds == 43.0
    assert row.failures == ("f1",)
    assert row.components["beta"].verdict == "broken"


def test_an_unresolvable_cell_is_asked_for_again() -> None:
    until = dt.datetime(2026, 9, 20, 23, 59, 59, tzinfo=dt.UTC)
    cell = make_cell({"alpha": "", "beta": "2.0.0"}, "3.11", exclude_newer=until, overrides=("numbers<3",))
    (case,) = gather(COMPONENTS, (record(unresolved(cell, "no")),), {})
    row = cell_row(case, ())
    assert row.lock == ""
    assert shlex.split(row.reproduce) == [
        *("nox", "-s", "cell", "--", "alpha", "beta==2.0.0", "--python", "3.11"),
        *("--exclude-newer", "2026-09-20T23:59:59Z", "--override", "numbers<3"),
    ]
    assert row.pins == {"beta": "2.0.0"}


def test_a_lock_with_a_file_of_this_machine_is_not_published() -> None:
    lock = make_lock(BAD)
    lock = lock.model_copy(
        update={"pins": (lock.pins[0].model_copy(update={"source": "file:///here"}), *lock.pins[1:])}
    )
    cell = PlannedCell(cell=make_cell(BAD), resolution=Resolution(outcome="locked", lock=lock), key="k")
    red = failed("t", "alpha")
    (case,) = gather(COMPONENTS, (record(cell),), {"k": (run_of(cell, red), run_of(cell, red, attempt=1))})
    row = cell_row(case, ())
    assert (row.verdict, row.lock) == ("broken", "")


def test_of_two_requests_under_one_policy_the_thorough_one_stands() -> None:
    brief = planned(make_cell(GOOD, policy="pairs", thorough=False), GOOD)
    thorough = planned(make_cell(GOOD, policy="pairs"), GOOD)
    (case,) = gather(COMPONENTS, (record(brief), record(thorough, matrix="quick")), {})
    assert case.verdict.cell.thorough
