"""The releases of two sides, in pairs."""

from __future__ import annotations

import datetime as dt

from stackcompat.frontier.space import PairSpace, Side
from support.planted import table


def test_rows_have_the_columns_that_metadata_permits() -> None:
    assert table(3, 3, permitted=[(0, 1), (2, 0), (2, 2)]).rows() == {0: [1], 1: [], 2: [0, 2]}


def side(name: str, *releases: tuple[str, str]) -> Side:
    """A side of releases with the moments when they came."""
    moments = tuple(dt.datetime.fromisoformat(f"{moment}+00:00") for _, moment in releases)
    return Side(name=name, versions=tuple(version for version, _ in releases), uploaded=moments)


def test_the_contemporary_of_a_release_is_the_newest_of_its_day_or_the_one_made_with_it() -> None:
    plugin = side("plugin", ("1.0", "2026-01-09T23:50"), ("1.1", "2026-02-20T10:00"), ("2.0", "2026-02-01T10:00"))
    core = side("core", ("1.0", "2026-01-10T00:10"), ("1.1", "2026-02-20T11:00"), ("2.0", "2026-02-01T10:05"))
    together = PairSpace(first=plugin, second=core)
    assert together.contemporary == (0, 1, 2)
    # A number that was given at another time is another release.
    other = side("other", ("0.9", "2025-12-01T10:00"), ("1.0", "2026-01-12T10:00"), ("1.1", "2026-02-01T23:00"))
    apart = PairSpace(first=plugin, second=other)
    assert apart.contemporary == (0, 2, 2)
