"""Days and times that a person gives, as aware UTC datetimes."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import Annotated

from pydantic import BeforeValidator

__all__ = ["Moment", "end_of_day", "parse_date"]


def end_of_day(day: dt.date) -> dt.datetime:
    """The last second of a day in UTC; a datetime stands for the day that it is in UTC (a naive one is in UTC)."""
    if isinstance(day, dt.datetime) and day.tzinfo is not None:
        day = day.astimezone(dt.UTC)
    return dt.datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=dt.UTC)


def parse_date(given: str | dt.date) -> dt.datetime:
    """A day or a time that a person gives.

    Args:
        given: A date, of which the end is meant (23:59:59 UTC), or an RFC 3339 time; as text or as a value.

    Returns:
        The moment, in UTC.

    Raises:
        ValueError: The text is neither, or lies on a day after today.
    """
    moment = given if isinstance(given, dt.date) else None
    if isinstance(given, str):
        kind = dt.date if len(given) == len("2026-09-20") else dt.datetime
        with contextlib.suppress(ValueError):
            moment = kind.fromisoformat(given)
    if moment is None:
        raise ValueError(f'"{given}" is not a date such as 2026-09-20 or 2026-09-20T12:00:00Z')
    if not isinstance(moment, dt.datetime):
        moment = end_of_day(moment)
    moment = moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    if moment.date() > dt.datetime.now(dt.UTC).date():
        raise ValueError(f"{moment.date()} lies in the future; allowed is any day until today")
    return moment


#: A field that holds a moment, read from what :func:`parse_date` takes.
Moment = Annotated[dt.datetime, BeforeValidator(parse_date)]
