"""The pairs of releases that a frontier is about: two sides, and what metadata forbids."""

from __future__ import annotations

import datetime as dt
from functools import cached_property

from stackcompat.core.record import Record
from stackcompat.frontier.inference import Pair

__all__ = ["PairSpace", "Side"]

_DAY = dt.timedelta(days=1)


class Side(Record):
    """One component's releases, lowest first, and when each was uploaded."""

    name: str
    versions: tuple[str, ...]
    uploaded: tuple[dt.datetime, ...]


class PairSpace(Record):
    """Every pair of releases of two components. `forbidden` are those that metadata excludes, each with its reason."""

    first: Side
    second: Side
    forbidden: dict[Pair, str] = {}

    def rows(self) -> dict[int, list[int]]:
        """The columns (releases of the second) that metadata permits, by row (release of the first)."""
        columns = range(len(self.second.versions))
        return {
            row: [column for column in columns if (row, column) not in self.forbidden]
            for row in range(len(self.first.versions))
        }

    @cached_property
    def contemporary(self) -> tuple[int, ...]:
        """By row, the column that is the likeliest to work with its release.

        It is the release of the same number, if both came within a day (then they are made together), else the newest
        that was there on that day.
        """
        columns = list(enumerate(zip(self.second.versions, self.second.uploaded, strict=True)))
        found = []
        for version, came in zip(self.first.versions, self.first.uploaded, strict=True):
            there = [column for column, (_, moment) in columns if moment.date() <= came.date()]
            twins = (column for column, (other, moment) in columns if other == version and abs(moment - came) < _DAY)
            found.append(next(twins, max(there, default=0)))
        return tuple(found)
