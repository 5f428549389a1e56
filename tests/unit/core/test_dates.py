"""Days and times that a person gives."""

from __future__ import annotations

import datetime as dt

import pytest

from stackcompat.core.dates import end_of_day, parse_date


def test_naive_time_is_utc() -> None:
    assert parse_date("2026-09-20T12:00:00") == dt.datetime(2026, 9, 20, 12, tzinfo=dt.UTC)


def test_today_is_allowed_to_its_end() -> None:
    today = dt.datetime.now(dt.UTC).date()
    assert parse_date(today) == dt.datetime.combine(today, dt.time(23, 59, 59), dt.UTC)


@pytest.mark.parametrize(
    ("day", "end"),
    [
        (dt.date(2026, 9, 20), dt.datetime(2026, 9, 20, 23, 59, 59, tzinfo=dt.UTC)),
        (dt.datetime(2026, 9, 20, 12, 30), dt.datetime(2026, 9, 20, 23, 59, 59, tzinfo=dt.UTC)),  # noqa: DTZ001
        (
            dt.datetime(2026, 9, 21, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
            dt.datetime(2026, 9, 20, 23, 59, 59, tzinfo=dt.UTC),
        ),
    ],
)
def test_the_end_of_a_day_is_its_last_second_in_utc(day: dt.date, end: dt.datetime) -> None:
    assert end_of_day(day) == end
