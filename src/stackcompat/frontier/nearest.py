"""The nearest of several pairs of releases."""

from __future__ import annotations

from collections.abc import Iterable

from stackcompat.frontier.galloping import nearest, neighbours
from stackcompat.frontier.inference import Pair

__all__ = ["NearestPair"]


class NearestPair:
    """Finds the nearest of some pairs: the nearest row that has any, and in it the nearest column.

    A broken pair most likely breaks for the same reason as the nearest broken pair. A row is a release of the first
    side. Nearness of rows counts before that of columns: a release most often breaks by what its own code uses,
    whatever its partner. Of two pairs at the same distance the lower one is taken.
    """

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self._columns: dict[int, list[int]] = {}
        for row, column in sorted(pairs):
            self._columns.setdefault(row, []).append(column)
        self._rows = list(self._columns)

    def to(self, pair: Pair) -> Pair | None:
        """The nearest pair to `pair`; None if there are no pairs."""
        row, column = pair
        rows = [row] if row in self._columns else neighbours(row, self._rows)
        candidates = [(other, nearest(column, self._columns[other])) for other in rows]
        return min(
            ((other, other_column) for other, other_column in candidates if other_column is not None),
            key=lambda other: (abs(other[0] - row), abs(other[1] - column), other),
            default=None,
        )
