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

__all__ = ["CombinationSpace", "share_covered"]

Row = tuple[str, ...]


_Items = tuple[int, ...]


class CombinationSpace:
    """The rows that `factors` and `compatible` (symmetric, asked for values of different factors only) allow.

    Values are numbered in order, and rows are ascending tuples of numbers.
    """

    def __init__(self, factors: Sequence[Sequence[str]], compatible: Callable[[str, str], bool]) -> None:
        self._values = [value for factor in factors for value in factor]
        self._number = {value: item for item, value in enumerate(self._values)}
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
        return self._cover([self._items(seed) for seed in seeds], self._allowed(strength), strength, whole=False)

    def cover(self, wanted: Iterable[Sequence[str]], *, whole: bool = True) -> list[Row]:
        """Rows in which all of `wanted` meet; the values of each, equally many of them, need not go together.

        If `whole`, each row has a value of every factor, and what no such row can hold is left out.
        """
        items = [self._items(values) for values in wanted]
        possible = [one for one in items if not whole or self._whole(one)]
        return self._cover([], possible, len(possible[0]) if possible else 0, whole=whole)

    def holds(self, values: Sequence[str]) -> bool:
        """Whether some row with a value of every factor holds `values`, which need not go together."""
        return self._whole(self._items(values))

    def grows(self, row: Sequence[str]) -> bool:
        """Whether some value goes with all of `row`."""
        return bool(self._options(self._items(row)))

    def _cover(self, seeds: Iterable[_Items], wanted: Sequence[_Items], strength: int, *, whole: bool) -> list[Row]:
        missing = set(wanted)
        pending = Counter(item for items in wanted for item in items)
        found = []

        def take(start: _Items) -> None:
            row = self._grown(start, missing, pending, strength, whole=whole)
            for met in missing.intersection(combinations(row, strength)):
                missing.remove(met)
                pending.subtract(met)
            found.append(self._row(row))

        for seed in seeds:
            take(seed)
        for items in wanted:
            if items in missing:
                take(items)
        return found

    def _items(self, values: Iterable[str]) -> _Items:
        return tuple(sorted(self._number[value] for value in values))

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

    def _grown(
        self, start: _Items, missing: set[_Items], pending: Counter[int], strength: int, *, whole: bool
    ) -> _Items:
        """The row that grows from `start`, into one with a value of every factor if it must be `whole`."""
        row = start
        options = self._options(start)

        def worth(item: int) -> tuple[int, int, int]:
            gain = sum(tuple(sorted((*group, item))) in missing for group in combinations(row, strength - 1))
            return gain, pending[item], -item

        while options:
            best = max(options, key=worth)
            grown = tuple(sorted((*row, best)))
            if whole and not self._whole(grown, options & self._friends[best]):
                options = options - {best}
                continue
            row = grown
            options &= self._friends[best]
        return row

    def _options(self, row: _Items) -> set[int]:
        """The values that go with all of `row`."""
        return set.intersection(*(self._friends[item] for item in row))

    def _whole(self, row: _Items, options: set[int] | None = None) -> bool:
        """Whether `row` can get a value, out of `options`, of every factor that it has none of."""
        options = self._options(row) if options is None else options
        still = [options.intersection(factor) for factor in self._factors if not set(factor).intersection(row)]
        if not still:
            return True
        # The factor with the least choice first: where there is no row, that shows soonest.
        scarcest = min(still, key=len)
        return any(self._whole((*row, item), options & self._friends[item]) for item in sorted(scarcest))


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
