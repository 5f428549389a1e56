"""Searches through the stages of a run: resolver and executor answer from tables, all between them is real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stackcompat.blame.driver import Inquiry, diagnose_cell, diagnose_cells
from stackcompat.core.errors import UsageError
from stackcompat.pipeline.execution import execute
from stackcompat.plan.matrix import Matrix
from stackcompat.run.job import Job
from support.made_up import failed, passed
from support.table_world import BOX, RED, Setting, Steps, dropped, names


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    made = Setting(tmp_path, dropped)
    yield made
    made.runner.store.close()


def test_several_searches_at_once_find_what_each_alone_does(setting: Setting) -> None:
    verdicts = [setting.verdict(*requirements) for requirements in (RED, ("alpha==1.5", "beta==1.2", "gamma==1.0"))]
    told = Steps()
    setting.executor.workers = 2
    inquiries = [Inquiry(verdict) for verdict in verdicts]
    found = {
        one.verdict.cell.id: said.culprits
        for one, said in diagnose_cells(inquiries, setting.runner.reporting(told), budget=40)
    }
    alone = [diagnose_cell(inquiry, setting.runner, budget=40) for inquiry in inquiries]
    assert found == {one.cell.id: said.culprits for one, said in zip(verdicts, alone, strict=True)}
    assert all(found.values())
    assert told.stages == [("which release breaks it", None)]
    assert {text.partition(": ")[0] for text in told.steps} == {verdict.cell.id for verdict in verdicts}


def test_no_search_is_begun_after_its_time(setting: Setting) -> None:
    verdict = setting.verdict(*RED)
    assert not list(diagnose_cells([Inquiry(verdict)], setting.runner, seconds=0))


def test_a_pair_and_who_moved(setting: Setting) -> None:
    found = setting.blame(*RED)
    assert names(found) == {"alpha": "1.4", "beta": "1.1"}
    members = {culprit.name: culprit for culprit in found.culprits}
    assert (members["alpha"].last_good, members["alpha"].first_bad) == ("1.2", "1.3")
    assert (members["beta"].never_passed, members["beta"].fixed_in) == (True, "1.3")
    assert found.moved is not None
    assert (found.moved.kind, found.moved.side, found.moved.release) == ("removed", "alpha", "1.3")
    assert found.failing.test == "test_both"


def test_a_probe_runs_the_failing_test_alone_and_red_ones_twice(setting: Setting) -> None:
    setting.blame(*RED)
    assert {job.tests for job in setting.executor.asked} == {("test_both",), ()}
    single = [job for job in setting.executor.asked if job.tests]
    runs: dict[str, int] = {}
    for job in single:
        runs[job.lock.id] = runs.get(job.lock.id, 0) + 1
    for job in single:
        red = any(test.outcome == "failed" for test in dropped(job, 0))
        assert runs[job.lock.id] == (2 if red else 1)


def test_what_is_called_good_was_tried_with_every_test(setting: Setting) -> None:
    alpha = next(culprit for culprit in setting.blame(*RED).culprits if culprit.name == "alpha")
    assert (alpha.last_good, alpha.last_passing, alpha.reservation) == ("1.2", "1.2", "")


def test_where_other_tests_fail_it_is_not_called_good(tmp_path: Path) -> None:
    def narrow(job: Job, before: int) -> Any:
        versions = job.lock.versions()
        old = failed("test_alpha", "alpha", message="too old") if versions["alpha"] < "1.3" else passed("test_alpha")
        return (old, *[test for test in dropped(job, before) if test.test == "test_both"])

    made = Setting(tmp_path, narrow)
    found = made.blame(*RED)
    made.runner.store.close()
    alpha = next(culprit for culprit in found.culprits if culprit.name == "alpha")
    assert (alpha.last_good, alpha.last_passing, alpha.reservation) == (None, "1.2", "other tests fail there")
    assert found.way_out == {"beta": "1.3"}


def test_probes_are_evidence_that_is_used_again(setting: Setting) -> None:
    first = setting.blame(*RED)
    again = setting.blame(*RED)
    assert setting.executor.asked == []
    assert again.model_copy(update={"made": first.made}) == first
    assert first.evidence


def test_what_metadata_forbids_is_forced_and_said(setting: Setting) -> None:
    """To move beta alone past its bug, its bound on gamma has to be overridden."""

    def stuck(job: Job, before: int) -> Any:
        red = job.lock.versions()["beta"] < "1.4" and job.lock.versions()["gamma"] == "1.0"
        return (failed("test_both", "beta", "gamma", **BOX) if red else passed("test_both", "beta", "gamma"),)

    setting.executor._rule = stuck
    found = setting.blame("alpha==1.0", "beta==1.3", "gamma==1.0")
    assert names(found) == {"beta": "1.3", "gamma": "1.0"}
    assert found.forced > 0


def test_infrastructure_leaves_a_doubt_and_accuses_nobody(tmp_path: Path) -> None:
    def full(job: Job, before: int) -> Any:
        versions = job.lock.versions()
        return dropped(job, before) if versions["alpha"] == "1.4" and versions["beta"] == "1.1" else "disk-full"

    made = Setting(tmp_path, full)
    found = made.blame(*RED)
    made.runner.store.close()
    assert names(found) == {}
    assert "disk-full" in found.doubt


def test_another_failure_of_the_cell_is_a_finding(setting: Setting) -> None:
    def two(job: Job, before: int) -> Any:
        tests = dropped(job, before)
        return (*tests, failed("test_other", "gamma", message="something else"))

    setting.executor._rule = two
    found = setting.blame(*RED, about="has no attribute 'Box'")
    assert names(found) == {"alpha": "1.4", "beta": "1.1"}
    assert [finding.signature for finding in found.findings] == ["AssertionError: something else [test]"]


REDS = {
    "import": failed("test_import", "beta", level="import", message="no module"),
    "run": failed("test_run", "alpha", level="run", message="one test alone"),
    "wide": failed("test_wide", "alpha", "beta", "gamma", message="the same"),
    "narrow": failed("test_narrow", "beta", "gamma", message="the same"),
}


@pytest.mark.parametrize(
    ("failing", "about", "followed"),
    [
        (("run", "import", "wide", "narrow"), "", "test_import"),
        (("run", "wide", "narrow"), "", "test_narrow"),
        (("run", "wide"), "", "test_run"),
        (("run", "wide", "narrow"), "one test", "test_run"),
        (("run", "wide", "narrow"), "wide", "test_wide"),
    ],
    ids=["what cannot be loaded", "what most tests show", "the shallowest", "as the message says", "as the name says"],
)
def test_which_failure_is_followed(setting: Setting, failing: tuple[str, ...], about: str, followed: str) -> None:
    def rule(job: Job, before: int) -> Any:
        red = job.lock.versions()["beta"] == "1.1"
        return tuple(REDS[name] if red else passed(REDS[name].test, level=REDS[name].level) for name in failing)

    setting.executor._rule = rule
    found = setting.blame(*RED, about=about)
    assert found.failing.test == followed
    assert names(found) == {"beta": "1.1"}


def test_a_failure_that_is_not_there_cannot_be_followed(setting: Setting) -> None:
    with pytest.raises(UsageError, match=r'--about: no failing test has "xyz" .* those that fail are test_both'):
        setting.blame(*RED, about="xyz")


def test_a_test_that_does_not_apply_there_answers_nothing(setting: Setting) -> None:
    def gone(job: Job, before: int) -> Any:
        return dropped(job, before) if job.lock.versions()["beta"] != "1.3" else (passed("test_alpha", "alpha"),)

    setting.executor._rule = gone
    found = setting.blame(*RED)
    beta = next(culprit for culprit in found.culprits if culprit.name == "beta")
    assert beta.fixed_in == "1.4"
    assert "1.3" in beta.unresolved


def test_evidence_of_a_matrix_is_the_contrast(setting: Setting) -> None:
    matrix = Matrix.model_validate(
        {
            "title": "M",
            "components": ("alpha", "beta", "gamma"),
            "pythons": ("3.12",),
            "policies": [
                {"policy": "pins", "requirements": ("alpha==1.2", "beta==1.1", "gamma==1.0")},
                {"policy": "pins", "requirements": ("alpha==1.4", "beta==1.1", "gamma==1.0")},
            ],
        }
    )
    execute(matrix, setting.runner)
    setting.resolver.asked.clear()
    found = setting.blame(*RED)
    assert names(found) == {"alpha": "1.4", "beta": "1.1"}
    assert not any(cell.requirements == ("alpha", "beta", "gamma") for cell in setting.resolver.asked)


def test_a_refusal_is_blamed_without_running_anything(setting: Setting) -> None:
    found = setting.blame("alpha==1.5", "beta==1.4", "gamma==1.0")
    assert names(found) == {"beta": "1.4", "gamma": "1.0"}
    assert not any(cell.overrides for cell in setting.resolver.asked)
    members = {culprit.name: culprit for culprit in found.culprits}
    assert (members["beta"].last_passing, members["beta"].first_bad) == ("1.3", "1.4")
    assert members["gamma"].fixed_in == "1.1"
    assert setting.executor.asked == []
    assert found.probes == 0
    assert found.chain == ("beta==1.4 depends on gamma>=1.1", "gamma==1.0 is requested")


def test_nobody_is_to_blame_for_what_works(setting: Setting) -> None:
    with pytest.raises(UsageError, match="is works; allowed are broken and unresolvable"):
        setting.blame("alpha==1.0", "beta==1.0", "gamma==1.0")
