"""Days and times that a person gives, as aware UTC datetimes."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import Annotated

from pydantic import BeforeValidator

__all__ = ["Moment", "parse_date"]


def parse_date(given: str | dt.date) -> dt.datetime:
    """A day (its end, 23:59:59 UTC) or an RFC 3339 time, as an aware datetime of no later day than today."""
    moment = given if isinstance(given, dt.date) else None
    if isinstance(given, str):
        kind = dt.date if len(given) == len("2026-09-20") else dt.datetime
        with contextlib.suppress(ValueError):
            moment = kind.fromisoformat(given)
    if moment is None:
        raise ValueError(f'"{given}" is not a date such as 2026-09-20 or 2026-09-20T12:00:00Z')
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime.combine(moment, dt.time(23, 59, 59), dt.UTC)
    moment = moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    if moment.date() > dt.datetime.now(dt.UTC).date():
        raise ValueError(f"{moment.date()} lies in the future; allowed is any day until today")
    return moment


Moment = Annotated[dt.datetime, BeforeValidator(parse_date)]
