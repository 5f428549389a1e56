"""What each signal makes of each state."""

from __future__ import annotations

import datetime as dt

import pytest

from stackcompat.nightly.states import CALM_NIGHTS, QUARANTINE, Action, AlertState, Signal, State, transition

TODAY = dt.date(2026, 11, 22)


OVER = AlertState(state="quarantined", since=TODAY - QUARANTINE, until=TODAY, open=True)


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
        (AlertState(state="flaky", flaky_nights=2), "flaky", "quarantined", ("open",)),
        (AlertState(state="flaky", flaky_nights=2, open=True), "flaky", "quarantined", ("update",)),
        (OVER, "green", "fixed", ("close",)),
        (OVER, "broken", "confirmed", ("update",)),
        (OVER, "failed", "failing", ("update",)),
        (OVER, "flaky", "flaky", ("update",)),
        (OVER, "unknown", "quarantined", ()),
        (OVER, "gone", "gone", ("drop",)),
        (AlertState(state="confirmed", open=True), "gone", "gone", ("drop",)),
        (AlertState(), "gone", "gone", ()),
        (AlertState(state="gone"), "broken", "confirmed", ("open",)),
    ],
)
def test_transitions(before: AlertState, signal: Signal, state: State, actions: tuple[Action, ...]) -> None:
    after, called = transition(before, signal, TODAY)
    assert (after.state, called) == (state, actions)
