"""Baselines of smoke tests, with an executor that answers from rules about versions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from stackcompat.ecosystem.releases import IndexUnreachable
from stackcompat.evidence.results import TestResult
from stackcompat.pipeline.baselines import greens_of, run_baselines
from stackcompat.pipeline.cells import plan_cell, run_cells
from stackcompat.pipeline.execution import execute
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.try_cell import try_cell
from stackcompat.plan.matrix import Matrix
from stackcompat.run.job import Job
from stackcompat.verdict.verdict import CellVerdict, judge
from support.fakes import Catalogue
from support.made_up import COMPONENTS, failed, not_applicable, passed, starved
from support.swept import lost_module, swept
from support.timed_world import TimedTable

RELEASES = Catalogue(
    {
        "alpha": {"1.0": "2025-01-10", "2.0": "2025-06-10", "3.0": "2025-09-10"},
        "alpha-native": {"1.0": "2025-01-10", "2.0": "2025-06-10", "3.0": "2025-09-10"},
        "beta": {"1.0": "2025-01-20", "1.5": "2025-03-20", "2.0": "2025-06-20"},
        "gamma": {"1.0": "2025-02-10", "2.0": "2025-07-10"},
    }
)

Versions = dict[str, tuple[int, ...]]


def versions_of(job: Job) -> Versions:
    return {name: tuple(map(int, text.split("."))) for name, text in job.lock.versions().items() if name in RELEASED}


RELEASED = ("alpha", "beta", "gamma")


def joint(test: str, ok: bool, *uses: str) -> TestResult:
    return passed(test, *uses) if ok else failed(test, *uses)


def imports(have: Versions) -> Iterable[TestResult]:
    return (passed(f"test_import.py::test_import[{name}]", name, level="import") for name in have)


def old_beta_breaks_with_new_alpha(job: Job, _: int) -> Iterable[TestResult]:
    """Alpha 2 dropped what beta 1 uses."""
    have = versions_of(job)
    yield from imports(have)
    if {"alpha", "beta"} <= have.keys():
        yield joint("test_beta.py::train", have["alpha"] < (2, 0) or have["beta"] >= (2, 0), "alpha", "beta")


def attempt(table: TimedTable, *requirements: str, **more: Any) -> CellVerdict:
    return try_cell(table.cell(*requirements, **more), table.runner, "interop")[0]


def test_a_true_break_counts_after_one_baseline(tmp_path: Path) -> None:
    table = TimedTable(tmp_path, old_beta_breaks_with_new_alpha, RELEASES)
    verdict = attempt(table, "alpha==2.0", "beta==1.0")
    assert (verdict.verdict, verdict.not_judged) == ("broken", {})
    # Of the two, beta 1.0 is older. In its time alpha was as old as here or older, which is enough.
    assert table.baselines() == [("alpha", "beta==1.0")]
    (job,) = (job for job in table.executor.asked if job.requirements == ("alpha", "beta==1.0"))
    assert (job.tests, job.lock.versions()["alpha"]) == (("test_beta.py::train",), "1.0")


def test_what_is_green_already_needs_no_baseline(tmp_path: Path) -> None:
    table = TimedTable(tmp_path, old_beta_breaks_with_new_alpha, RELEASES)
    assert attempt(table, "alpha==1.0", "beta==1.0").verdict == "works"
    assert attempt(table, "alpha==2.0", "beta==1.5").verdict == "broken"
    assert table.baselines() == []


def never_with_beta_1(job: Job, _: int) -> Iterable[TestResult]:
    """A test that is written for what beta 2 offers, and another one."""
    have = versions_of(job)
    yield from imports(have)
    if "beta" in have:
        yield joint("test_beta.py::keys", have["beta"] >= (2, 0), "alpha", "beta")
        yield joint("test_beta.py::other", True, "alpha", "beta")


def test_a_test_that_never_passed_with_a_release_is_not_judged(tmp_path: Path) -> None:
    table = TimedTable(tmp_path, never_with_beta_1, RELEASES)
    verdict = attempt(table, "alpha==1.0", "beta==1.5")
    assert (verdict.verdict, verdict.level) == ("works", "interop")
    assert verdict.not_judged.keys() == {"test_beta.py::keys"}
    assert verdict.sentence.endswith("; not judged: 1 test never passed with beta 1.5")
    # In the time of alpha 1.0 there was no beta, then beta 1.0, then what is red.
    assert table.baselines() == [("alpha", "beta==1.0")]
    before = len(table.executor.asked)
    again = attempt(table, "alpha==1.0", "beta==1.5")
    assert (again.verdict, again.not_judged) == (verdict.verdict, verdict.not_judged)
    assert len(table.executor.asked) == before


def test_a_stage_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    stopped: list[Job] = []

    def rule(job: Job, before: int) -> Iterable[TestResult]:
        if job.requirements == ("alpha", "beta==1.0") and not stopped:
            stopped.append(job)
            raise Stop
        return list(never_with_beta_1(job, before))

    table = TimedTable(tmp_path, rule, RELEASES)
    with pytest.raises(Stop):
        attempt(table, "alpha==1.0", "beta==1.5")
    finished = len(table.executor.finished)
    attempt(table, "alpha==1.0", "beta==1.5")
    questions = [(job.lock.id, job.tests) for job in table.executor.finished]
    assert finished < len(questions) == len(set(questions))


def fits_since_gamma(job: Job, _: int) -> Iterable[TestResult]:
    """A test of beta that needs gamma, and that alpha 3 breaks."""
    have = versions_of(job)
    yield from imports(have)
    if {"beta", "gamma"} <= have.keys():
        yield joint("test_beta.py::gamma", have["alpha"] < (3, 0), "alpha", "beta", "gamma")


def test_partners_that_came_some_days_later_are_there_before_the_next_release(tmp_path: Path) -> None:
    table = TimedTable(tmp_path, fits_since_gamma, RELEASES)
    # On the day of beta 1.0 there was no gamma; the day before beta 1.5 there was.
    verdict = attempt(table, "alpha==3.0", "beta==1.0", "gamma==1.0")
    assert verdict.verdict == "broken"
    assert table.baselines() == [("alpha", "beta==1.0", "gamma")]


def broken_on_its_first_day(job: Job, _: int) -> Iterable[TestResult]:
    have = versions_of(job)
    yield from imports(have)
    if "beta" in have:
        yield joint("test_beta.py::train", have["beta"] != (1, 5), "alpha", "beta")


def test_a_release_that_was_broken_on_its_first_day_counts_by_the_one_before_it(tmp_path: Path) -> None:
    table = TimedTable(tmp_path, broken_on_its_first_day, RELEASES)
    verdict = attempt(table, "alpha==3.0", "beta==1.5")
    assert verdict.verdict == "broken"
    assert table.baselines()[-1] == ("alpha", "beta==1.0")


def test_a_release_in_a_row_of_broken_ones_counts_by_one_further_back(tmp_path: Path) -> None:
    def rule(job: Job, _: int) -> Iterable[TestResult]:
        yield joint("test_beta.py::train", versions_of(job)["beta"] < (1, 2), "alpha", "beta")

    days = {"1.0": "2025-01-20", "1.1": "2025-01-25", "1.2": "2025-02-01", "1.3": "2025-02-03", "1.4": "2025-02-05"}
    table = TimedTable(tmp_path, rule, Catalogue({"alpha": {"1.0": "2025-01-10"}, "beta": days}))
    assert attempt(table, "alpha==1.0", "beta==1.4").verdict == "broken"


def test_what_a_release_before_needed_and_did_not_declare_is_installed_beside_it(tmp_path: Path) -> None:
    def rule(job: Job, _: int) -> Iterable[TestResult]:
        have = versions_of(job)
        if have["beta"] >= (2, 0):
            return [failed("test_beta.py::train", "alpha", "beta")]
        if "gamma" not in have:
            message = "No module named 'gamma.core'"
            return [failed("test_beta.py::train", "alpha", "beta", type="ModuleNotFoundError", message=message)]
        return [passed("test_beta.py::train", "alpha", "beta")]

    table = TimedTable(tmp_path, rule, RELEASES)
    assert attempt(table, "alpha==3.0", "beta==2.0").not_judged  # gamma is not installed there
    verdict = attempt(table, "alpha==3.0", "beta==2.0", "gamma==2.0")
    assert verdict.verdict == "broken"
    assert table.baselines()[-1] == ("alpha", "beta==1.5", "gamma")


def test_a_release_that_breaks_what_is_not_superseded_yet_counts(tmp_path: Path) -> None:
    table = TimedTable(tmp_path, broken_on_its_first_day, RELEASES)
    verdict = attempt(table, "alpha==1.0", "beta==1.5")
    assert verdict.verdict == "broken"


def needs_gamma_2(job: Job, _: int) -> Iterable[TestResult]:
    """A test that applies since gamma 2, and that beta 2.0 does not fit."""
    have = versions_of(job)
    yield from imports(have)
    if have.get("gamma", (0,)) < (2, 0):
        yield not_applicable("test_gamma.py::keys", "alpha", "beta", "gamma")
    else:
        yield joint("test_gamma.py::keys", have["beta"] > (2, 0), "alpha", "beta", "gamma")


def test_no_baseline_is_run_of_a_time_before_the_test_applied(tmp_path: Path) -> None:
    releases = Catalogue(
        {
            "alpha": {"1.0": "2025-01-10", "2.0": "2025-06-10", "3.0": "2025-09-10"},
            "beta": {"1.0": "2025-01-20", "2.0": "2025-03-20", "3.0": "2025-07-20"},
            "gamma": {"1.0": "2025-02-10", "2.0": "2025-08-10"},
        }
    )
    table = TimedTable(tmp_path, needs_gamma_2, releases)
    verdict = attempt(table, "alpha==3.0", "beta==2.0", "gamma==2.0")
    assert verdict.sentence.endswith("not judged: 1 test never passed with gamma 2.0")
    # Beta 2.0 was superseded before gamma 2.0 came. That is seen at the two moments of beta's own time.
    assert table.baselines() == [("alpha", "beta==2.0", "gamma")] * 2


def test_a_development_version_counts_by_the_release_before_it(tmp_path: Path) -> None:
    def rule(job: Job, _: int) -> Iterable[TestResult]:
        yield joint("test_beta.py::train", "dev" not in job.lock.versions()["beta"], "alpha", "beta")

    table = TimedTable(tmp_path, rule, RELEASES)
    cell = table.cell("alpha==3.0", "beta==1.5")
    resolution = lock_cells([cell], table.runner)[cell.id]
    assert resolution.lock is not None
    pins = tuple(
        pin.model_copy(update={"version": "2.1.dev3"}) if pin.name == "beta" else pin for pin in resolution.lock.pins
    )
    lock = resolution.lock.model_copy(update={"pins": pins})
    verdict, _ = try_cell(cell, table.runner, "interop", lock=lock)
    assert verdict.verdict == "broken"


def test_where_the_partners_of_that_time_have_no_wheel_another_python_serves(tmp_path: Path) -> None:
    table = TimedTable(tmp_path, old_beta_breaks_with_new_alpha, RELEASES, {"alpha 1.0": ("3.13",)})
    verdict = attempt(table, "alpha==2.0", "beta==1.0", python="3.13")
    assert verdict.verdict == "broken"
    pythons = [job.lock.python for job in table.executor.asked if job.requirements == ("alpha", "beta==1.0")]
    assert pythons == ["3.12"]


def test_tests_that_need_what_was_not_there_do_not_keep_the_others_from_a_baseline(tmp_path: Path) -> None:
    def rule(job: Job, before: int) -> Iterable[TestResult]:
        yield from old_beta_breaks_with_new_alpha(job, before)
        have = versions_of(job)
        if "gamma" in have:
            yield joint("test_gamma.py::all", have["alpha"] < (2, 0), "alpha", "beta", "gamma")

    releases = Catalogue(
        {
            "alpha": {"1.0": "2025-01-10", "2.0": "2025-06-10"},
            "beta": {"1.0": "2025-01-20", "1.5": "2025-02-20"},
            "gamma": {"1.0": "2025-06-20"},
        }
    )
    table = TimedTable(tmp_path, rule, releases)
    verdict = attempt(table, "alpha==2.0", "beta==1.0", "gamma==1.0")
    assert [test.test for test in verdict.failures] == ["test_beta.py::train"]
    assert verdict.not_judged.keys() == {"test_gamma.py::all"}


def test_an_import_or_a_feature_needs_no_baseline(tmp_path: Path) -> None:
    def rule(job: Job, _: int) -> Iterable[TestResult]:
        yield failed("test_import.py::test_import[beta]", "beta", level="import")
        yield failed("test_beta.py::limit", "alpha", "beta").model_copy(update={"feature": "limit"})

    table = TimedTable(tmp_path, rule, RELEASES)
    verdict = attempt(table, "alpha==1.0", "beta==1.0")
    assert (verdict.verdict, verdict.level) == ("broken", "import")
    assert [test.feature for test in verdict.broken_features] == ["limit"]
    assert table.baselines() == []


def test_what_infrastructure_kept_from_an_outcome_is_tried_again_the_next_time(tmp_path: Path) -> None:
    starving = [True]

    def rule(job: Job, before: int) -> Iterable[TestResult]:
        if job.requirements != ("alpha==2.0", "beta==1.0") and starving:
            return [starved("test_beta.py::train", "alpha", "beta")]
        return list(old_beta_breaks_with_new_alpha(job, before))

    releases = Catalogue({"alpha": {"1.0": "2025-01-10", "2.0": "2025-06-10"}, "beta": {"1.0": "2025-01-20"}})
    table = TimedTable(tmp_path, rule, releases)
    assert attempt(table, "alpha==2.0", "beta==1.0").verdict != "broken"
    starving.clear()
    assert attempt(table, "alpha==2.0", "beta==1.0").verdict == "broken"


def test_without_the_index_nothing_is_judged(tmp_path: Path) -> None:
    class Away(Catalogue):
        def project(self, name: str) -> Any:
            raise IndexUnreachable(f"{name}: the index did not answer")

    table = TimedTable(tmp_path, old_beta_breaks_with_new_alpha, RELEASES)
    cell = table.cell("alpha==2.0", "beta==1.0")
    planned = plan_cell(cell, lock_cells([cell], table.runner)[cell.id], table.runner, "interop")
    run_cells([planned], table.runner, "interop")
    from dataclasses import replace

    greens = run_baselines([planned], replace(table.runner, catalog=Away({})))
    verdict = judge(planned, table.runner.store.of_key(planned.key), COMPONENTS, greens=greens)
    assert verdict.not_judged.keys() == {"test_beta.py::train"}


def test_a_matrix_runs_the_baselines_of_its_red_cells_once_for_all(tmp_path: Path) -> None:
    table = TimedTable(tmp_path, old_beta_breaks_with_new_alpha, RELEASES)
    policies = [
        {"policy": "pins", "requirements": ["alpha==2.0", "beta==1.0"]},
        {"policy": "pins", "requirements": ["alpha==3.0", "beta==1.0"]},
        {"policy": "pins", "requirements": ["alpha==3.0", "beta==2.0"]},
    ]
    fields = {"title": "M", "components": ("alpha", "beta"), "pythons": ("3.12",), "policies": policies}
    record = execute(Matrix.model_validate(fields), table.runner)
    greens = greens_of(table.runner)
    verdicts = [
        judge(cell, table.runner.store.of_key(cell.key), COMPONENTS, greens=greens).verdict for cell in record.cells
    ]
    assert sorted(verdicts) == ["broken", "broken", "works"]
    assert len(table.baselines()) == 1
    assert greens.versions("test_beta.py::train", "beta") == {"1.0", "2.0"}


def test_a_test_that_does_not_apply_in_a_releases_own_time_is_no_pass(tmp_path: Path) -> None:
    def rule(job: Job, _: int) -> Iterable[TestResult]:
        have = versions_of(job)
        if have["beta"] < (2, 0):
            yield not_applicable("test_beta.py::keys", "alpha", "beta")
        else:
            yield failed("test_beta.py::keys", "alpha", "beta")

    table = TimedTable(tmp_path, rule, RELEASES)
    verdict = attempt(table, "alpha==3.0", "beta==2.0")
    assert verdict.not_judged.keys() == {"test_beta.py::keys"}


def modules_of_beta(job: Job, _: int) -> Iterable[TestResult]:
    """`beta.old` does not load with Alpha 2, `beta.new` is broken from Beta 1.5 on, `beta.never` never loads."""
    have = versions_of(job)
    yield from imports(have)
    for module, ok in (
        ("beta.old", have.get("alpha", (1, 0)) < (2, 0)),
        ("beta.new", have.get("beta", (1, 0)) < (1, 5)),
        ("beta.never", False),
    ):
        module_fields: dict[str, Any] = {"distribution": "beta", "message": f"no {module}"}
        if f"test_sweep.py::test_module[{module}]" in job.tests or not ok:
            yield swept(module, distribution="beta") if ok else lost_module(module, **module_fields)


def test_a_module_that_failed_in_its_own_time_too_is_not_counted(tmp_path: Path) -> None:
    table = TimedTable(tmp_path, modules_of_beta, RELEASES)
    verdict = attempt(table, "alpha==2.0", "beta==1.5")
    assert verdict.verdict == "works"
    # It can be that of a release that is broken from its first day on, if the one before it was not.
    assert [limit.feature for limit in verdict.broken_features] == ["beta.old", "beta.new"]
    assert all("beta==1.0" in names or "beta==1.5" in names for names in table.baselines())


def test_of_a_module_only_the_release_before_is_tried(tmp_path: Path) -> None:
    table = TimedTable(tmp_path, modules_of_beta, RELEASES)
    attempt(table, "alpha==3.0", "beta==2.0")
    tried = {name for names in table.baselines() for name in names if name.startswith("beta")}
    assert tried == {"beta==2.0", "beta==1.5"}
