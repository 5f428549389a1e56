"""Arms: run, confirmed, repeated, and left out where time is short."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from stackcompat.core.dates import now
from stackcompat.evidence.closure import Closure
from stackcompat.evidence.results import Reused, TestResult
from stackcompat.evidence.tables import evidence
from stackcompat.gate.policy import GatePolicy
from stackcompat.gate.schedule import Budget
from stackcompat.gate.waivers import Waivers
from stackcompat.pipeline.cells import plan_cell, run_once
from stackcompat.pipeline.runner import Reuse, Runner
from stackcompat.resolve.lock import Resolution
from stackcompat.run.job import Job
from support.fakes import FakeExecutor
from support.gate import JOINT, POLICY, green, judge, red, whole
from support.made_up import blocked, failed, limited, make_cell, make_lock, passed


def test_a_regression_is_confirmed_in_both_arms(open_runner: Any) -> None:
    runner, executor, _ = open_runner(red)
    report = judge(runner)
    assert report.decision == "BLOCK"
    assert report.sentence.startswith("alpha 1.2 fails with beta 2.0 because t.py::together raises ")
    runs = [(job.lock.versions()["alpha"], job.tests) for job in whole(executor)]
    # The candidate fails twice. Only then both arms are repeated, until each has run as often as the policy wants.
    assert runs[:3] == [("1.1", ()), ("1.2", ()), ("1.2", (JOINT,))]
    assert sorted(runs) == [("1.1", ()), *[("1.1", (JOINT,))] * 3, ("1.2", ()), *[("1.2", (JOINT,))] * 3]


def test_of_each_failure_one_test_is_repeated(open_runner: Any) -> None:
    def many(job: Job, before: int) -> Iterable[TestResult]:
        del before
        bad = job.lock.versions()["alpha"] == "1.2"
        names = [f"t.py::test_{number}" for number in range(5)]
        return [failed(name, "alpha", "beta") if bad else passed(name, "alpha", "beta") for name in names]

    runner, executor, _ = open_runner(many)
    assert judge(runner).decision == "BLOCK"
    repeated = [job.tests for job in whole(executor) if len(job.tests) == 1]
    # The candidate ran all of them twice before; it lacks two runs, the control lacks three.
    assert repeated == [("t.py::test_0",)] * 5


def test_a_test_that_wavers_blocks_only_if_no_test_with_its_failure_is_steady(open_runner: Any) -> None:
    def unlucky(job: Job, before: int) -> Iterable[TestResult]:
        bad = job.lock.versions()["alpha"] == "1.2"
        wavers = failed("t.py::a", "alpha", "beta") if bad and before < 3 else passed("t.py::a", "alpha", "beta")
        return (wavers, passed(JOINT, "alpha", "beta"))

    runner, _, _ = open_runner(unlucky)
    report = judge(runner)
    assert report.decision == "NEEDS-REVIEW"
    assert [(flaky.test, flaky.failed) for flaky in report.flaky] == [("t.py::a", 3)]


def test_a_control_that_fails_the_second_time_acquits(open_runner: Any) -> None:
    def wavering(job: Job, before: int) -> Iterable[TestResult]:
        wavers = failed(JOINT, "alpha", "beta")
        if job.lock.versions()["alpha"] == "1.1" and before == 0:
            wavers = passed(JOINT, "alpha", "beta")
        return (wavers, passed("t.py::solid", "alpha"))

    runner, executor, _ = open_runner(wavering)
    report = judge(runner)
    assert report.decision == "NEEDS-REVIEW"
    assert [flaky.test for flaky in report.flaky] == [JOINT]
    # Both arms were repeated until there is a rate.
    assert len(whole(executor)) == 2 * POLICY.repeats
    assert (report.flaky[0].failed, report.flaky[0].runs) == (3, 4)


def test_the_control_arm_comes_from_evidence(open_runner: Any) -> None:
    runner, executor, _ = open_runner()
    judge(runner)
    assert len(whole(executor)) == 2
    assert judge(runner).decision == "PASS"
    assert len(whole(executor)) == 2
    judge(runner, rerun=True)
    assert len(whole(executor)) == 4


def test_evidence_that_is_too_old_is_made_again(open_runner: Any) -> None:
    runner, executor, _ = open_runner()
    judge(runner)
    older = POLICY.model_copy(update={"max_age_days": 1e-9})
    report = judge(runner, policy=older)
    assert len(whole(executor)) == 4
    # And what is made by the time of the decision is too old again under so odd a policy: never green.
    assert report.decision == "CANNOT-TELL"


def test_a_budget_leaves_cells_out_and_says_so(open_runner: Any) -> None:
    runner, executor, _ = open_runner()
    report = judge(runner, budget=1e-6)
    assert not executor.asked
    assert report.decision == "CANNOT-TELL"
    assert report.sentence == (
        "alpha 1.2 with the newest others on Python 3.12: not run because too little was left of the time budget of 0 s"
    )
    assert report.remedy == "give more time with --budget; what has run is not run again"
    # The command that would run it is there all the same.
    assert report.requirements[0].reproduce.startswith('stackcompat try "alpha==1.2"')


def test_a_budget_leaves_nothing_out_that_is_known(open_runner: Any) -> None:
    runner, executor, _ = open_runner(red)
    assert judge(runner).decision == "BLOCK"
    before = len(whole(executor))
    assert judge(runner, budget=1e-6).decision == "BLOCK"
    assert len(whole(executor)) == before
    # To run it again takes time.
    assert judge(runner, budget=1e-6, rerun=True).decision == "CANNOT-TELL"


def test_a_budget_leaves_out_what_is_known_in_part(open_runner: Any) -> None:
    def full(job: Job, before: int) -> Iterable[TestResult] | str:
        return "disk-full" if job.lock.versions()["alpha"] == "1.2" else green(job, before)

    runner, executor, _ = open_runner(full)
    judge(runner)
    before = len(whole(executor))
    report = judge(runner, budget=1e-6)
    assert "the time budget" in report.sentence
    assert len(whole(executor)) == before


def test_a_budget_counts_from_the_beginning() -> None:
    now = time.monotonic()
    assert 50 < Budget(seconds=60, began=now - 5).left() <= 55
    assert Budget(seconds=60, began=now - 70).left() < 0


def test_the_policy_has_a_budget(open_runner: Any) -> None:
    runner, executor, _ = open_runner()
    report = judge(runner, policy=POLICY.model_copy(update={"budget_seconds": 1e-6}))
    assert report.decision == "CANNOT-TELL"
    assert not executor.asked


def test_two_cells_at_once_share_the_workers(open_runner: Any) -> None:
    policy = POLICY.model_copy(update={"pythons": ("3.12", "3.13")})
    runner, executor, _ = open_runner(workers=4)
    assert judge(runner, policy=policy).decision == "PASS"
    assert len(whole(executor)) == 4


IMPORT = "t.py::imports"


def red_import(job: Job, before: int) -> Iterable[TestResult]:
    """Beta cannot be imported with alpha 1.2, so the joint test is not tried."""
    del before
    if job.lock.versions()["alpha"] == "1.2":
        return (failed(IMPORT, "beta", level="import", packages=("beta",)), blocked(JOINT, "alpha", "beta"))
    return (passed(IMPORT, "beta", level="import"), passed(JOINT, "alpha", "beta"))


_RULES = [
    {"rule": "newest", "weight": "required"},
    {"rule": "releases", "weight": "review", "pythons": ["3.12"]},
]
REVIEWED = GatePolicy.model_validate(POLICY.model_dump() | {"rules": _RULES, "pythons": ("3.13", "3.12")})


def test_the_imports_of_the_required_cells_run_before_all(open_runner: Any) -> None:
    runner, executor, _ = open_runner()
    assert judge(runner, policy=REVIEWED).decision == "PASS"
    levels = [job.level for job in executor.asked]
    assert levels[:4] == ["import"] * 4
    assert set(levels[4:]) == {"interop"}
    assert len(levels) == 10


def test_a_block_is_told_once_and_before_the_rest_is_run(open_runner: Any) -> None:
    runner, executor, _ = open_runner(red_import)
    told: list[tuple[str, int]] = []
    report = judge(runner, policy=REVIEWED, tell=lambda reason: told.append((reason, len(executor.asked))))
    assert report.decision == "BLOCK"
    ((reason, jobs),) = told
    assert reason == report.summary()
    # Both arms imported as often as the policy wants; nothing else was run before.
    assert jobs == 2 * POLICY.repeats
    assert {job.level for job in executor.asked[:jobs]} == {"import"}
    assert all(requirement.state == "failed" for requirement in report.requirements)


def test_what_the_imports_showed_is_not_repeated(open_runner: Any) -> None:
    runner, executor, _ = open_runner(red_import)
    judge(runner)
    assert [job.tests for job in whole(executor)] == [(), ()]


def test_a_gate_that_ends_with_the_first_block_says_what_was_not_tried(open_runner: Any) -> None:
    runner, executor, resolver = open_runner(red_import)
    report = judge(runner, policy=REVIEWED, fail_fast=True)
    assert report.decision == "BLOCK"
    assert report.sentence.startswith("alpha 1.2 fails with beta 2.0 because t.py::imports raises ")
    assert not whole(executor)
    states = [(row.rule, row.python, row.state) for row in report.requirements]
    assert states == [
        ("newest", "3.13", "failed"),
        ("newest", "3.12", "undecided"),
        ("releases", "3.12", "undecided"),
    ]
    untried = [row for row in report.requirements if row.state == "undecided"]
    assert all("not tried because the gate ended with the first BLOCK" in row.sentence for row in untried)
    assert all(row.remedy == "run the gate again without --fail-fast" for row in untried)
    # The rest was not even locked.
    assert all("beta==1.0" not in cell.requirements for cell in resolver.asked)


def test_a_gate_without_a_block_tries_everything_with_fail_fast_too(open_runner: Any) -> None:
    runner, executor, _ = open_runner()
    assert judge(runner, policy=REVIEWED, fail_fast=True).decision == "PASS"
    assert len(whole(executor)) == 6


def test_a_block_beyond_imports_ends_the_gate_as_well(open_runner: Any) -> None:
    runner, executor, _ = open_runner(red)
    report = judge(runner, policy=REVIEWED, fail_fast=True)
    assert report.decision == "BLOCK"
    assert [row.state for row in report.requirements] == ["failed", "undecided", "undecided"]
    # One of the required cells ran to its end, with its repeats.
    assert len(whole(executor)) == 2 * POLICY.repeats


def test_a_known_block_is_told_without_a_run(open_runner: Any) -> None:
    runner, executor, _ = open_runner(red)
    judge(runner, policy=REVIEWED)
    before = len(executor.asked)
    told: list[str] = []
    report = judge(runner, policy=REVIEWED, fail_fast=True, tell=told.append)
    assert len(executor.asked) == before
    assert told == [report.summary()]


def test_a_waived_failure_is_not_told_as_a_block(open_runner: Any) -> None:
    runner, _, _ = open_runner(red)
    told: list[str] = []
    granted = {"alpha": "==1.2", "beta": "==2.0"}
    entry = {"test": JOINT, "versions": granted, "owner": "o", "reason": "known", "until": dt.date(2999, 1, 1)}
    judge(runner, waivers=Waivers.model_validate({"waivers": [entry]}), fail_fast=True, tell=told.append)
    assert told == []


def test_a_limit_of_both_arms_is_confirmed_by_other_cells(open_runner: Any) -> None:
    def limit(job: Job, before: int) -> Iterable[TestResult]:
        return (*green(job, before), limited("t.py::save", "beta", packages=("beta",)))

    runner, executor, _ = open_runner(limit, workers=2)
    policy = POLICY.model_copy(update={"pythons": ("3.12", "3.13")})
    report = judge(runner, policy=policy)
    assert report.decision == "PASS"
    assert [job.tests for job in whole(executor)] == [()] * 4
    assert all(row.counts == {"passes": 1, "broken-before": 1} for row in report.requirements)


#: Two test files: one of what differs between the arms, one of the other component alone.
FILES = {
    "test_joint.py": "import pytest\n@pytest.mark.uses('alpha', 'beta')\ndef test_joint(): pass\n",
    "test_beta.py": "import pytest\n@pytest.mark.uses('beta')\ndef test_beta(): pass\n",
}
OF_MOVING, OF_OTHER = "test_joint.py::test_joint", "test_beta.py::test_beta"


@pytest.fixture
def reusing(open_runner: Any) -> tuple[Runner, FakeExecutor]:
    """A runner that reuses results, in whose store both arms have all their results, from other cells."""

    def answer(job: Job, before: int) -> Iterable[TestResult]:
        del job, before
        return (
            passed(OF_MOVING, "alpha", "beta").model_copy(update={"closure": 0}),
            passed(OF_OTHER, "beta").model_copy(update={"closure": 1}),
        )

    runner, executor, _ = open_runner(answer)
    executor.closures = (Closure(distributions=("alpha", "beta")), Closure(distributions=("beta",)))
    for path, text in FILES.items():
        (runner.suite.folder / path).write_text(text, encoding="utf-8")
    for alpha in ("1.1", "1.2"):
        versions = {"alpha": alpha, "beta": "2.0", "zeta": "0.9.4"}
        resolution = Resolution(outcome="locked", lock=make_lock(versions))
        run_once(plan_cell(make_cell(versions), resolution, runner, "interop"), (), runner, "interop", attempt=0)
    executor.asked.clear()
    return runner.reusing(Reuse()), executor


def test_what_depends_on_the_candidate_runs_for_real_in_both_arms(reusing: tuple[Runner, FakeExecutor]) -> None:
    runner, executor = reusing
    assert judge(runner).decision == "PASS"
    assert [job.skip for job in whole(executor)] == [(OF_OTHER,), (OF_OTHER,)]
    before = len(executor.asked)
    assert judge(runner).decision == "PASS"
    assert len(executor.asked) == before


def test_reused_results_that_are_too_old_do_not_count(reusing: tuple[Runner, FakeExecutor]) -> None:
    runner, executor = reusing
    judge(runner, policy=POLICY.model_copy(update={"max_age_days": 1e-9}))
    assert whole(executor)[0].skip == ()


def test_evidence_that_has_the_candidates_tests_from_elsewhere_does_not_count(
    reusing: tuple[Runner, FakeExecutor],
) -> None:
    runner, executor = reusing
    judge(runner)
    arms = [run for run in runner.store.since(now() - timedelta(days=1)) if run.level != "import"][2:]
    with runner.store.engine.begin() as connection:
        connection.execute(sa.delete(evidence))
    for run in arms:  # as a nightly run would have made them, which reuses whatever holds
        source = Reused(evidence="e", cell="c", label="", lock_id="l", seen=run.started, runs=1)
        tests = tuple(one.model_copy(update={"reused": source, "closure": None}) for one in run.tests)
        runner.store.add(run.model_copy(update={"tests": tests}))
    executor.asked.clear()
    assert judge(runner).decision == "PASS"
    jobs = [(job.lock.versions()["alpha"], job.skip) for job in whole(executor)]
    assert jobs == [("1.1", (OF_OTHER,)), ("1.2", (OF_OTHER,))]
