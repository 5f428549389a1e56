"""The states of a pair or a test from night to night, and what each change of state calls for. Pure."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from stackcompat.core.record import Record

__all__ = ["CALM_NIGHTS", "FLAKY_NIGHTS", "QUARANTINE", "Action", "AlertState", "Signal", "State", "transition"]

#: ``failing`` failed once and was not tried again, ``confirmed`` failed again the same way in a fresh environment.
State = Literal["passing", "failing", "confirmed", "flaky", "quarantined", "fixed", "gone"]


#: What one night says. ``unknown``: infrastructure, not run, or not what was asked for. ``gone``: there is nothing left
#: that could say more, since the test or the pair is not there, or does not apply, at the newest releases.
Signal = Literal["green", "failed", "broken", "flaky", "unknown", "gone"]


#: ``drop`` closes what is gone.
Action = Literal["open", "update", "close", "drop"]


#: Flaky nights after which a subject is quarantined.
FLAKY_NIGHTS = 3


#: Green nights in a row after which it is flaky no more. Of both kinds, only nights that ran it count.
CALM_NIGHTS = 5


#: How long a quarantine lasts.
QUARANTINE = dt.timedelta(days=14)


class AlertState(Record):
    """Where a subject stands. `since` is the day of the last change; `until` the day on which a quarantine ends.

    `open`: an issue about it is open.
    """

    state: State = "passing"
    since: dt.date | None = None
    until: dt.date | None = None
    open: bool = False
    flaky_nights: int = 0
    calm_nights: int = 0


def transition(
    watched: AlertState, said: Signal, today: dt.date, *, ran: bool = True
) -> tuple[AlertState, tuple[Action, ...]]:
    """Where a subject stands after a night that said `said`, and what is to be done about it.

    Infrastructure changes nothing. In quarantine nothing counts; once it is over, the next night that tells something
    is judged as if nothing had been known. A night that said again what an earlier one `ran` makes nothing more flaky,
    and nothing calmer.
    """
    if said == "unknown" or said == watched.state == "gone":
        return watched, ()
    if said == "gone":
        return AlertState(state="gone", since=today), (("drop",) if watched.open else ())
    if watched.state == "quarantined":
        if watched.until is not None and today < watched.until:
            return watched, ()
        watched = AlertState(since=watched.since, open=watched.open)
    match said:
        case "green":
            if watched.state == "flaky" and watched.calm_nights + ran < CALM_NIGHTS:
                return watched.model_copy(update={"calm_nights": watched.calm_nights + ran}), ()
            if watched.open:
                return AlertState(state="fixed", since=today), ("close",)
            return _move(watched, "passing", today), ()
        case "failed":
            state = watched.state if watched.state in ("confirmed", "flaky") else "failing"
            return _move(watched, state, today, watched.flaky_nights), (("update",) if watched.open else ())
        case "broken":
            return _move(watched, "confirmed", today).model_copy(update={"open": True}), (_tell(watched),)
        case "flaky":
            nights = max(1, watched.flaky_nights + ran)
            if nights < FLAKY_NIGHTS:
                return _move(watched, "flaky", today, nights), (("update",) if watched.open else ())
            ends = {"until": today + QUARANTINE, "open": True}
            return _move(watched, "quarantined", today).model_copy(update=ends), (_tell(watched),)


def _move(watched: AlertState, state: State, today: dt.date, flaky_nights: int = 0) -> AlertState:
    since = watched.since if watched.state == state else today
    return AlertState(state=state, since=since, open=watched.open, flaky_nights=flaky_nights)


def _tell(watched: AlertState) -> Action:
    return "update" if watched.open else "open"
