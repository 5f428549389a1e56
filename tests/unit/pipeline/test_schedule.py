"""Which run comes next, and which cells confirm each other's limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stackcompat.evidence.results import CompilerCacheUse, Evidence, TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.evidence.store import Store
from stackcompat.pipeline.cells import plan_cell, run_cells
from stackcompat.pipeline.runner import Runner
from stackcompat.pipeline.schedule import Schedule
from stackcompat.resolve.lock import Resolution
from stackcompat.run.job import Job
from stackcompat.verdict.outcomes import classify
from support.fakes import make_runner
from support.made_up import failed, limited, make_cell, make_lock, passed, run_of

NEWEST = {"alpha": "1.3", "beta": "2.4", "delta": "5.3", "gamma": "1.0"}
GREEN, LIMIT, RED = passed("one", "alpha"), limited("save", "beta", "delta-checkpoint"), failed("two", "beta")


def plan(runner: Runner, python: str = "3.12", **versions: str) -> PlannedCell:
    pins = NEWEST | versions
    resolution = Resolution(outcome="locked", lock=make_lock(pins, python))
    return plan_cell(make_cell(pins, python), resolution, runner, "interop")


def limit_everywhere(job: Job, before: int) -> Iterable[TestResult]:
    return (GREEN, LIMIT)


def states(runner: Runner, cell: PlannedCell) -> dict[str, str]:
    return {status.result.test: status.state for status in classify(runner.store.of_key(cell.key))}


@pytest.mark.parametrize("workers", [1, 2])
def test_cells_of_one_execution_confirm_each_others_limit_without_an_environment(tmp_path: Path, workers: int) -> None:
    runner, executor, _ = make_runner(tmp_path, limit_everywhere, NEWEST, workers=workers)
    cells = [plan(runner), plan(runner, "3.13"), plan(runner, gamma="0.9"), plan(runner, alpha="1.2")]
    run_cells(cells, runner, "interop")
    assert [job.tests for job in executor.asked] == [()] * 4
    assert all(states(runner, cell) == {"one": "passed", "save": "feature-broken"} for cell in cells)
    # And none is run when the matrix is executed again.
    run_cells(cells, runner, "interop")
    assert len(executor.asked) == 4


def test_a_limit_with_other_versions_on_the_traceback_gets_an_environment(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, limit_everywhere, NEWEST)
    cells = [plan(runner), plan(runner, delta="5.2"), plan(runner, gamma="0.9")]
    run_cells(cells, runner, "interop")
    again = [job.lock.versions()["delta-checkpoint"] for job in executor.asked if job.tests]
    assert again == ["5.2"]
    assert all(states(runner, cell)["save"] == "feature-broken" for cell in cells)


def test_earlier_evidence_confirms_a_limit_of_a_new_cell(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, limit_everywhere, NEWEST)
    run_cells([plan(runner)], runner, "interop")
    assert [job.tests for job in executor.asked] == [(), ("save",)]
    run_cells([plan(runner, gamma="0.9")], runner, "interop")
    assert [job.tests for job in executor.asked] == [(), ("save",), ()]


def test_cells_that_are_run_again_confirm_only_each_other(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, limit_everywhere, NEWEST)
    run_cells([plan(runner)], runner, "interop")
    run_cells([plan(runner, gamma="0.9")], runner, "interop", rerun=True)
    assert [job.tests for job in executor.asked] == [(), ("save",), (), ("save",)]


def test_a_break_is_confirmed_in_an_environment_of_its_own_lock(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, lambda *_: (GREEN, LIMIT, RED), NEWEST)
    run_cells([plan(runner), plan(runner, gamma="0.9")], runner, "interop")
    # The limit is known by then, so only the break is tried again.
    assert [job.tests for job in executor.asked] == [(), (), ("two",), ("two",)]


def test_a_stopped_execution_goes_on_without_an_environment_for_a_known_limit(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, limit_everywhere, NEWEST)
    cells = [plan(runner), plan(runner, gamma="0.9")]
    schedule = Schedule(cells, {}, "interop", runner.store)
    for _ in cells:  # both first runs end, and then the process is killed
        due = schedule.take()
        assert due is not None
        result = runner.executor.run(runner.job(due.planned, "interop"))
        runner.store.add(evidence_of(due.planned, result.tests))
    run_cells(cells, runner, "interop")
    assert len(executor.asked) == 2
    assert all(states(runner, cell)["save"] == "feature-broken" for cell in cells)


def evidence_of(cell: PlannedCell, tests: tuple[TestResult, ...], attempt: int = 0) -> Evidence:
    return run_of(cell, *tests, attempt=attempt)


def test_a_limit_waits_for_the_first_runs_of_all_cells(tmp_path: Path) -> None:
    runner, _, _ = make_runner(tmp_path, limit_everywhere, NEWEST, workers=2)
    cells = [plan(runner), plan(runner, delta="5.2")]
    schedule = Schedule(cells, {}, "interop", runner.store)
    first, second = schedule.take(), schedule.take()
    assert first is not None
    assert second is not None
    assert len(schedule.ended(evidence_of(first.planned, (GREEN, LIMIT)))) == 1
    # The other first run could confirm it.
    assert schedule.take() is None
    assert len(schedule.ended(evidence_of(second.planned, (GREEN, LIMIT)))) == 1
    # Neither did. Both runs that are left can begin at once.
    third, fourth = schedule.take(), schedule.take()
    assert third is not None
    assert fourth is not None
    assert {third.tests, fourth.tests} == {("save",)}
    # Their cells had their line of progress.
    assert not schedule.ended(evidence_of(third.planned, (LIMIT,), attempt=1))
    assert schedule.take() is None


def test_a_limit_waits_for_a_run_that_can_confirm_it(tmp_path: Path) -> None:
    runner, _, _ = make_runner(tmp_path, limit_everywhere, NEWEST, workers=2)
    cells = [plan(runner), plan(runner, gamma="0.9"), plan(runner, gamma="0.8"), plan(runner, delta="5.2")]
    with_cache = {"compiler_caches": (CompilerCacheUse(distribution="alpha", found=1, added=0),)}
    schedule = Schedule(cells, {}, "interop", runner.store)
    for due in [schedule.take() for _ in cells]:
        assert due is not None
        schedule.ended(evidence_of(due.planned, (GREEN, LIMIT)).model_copy(update=with_cache))
    first, other = schedule.take(), schedule.take()
    assert first is not None
    assert other is not None
    # The runs with the compiler's cache did not confirm each other. The run without it will.
    assert first.planned == cells[0]
    assert other.planned == cells[3]
    assert schedule.take() is None
    schedule.ended(evidence_of(other.planned, (LIMIT,), attempt=1))
    assert schedule.take() is None
    schedule.ended(evidence_of(first.planned, (LIMIT,), attempt=1))
    assert schedule.take() is None
    for cell in cells[1:3]:
        (kept,) = runner.store.of_key(cell.key)
        assert [bool(result.confirmed_by) for result in kept.tests] == [True]


def test_a_limit_that_did_not_fail_again_confirms_nothing(tmp_path: Path) -> None:
    runner, _, _ = make_runner(tmp_path, limit_everywhere, NEWEST, workers=2)
    cells = [plan(runner), plan(runner, gamma="0.9")]
    with_cache = {"compiler_caches": (CompilerCacheUse(distribution="alpha", found=1, added=0),)}
    schedule = Schedule(cells, {}, "interop", runner.store)
    for due in [schedule.take() for _ in cells]:
        assert due is not None
        schedule.ended(evidence_of(due.planned, (GREEN, LIMIT)).model_copy(update=with_cache))
    first = schedule.take()
    assert first is not None
    assert schedule.take() is None
    schedule.ended(evidence_of(first.planned, (passed("save", "beta"),), attempt=1))
    begun = schedule.take()
    assert begun is not None
    assert begun.tests == ("save",)


def test_a_break_is_confirmed_when_no_first_run_is_left_to_begin(tmp_path: Path) -> None:
    runner, _, _ = make_runner(tmp_path, limit_everywhere, NEWEST)
    cells = [plan(runner), plan(runner, gamma="0.9"), plan(runner, gamma="0.8")]
    schedule = Schedule(cells, {}, "interop", runner.store)
    first = schedule.take()
    assert first is not None
    assert not schedule.ended(evidence_of(first.planned, (RED,)))
    begun = [run for run in (schedule.take(), schedule.take(), schedule.take()) if run is not None]
    assert [run.tests for run in begun] == [(), (), ("two",)]
    assert begun[-1].planned == first.planned
    assert begun[-1].attempt == 1
    assert len(schedule.ended(evidence_of(first.planned, (RED,), attempt=1))) == 2


@dataclass
class Noted:
    """Notes what is reported."""

    totals: list[int | None] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    def stage(self, title: str, total: int | None) -> None:
        self.totals.append(total)

    def step(self, text: str) -> None:
        self.steps.append(text)


def test_each_cell_has_one_line_of_progress(tmp_path: Path) -> None:
    runner, _, _ = make_runner(tmp_path, lambda *_: (GREEN, LIMIT, RED), NEWEST, workers=2)
    noted = Noted()
    run_cells([plan(runner), plan(runner, delta="5.2"), plan(runner, gamma="0.9")], runner.reporting(noted), "interop")
    assert noted.totals == [3]
    assert len(noted.steps) == 3


def test_the_longest_cells_begin_first(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, lambda *_: (GREEN,), NEWEST)
    short, long = {"alpha": "1.3"}, {"alpha": "1.3", "beta": "2.4"}

    def cell(pins: dict[str, str]) -> PlannedCell:
        resolution = Resolution(outcome="locked", lock=make_lock(pins))
        return plan_cell(make_cell(pins), resolution, runner, "interop")

    for pins, seconds in ((short, 9.0), (long, 40.0)):
        run = evidence_of(cell(pins), (GREEN,)).model_copy(update={"seconds": seconds})
        runner.store.add(run.model_copy(update={"key": f"earlier {seconds}"}))
    newer = [cell(short | {"alpha": "1.4"}), cell(long | {"alpha": "1.4"})]
    run_cells(newer, runner, "interop")
    assert [sorted(name for name in job.lock.versions() if name == "beta") for job in executor.asked] == [["beta"], []]


def test_the_store_has_the_newest_runs_with_a_limit(tmp_path: Path) -> None:
    store = Store(tmp_path / "evidence.sqlite")
    runner, _, _ = make_runner(tmp_path, limit_everywhere, NEWEST)
    cell = plan(runner)
    runs = [evidence_of(cell, (GREEN, LIMIT), attempt) for attempt in range(3)]
    for run in (*runs, evidence_of(cell, (passed("save", "beta"),), 3)):
        store.add(run)
    assert store.with_limit("save", 2) == (runs[2], runs[1])
    assert store.with_limit("one", 2) == ()
    other = Store(tmp_path / "other.sqlite")
    other.merge([store])
    assert other.with_limit("save", 9) == tuple(reversed(runs))
    store.close()
    other.close()
