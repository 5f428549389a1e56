"""The decision: what blocks, what asks a human, what leaves the gate unable to tell."""

from __future__ import annotations

import datetime as dt

import pytest

from stackcompat.gate.candidate import Candidate
from stackcompat.gate.decision import false_reds
from stackcompat.gate.model import FalseReds, JudgedCandidate, NotTested
from support.made_up import NOW
from support.paired import (
    ALPHA,
    GREEN,
    OLD,
    RED,
    SOLID,
    arm,
    bound,
    changed,
    excluded,
    judge,
    pair,
    quarantine,
    untried,
    waivers,
    wavering,
)


def test_passing_cells_pass() -> None:
    report = judge(pair(GREEN))
    assert (report.decision, report.sentence, report.remedy) == (
        "PASS",
        "alpha 1.3.0 passes the only required cell up to interop",
        "",
    )
    report = judge(pair(GREEN), pair(GREEN, id="other"), pair(GREEN, id="third", weight="review"))
    assert report.sentence == "alpha 1.3.0 passes all 2 required cells up to interop"
    beta = Candidate(name="beta", version="2.4.1", replaces="2.4.0", source="index")
    report = judge(pair(GREEN, control=arm(OLD | {"beta": "2.4.0"}, GREEN)), candidates=(ALPHA, beta))
    assert report.sentence == "alpha 1.3.0 and beta 2.4.1 pass the only required cell up to interop"


def test_a_pass_says_how_many_cells_have_a_waiver() -> None:
    waived = pair((*changed(RED), SOLID), (RED,), control=arm(OLD, (*GREEN, SOLID)))
    exceptions = waivers(pair=["alpha", "beta"])
    assert (
        judge(waived, waivers=exceptions).sentence
        == "alpha 1.3.0 passes the only required cell up to interop, by a waiver"
    )
    report = judge(waived, pair(GREEN, id="other"), waivers=exceptions)
    assert report.sentence == "alpha 1.3.0 passes all 2 required cells up to interop, 1 of them by a waiver"


def test_the_reason_is_the_first_of_the_strongest() -> None:
    report = judge(pair(GREEN), pair(changed(RED), (RED,), id="other"), pair("disk-full", "disk-full", id="third"))
    blocking = report.requirements[1]
    assert (report.decision, report.sentence, report.remedy) == ("BLOCK", blocking.sentence, blocking.remedy)
    assert report.summary() == f"{blocking.sentence}; {blocking.remedy}"


def test_a_blocking_cell_outweighs_one_that_cannot_tell() -> None:
    unknown = pair("disk-full", "disk-full", id="other")
    assert judge(unknown, pair(changed(RED), (RED,))).decision == "BLOCK"


def test_a_cell_that_cannot_tell_outweighs_one_that_asks_a_human() -> None:
    unknown = pair("disk-full", "disk-full", id="other")
    assert judge(wavering(), unknown).decision == "CANNOT-TELL"
    assert judge(pair(changed(RED), (RED,), weight="review"), unknown).decision == "CANNOT-TELL"


@pytest.mark.parametrize(
    ("weight", "decision"), [("required", "BLOCK"), ("review", "NEEDS-REVIEW"), ("informing", "PASS")]
)
def test_a_weight_says_what_red_means(weight: str, decision: str) -> None:
    report = judge(pair(GREEN), pair(changed(RED), (RED,), id="other", weight=weight))
    assert report.decision == decision
    assert report.requirements[1].state == "failed"


@pytest.mark.parametrize("weight", ["review", "informing"])
def test_what_is_not_required_may_stay_open(weight: str) -> None:
    assert judge(pair(GREEN), pair("disk-full", "disk-full", id="other", weight=weight)).decision == "PASS"


@pytest.mark.parametrize(
    ("weight", "decision"), [("required", "NEEDS-REVIEW"), ("review", "NEEDS-REVIEW"), ("informing", "PASS")]
)
def test_a_doubt_asks_a_human_unless_the_cell_only_informs(weight: str, decision: str) -> None:
    doubtful = wavering().model_copy(update={"id": "other", "weight": weight})
    report = judge(pair(GREEN), doubtful)
    assert report.decision == decision
    assert (report.sentence in report.requirements[1].doubts) == (decision == "NEEDS-REVIEW")


def test_an_empty_plan() -> None:
    report = judge(not_tested=[NotTested(what="everything", why="there was no Python")])
    assert report.decision == "CANNOT-TELL"
    assert report.sentence == "no required cell could be made, so nothing was decided"
    assert [row.what for row in report.not_tested] == ["everything"]


def test_a_plan_without_anything_required() -> None:
    assert judge(pair(GREEN, weight="review"), pair(GREEN, weight="informing", id="other")).decision == "CANNOT-TELL"


def test_the_report_says_what_was_judged_and_when() -> None:
    day = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    built = ALPHA.model_copy(update={"source": "wheel", "files": {"3.12": "/somewhere/alpha.whl"}})
    report = judge(pair(GREEN), candidates=(built,), as_of=day, seconds=12.345)
    assert report.candidates == (JudgedCandidate(name="alpha", version="1.3.0", replaces="1.2.0", source="wheel"),)
    assert (report.policy, report.as_of, report.generated, report.seconds) == ("made up", day, NOW, 12.3)


def test_what_the_cells_note_is_gathered() -> None:
    first = NotTested(what="gamma 9", why="left out")
    report = judge(wavering(), pair(changed(), id="other"), waivers=quarantine(), not_tested=[first])
    assert report.not_tested[0] == first
    assert [row.what for row in report.not_tested[1:]] == [RED.test]  # in its quarantine
    assert [flaky.test for flaky in report.flaky] == [RED.test]
    assert [row.state for row in report.waivers] == ["used"]


# --- A/A ---


def test_the_rate_of_false_reds_counts_every_difference() -> None:
    assert false_reds([pair(GREEN)]) == FalseReds(different=0, compared=3, rate=0)
    assert false_reds([pair(changed(RED), (RED,))]) == FalseReds(different=1, compared=3, rate=0.333333)
    red = pair(GREEN, control=arm(OLD, changed(RED), (RED,)))
    assert false_reds([red, pair(GREEN)]) == FalseReds(different=1, compared=6, rate=0.166667)
    assert false_reds([excluded(bound("candidate")), untried("no lock")]) == FalseReds(different=0, compared=0, rate=0)
