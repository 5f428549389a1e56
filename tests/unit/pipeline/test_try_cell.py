"""One cell resolved, run and judged, with an executor and a resolver that answer from rules."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.evidence.results import TestResult
from stackcompat.pipeline.try_cell import try_cell
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import Conflict
from stackcompat.resolve.lock import Resolution
from stackcompat.run.job import Job
from support.fakes import Catalogue, make_runner
from support.made_up import failed, make_lock, passed

NEWEST = {"alpha": "2.0", "beta": "2.0"}
WORLD = Catalogue(
    {
        "alpha": {"1.0": "2026-01-01", "2.0": "2026-02-01", "3.0": {"uploaded": "2026-03-01", "yanked": True}},
        "beta": {"1.0": "2026-01-01", "2.0": "2026-02-01"},
    }
)


def all_green(job: Job, before: int) -> Iterable[TestResult]:
    return (passed("one", "alpha"), passed("two", "alpha", "beta"))


def red_with_old_beta(job: Job, before: int) -> Iterable[TestResult]:
    red = job.lock.versions()["beta"] == "1.0" and job.lock.versions()["alpha"] == "2.0"
    return (passed("one", "alpha"), failed("two", "alpha", "beta") if red else passed("two", "alpha", "beta"))


def cell(*requirements: str, **more: Any) -> Cell:
    fields = {
        "python": "3.12",
        "platform": this_platform(),
        "requirements": requirements,
        "label": ", ".join(requirements),
    }
    return Cell.model_validate(fields | more)


def test_try_judges_one_cell_and_keeps_the_evidence(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, red_with_old_beta, NEWEST, catalog=WORLD)
    asked = cell("alpha==2.0", "beta==1.0")
    verdict, evidence = try_cell(asked, runner, "interop")
    assert (verdict.verdict, len(evidence)) == ("broken", 2)
    verdict, again = try_cell(asked, runner, "interop")
    assert again == evidence
    assert len(executor.asked) == 2
    try_cell(asked, runner, "interop", rerun=True)
    assert len(executor.asked) == 4
    runner.store.close()


def test_try_at_another_level_is_another_question(tmp_path: Path) -> None:
    runner, executor, _ = make_runner(tmp_path, all_green, NEWEST, catalog=WORLD)
    try_cell(cell("alpha"), runner, "interop")
    try_cell(cell("alpha"), runner, "import")
    assert [job.level for job in executor.asked] == ["interop", "import"]
    runner.store.close()


def test_try_with_a_lock_resolves_nothing(tmp_path: Path) -> None:
    runner, executor, resolver = make_runner(tmp_path, all_green, NEWEST, catalog=WORLD)
    lock = make_lock({"alpha": "1.0"})
    try_cell(cell("alpha"), runner, "interop", lock=lock)
    assert not resolver.asked
    assert executor.asked[0].lock == lock
    runner.store.close()


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ("alpha==9", '"alpha==9": the index has no such release of alpha; its newest are 1.0, 2.0, 3.0'),
        ("nosuch", '"nosuch": the index has no such release of nosuch; its newest are no release at all'),
    ],
)
def test_a_release_that_does_not_exist_is_a_mistake(tmp_path: Path, request_: str, sentence: str) -> None:
    absent = Resolution(outcome="conflict", conflict=Conflict(kind="not-found", sentence="no"))
    runner, _, _ = make_runner(tmp_path, all_green, NEWEST, {request_: absent}, catalog=WORLD)
    with pytest.raises(UsageError) as caught:
        try_cell(cell(request_), runner, "interop")
    assert str(caught.value) == sentence
    runner.store.close()


def test_a_dependency_that_does_not_exist_is_no_mistake_of_the_user(tmp_path: Path) -> None:
    absent = Resolution(outcome="conflict", conflict=Conflict(kind="not-found", sentence="the index has no omega"))
    runner, _, _ = make_runner(tmp_path, all_green, NEWEST, {"alpha": absent}, catalog=WORLD)
    verdict, _ = try_cell(cell("alpha"), runner, "interop")
    assert verdict.verdict == "unresolvable"
    runner.store.close()
