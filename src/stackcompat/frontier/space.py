"""The pairs of releases that a frontier is about: two sides, and the pairs that metadata forbids."""

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
    """Every pair of releases of two components: a table with a row for each release of `first`.

    Attributes:
        first: The component whose releases are the rows.
        second: The component whose releases are the columns.
        forbidden: The pairs that metadata excludes, each with the reason.
    """

    first: Side
    second: Side
    forbidden: dict[Pair, str] = {}

    def rows(self) -> dict[int, list[int]]:
        """The columns that metadata permits, by row."""
        columns = range(len(self.second.versions))
        return {
            row: [column for column in columns if (row, column) not in self.forbidden]
            for row in range(len(self.first.versions))
        }

    @cached_property
    def contemporary(self) -> tuple[int, ...]:
        """By row, the column of the partner that most likely works with the row's release.

        That is the release with the same version number, if both were uploaded within a day of each other: then they
        were made together. Otherwise it is the newest release that existed on that day.
        """
        return tuple(
            self._contemporary_of(version, uploaded)
            for version, uploaded in zip(self.first.versions, self.first.uploaded, strict=True)
        )

    def _contemporary_of(self, version: str, uploaded: dt.datetime) -> int:
        newest = 0
        for column, (other, moment) in enumerate(zip(self.second.versions, self.second.uploaded, strict=True)):
            if other == version and abs(moment - uploaded) < _DAY:
                return column
            if moment.date() <= uploaded.date():
                newest = column
        return newest
