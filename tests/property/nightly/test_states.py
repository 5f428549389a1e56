"""The state machine under any sequence of nights."""

from __future__ import annotations

import datetime as dt
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.nightly.states import QUARANTINE, AlertState, Signal, transition

DAY = dt.date(2026, 11, 1)
SIGNALS = st.sampled_from(get_args(Signal))
NIGHTS = st.lists(SIGNALS, max_size=60)


def after(nights: list[Signal]) -> tuple[list[AlertState], list[str]]:
    state = AlertState()
    states: list[AlertState] = []
    actions: list[str] = []
    for number, signal in enumerate(nights):
        state, called = transition(state, signal, DAY + dt.timedelta(days=number))
        states.append(state)
        actions += called
    return states, actions


@given(NIGHTS)
def test_infrastructure_never_changes_a_state(nights: list[Signal]) -> None:
    before = AlertState()
    for number, signal in enumerate(nights):
        now, called = transition(before, signal, DAY + dt.timedelta(days=number))
        if signal == "unknown":
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


@given(NIGHTS, SIGNALS)
def test_what_is_told_again_makes_nothing_more_flaky(nights: list[Signal], signal: Signal) -> None:
    states, _ = after([*nights, signal])
    again, _ = transition(states[-1], signal, DAY + dt.timedelta(days=len(nights) + 1), ran=False)
    assert (again.flaky_nights, again.calm_nights) == (states[-1].flaky_nights, states[-1].calm_nights)
    assert (again.state == "quarantined") == (states[-1].state == "quarantined")


@given(NIGHTS, SIGNALS.filter(lambda signal: signal not in ("unknown", "gone")))
def test_who_is_in_quarantine_comes_back_when_it_ends(nights: list[Signal], signal: Signal) -> None:
    states, _ = after([*nights, "green", "flaky", "flaky", "flaky"])
    last = states[-1]
    if last.state != "quarantined":
        return  # an earlier quarantine ended in between
    assert last.until is not None
    assert transition(last, signal, last.until - dt.timedelta(days=1)) == (last, ())
    back, _ = transition(last, signal, last.until)
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
