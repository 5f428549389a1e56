"""Histories in words."""

from __future__ import annotations

import datetime as dt

import pytest

from stackcompat.core.vocabulary import Verdict
from stackcompat.report.history_text import history_words
from stackcompat.verdict.history import HistoryEntry, first_red, last_green

FIRST = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("verdicts", "moments"),
    [
        (("broken", "works"), "was red on 2026-11-24, green since 2026-11-25"),
        (
            ("works", "broken", "broken", "works", "works"),
            "was red from 2026-11-25 to 2026-11-26, green since 2026-11-27",
        ),
        (("broken", "works", "broken", "flaky", "works"), "was red on 2026-11-26, green since 2026-11-28"),
        (("works", "broken"), "red since 2026-11-25, last green 2026-11-24"),
        (("broken", "works", "broken"), "red since 2026-11-26, last green 2026-11-25"),
        (("broken", "broken"), "red since 2026-11-24"),
        (("works", "works"), "last green 2026-11-25"),
    ],
)
def test_the_moments_follow_the_order_of_the_runs(verdicts: tuple[Verdict, ...], moments: str) -> None:
    past = [HistoryEntry(at=FIRST + dt.timedelta(days=day), verdict=one) for day, one in enumerate(verdicts)]
    words = history_words(past, first_red(past), last_green(past))
    assert words.startswith(f"{len(verdicts)} runs: ")
    assert words.endswith(f"; {moments}")
