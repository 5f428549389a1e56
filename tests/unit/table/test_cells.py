from __future__ import annotations

import datetime as dt
import shlex

from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.resolve.lock import Lock, Resolution
from stackcompat.table.cells import cell_row, lock_text
from stackcompat.table.judged import judge_cells
from support.made_up import (
    COMPONENTS,
    NOW,
    PLATFORM,
    History,
    failed,
    make_cell,
    make_lock,
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


def test_a_red_cell_publishes_a_lock_that_its_command_takes() -> None:
    made = History()
    made.add(make_cell(BAD), BAD)
    (case,) = judge_cells(COMPONENTS, (made.record(),), made.evidence)
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
    (case,) = judge_cells(COMPONENTS, (record(unresolved(cell, "no")),), {})
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
    (case,) = judge_cells(COMPONENTS, (record(cell),), {"k": (run_of(cell, red), run_of(cell, red, attempt=1))})
    row = cell_row(case, ())
    assert (row.verdict, row.lock) == ("broken", "")
