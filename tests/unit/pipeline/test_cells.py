"""Locked cells are run until their evidence can be judged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from stackcompat.ecosystem.components import CompilerCache
from stackcompat.evidence.results import CellResult, CompilerCacheUse, TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.cells import outcome_words, plan_cell, run_cells, run_once, run_until_judged
from stackcompat.pipeline.runner import Runner
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import Resolution
from stackcompat.run.job import Job
from support.fakes import FakeExecutor, make_runner
from support.made_up import COMPONENTS, failed, make_cell, make_lock, passed, planned, run_of

VERSIONS = {"alpha": "1.3", "beta": "2.4"}
GREEN, RED = passed("one", "alpha"), failed("two", "beta")


def green(job: Job, before: int) -> Iterable[TestResult]:
    return (GREEN,)


def red(job: Job, before: int) -> Iterable[TestResult]:
    return (GREEN, RED)


def plan(runner: Runner, label: str = "") -> PlannedCell:
    resolution = Resolution(outcome="locked", lock=make_lock(VERSIONS))
    return plan_cell(make_cell(VERSIONS, label=label), resolution, runner, "interop")


def test_a_cell_without_a_lock_has_no_key_and_is_not_run(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, green, VERSIONS)
    conflict = Resolution(outcome="conflict", conflict=Conflict(kind="bounds", sentence="no"))
    unlocked = plan_cell(make_cell(VERSIONS), conflict, runner, "interop")
    assert not unlocked.key
    run_cells([unlocked], runner, "interop")
    assert not executor.asked
    runner.store.close()


def test_cells_with_one_key_are_run_once_and_not_again(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, green, VERSIONS)
    cells = [plan(runner, "first"), plan(runner, "second")]
    run_cells(cells, runner, "interop")
    run_cells(cells, runner, "interop")
    assert len(executor.asked) == 1
    run_cells(cells, runner, "interop", rerun=True)
    assert len(executor.asked) == 2
    runner.store.close()


def test_what_failed_is_run_once_more_and_every_run_is_kept(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, red, VERSIONS)
    cell = plan(runner)
    runs = run_until_judged(cell, (), runner, "interop")
    assert [job.tests for job in executor.asked] == [(), ("two",)]
    assert [run.attempt for run in runs] == [0, 1]
    assert runner.store.of_key(cell.key) == tuple(runs)
    runner.store.close()


def test_one_run_has_the_tests_that_it_is_given(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, red, VERSIONS)
    evidence = run_once(plan(runner), ("two",), runner, "interop", attempt=4)
    assert executor.asked[0].tests == ("two",)
    assert (evidence.attempt, [test.test for test in evidence.tests]) == (4, ["two"])
    runner.store.close()


class CachingExecutor(FakeExecutor):
    """An executor whose runs say that they used the caches that their jobs have."""

    def run(self, job: Job) -> CellResult:
        """See :class:`stackcompat.run.interface.Executor`."""
        uses = tuple(CompilerCacheUse(distribution=name, found=0) for name in job.compilers if not job.doubted)
        return super().run(job).model_copy(update={"compiler_caches": uses})


def caching(runner: Runner, executor: FakeExecutor) -> Runner:
    """A runner in which alpha has a compiler with a cache."""
    alpha, *others = COMPONENTS.components
    cache = CompilerCache(keyed_by=("alpha",), environment={"ALPHA_CACHE": "{folder}"})
    rows = (alpha.model_copy(update={"compiler_cache": cache}), *others)
    return replace(runner, executor=executor, components=COMPONENTS.model_copy(update={"components": rows}))


def test_a_confirming_run_compiles_anew_and_doubts_the_cache_alone(tmp_path: Path) -> None:
    runner, _, _ = make_runner(tmp_path, red, VERSIONS)
    executor = CachingExecutor(red)
    runner = caching(runner, executor)
    runs = run_until_judged(plan(runner), (), runner, "interop")
    assert [(sorted(job.compilers), job.doubted) for job in executor.asked] == [(["alpha"], ()), (["alpha"], ("two",))]
    assert [len(run.compiler_caches) for run in runs] == [1, 0]
    # Now it is known how the test fails without the cache.
    run_once(plan(runner), ("two",), runner, "interop", attempt=2)
    assert (executor.asked[-1].compilers, executor.asked[-1].doubted) == ({}, ())


@pytest.mark.parametrize(
    ("results", "outcome", "words"),
    [((GREEN,), "ran", "green"), ((GREEN, RED), "ran", "1 red"), ((), "disk-full", "disk-full")],
)
def test_the_words_of_a_line_of_progress(results: tuple[TestResult, ...], outcome: str, words: str) -> None:
    assert outcome_words([run_of(planned(make_cell(VERSIONS), VERSIONS), *results, outcome=outcome)]) == words
