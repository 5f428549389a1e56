"""Tests that speak neither for nor against a candidate."""

from __future__ import annotations

from typing import Any

import pytest

from stackcompat.evidence.results import TestResult
from stackcompat.gate.comparison import compare
from stackcompat.gate.open_tests import OpenTests, sort_open_tests
from support.made_up import not_applicable, passed, starved
from support.paired import (
    BLOCKED,
    GREEN,
    JOINT,
    OLD,
    RED,
    SOLID,
    arm,
    changed,
    context,
    judge,
    pair,
    quarantine,
    waivers,
)

FEATURE = RED.model_copy(update={"feature": "boxes"})
CHANGED = RED.model_copy(update={"failure": RED.failure and RED.failure.model_copy(update={"changed": True})})
PLACE = "alpha 1.3.0 with the newest others on Python 3.12"


def sort(*runs: TestResult, regressed: bool = False, **more: Any) -> OpenTests:
    """What becomes of the joint test with these results in the candidate's arm, where it passes in the control."""
    cell = pair(*(changed(run) for run in runs))
    compared = compare(cell.control.evidence, cell.candidate.evidence)
    return sort_open_tests(context(**more), cell, compared, regressed=regressed)


def skipped(reason: str) -> TestResult:
    return not_applicable(JOINT, "alpha", "beta").model_copy(update={"reason": reason})


def test_what_passes_is_not_open() -> None:
    assert sort(GREEN[2]) == OpenTests()


def test_what_is_undecided_what_is_doubtful_and_what_is_only_noted() -> None:
    undecided = sort(RED)
    assert undecided.undecided == (f"{JOINT} has no outcome with the candidate: failed once and was not tried again",)
    assert not undecided.doubts
    doubtful = sort(CHANGED, CHANGED)
    (doubt,) = doubtful.doubts
    assert doubt.startswith(f"{JOINT} gives other values from the same seed: AssertionError")
    assert not doubtful.undecided
    noted = sort(skipped("alpha 1.3.0 is outside <1.3"))
    (row,) = noted.not_tested
    assert (row.what, row.where) == (JOINT, PLACE)
    assert row.why == "does not apply with the candidate: alpha 1.3.0 is outside <1.3"


def test_a_blocked_test_follows_from_what_regressed() -> None:
    assert sort(BLOCKED).undecided
    follows = sort(BLOCKED, regressed=True)
    assert not follows.undecided
    assert [(row.what, row.why) for row in follows.not_tested] == [(JOINT, "beta cannot be imported")]


@pytest.mark.parametrize("runs", [(RED,), (BLOCKED,), (skipped("no boxes"),), (starved(JOINT, "alpha", "beta"),)])
def test_a_quarantine_covers_no_test_that_has_no_outcome(runs: tuple[TestResult, ...]) -> None:
    found = sort(*runs, waivers=quarantine())
    assert len(found.undecided) == 1
    assert found.exemptions == ()


@pytest.mark.parametrize("runs", [(CHANGED, CHANGED), (RED, GREEN[2]), (FEATURE, FEATURE)])
def test_a_quarantine_covers_what_asks_a_human(runs: tuple[TestResult, ...]) -> None:
    covered = sort(*runs, waivers=quarantine())
    assert (covered.undecided, covered.doubts) == ((), ())
    assert covered.exemptions == quarantine().quarantine
    assert [row.what for row in covered.not_tested] == [JOINT]


@pytest.mark.parametrize("what", [{"test": JOINT}, {"pair": ["alpha", "beta"]}])
@pytest.mark.parametrize(
    ("runs", "by_test", "by_pair"),
    [
        ((CHANGED, CHANGED), True, True),
        ((RED, GREEN[2]), True, True),
        ((skipped("no boxes"),), True, False),
        ((RED,), False, False),
        ((BLOCKED,), False, False),
        ((starved(JOINT, "alpha", "beta"),), False, False),
    ],
)
def test_what_a_waiver_covers(runs: tuple[TestResult, ...], by_test: bool, by_pair: bool, what: Any) -> None:
    exceptions = waivers(**what)
    covered = sort(*runs, waivers=exceptions)
    assert (covered.exemptions == exceptions.waivers) == (by_test if "test" in what else by_pair)


def test_a_test_that_skips_itself_only_with_the_candidate() -> None:
    apply = passed("test_beta.py::test_apply", "alpha", "beta")
    gone = not_applicable(apply.test, "alpha", "beta").model_copy(update={"reason": "no boxes here"})
    report = judge(pair((*GREEN, gone), control=arm(OLD, (*GREEN, apply))))
    assert report.decision == "CANNOT-TELL"
    assert "does not apply with the candidate: no boxes here" in report.sentence


def test_a_test_that_says_it_is_not_for_this_release_is_told() -> None:
    apply = passed("test_beta.py::test_apply", "alpha", "beta")
    gone = not_applicable(apply.test, "alpha").model_copy(update={"reason": "alpha 1.3.0 is outside <1.3"})
    report = judge(pair((*GREEN, gone), control=arm(OLD, (*GREEN, apply))))
    assert report.decision == "PASS"
    (row,) = report.not_tested
    assert (row.what, row.why) == (
        "test_beta.py::test_apply",
        "does not apply with the candidate: alpha 1.3.0 is outside <1.3",
    )


def test_a_test_that_vanishes() -> None:
    report = judge(pair((*GREEN[:2], passed("t.py::x", "alpha"))))
    assert report.decision == "CANNOT-TELL"
    assert f"{JOINT} is not there with the candidate" in report.sentence


@pytest.mark.parametrize("outcome", ["timeout", "out-of-memory"])
def test_a_starved_test(outcome: Any) -> None:
    hungry = starved(JOINT, "alpha", "beta", outcome=outcome)
    report = judge(pair(changed(hungry), (hungry,)))
    assert report.decision == "CANNOT-TELL"
    # Nor does it turn red what could not be seen in the control.
    assert judge(pair(changed(RED), (RED,), control=arm(OLD, changed(hungry), (hungry,)))).decision == "CANNOT-TELL"


def test_tests_that_are_blocked_by_nothing_that_regressed() -> None:
    assert judge(pair(changed(BLOCKED))).decision == "CANNOT-TELL"


@pytest.mark.parametrize("what", [{"test": JOINT}, {"pair": ["alpha", "beta"]}])
@pytest.mark.parametrize("runs", [(FEATURE, FEATURE), (CHANGED, CHANGED), (RED, GREEN[2])])
def test_what_asks_a_human_can_be_waived(runs: Any, what: Any) -> None:
    cell = pair(*((*changed(run), SOLID) for run in runs), control=arm(OLD, (*GREEN, SOLID)))
    assert judge(cell).decision == "NEEDS-REVIEW"
    assert "waive what is known" in judge(cell).remedy
    report = judge(cell, waivers=waivers(**what))
    assert (report.decision, [row.state for row in report.waivers]) == ("PASS", ["used"])
    moved = waivers(**what, versions={"alpha": "==1.2.9", "beta": "==2.4.1"})
    assert judge(cell, waivers=moved).decision == "NEEDS-REVIEW"


def test_infrastructure_cannot_be_waived() -> None:
    hungry = starved(JOINT, "alpha", "beta")
    assert judge(pair(changed(hungry), (hungry,)), waivers=waivers(test="test_beta.py::*")).decision == "CANNOT-TELL"
