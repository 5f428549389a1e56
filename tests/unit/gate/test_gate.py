"""The gate from end to end: candidates that are mistakes, and a release against itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.evidence.results import TestResult
from stackcompat.gate.gate import GatePreview, preview_gate
from stackcompat.gate.model import FalseReds
from stackcompat.gate.options import GateOptions
from stackcompat.gate.policy import GatePolicy
from stackcompat.pipeline.runner import Runner
from stackcompat.run.job import Job
from support.fakes import Catalogue
from support.gate import JOINT, POLICY, VERSIONS, WORLD, Solver, green, judge, judge_alike
from support.made_up import failed
from support.paired import waivers


def test_no_python_at_all(open_runner: Any) -> None:
    runner, _, _ = open_runner()
    policy = POLICY.model_copy(update={"pythons": ("3.99",)})
    with pytest.raises(StackcompatError, match="none of the Pythons that the policy wants"):
        judge(runner, policy=policy)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("alpha==9",), '"alpha==9": the index has no such release; its newest are 1.2, 1.1, 1.0'),
        (("other==1",), '"other==1": the index has no such release; its newest are none'),
        (("alpha==1.2", "alpha==1.1"), '"alpha" is given twice'),
        (("alpha==1.0",), "the index has no release of alpha older than 1.0"),
        (("no/such.whl",), '"no/such.whl": there is no such file or folder'),
    ],
)
def test_a_mistake_in_a_candidate(open_runner: Any, given: tuple[str, ...], sentence: str) -> None:
    runner, executor, _ = open_runner()
    with pytest.raises(UsageError, match=sentence):
        judge(runner, *given)
    assert not executor.asked


def test_a_candidate_must_be_a_component(open_runner: Any) -> None:
    runner, _, _ = open_runner()
    world = Catalogue({"stranger": {"1.0": "2026-01-01", "1.1": "2026-02-01"}})
    with pytest.raises(UsageError, match='"stranger" is no component; allowed are alpha, '):
        judge(runner, "stranger==1.1", world=world)


def test_alike_runs_count_false_reds(open_runner: Any) -> None:
    def unlucky(job: Job, before: int) -> Iterable[TestResult]:
        return (failed(JOINT, "alpha", "beta"),) if before > 0 else green(job, before)

    runner, executor, _ = open_runner()
    report = judge_alike(runner)
    assert report.decision == "PASS"
    assert report.alike == FalseReds(different=0, compared=1, rate=0)
    assert len({job.lock.id for job in executor.asked}) == 1
    assert len(executor.asked) == 2  # the second time does not come from evidence
    runner, _, _ = open_runner(unlucky)
    report = judge_alike(runner)
    assert report.decision == "BLOCK"
    assert report.alike == FalseReds(different=1, compared=1, rate=1)


def test_alike_needs_a_release(open_runner: Any) -> None:
    runner, _, _ = open_runner()
    with pytest.raises(UsageError, match="--aa: the index has no release of alpha"):
        judge_alike(runner, world=Catalogue({}))


def test_alike_runs_only_what_is_required(open_runner: Any) -> None:
    rules = [{"rule": "newest", "weight": "required"}, {"rule": "releases", "weight": "review"}]
    runner, executor, _ = open_runner()
    report = judge_alike(runner, policy=GatePolicy.model_validate(POLICY.model_dump() | {"rules": rules}))
    assert [row.rule for row in report.requirements] == ["newest"]
    assert [candidate.replaces for candidate in report.candidates] == [report.candidates[0].version]
    assert len(executor.asked) == 2


def test_the_report_carries_the_policy_the_waivers_and_what_could_not_be_asked(open_runner: Any) -> None:
    rules = [{"rule": "newest", "weight": "required"}, {"rule": "metapackage", "distribution": "m", "weight": "review"}]
    runner, _, _ = open_runner()
    policy = GatePolicy.model_validate(POLICY.model_dump() | {"rules": rules})
    report = judge(runner, policy=policy, waivers=waivers(test="t.py::*"))
    assert report.policy == "P"
    assert [(row.what, row.why) for row in report.not_tested] == [("m", "it has no release")]
    assert [row.state for row in report.waivers] == ["unused"]
    assert report.seconds >= 0


def preview(runner: Runner, policy: GatePolicy = POLICY, **more: Any) -> list[GatePreview]:
    options = GateOptions(policy=policy, pythons=policy.pythons)
    return preview_gate(("alpha==1.2",), options, replace(runner, catalog=WORLD), **more)


def test_a_preview_says_what_would_run_and_runs_nothing(open_runner: Any) -> None:
    runner, executor, _ = open_runner()
    (new,) = preview(runner)
    assert (new.cell.rule, new.is_due, new.seconds) == ("newest", True, None)
    assert not executor.asked
    judge(runner)
    runs = len(executor.asked)
    (known,) = preview(runner)
    assert (known.is_due, known.seconds) == (False, None)
    (again,) = preview(runner, rerun=True)
    assert (again.is_due, again.seconds) == (True, 0.2)
    assert len(executor.asked) == runs


def test_a_preview_names_what_cannot_be_tried(open_runner: Any) -> None:
    def refuse(chosen: dict[str, str], _: object) -> str:
        return "beta 2.0 depends on alpha<1.2" if chosen.get("alpha") == "1.2" else ""

    runner, _, _ = open_runner(resolver=Solver(VERSIONS, refuse))
    (found,) = preview(runner)
    assert found.cell.__class__.__name__ == "ExcludedCell"
    assert not found.is_due
