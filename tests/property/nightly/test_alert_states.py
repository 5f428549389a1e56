"""The state machine under any sequence of nights."""

from __future__ import annotations

import datetime as dt
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.nightly.alert_states import MUTED_FOR, AlertState, Signal, transition

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
    assert (again.state == "muted") == (states[-1].state == "muted")


@given(NIGHTS, SIGNALS.filter(lambda signal: signal not in ("unknown", "gone")))
def test_a_muted_subject_is_judged_again_after_its_last_day(nights: list[Signal], signal: Signal) -> None:
    states, _ = after([*nights, "green", "flaky", "flaky", "flaky"])
    last = states[-1]
    if last.state != "muted":
        return  # muting ended in between
    assert last.until is not None
    before, _ = transition(last, signal, last.until - dt.timedelta(days=1))
    assert before == last or (signal == "broken" and before.state == "confirmed")
    back, _ = transition(last, signal, last.until)
    assert back.state != "muted"
    assert back.until is None


@given(NIGHTS)
def test_a_confirmed_failure_is_told_on_its_night_whatever_was_before(nights: list[Signal]) -> None:
    states, _ = after(nights)
    state, called = transition(states[-1] if states else AlertState(), "broken", DAY + dt.timedelta(days=len(nights)))
    assert state.state == "confirmed"
    assert called in (("open",), ("update",))


@given(NIGHTS)
def test_the_day_on_which_an_issue_was_opened_stands_while_it_is_open(nights: list[Signal]) -> None:
    states, _ = after(nights)
    before = AlertState()
    for number, state in enumerate(states):
        assert (state.opened is not None) == state.open
        if state.open:
            assert state.opened == (before.opened if before.open else DAY + dt.timedelta(days=number))
        before = state


@given(NIGHTS)
def test_only_a_subject_that_was_confirmed_or_muted_has_an_issue(nights: list[Signal]) -> None:
    states, _ = after(nights)
    opened = False
    for state in states:
        opened = (opened or state.state in ("confirmed", "muted")) and state.state not in ("passing", "fixed")
        assert state.open <= opened
        if state.state in ("confirmed", "muted"):
            assert state.open
        assert (state.until is not None) == (state.state == "muted")
        assert state.until is None or state.until - MUTED_FOR >= DAY
