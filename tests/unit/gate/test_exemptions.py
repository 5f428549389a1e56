"""Waivers and quarantines: what they cover, and what is reported of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from stackcompat.gate.exemptions import find_quarantine, find_waiver, report_exemptions
from stackcompat.gate.waivers import WaivableFailure
from support.made_up import NOW
from support.paired import (
    GREEN,
    JOINT,
    OLD,
    RED,
    SOLID,
    arm,
    bound,
    changed,
    context,
    excluded,
    judge,
    pair,
    quarantine,
    untried,
    waivers,
    wavering,
)

VERSIONS = {"alpha": "1.3.0", "alpha-native": "1.3.0", "beta": "2.4.1"}
PAIR = {"pair": ["alpha", "beta"]}
MOVING = {"pair": ["alpha", "alpha-native"], "versions": {"alpha": "==1.3.0", "alpha-native": "==1.3.0"}}


@pytest.mark.parametrize(
    ("what", "failure", "covers"),
    [
        (PAIR, {"others": {"beta", "gamma"}}, True),
        (PAIR, {"others": {"gamma"}}, False),
        (PAIR, {"test": JOINT, "users": {"alpha"}}, False),
        # Of two components that are both candidates, only what these two alone do is waived.
        (MOVING, {"others": {"beta"}, "users": {"alpha", "beta"}}, False),
        (MOVING, {"users": {"alpha", "beta"}}, False),
        (MOVING, {"users": {"alpha"}}, True),
        (MOVING, {}, False),
        ({"test": "test_beta.py::*"}, {"test": JOINT}, True),
        ({"test": "test_gamma.py::*"}, {"test": JOINT}, False),
        ({"advisory": "SC-1"}, {"finding": "SC-1"}, True),
        ({"advisory": "SC-1"}, {"finding": "SC-2"}, False),
    ],
)
def test_a_waiver_covers_what_it_names(what: Any, failure: Any, covers: bool) -> None:
    exceptions = waivers(**what)
    sets = {name: frozenset(value) for name, value in failure.items() if isinstance(value, set)}
    given = WaivableFailure(**failure | sets | {"candidates": frozenset({"alpha", "alpha-native"})})
    found = find_waiver(context(waivers=exceptions), given, VERSIONS)
    assert found == (exceptions.waivers[0] if covers else None)


@pytest.mark.parametrize("versions", [{"alpha": "1.3.1", "beta": "2.4.1"}, {"alpha": "1.3.0"}, {}])
def test_a_waiver_covers_only_its_versions(versions: dict[str, str]) -> None:
    assert find_waiver(context(waivers=waivers(test=JOINT)), WaivableFailure(test=JOINT), versions) is None


def test_an_exemption_covers_nothing_after_its_day() -> None:
    over = dt.date(2026, 11, 21)
    assert find_waiver(context(waivers=waivers(test=JOINT, until=over)), WaivableFailure(test=JOINT), VERSIONS) is None
    assert find_quarantine(context(waivers=quarantine(over)), JOINT) is None
    assert find_quarantine(context(waivers=quarantine()), JOINT) == quarantine().quarantine[0]
    assert find_quarantine(context(waivers=quarantine()), "test_gamma.py::x") is None


def test_every_exemption_is_reported_with_its_owner() -> None:
    exceptions = waivers(**PAIR).model_copy(update={"quarantine": quarantine().quarantine})
    reports = report_exemptions(context(waivers=exceptions), exceptions.waivers, [VERSIONS])
    assert [(row.kind, row.state, row.what) for row in reports] == [
        ("waiver", "used", "alpha with beta (alpha ==1.3.0, beta ==2.4.1)"),
        ("quarantine", "unused", "test_beta.py::*"),
    ]
    assert {(row.owner, row.until) for row in reports} == {("somebody", dt.date(2026, 12, 1))}


def test_a_quarantined_flaky_test_asks_nobody() -> None:
    report = judge(wavering(), waivers=quarantine())
    assert report.decision == "PASS"
    assert report.flaky[0].quarantined_until == dt.date(2026, 12, 1)
    assert [row.state for row in report.waivers] == ["used"]


def test_a_quarantine_ends() -> None:
    report = judge(wavering(), waivers=quarantine(dt.date(2026, 11, 21)))
    assert report.decision == "NEEDS-REVIEW"
    assert [row.state for row in report.waivers] == ["expired"]


def test_a_quarantined_test_never_decides_alone() -> None:
    red = (*changed(RED), SOLID)
    report = judge(pair(red, red, control=arm(OLD, (*GREEN, SOLID))), waivers=quarantine())
    assert report.decision == "NEEDS-REVIEW"
    assert report.requirements[0].state == "waived"


@pytest.mark.parametrize("what", [PAIR, {"test": "test_beta.py::*"}, {"test": JOINT}])
def test_a_waiver_lets_pass_what_it_is_about(what: Any) -> None:
    report = judge(pair((*changed(RED), SOLID), (RED,), control=arm(OLD, (*GREEN, SOLID))), waivers=waivers(**what))
    assert report.decision == "PASS"
    assert report.sentence == "alpha 1.3.0 passes the only required cell up to interop, by a waiver"
    (requirement,) = report.requirements
    assert (requirement.state, requirement.findings[0].state) == ("waived", "waived")
    assert requirement.sentence.endswith("(waived: known)")
    assert [row.state for row in report.waivers] == ["used"]


@pytest.mark.parametrize(
    ("fields", "state", "note"),
    [
        ({"until": dt.date(2026, 11, 21)}, "expired", "remove it, or decide anew"),
        ({"versions": {"alpha": "==1.2.9", "beta": "==2.4.1"}}, "unused", "its versions have moved on; remove it"),
        (
            {"versions": {"beta": "==2.4.1"}},
            "unused",
            "its versions name no candidate of this gate (alpha and alpha-native)",
        ),
        (
            {"pair": ["alpha", "gamma"], "test": "", "versions": {"alpha": "==1.3.0", "gamma": "==1.0.2"}},
            "unused",
            "what it is about did not fail; remove it if that lasts",
        ),
    ],
)
def test_a_waiver_that_does_not_hold_is_reported(fields: Any, state: str, note: str) -> None:
    report = judge(pair(changed(RED), (RED,)), waivers=waivers(**({"test": "test_beta.py::*"} | fields)))
    assert report.decision == "BLOCK"
    assert [(row.state, row.note) for row in report.waivers] == [(state, note)]


@pytest.mark.parametrize("cell", [excluded(bound("candidate", "gamma")), untried("no time", paired=pair(GREEN))])
def test_versions_have_not_moved_on_where_a_cell_would_have_had_them(cell: Any) -> None:
    (row,) = judge(cell, waivers=waivers(test=JOINT)).waivers
    assert (row.state, row.note) == ("unused", "what it is about did not fail; remove it if that lasts")


def test_a_waiver_holds_on_its_last_day() -> None:
    cell = pair((*changed(RED), SOLID), (RED,), control=arm(OLD, (*GREEN, SOLID)))
    assert judge(cell, waivers=waivers(test=JOINT, until=NOW.date())).decision == "PASS"
