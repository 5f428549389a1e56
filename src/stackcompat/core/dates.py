"""The time now, and the days and times that a person gives. All are datetimes in UTC."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import Annotated

from pydantic import BeforeValidator

__all__ = ["Moment", "end_of_day", "now", "parse_date"]


#: The first year of a day that a person can give. The index of Python's packages is from 2003.
_FIRST_YEAR = 1990


def now() -> dt.datetime:
    """The time now, in UTC."""
    return dt.datetime.now(dt.UTC)


def end_of_day(day: dt.date) -> dt.datetime:
    """The last second of a day in UTC. Of a datetime, the day in UTC counts; a naive one is taken to be in UTC."""
    if isinstance(day, dt.datetime) and day.tzinfo is not None:
        day = day.astimezone(dt.UTC)
    return dt.datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=dt.UTC)


def parse_date(given: str | dt.date) -> dt.datetime:
    """Read a day or a time that a person gives.

    Args:
        given: A date or an RFC 3339 time, as text or as a value. A date means its end, 23:59:59 UTC.

    Returns:
        The moment, in UTC.

    Raises:
        ValueError: The text is neither of these, or the day lies in the future or before any package index.
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
    try:
        moment = moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    except OverflowError:
        raise ValueError(f'"{given}" is in no year from 1 to 9999 in UTC') from None
    if moment.year < _FIRST_YEAR:
        raise ValueError(f"{moment.date()} lies before any package index; allowed is any day since {_FIRST_YEAR}")
    if moment.date() > now().date():
        raise ValueError(f"{moment.date()} lies in the future; allowed is any day until today")
    return moment


#: The type of a field that holds a moment. :func:`parse_date` reads it.
Moment = Annotated[dt.datetime, BeforeValidator(parse_date)]
