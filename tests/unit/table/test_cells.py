from __future__ import annotations

import datetime as dt
import shlex

from stackcompat.evidence.greens import GreenRelease
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.plan.places import Places
from stackcompat.resolve.lock import Lock, Resolution
from stackcompat.table.build import summarise
from stackcompat.table.cells import cell_row, lock_text
from stackcompat.table.judged import judge_cells
from stackcompat.verdict.greens import Greens
from support.made_up import (
    COMPONENTS,
    NOW,
    PLATFORM,
    History,
    failed,
    make_cell,
    make_lock,
    passed,
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
    row = cell_row(case, ("f1",), components=COMPONENTS)
    assert row.lock == f"locks/{row.id}.txt"
    assert row.reproduce == f"stackcompat try --lock reports/locks/{row.id}.txt --python 3.12"
    assert row.plain[1].endswith(f" -r reports/locks/{row.id}.txt")
    assert row.plain[-1] == ".red/bin/python -c 'import beta.nets'"
    elsewhere = cell_row(case, (), components=COMPONENTS, places=Places(published="https://a.example/"))
    assert f"--lock https://a.example/locks/{row.id}.txt " in elsewhere.reproduce
    text = lock_text(case)
    assert text.startswith(f"# cell {row.id}: broken on Python 3.12, {PLATFORM}\n")
    assert Lock.parse(text, "3.12", PLATFORM) == make_lock(BAD)
    assert row.seconds == 43.0
    assert row.failures == ("f1",)
    assert row.components["beta"].verdict == "broken"


def test_the_command_of_an_unresolvable_cell_has_its_requirements() -> None:
    until = dt.datetime(2026, 9, 20, 23, 59, 59, tzinfo=dt.UTC)
    cell = make_cell({"alpha": "", "beta": "2.0.0"}, "3.11", exclude_newer=until, overrides=("numbers<3",))
    (case,) = judge_cells(COMPONENTS, (record(unresolved(cell, "no")),), {})
    row = cell_row(case, (), components=COMPONENTS)
    assert row.lock == ""
    assert shlex.split(row.reproduce) == [
        *("stackcompat", "try", "alpha", "beta==2.0.0", "--python", "3.11"),
        *("--exclude-newer", "2026-09-20T23:59:59Z", "--override", "numbers<3"),
    ]
    assert row.pins == {"beta": "2.0.0"}


def test_the_command_says_what_only_accompanies() -> None:
    """Else the command would say that the cell works less deep than the table does."""
    cell = make_cell({"alpha": "", "beta": "2.0.0"}, accompanying=("beta",))
    (case,) = judge_cells(COMPONENTS, (record(unresolved(cell, "no")),), {})
    words = shlex.split(cell_row(case, (), components=COMPONENTS).reproduce)
    assert words == ["stackcompat", "try", "alpha", "--also", "beta==2.0.0", "--python", "3.12"]


def test_a_lock_with_a_file_of_this_machine_is_not_published() -> None:
    lock = make_lock(BAD)
    lock = lock.model_copy(
        update={"pins": (lock.pins[0].model_copy(update={"source": "file:///here"}), *lock.pins[1:])}
    )
    cell = PlannedCell(cell=make_cell(BAD), resolution=Resolution(outcome="locked", lock=lock), key="k")
    red = failed("t", "alpha")
    (case,) = judge_cells(COMPONENTS, (record(cell),), {"k": (run_of(cell, red), run_of(cell, red, attempt=1))})
    row = cell_row(case, (), components=COMPONENTS)
    assert (row.verdict, row.lock, row.plain) == ("broken", "", ())


def test_a_failure_of_a_test_that_never_passed_with_a_release_is_no_failure_of_the_cell() -> None:
    made = History()
    made.add(make_cell(BAD), BAD, tests=(failed("t.py::keys", "alpha", "beta"), passed("t.py::sum", "alpha")))
    seen = Greens([GreenRelease("t.py::keys", "alpha", "1.0.0"), GreenRelease("t.py::sum", "alpha", "1.3.0")])
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW, past=(made.record(),), greens=seen)
    (row,) = summary.cells
    # Nothing of beta was tried otherwise.
    assert (row.verdict, row.level, summary.failures) == ("works", "install", ())
    assert row.not_judged == {"t.py::keys": "our test never passed with beta 2.0.0"}
    assert [entry.verdict for entry in row.history] == ["works"]
    (pair,) = (pair for pair in summary.pairs if {pair.first, pair.second} == {"alpha", "beta"})
    assert pair.verdict == "untested"
    (counted,) = summarise(COMPONENTS, (made.record(),), made.evidence, NOW).cells
    assert counted.verdict == "broken"
