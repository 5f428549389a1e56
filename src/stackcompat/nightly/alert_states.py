"""The states of a pair or a test from night to night, and what each change of state calls for. Pure.

The state machine is that of Ray's release tests (https://github.com/ray-project/ray, ``release/ray_release``). One
state is added: a subject that was flaky on several nights is muted for some days.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from stackcompat.core.record import Record

__all__ = ["CALM_NIGHTS", "FLAKY_NIGHTS", "MUTED_FOR", "Action", "AlertState", "Signal", "State", "transition"]

#: ``failing``: it failed once and was not tried again. ``confirmed``: it failed again in the same way in a new
#: environment. ``muted``: it was flaky on several nights, so for some days only a confirmed failure counts.
State = Literal["passing", "failing", "confirmed", "flaky", "muted", "fixed", "gone"]


#: What one night says. ``unknown``: infrastructure got in the way, nothing ran, or the environment was not the one that
#: was asked for. ``gone``: at the newest releases the test or the pair does not exist any more, or does not apply.
Signal = Literal["green", "failed", "broken", "flaky", "unknown", "gone"]


#: What to do about the issue. ``close``: it works again. ``drop``: close it because its subject is gone.
Action = Literal["open", "update", "close", "drop"]


#: After this many flaky nights a subject is muted. Only nights that ran it count.
FLAKY_NIGHTS = 3


#: After this many green nights in a row a flaky subject is passing. Only nights that ran it count.
CALM_NIGHTS = 5


#: How long a subject is muted.
MUTED_FOR = dt.timedelta(days=14)


class AlertState(Record):
    """The state of a subject after a night.

    Attributes:
        state: The state.
        since: The day of the last change of state; None before the first.
        until: The day from which every night counts again; None unless the subject is muted.
        open: Whether an issue about the subject is open.
        opened: The day of the night that called for this issue; None if none is open.
        flaky_nights: Nights that ran it and found it flaky.
        calm_nights: Green nights in a row that ran it, while it counts as flaky.
    """

    state: State = "passing"
    since: dt.date | None = None
    until: dt.date | None = None
    open: bool = False
    opened: dt.date | None = None
    flaky_nights: int = 0
    calm_nights: int = 0


def transition(
    before: AlertState, signal: Signal, today: dt.date, *, ran: bool = True
) -> tuple[AlertState, tuple[Action, ...]]:
    """The state after a night, and what to do about the issue.

    The signal ``unknown`` changes nothing. While a subject is muted, no signal but ``broken`` and ``gone`` changes
    anything. The first signal after that is judged as if the subject had been passing; an open issue stays open. A
    muted subject that breaks still counts as flaky after that: it is muted again on the next flaky night, and passing
    only after some green nights.

    Args:
        before: The state after the night before.
        signal: What the night says.
        today: The day of the night.
        ran: Whether the night ran the subject. A night that only repeats an earlier result makes a subject neither more
            flaky nor calmer.
    """
    if signal == "unknown" or signal == before.state == "gone":
        return before, ()
    if signal == "gone":
        return AlertState(state="gone", since=today), (("drop",) if before.open else ())
    if before.state == "muted":
        if before.until is None or today >= before.until:
            before = AlertState(since=before.since, open=before.open, opened=before.opened)
        elif signal != "broken":
            return before, ()
    match signal:
        case "green":
            return _after_green(before, today, ran=ran)
        case "failed":
            state = before.state if before.state in ("confirmed", "flaky") else "failing"
            return _moved_to(before, state, today, before.flaky_nights), _update(before)
        case "broken":
            return _after_broken(before, today)
        case "flaky":
            return _after_flaky(before, today, ran=ran)


def _after_green(before: AlertState, today: dt.date, *, ran: bool) -> tuple[AlertState, tuple[Action, ...]]:
    calm_nights = before.calm_nights + ran
    if before.state == "confirmed" and before.flaky_nights:
        return _moved_to(before, "flaky", today, before.flaky_nights).model_copy(update={"calm_nights": int(ran)}), ()
    if before.state == "flaky" and calm_nights < CALM_NIGHTS:
        return before.model_copy(update={"calm_nights": calm_nights}), ()
    if before.open:
        return AlertState(state="fixed", since=today), ("close",)
    return _moved_to(before, "passing", today), ()


def _after_broken(before: AlertState, today: dt.date) -> tuple[AlertState, tuple[Action, ...]]:
    was_muted = before.state == "muted"
    keeps = before.flaky_nights if before.state == "confirmed" else 0
    confirmed = _moved_to(before, "confirmed", today, FLAKY_NIGHTS - 1 if was_muted else keeps)
    return _with_issue(confirmed, today), (_open_or_update(before),)


def _after_flaky(before: AlertState, today: dt.date, *, ran: bool) -> tuple[AlertState, tuple[Action, ...]]:
    flaky_nights = max(1, before.flaky_nights + ran)
    if flaky_nights < FLAKY_NIGHTS:
        return _moved_to(before, "flaky", today, flaky_nights), _update(before)
    muted = _moved_to(before, "muted", today).model_copy(update={"until": today + MUTED_FOR})
    return _with_issue(muted, today), (_open_or_update(before),)


def _with_issue(state: AlertState, today: dt.date) -> AlertState:
    """The state with an open issue; the day of its opening is `today` unless it was open before."""
    return state.model_copy(update={"open": True, "opened": state.opened if state.open else today})


def _moved_to(before: AlertState, state: State, today: dt.date, flaky_nights: int = 0) -> AlertState:
    """The subject in `state`; the day of the change is `today` unless it was in this state before."""
    since = before.since if before.state == state else today
    return AlertState(state=state, since=since, open=before.open, opened=before.opened, flaky_nights=flaky_nights)


def _update(before: AlertState) -> tuple[Action, ...]:
    return ("update",) if before.open else ()


def _open_or_update(before: AlertState) -> Action:
    return "update" if before.open else "open"
