"""The state machine under any sequence of nights."""

from __future__ import annotations

import datetime as dt
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.nightly.alerts import Alert, Facts, Subject
from stackcompat.nightly.issue import BODY_LIMIT, issue_body, issue_title, marked, marker
from stackcompat.nightly.states import QUARANTINE, AlertState, Signal, transition
from stackcompat.verdict.history import VersionChange

DAY = dt.date(2026, 11, 1)
SAID = st.sampled_from(get_args(Signal))
NIGHTS = st.lists(SAID, max_size=60)


def after(nights: list[Signal]) -> tuple[list[AlertState], list[str]]:
    watched = AlertState()
    states: list[AlertState] = []
    actions: list[str] = []
    for number, said in enumerate(nights):
        watched, called = transition(watched, said, DAY + dt.timedelta(days=number))
        states.append(watched)
        actions += called
    return states, actions


@given(NIGHTS)
def test_infrastructure_never_changes_a_state(nights: list[Signal]) -> None:
    before = AlertState()
    for number, said in enumerate(nights):
        now, called = transition(before, said, DAY + dt.timedelta(days=number))
        if said == "unknown":
            assert (now, called) == (before, ())
        before = now


@given(NIGHTS)
def test_an_issue_is_opened_and_closed_in_turn_and_updated_while_open(nights: list[Signal]) -> None:
    states, actions = after(nights)
    is_open = False
    for action in actions:
        assert is_open == (action != "open")
        is_open = action not in ("close", "drop")
    assert is_open == (states[-1].open if states else False)


@given(NIGHTS, SAID)
def test_what_is_told_again_makes_nothing_more_flaky(nights: list[Signal], said: Signal) -> None:
    states, _ = after([*nights, said])
    again, _ = transition(states[-1], said, DAY + dt.timedelta(days=len(nights) + 1), ran=False)
    assert (again.flaky_nights, again.calm_nights) == (states[-1].flaky_nights, states[-1].calm_nights)
    assert (again.state == "quarantined") == (states[-1].state == "quarantined")


@given(NIGHTS, SAID.filter(lambda said: said not in ("unknown", "gone")))
def test_who_is_in_quarantine_comes_back_when_it_ends(nights: list[Signal], said: Signal) -> None:
    states, _ = after([*nights, "green", "flaky", "flaky", "flaky"])
    last = states[-1]
    if last.state != "quarantined":
        return  # an earlier quarantine ended in between
    assert last.until is not None
    assert transition(last, said, last.until - dt.timedelta(days=1)) == (last, ())
    back, _ = transition(last, said, last.until)
    assert back.state != "quarantined"
    assert back.until is None


@given(NIGHTS)
def test_only_what_was_confirmed_or_quarantined_has_an_issue(nights: list[Signal]) -> None:
    states, _ = after(nights)
    opened = False
    for state in states:
        opened = (opened or state.state in ("confirmed", "quarantined")) and state.state not in ("passing", "fixed")
        assert state.open <= opened
        if state.state in ("confirmed", "quarantined"):
            assert state.open
        assert (state.until is not None) == (state.state == "quarantined")
        assert state.until is None or state.until - QUARANTINE >= DAY


@given(st.text(min_size=1, max_size=60))
def test_an_issue_is_found_again_whatever_a_test_is_called(name: str) -> None:
    subject = Subject(kind="test", name=name + " --> x", title="t")
    assert marked(marker(subject) + "\n\nNow") == subject.id
    assert marker(subject).index("-->") == len(marker(subject)) - 3


@given(st.integers(0, 200_000), st.integers(0, 3000), st.integers(0, 200_000), st.text(max_size=400))
def test_an_issue_fits_and_keeps_its_command(signature: int, moved: int, details: int, odd: str) -> None:
    item = Alert(
        subject=Subject(kind="test", name="test_a.py::test_a", title="t" * 400),
        watched=AlertState(state="confirmed", since=DAY, open=True),
        said="broken",
        facts=Facts(
            signature="s" * signature + odd,
            moved=tuple(VersionChange(name=f"n{n}" * 30, before="1", after="2") for n in range(moved)),
            python="3.12",
            reproduce="nox -s cell -- --lock reports/locks/a.txt --python 3.12",
            details="d" * details + odd,
        ),
    )
    body = issue_body(item)
    assert len(body) <= BODY_LIMIT
    assert "nox -s cell -- --lock reports/locks/a.txt --python 3.12" in body
    assert body.startswith("<!-- stackcompat: test:test_a.py::test_a -->\n")
    assert len(issue_title(item)) <= 256
