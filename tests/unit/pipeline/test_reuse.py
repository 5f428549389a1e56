"""Results of other cells are reused where they hold, every other test runs, and what ran is kept for others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from stackcompat.evidence.closure import Closure, Surface
from stackcompat.evidence.results import Evidence, Failure, TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.cells import plan_cell, run_cells, run_once
from stackcompat.pipeline.reuse import Known
from stackcompat.pipeline.runner import JobTransform, Reuse, Runner
from stackcompat.resolve.lock import Resolution
from stackcompat.run.job import Exchange, Job
from stackcompat.verdict.outcomes import classify
from support.fakes import FakeExecutor, Rule, make_runner
from support.made_up import blocked, failed, make_cell, make_lock, not_applicable, passed, starved
from support.swept import lost_module, whole_sweep

#: The suite: two files, one that uses alpha and one that uses alpha and beta.
SUITE = {
    "test_alpha.py": "import pytest\n@pytest.mark.uses('alpha')\ndef test_grad(): pass\n",
    "test_beta.py": "import pytest\n@pytest.mark.uses('alpha', 'beta')\ndef test_apply(): pass\n",
}

#: What the tests of the two files load.
ALPHA, BETA = Closure(distributions=("alpha", "numbers")), Closure(distributions=("alpha", "beta", "numbers"))

GRAD = passed("test_alpha.py::test_grad", "alpha").model_copy(update={"closure": 1})
APPLY = passed("test_beta.py::test_apply", "alpha", "beta").model_copy(update={"closure": 2})


def rule(*tests: TestResult) -> Rule:
    def answer(job: Job, before: int) -> Iterable[TestResult]:
        return tests

    return answer


def runner_in(folder: Path, answer: Rule | None = None) -> tuple[Runner, FakeExecutor]:
    """A runner that reuses results, over the suite; by default all tests pass."""
    runner, executor, _ = make_runner(folder, answer or rule(GRAD, APPLY), {})
    for path, text in SUITE.items():
        (runner.suite.folder / path).write_text(text, encoding="utf-8")
    executor.closures = (Closure(), ALPHA, BETA)  # the collection of the tests loads nothing
    return runner.reusing(Reuse()), executor


def plan(runner: Runner, alpha: str = "1.3", beta: str = "2.4", **more: str) -> PlannedCell:
    versions = {"alpha": alpha, "beta": beta, **more}
    resolution = Resolution(outcome="locked", lock=make_lock(versions))
    return plan_cell(make_cell(versions, label=f"alpha {alpha} + beta {beta}"), resolution, runner, "interop")


def run(runner: Runner, alpha: str = "1.3", beta: str = "2.4", **more: str) -> Evidence:
    return run_once(plan(runner, alpha, beta, **more), (), runner, "interop", attempt=0)


def reused(evidence: Evidence) -> set[str]:
    return {one.test for one in evidence.tests if one.reused is not None}


def test_a_result_is_reused_where_all_that_the_test_loaded_is_the_same(tmp_path: Path) -> None:
    runner, executor = runner_in(tmp_path)
    first, second = run(runner), run(runner, beta="2.5")
    assert not reused(first)
    assert reused(second) == {GRAD.test}
    third = run(runner, alpha="1.2")
    assert not reused(third)
    known = run(runner, alpha="1.3")
    assert reused(known) == {GRAD.test, APPLY.test}
    assert [one.test for one in known.tests] == [GRAD.test, APPLY.test]
    assert (known.observed, known.made_environment, known.outcome) == (None, False, "ran")
    assert len(executor.finished) == 3


@pytest.mark.parametrize(
    ("surface", "expected"),
    [
        (Surface(roots=("gamma",)), {GRAD.test, APPLY.test}),
        (Surface(roots=("gamma",), at_start=True), set()),
        (Surface(roots=("gamma", "beta")), {GRAD.test}),  # hides what one of the tests loads
    ],
)
def test_what_a_release_can_reach_is_seen_when_it_is_installed(
    surface: Surface, expected: set[str], tmp_path: Path
) -> None:
    runner, executor = runner_in(tmp_path)
    run(runner)
    executor.surfaces = {"gamma": surface}
    new = run(runner, gamma="1.0.2")
    assert executor.asked[-1].conditions
    assert reused(new) == expected
    assert {one.test for one in new.tests} == {GRAD.test, APPLY.test}
    assert new.made_environment


def test_two_releases_that_can_have_the_same_file_are_installed_together(tmp_path: Path) -> None:
    runner, executor = runner_in(tmp_path)
    executor.surfaces = {"gamma": Surface(roots=("gamma", "tests")), "zeta": Surface(roots=("zeta", "tests"))}
    run(runner), run(runner, alpha="1.2", gamma="1.0.2"), run(runner, alpha="1.2", zeta="0.9.4")
    run(runner, alpha="1.1", gamma="1.0", zeta="0.9.4")
    both = run(runner, gamma="1.0.2", zeta="0.9.4")
    assert reused(both) == {GRAD.test, APPLY.test}
    assert both.made_environment


def test_only_the_other_tests_run_and_the_record_names_the_source(tmp_path: Path) -> None:
    runner, executor = runner_in(tmp_path)
    source, _ = run(runner), run(runner, alpha="1.2", beta="2.5")
    mixed = run(runner, beta="2.5")
    assert executor.asked[-1].skip == (GRAD.test,)
    assert reused(mixed) == {GRAD.test}
    (grad,) = [one for one in mixed.tests if one.test == GRAD.test]
    assert grad.reused is not None
    assert grad.reused.model_dump() == {
        "evidence": source.id,
        "cell": plan(runner).cell.id,
        "label": "alpha 1.3 + beta 2.4",
        "lock_id": source.lock_id,
        "seen": source.started,
        "runs": 1,
    }
    assert mixed.seen == source.started
    assert runner.store.of_key(mixed.key) == (mixed,)


def test_a_reused_result_is_never_the_source_of_another(tmp_path: Path) -> None:
    runner, _ = runner_in(tmp_path)
    source, _ = run(runner), run(runner, alpha="1.2", beta="2.5")
    mixed, again = run(runner, beta="2.5"), run(runner, beta="2.5", gamma="")
    for evidence in (mixed, again):
        for one in evidence.tests:
            if one.test == GRAD.test and one.reused is not None:
                assert one.reused.evidence == source.id


def test_without_reuse_every_test_runs(tmp_path: Path) -> None:
    runner, executor = runner_in(tmp_path)
    run(runner)
    cell = plan(runner)
    assert reused(run_once(cell, (), runner, "interop", attempt=0))
    assert not reused(run_once(cell, (), runner.reusing(None), "interop", attempt=0))
    assert not reused(run_once(cell, (), runner, "interop", attempt=1))
    run_cells([cell], runner, "interop", rerun=True)
    assert not any(reused(one) for one in runner.store.of_key(cell.key)[2:])
    assert all(not job.skip for job in executor.asked)


def test_a_change_of_what_surrounds_the_test_makes_its_result_unknown(tmp_path: Path) -> None:
    runner, _ = runner_in(tmp_path)
    run(runner), run(runner, alpha="1.2", beta="2.5")
    (runner.suite.folder / "test_alpha.py").write_text(SUITE["test_alpha.py"] + "# changed\n", encoding="utf-8")
    changed = runner.testing(type(runner.suite)(runner.suite.folder, runner.suite.plugin))
    assert reused(run(changed)) == {APPLY.test}
    other_plugin = runner.testing(type(runner.suite)(runner.suite.folder, b"another plugin"))
    assert not reused(run(other_plugin))


def test_distributions_that_must_not_count_run_for_real(tmp_path: Path) -> None:
    runner, _ = runner_in(tmp_path)
    run(runner)
    assert reused(run(runner.reusing(Reuse(without=frozenset(("beta",)))))) == {GRAD.test}
    assert not reused(run(runner.reusing(Reuse(without=frozenset(("alpha",))))))


def test_old_results_are_not_reused_where_only_young_ones_count(tmp_path: Path) -> None:
    runner, _ = runner_in(tmp_path)
    source = run(runner)
    later = Reuse(since=source.started + dt.timedelta(seconds=1))
    assert not reused(run(runner.reusing(later)))
    assert reused(run(runner.reusing(Reuse(since=source.started))))


@pytest.mark.parametrize(
    "result",
    [
        blocked(APPLY.test, "alpha", "beta"),
        starved(APPLY.test, "alpha", "beta"),
        failed(APPLY.test, "alpha", "beta", outcome="crashed"),
        failed(APPLY.test, "alpha", "beta"),
        failed(APPLY.test, "beta", type="ConnectionError", message="Network is unreachable"),
        APPLY.model_copy(update={"artifact": "weights"}),
        APPLY.model_copy(update={"level": "upstream"}),
    ],
)
def test_what_is_not_decisive_is_not_reused(result: TestResult, tmp_path: Path) -> None:
    runner, _ = runner_in(tmp_path, rule(GRAD, result.model_copy(update={"closure": 2})))
    run(runner)
    assert reused(run(runner)) == {GRAD.test}


def test_a_test_whose_closure_is_not_known_is_not_reused(tmp_path: Path) -> None:
    runner, _ = runner_in(tmp_path, rule(GRAD, APPLY.model_copy(update={"closure": None})))
    run(runner)
    assert reused(run(runner)) == {GRAD.test}


def test_a_failure_is_reused_after_two_environments_and_then_needs_no_third(tmp_path: Path) -> None:
    red = failed(APPLY.test, "alpha", "beta").model_copy(update={"closure": 2})
    runner, executor = runner_in(tmp_path, rule(GRAD, red))
    cell, other = plan(runner), plan(runner, gamma="1.0.2")
    run_cells([cell], runner, "interop")
    assert [run.attempt for run in runner.store.of_key(cell.key)] == [0, 1]
    run(runner.reusing(None), alpha="1.2", gamma="1.0.2")  # so that gamma is known
    before = len(executor.asked)
    run_cells([other], runner, "interop")
    assert len(executor.asked) == before
    (evidence,) = runner.store.of_key(other.key)
    states = {status.result.test: status.state for status in classify([evidence])}
    assert states == {GRAD.test: "passed", APPLY.test: "confirmed"}
    (failure,) = evidence.failures()
    assert failure.reused is not None
    assert failure.reused.runs == 2


@pytest.mark.parametrize("steps", [("failed", "passed"), ("passed", "failed"), ("failed", "other")])
def test_contradictory_runs_are_not_reused(steps: tuple[str, ...], tmp_path: Path) -> None:
    results = {
        "passed": APPLY,
        "failed": failed(APPLY.test, "alpha", "beta", message="one"),
        "other": failed(APPLY.test, "alpha", "beta", type="TypeError", message="other"),
    }
    order = [results[step].model_copy(update={"closure": 2}) for step in steps]
    runner, executor = runner_in(tmp_path, lambda _, __: (GRAD, order[min(len(executor.asked), len(order)) - 1]))
    cell = plan(runner)
    for attempt in range(len(steps)):
        run_once(cell, (), runner.reusing(None), "interop", attempt=attempt)
    assert reused(run(runner)) == {GRAD.test}


def test_a_test_that_does_not_apply_is_reused_with_what_its_marks_name(tmp_path: Path) -> None:
    skipped = not_applicable(APPLY.test, "alpha", "beta-extras").model_copy(update={"closure": 1})
    runner, _ = runner_in(tmp_path, rule(GRAD, skipped))
    run(runner), run(runner, beta="2.5")
    assert reused(run(runner, beta="2.5")) == {GRAD.test, APPLY.test}
    run(runner, zeta="0.9.4")
    assert reused(run(runner, zeta="0.9.4")) == {GRAD.test, APPLY.test}


def test_a_test_that_does_not_apply_by_its_marks_loads_nothing(tmp_path: Path) -> None:
    without = not_applicable(APPLY.test, "gamma")
    runner, _ = runner_in(tmp_path, lambda job, _: (GRAD, APPLY if "gamma" in job.lock.versions() else without))
    run(runner), run(runner, alpha="1.2", gamma="1.0.2")
    run(runner.reusing(None), alpha="1.2", beta="2.5", zeta="0.9.4")
    known = run(runner, beta="2.5", zeta="0.9.4")
    assert reused(known) == {GRAD.test, APPLY.test}
    assert [one.outcome for one in known.tests] == ["passed", "not-applicable"]
    assert reused(run(runner, gamma="1.0.2")) == {GRAD.test}  # gamma is there, so that the marks are met


def test_a_test_that_a_limit_keeps_from_running_depends_on_that_import(tmp_path: Path) -> None:
    failure = Failure(type="ModuleNotFoundError", message="No module named 'more'", undeclared="more")
    limit = "beta.extra needs more, which beta 2.4 does not declare: install more"
    broken = TestResult(
        test="test_beta.py::test_import[beta.extra]",
        level="import",
        components=("beta",),
        outcome="failed",
        reason=limit,
        failure=failure,
        feature="beta.extra",
        closure=2,
    )
    kept = not_applicable("test_beta.py::test_extra", "alpha").model_copy(update={"reason": limit})
    runner, executor = runner_in(tmp_path, rule(broken, GRAD, kept))
    run(runner), run(runner.reusing(None)), run(runner, beta="2.5")
    assert reused(run(runner)) == {broken.test, GRAD.test, kept.test}
    run(runner, zeta="0.9.4")
    assert executor.asked[-1].unimportable == {broken.test: limit}
    run(runner, beta="2.5", zeta="0.9.4")  # where the limit was seen only once
    assert executor.asked[-1].skip == (GRAD.test,)


def test_tests_that_exchange_artifacts_always_run(tmp_path: Path) -> None:
    runner, _ = runner_in(tmp_path)
    run(runner)

    class Writing(JobTransform):
        def job(self, job: Job, planned: PlannedCell, runner: Runner) -> Job:
            return job.model_copy(update={"exchange": Exchange(mode="write", store=tmp_path / "artifacts")})

    assert not reused(run_once(plan(runner), (), runner.using(Writing()), "interop", attempt=0))


def test_a_known_import_that_fails_still_blocks(tmp_path: Path) -> None:
    test = "test_alpha.py::test_import[beta]"
    red = failed(test, "beta", level="import").model_copy(update={"closure": 2})
    runner, executor = runner_in(tmp_path, rule(red, GRAD, APPLY))
    cell = plan(runner)
    for attempt in range(2):
        run_once(cell, (), runner.reusing(None), "interop", attempt=attempt)
    executor._rule = rule(red, GRAD, APPLY, passed("test_alpha.py::test_new", "alpha"))
    run(runner.reusing(None))
    run(runner)
    assert executor.asked[-1].unimportable == {test: ""}
    assert set(executor.asked[-1].skip) == {test, GRAD.test, APPLY.test}


def test_another_machine_runs_its_tests_itself(tmp_path: Path) -> None:
    runner, _ = runner_in(tmp_path)
    run(runner)
    accelerated = runner.hardware.model_copy(update={"label": "one accelerator"})
    assert not reused(run(replace(runner, hardware=accelerated)))


def test_a_cell_with_other_modules_to_import_collects_its_tests_itself(tmp_path: Path) -> None:
    runner, executor = runner_in(tmp_path)
    run(runner), run(runner, alpha="1.2", gamma="1.0.2")
    known = run(runner, gamma="1.0.2")
    assert reused(known) == {GRAD.test, APPLY.test}
    assert not known.made_environment
    run(runner, alpha="1.2", zeta="0.9.4")
    asked = len(executor.asked)
    assert run(runner, gamma="1.0.2", zeta="0.9.4").made_environment
    assert len(executor.asked) == asked + 1
    assert executor.asked[-1].skip == (GRAD.test, APPLY.test)


LOST = lost_module("alpha.b", closure=1)
WHOLE = whole_sweep("alpha.a", lost=(LOST,), closure=1)


def test_a_sweep_is_reused_only_with_what_it_lost(tmp_path: Path) -> None:
    runner, executor = runner_in(tmp_path, rule(GRAD, APPLY, WHOLE, LOST))
    (runner.suite.folder / "test_sweep.py").write_text("def test_module(): pass\n", encoding="utf-8")
    assert not reused(run(runner))
    # The module was lost once only, so the whole sweep runs again.
    assert reused(run(runner, beta="2.5")) == {GRAD.test}
    third = run(runner, beta="2.6")
    assert reused(third) == {GRAD.test, WHOLE.test, LOST.test}
    known = run(runner, beta="2.5", gamma="1.0")
    assert reused(known) == {GRAD.test, APPLY.test, WHOLE.test, LOST.test}
    assert [one.test for one in known.tests] == [GRAD.test, APPLY.test, WHOLE.test, LOST.test]
    assert WHOLE.test in executor.asked[-1].skip


def test_a_module_that_a_sweep_lost_blocks_nothing_elsewhere(tmp_path: Path) -> None:
    known = Known({one.test: one for one in (WHOLE, LOST)}, (WHOLE.test,), sure=True)
    job = runner_in(tmp_path)[0].job(plan(runner_in(tmp_path)[0]), "interop")
    assert known.skipping(job).unimportable == {}
    assert known.is_whole
    assert list(known.of(known.tests)) == [WHOLE, LOST]
