"""Arms: run, confirmed, repeated, and left out where time is short."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from stackcompat.evidence.results import TestResult
from stackcompat.gate.run import Budget
from stackcompat.run.job import Job
from support.gate import JOINT, POLICY, green, judge, red
from support.made_up import failed, passed


def test_a_regression_is_confirmed_in_both_arms(open_runner: Any) -> None:
    runner, executor, _ = open_runner(red)
    report = judge(runner)
    assert report.decision == "BLOCK"
    assert report.sentence.startswith("alpha 1.2 fails with beta 2.0 because t.py::together raises ")
    runs = [(job.lock.versions()["alpha"], job.tests) for job in executor.asked]
    # The candidate fails twice, and only then the control must pass once more.
    assert runs == [("1.1", ()), ("1.2", ()), ("1.2", (JOINT,)), ("1.1", (JOINT,))]


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
    assert len(executor.asked) == 2 * POLICY.repeats
    assert (report.flaky[0].failed, report.flaky[0].runs) == (3, 4)


def test_the_control_arm_comes_from_evidence(open_runner: Any) -> None:
    runner, executor, _ = open_runner()
    judge(runner)
    assert len(executor.asked) == 2
    assert judge(runner).decision == "PASS"
    assert len(executor.asked) == 2
    judge(runner, rerun=True)
    assert len(executor.asked) == 4


def test_evidence_that_is_too_old_is_made_again(open_runner: Any) -> None:
    runner, executor, _ = open_runner()
    judge(runner)
    older = POLICY.model_copy(update={"max_age_days": 1e-9})
    report = judge(runner, policy=older)
    assert len(executor.asked) == 4
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
    before = len(executor.asked)
    assert judge(runner, budget=1e-6).decision == "BLOCK"
    assert len(executor.asked) == before
    # To run it again takes time.
    assert judge(runner, budget=1e-6, rerun=True).decision == "CANNOT-TELL"


def test_a_budget_leaves_out_what_is_known_in_part(open_runner: Any) -> None:
    def full(job: Job, before: int) -> Iterable[TestResult] | str:
        return "disk-full" if job.lock.versions()["alpha"] == "1.2" else green(job, before)

    runner, executor, _ = open_runner(full)
    judge(runner)
    before = len(executor.asked)
    report = judge(runner, budget=1e-6)
    assert "the time budget" in report.sentence
    assert len(executor.asked) == before


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
    assert len(executor.asked) == 4
