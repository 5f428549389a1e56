"""Covering arrays with constraints: few rows in which every allowed combination of values meets.

A factor is a sequence of values. Values are texts; no text occurs twice, not even in different factors. Two values of
different factors go together or they do not. A combination of values is allowed if each two of them go together. A row
is an allowed combination with one value of each factor. A factor is left out where none of its values goes with the
rest.

The rows are built one at a time as in AETG (Cohen, Dalal, Fredman, Patton: The AETG System, IEEE Transactions on
Software Engineering 23(7), 1997). A row begins with a combination that is not covered yet. Then it takes, one by one,
the value that covers the most further combinations. Where AETG draws at random, the value with the most combinations
still to cover is taken here, then the first. So equal questions have equal answers. Since every row begins with an
allowed combination that is missing, all are covered in the end, whatever the constraints are.

At the end rows are dropped whose combinations other rows can take. A value of a row can give way where the combinations
that it is in are covered by further rows (Nayeri, Colbourn, Konjevod: Randomized post-optimization of covering arrays,
European Journal of Combinatorics 34(1), 2013; nothing is drawn at random here).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, product

__all__ = ["CombinationSpace", "Row", "share_covered"]

#: Values of different factors, in the order of the factors.
Row = tuple[str, ...]

#: A row as the numbers of its values, ascending.
_Numbers = tuple[int, ...]


class _Uncovered:
    """The combinations that no row covers yet.

    Args:
        wanted: The combinations to cover.
        strength: How many values each combination has.
    """

    def __init__(self, wanted: Sequence[_Numbers], strength: int) -> None:
        self.combinations = set(wanted)
        self._strength = strength
        #: By value, in how many uncovered combinations it is.
        self._counts = Counter(value for combination in wanted for value in combination)

    def remove_covered_by(self, row: _Numbers) -> None:
        """Drop the combinations that `row` covers."""
        for combination in self.combinations.intersection(combinations(row, self._strength)):
            self.combinations.remove(combination)
            self._counts.subtract(combination)

    def worth(self, row: _Numbers, value: int) -> tuple[int, int, int]:
        """Sort key of a value to add to `row`.

        Returns:
            How many combinations it would cover newly, in how many uncovered ones it is at all, and its place (earlier
            is higher).
        """
        covered = sum(
            tuple(sorted((*others, value))) in self.combinations for others in combinations(row, self._strength - 1)
        )
        return covered, self._counts[value], -value


class _Array:
    """Rows that cover all wanted combinations, made fewer.

    Args:
        rows: The rows.
        wanted: The combinations, which the rows cover.
        strength: How many values a combination has.
        factor_of: The factor of each value.
        companions: By value, the values of other factors that go with it.
    """

    def __init__(
        self,
        rows: Iterable[_Numbers],
        wanted: Iterable[_Numbers],
        strength: int,
        factor_of: Sequence[int],
        companions: Sequence[set[int]],
    ) -> None:
        self.rows = list(rows)
        self._wanted = set(wanted)
        self._strength = strength
        self._factor_of = factor_of
        self._companions = companions
        self._width = len(set(factor_of))
        #: By combination, how many rows cover it.
        self._covering = Counter(combination for row in self.rows for combination in self._covered(row))

    def reduce(self, fixed: int) -> None:
        """Drop rows whose combinations the others can take.

        Args:
            fixed: The number of rows at the beginning that stay as they are.
        """
        places = range(fixed, len(self.rows))
        fewest = self._fewest()
        dropped: set[int] = set()
        loose = self._loose(places)
        for place in sorted(places, key=lambda place: len(self._only_in(self.rows[place]))):
            if len(self.rows) - len(dropped) == fewest:
                break
            if self._give_away(place, [other for other in loose if other != place]):
                dropped.add(place)
                loose = self._loose(other for other in places if other not in dropped)
        self.rows = [row for place, row in enumerate(self.rows) if place not in dropped]

    def _fewest(self) -> int:
        """No array has fewer rows, since no row holds two combinations of values of the same factors."""
        factors = Counter(tuple(self._factor_of[value] for value in combination) for combination in self._wanted)
        return max(factors.values(), default=0)

    def _loose(self, places: Iterable[int]) -> list[int]:
        """The rows that can take something: they lack a value, or further rows cover all combinations of one."""
        return [
            place
            for place in places
            if set(self.rows[place]).difference(*self._only_in(self.rows[place])) or len(self.rows[place]) < self._width
        ]

    def _give_away(self, place: int, others: Iterable[int]) -> bool:
        """Let other rows take what only one row covers, and uncover that row. Changes nothing if they cannot."""
        alone = self._only_in(self.rows[place])
        before = {place: self.rows[place]}
        self._change(place, ())
        for combination in alone:
            if self._covering[combination]:  # a row that was changed for another combination covers it as well
                continue
            for other in others:
                changed = self._with(self.rows[other], combination)
                if changed is not None:
                    before.setdefault(other, self.rows[other])
                    self._change(other, changed)
                    break
            else:
                for changed_place, row in before.items():
                    self._change(changed_place, row)
                return False
        return True

    def _with(self, row: _Numbers, combination: _Numbers) -> _Numbers | None:
        """`row` with the values of `combination`; None if they do not fit or the row is needed for what would go."""
        factors = {self._factor_of[value] for value in combination}
        kept = [value for value in row if self._factor_of[value] not in factors]
        if not all(self._companions[value].issuperset(kept) for value in combination):
            return None
        gone = set(row).difference(kept, combination)
        for value in gone:
            rest = [other for other in row if other != value]
            for others in combinations(rest, self._strength - 1):
                if self._covering.get(tuple(sorted((*others, value))), 2) < 2:
                    return None
        return tuple(sorted((*kept, *combination)))

    def _change(self, place: int, row: _Numbers) -> None:
        self._covering.subtract(self._covered(self.rows[place]))
        self._covering.update(self._covered(row))
        self.rows[place] = row

    def _only_in(self, row: _Numbers) -> list[_Numbers]:
        """The combinations that no other row covers."""
        return [combination for combination in self._covered(row) if self._covering[combination] == 1]

    def _covered(self, row: _Numbers) -> list[_Numbers]:
        return [combination for combination in combinations(row, self._strength) if combination in self._wanted]


class CombinationSpace:
    """The rows that factors and constraints allow.

    Args:
        factors: The values of each factor.
        compatible: Whether two values of different factors go together. The order of the two must not matter.
    """

    def __init__(self, factors: Sequence[Sequence[str]], compatible: Callable[[str, str], bool]) -> None:
        self._values = [value for factor in factors for value in factor]
        self._numbers = {value: number for number, value in enumerate(self._values)}
        self._factors = [[self._numbers[value] for value in factor] for factor in factors]
        self._factor_of = [number for number, factor in enumerate(factors) for _ in factor]
        #: By value, the values of other factors that go with it.
        self._companions: list[set[int]] = [set() for _ in self._values]
        for left, right in combinations(self._factors, 2):
            for first, second in product(left, right):
                if compatible(self._values[first], self._values[second]):
                    self._companions[first].add(second)
                    self._companions[second].add(first)

    def combinations(self, strength: int) -> tuple[Row, ...]:
        """Every allowed combination of `strength` values. Those of the largest factors come first."""
        return tuple(self._row(combination) for combination in self._allowed(strength))

    def rows(self, strength: int, seeds: Iterable[Sequence[str]] = ()) -> list[Row]:
        """Rows that cover every allowed combination of `strength` values.

        Args:
            strength: How many values a combination has.
            seeds: The beginnings of the first rows, one for each row. The values of a seed need not go together.
        """
        return self._cover(map(self._numbered, seeds), self._allowed(strength), strength, whole=False)

    def cover(self, wanted: Iterable[Sequence[str]], *, whole: bool = True) -> list[Row]:
        """Rows that cover chosen combinations.

        Args:
            wanted: The combinations, all of one length. The values of a combination need not go together.
            whole: Whether each row must have a value of every factor. A combination is then left out if no such row
                can hold it.
        """
        combinations_wanted = list(map(self._numbered, wanted))
        if whole:
            combinations_wanted = [combination for combination in combinations_wanted if self._completes(combination)]
        strength = len(combinations_wanted[0]) if combinations_wanted else 0
        return self._cover((), combinations_wanted, strength, whole=whole)

    def holds(self, values: Sequence[str]) -> bool:
        """Whether some row with a value of every factor can hold `values`. They need not go together."""
        return self._completes(self._numbered(values))

    def can_grow(self, row: Sequence[str]) -> bool:
        """Whether a further value could be added to `row`."""
        return bool(self._options(self._numbered(row)))

    def _numbered(self, values: Iterable[str]) -> _Numbers:
        return tuple(sorted(self._numbers[value] for value in values))

    def _row(self, numbers: _Numbers) -> Row:
        return tuple(self._values[number] for number in numbers)

    def _allowed(self, strength: int) -> list[_Numbers]:
        """Every allowed combination of `strength` values.

        No row holds two combinations of the same factors, so the largest factors decide how many rows are needed. Their
        combinations come first; most of the others are covered on the way.
        """
        largest_first = sorted(combinations(self._factors, strength), key=lambda factors: -sum(map(len, factors)))
        return [
            combination
            for factors in largest_first
            for combination in product(*factors)
            if all(second in self._companions[first] for first, second in combinations(combination, 2))
        ]

    def _cover(self, seeds: Iterable[_Numbers], wanted: Sequence[_Numbers], strength: int, *, whole: bool) -> list[Row]:
        """A row for each seed, then rows until all of `wanted` are covered. Each of `wanted` has `strength` values."""
        uncovered = _Uncovered(wanted, strength)
        rows = []
        for seed in seeds:
            rows.append(self._grow(seed, uncovered, whole=whole))
            uncovered.remove_covered_by(rows[-1])
        number_of_seeds = len(rows)
        for combination in wanted:
            if combination in uncovered.combinations:
                rows.append(self._grow(combination, uncovered, whole=whole))
                uncovered.remove_covered_by(rows[-1])
        before = len(rows) + 1
        while len(rows) < before:
            before = len(rows)
            array = _Array(rows, wanted, strength, self._factor_of, self._companions)
            array.reduce(fixed=number_of_seeds)
            # A row that was changed can have room for a further value.
            rows = [self._grow(row, uncovered, whole=whole) for row in array.rows]
        return [self._row(row) for row in rows]

    def _grow(self, start: _Numbers, uncovered: _Uncovered, *, whole: bool) -> _Numbers:
        """The row that grows from `start`, value by value. If `whole`, it ends with a value of every factor."""
        row = start
        options = self._options(start)
        while options:
            best = max(options, key=lambda value: uncovered.worth(row, value))
            grown = tuple(sorted((*row, best)))
            remaining = options & self._companions[best]
            if whole and not self._completes(grown, remaining):
                options = options - {best}
            else:
                row, options = grown, remaining
        return row

    def _options(self, row: _Numbers) -> set[int]:
        """The values that go with all of `row`."""
        return set.intersection(*(self._companions[value] for value in row))

    def _completes(self, row: _Numbers, options: set[int] | None = None) -> bool:
        """Whether `row` can get a value of every factor that it lacks, out of `options` (if None: all that fit)."""
        options = self._options(row) if options is None else options
        open_factors = [options.intersection(factor) for factor in self._factors if not set(factor).intersection(row)]
        if not open_factors:
            return True
        # The factor with the fewest options comes first, since it shows soonest that there is no such row.
        scarcest = min(open_factors, key=len)
        return any(self._completes((*row, value), options & self._companions[value]) for value in sorted(scarcest))


def share_covered(wanted: Sequence[Row], rows: Iterable[Iterable[str]]) -> tuple[float, tuple[Row, ...]]:
    """How many of some combinations are covered by some rows.

    Args:
        wanted: The combinations of values.
        rows: The rows. They can hold further values.

    Returns:
        The percentage of the combinations that some row holds (100 if there are no combinations), and the combinations
        that no row holds.
    """
    known_values = {value for combination in wanted for value in combination}
    strengths = {len(combination) for combination in wanted}
    met: set[frozenset[str]] = set()
    for row in rows:
        held = known_values.intersection(row)
        for strength in strengths:
            met.update(map(frozenset, combinations(held, strength)))
    missing = tuple(combination for combination in wanted if frozenset(combination) not in met)
    return (100.0 * (1 - len(missing) / len(wanted)) if wanted else 100.0), missing
