"""What each signal makes of each state."""

from __future__ import annotations

import datetime as dt

import pytest

from stackcompat.nightly.alert_states import CALM_NIGHTS, MUTED_FOR, Action, AlertState, Signal, State, transition

TODAY = dt.date(2026, 11, 22)


OVER = AlertState(state="muted", since=TODAY - MUTED_FOR, until=TODAY, open=True)


MUTED = AlertState(state="muted", since=TODAY, until=TODAY + MUTED_FOR, open=True, opened=TODAY)


BROKEN_WHILE_MUTED = transition(MUTED, "broken", TODAY + dt.timedelta(days=1))[0]


CALM = AlertState(state="flaky", flaky_nights=1, calm_nights=CALM_NIGHTS - 1)


@pytest.mark.parametrize(
    ("before", "signal", "state", "actions"),
    [
        (AlertState(), "green", "passing", ()),
        (AlertState(), "failed", "failing", ()),
        (AlertState(), "broken", "confirmed", ("open",)),
        (AlertState(), "flaky", "flaky", ()),
        (AlertState(state="failing"), "green", "passing", ()),
        (AlertState(state="failing"), "failed", "failing", ()),
        (AlertState(state="failing"), "broken", "confirmed", ("open",)),
        (AlertState(state="confirmed", open=True), "broken", "confirmed", ("update",)),
        (AlertState(state="confirmed", open=True), "failed", "confirmed", ("update",)),
        (AlertState(state="confirmed", open=True), "flaky", "flaky", ("update",)),
        (AlertState(state="confirmed", open=True), "green", "fixed", ("close",)),
        (AlertState(state="fixed"), "green", "passing", ()),
        (AlertState(state="fixed"), "broken", "confirmed", ("open",)),
        (AlertState(state="flaky", flaky_nights=1), "green", "flaky", ()),
        (CALM, "green", "passing", ()),
        (CALM.model_copy(update={"open": True}), "green", "fixed", ("close",)),
        (AlertState(state="flaky", flaky_nights=2), "flaky", "muted", ("open",)),
        (AlertState(state="flaky", flaky_nights=2, open=True), "flaky", "muted", ("update",)),
        (OVER, "green", "fixed", ("close",)),
        (OVER, "broken", "confirmed", ("update",)),
        (OVER, "failed", "failing", ("update",)),
        (OVER, "flaky", "flaky", ("update",)),
        (OVER, "unknown", "muted", ()),
        (OVER, "gone", "gone", ("drop",)),
        (AlertState(state="confirmed", open=True), "gone", "gone", ("drop",)),
        (AlertState(), "gone", "gone", ()),
        (AlertState(state="gone"), "broken", "confirmed", ("open",)),
        (MUTED, "broken", "confirmed", ("update",)),
        (MUTED, "failed", "muted", ()),
        (MUTED, "green", "muted", ()),
        (MUTED, "flaky", "muted", ()),
        (BROKEN_WHILE_MUTED, "green", "flaky", ()),
        (BROKEN_WHILE_MUTED, "flaky", "muted", ("update",)),
        (BROKEN_WHILE_MUTED, "broken", "confirmed", ("update",)),
    ],
)
def test_transitions(before: AlertState, signal: Signal, state: State, actions: tuple[Action, ...]) -> None:
    after, called = transition(before, signal, TODAY)
    assert (after.state, called) == (state, actions)


def test_a_real_break_of_a_muted_subject_is_told_on_its_night() -> None:
    """It was flaky on three nights, and then fails in the same way again and again."""
    state = AlertState()
    for day in range(3):
        state, _ = transition(state, "flaky", TODAY + dt.timedelta(days=day))
    assert state.state == "muted"
    state, called = transition(state, "broken", TODAY + dt.timedelta(days=3))
    assert (state.state, state.until, called) == ("confirmed", None, ("update",))
    assert state.opened == TODAY + dt.timedelta(days=2)


def test_what_broke_while_it_was_muted_is_passing_only_after_calm_nights() -> None:
    state = BROKEN_WHILE_MUTED
    called: tuple[Action, ...] = ()
    for day in range(CALM_NIGHTS):
        assert (state.open, called) == (True, ())
        state, called = transition(state, "green", TODAY + dt.timedelta(days=2 + day))
    assert (state.state, called) == ("fixed", ("close",))
