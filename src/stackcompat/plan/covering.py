"""Covering arrays with constraints: few rows in which every allowed combination of values meets.

A factor is a sequence of values (texts, no two alike in all the factors). Two values of different factors go together
or they do not. A combination is allowed if all its values go together. A row is an allowed combination with a value of
each factor, or of fewer factors where no value of some factor goes with the others.

The rows are built one at a time as in AETG (Cohen, Dalal, Fredman, Patton: The AETG System, IEEE Transactions on
Software Engineering 23(7), 1997): each begins with a combination that is not covered yet and takes, value by value,
what covers the most further ones. Where AETG draws at random, this takes the value with the most combinations still to
come, then the first, so equal questions have equal answers. Since each row begins with an allowed combination that is
missing, all of them are covered in the end, whatever the constraints.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, product

__all__ = ["CombinationSpace", "Row", "share_covered"]

#: Values of different factors, in the factors' order.
Row = tuple[str, ...]

#: The same as ascending numbers of values.
_Numbers = tuple[int, ...]


class _Uncovered:
    """The combinations that no row covers yet.

    Args:
        wanted: The combinations to cover.
        strength: How many values each of them has.
    """

    def __init__(self, wanted: Sequence[_Numbers], strength: int) -> None:
        self.combinations = set(wanted)
        self._strength = strength
        #: By value, how many combinations with it are still to come.
        self._counts = Counter(value for combination in wanted for value in combination)

    def remove_covered_by(self, row: _Numbers) -> None:
        """Take out the combinations that meet in `row`."""
        for combination in self.combinations.intersection(combinations(row, self._strength)):
            self.combinations.remove(combination)
            self._counts.subtract(combination)

    def worth(self, row: _Numbers, value: int) -> tuple[int, int, int]:
        """Sort key of a value to add: what that newly covers, what else the value is still in, which comes first."""
        covered = sum(
            tuple(sorted((*others, value))) in self.combinations for others in combinations(row, self._strength - 1)
        )
        return covered, self._counts[value], -value


class CombinationSpace:
    """The rows that factors and constraints allow.

    Args:
        factors: The values of each factor.
        compatible: Whether two values of different factors go together; symmetric.
    """

    def __init__(self, factors: Sequence[Sequence[str]], compatible: Callable[[str, str], bool]) -> None:
        self._values = [value for factor in factors for value in factor]
        self._numbers = {value: number for number, value in enumerate(self._values)}
        self._factors = [[self._numbers[value] for value in factor] for factor in factors]
        #: By value, the values that go with it.
        self._companions: list[set[int]] = [set() for _ in self._values]
        for left, right in combinations(self._factors, 2):
            for first, second in product(left, right):
                if compatible(self._values[first], self._values[second]):
                    self._companions[first].add(second)
                    self._companions[second].add(first)

    def combinations(self, strength: int) -> tuple[Row, ...]:
        """Every allowed combination of `strength` values; those of the largest factors first."""
        return tuple(self._row(combination) for combination in self._allowed(strength))

    def rows(self, strength: int, seeds: Iterable[Sequence[str]] = ()) -> list[Row]:
        """Rows that cover every allowed combination.

        Args:
            strength: How many values a combination has.
            seeds: Values with which the first rows begin, one row for each; they need not go together.
        """
        return self._cover(map(self._numbered, seeds), self._allowed(strength), strength, whole=False)

    def cover(self, wanted: Iterable[Sequence[str]], *, whole: bool = True) -> list[Row]:
        """Rows in which all of `wanted` meet.

        Args:
            wanted: The combinations, all of one length. The values of one need not go together.
            whole: Each row has a value of every factor, and a combination that no such row can hold is left out.
        """
        combinations_wanted = list(map(self._numbered, wanted))
        if whole:
            combinations_wanted = [combination for combination in combinations_wanted if self._completes(combination)]
        strength = len(combinations_wanted[0]) if combinations_wanted else 0
        return self._cover((), combinations_wanted, strength, whole=whole)

    def holds(self, values: Sequence[str]) -> bool:
        """Whether some row with a value of every factor holds `values`, which need not go together."""
        return self._completes(self._numbered(values))

    def grows(self, row: Sequence[str]) -> bool:
        """Whether some value goes with all of `row`."""
        return bool(self._options(self._numbered(row)))

    def _numbered(self, values: Iterable[str]) -> _Numbers:
        return tuple(sorted(self._numbers[value] for value in values))

    def _row(self, numbers: _Numbers) -> Row:
        return tuple(self._values[number] for number in numbers)

    def _allowed(self, strength: int) -> list[_Numbers]:
        """Every allowed combination of `strength` values.

        No row holds two combinations of the same factors, so the largest factors decide how many rows it takes. Their
        combinations come first, and all others are met on the way.
        """
        largest_first = sorted(combinations(self._factors, strength), key=lambda factors: -sum(map(len, factors)))
        return [
            combination
            for factors in largest_first
            for combination in product(*factors)
            if all(second in self._companions[first] for first, second in combinations(combination, 2))
        ]

    def _cover(self, seeds: Iterable[_Numbers], wanted: Sequence[_Numbers], strength: int, *, whole: bool) -> list[Row]:
        """A row for each seed, then rows until all of `wanted`, which have `strength` values, are covered."""
        uncovered = _Uncovered(wanted, strength)
        rows = []
        for seed in seeds:
            rows.append(self._grow(seed, uncovered, whole=whole))
            uncovered.remove_covered_by(rows[-1])
        for combination in wanted:
            if combination in uncovered.combinations:
                rows.append(self._grow(combination, uncovered, whole=whole))
                uncovered.remove_covered_by(rows[-1])
        return [self._row(row) for row in rows]

    def _grow(self, start: _Numbers, uncovered: _Uncovered, *, whole: bool) -> _Numbers:
        """The row that grows from `start`, value by value; if `whole`, one with a value of every factor."""
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
        """Whether `row` can get a value of every factor that it lacks, out of `options` (default: all that fit)."""
        options = self._options(row) if options is None else options
        open_factors = [options.intersection(factor) for factor in self._factors if not set(factor).intersection(row)]
        if not open_factors:
            return True
        # The factor with the least choice first: where there is no row, that shows soonest.
        scarcest = min(open_factors, key=len)
        return any(self._completes((*row, value), options & self._companions[value]) for value in sorted(scarcest))


def share_covered(wanted: Sequence[Row], rows: Iterable[Iterable[str]]) -> tuple[float, tuple[Row, ...]]:
    """How much of what is wanted meets in some rows.

    Args:
        wanted: Combinations of values.
        rows: What is there, each row with any values.

    Returns:
        The percentage of the combinations that meet in some row (100 of none), and the combinations that do not.
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
