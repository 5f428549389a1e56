"""Covering arrays with constraints: few rows in which every allowed combination of `strength` values meets.

A factor is a sequence of values (texts, no two alike in all the factors), and two values of different factors go
together or do not. A combination is allowed if all its values go together; a row is an allowed combination with a value
of each factor, or of fewer where no value of some factor goes with the others.

The rows are built one at a time as in AETG (Cohen, Dalal, Fredman, Patton: The AETG System, IEEE Transactions on
Software Engineering 23(7), 1997): each begins with a combination not met so far and takes, value by value, what brings
the most further ones together. Where AETG draws at random, this takes the value with most combinations still to come,
then the first, so equal questions have equal answers. Since each row begins with an allowed combination that is
missing, all of them are covered in the end, whatever the constraints.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, product

__all__ = ["Space", "share_covered"]

Row = tuple[str, ...]
_Items = tuple[int, ...]


class Space:
    """The rows that `factors` and `compatible` (symmetric, asked for values of different factors only) allow.

    Values are numbered in order, and rows are ascending tuples of numbers.
    """

    def __init__(self, factors: Sequence[Sequence[str]], compatible: Callable[[str, str], bool]) -> None:
        self._values = [value for factor in factors for value in factor]
        factor_of = [number for number, factor in enumerate(factors) for _ in factor]
        self._factors = [[item for item, owner in enumerate(factor_of) if owner == n] for n in range(len(factors))]
        self._friends: list[set[int]] = [set() for _ in self._values]
        for first, second in combinations(range(len(self._values)), 2):
            if factor_of[first] != factor_of[second] and compatible(self._values[first], self._values[second]):
                self._friends[first].add(second)
                self._friends[second].add(first)

    def combinations(self, strength: int) -> tuple[Row, ...]:
        """Every allowed combination of `strength` values, in the factors' order; those of the largest factors first."""
        return tuple(self._row(items) for items in self._allowed(strength))

    def rows(self, strength: int, seeds: Iterable[Sequence[str]] = ()) -> list[Row]:
        """Rows, in the factors' order, that cover every allowed combination of `strength` values.

        A row for each of `seeds` (values of different factors, which need not go together) comes first.
        """
        allowed = self._allowed(strength)
        missing = set(allowed)
        pending = Counter(item for items in allowed for item in items)
        found = []

        def take(start: _Items) -> None:
            row = self._grown(start, missing, pending, strength)
            for met in missing.intersection(combinations(row, strength)):
                missing.remove(met)
                pending.subtract(met)
            found.append(self._row(row))

        for seed in seeds:
            take(tuple(sorted(self._values.index(value) for value in seed)))
        for items in allowed:
            if items in missing:
                take(items)
        return found

    def _row(self, items: _Items) -> Row:
        return tuple(self._values[item] for item in items)

    def _allowed(self, strength: int) -> list[_Items]:
        # No row holds two combinations of the same factors: the largest ones decide how many rows it takes, so they
        # come first, and all others are met on the way.
        chosen = sorted(combinations(self._factors, strength), key=lambda lists: -sum(map(len, lists)))
        together = (items for lists in chosen for items in product(*lists))
        return [
            items
            for items in together
            if all(second in self._friends[first] for first, second in combinations(items, 2))
        ]

    def _grown(self, start: _Items, missing: set[_Items], pending: Counter[int], strength: int) -> _Items:
        """The row that grows from `start`."""
        row = start
        options = set.intersection(*(self._friends[item] for item in start))

        def worth(item: int) -> tuple[int, int, int]:
            gain = sum(tuple(sorted((*group, item))) in missing for group in combinations(row, strength - 1))
            return gain, pending[item], -item

        while options:
            best = max(options, key=worth)
            row = tuple(sorted((*row, best)))
            options &= self._friends[best]
        return row


def share_covered(wanted: Sequence[Row], rows: Iterable[Iterable[str]]) -> tuple[float, tuple[Row, ...]]:
    """The percentage of the `wanted` combinations that meet in some of `rows`, and those that do not; 100 of none."""
    values = {value for items in wanted for value in items}
    strengths = {len(items) for items in wanted}
    met = set()
    for row in rows:
        held = values.intersection(row)
        met |= {frozenset(group) for strength in strengths for group in combinations(held, strength)}
    missing = tuple(items for items in wanted if frozenset(items) not in met)
    return (100.0 * (1 - len(missing) / len(wanted)) if wanted else 100.0), missing
