"""What observed pairs of releases tell about the pairs that were not. A pure function.

Two components, the releases of each in order, make a table: a row for each release of the first, a column for each of
the second. The columns that work in a row are usually an interval, so a pair between two of its row that work does, and
a pair past one that does not does not either. Of other rows it takes this much:

* at the lower end a newer release needs newer partners: what an old partner offers a newer release suffices for an
  older one, what is too old for an older release is so for a newer one;
* at the upper end rows differ as it pleases them, since each breaks by what it alone uses. But where two rows no more
  than :data:`REACH` apart break at or before a column, so do those between them, past what was seen to work there.

A pair that is broken amid such as work stands out. What is above and below it must be observed then, and a column where
two stand out is read from one observed pair to the next.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

__all__ = ["PLACES", "Inference", "Pair", "infer"]

#: Row and column.
Pair = tuple[int, int]


#: How far apart two rows may be for what both say of the upper end to hold between them.
REACH = 4


#: A row where nothing works is taken to be so all along once it was observed to be so at so many places.
PLACES = 8


class Inference(NamedTuple):
    """`works` has every pair that was observed or inferred; `due` are those that must be observed, not inferred."""

    works: dict[Pair, bool]
    due: tuple[Pair, ...]


def infer(rows: Mapping[int, Sequence[int]], seen: Mapping[Pair, bool], doomed: Collection[Pair] = ()) -> Inference:
    """Infer what can be inferred from `seen` (whether a pair works) about the pairs of `rows` (row to its columns).

    Columns ascend. What is in `seen` and not in `rows` is left out of account. `doomed` are pairs that share with one
    that is broken the reason that it gave; they are so too, unless their row says otherwise.
    """
    lines = [_Row(row, columns, seen) for row, columns in sorted(rows.items())]
    works = {pair: value for line in lines for pair, value in line.read().items()}
    for pair, value in (*((pair, False) for pair in doomed), *_lower(lines), *_upper(lines)):
        works.setdefault(pair, value)
    due = _stand_out(lines, seen, works)
    for pair in due:
        works.pop(pair, None)
    return Inference(works, due)


class _Row:
    """One row: where it was observed to work and where not, as places along its columns."""

    def __init__(self, row: int, columns: Sequence[int], seen: Mapping[Pair, bool]) -> None:
        self.pairs = [(row, column) for column in columns]
        self.columns = columns
        self.known = [place for place, pair in enumerate(self.pairs) if pair in seen]
        self._seen = seen
        self.green = [place for place in self.known if seen[self.pairs[place]]]
        self.red = [place for place in self.known if not seen[self.pairs[place]]]

    def read(self) -> dict[Pair, bool]:
        """What the row says by itself."""
        if not self.green:
            return dict.fromkeys((*(self.pairs[place] for place in self.red), *self._hopeless()), False)
        found = {}
        for place, pair in enumerate(self.pairs):
            position = bisect_left(self.known, place)
            if position < len(self.known) and self.known[position] == place:
                found[pair] = self._seen[pair]
                continue
            # What lies below all that was seen is for other rows to say, too.
            near = {self.known[p] in self.green for p in (position - 1, position) if p < len(self.known)}
            if position and len(near) == 1 and (position < len(self.known) or near == {False}):
                found[pair] = near.pop()
        return found

    def _hopeless(self) -> Iterable[Pair]:
        """The pairs in gaps too small to ask about, where nothing is known to work."""
        ends = [-1, *self.red, len(self.pairs)]
        for low, high in pairwise(ends):
            if self.red and high - low - 1 < len(self.pairs) // PLACES:
                yield from self.pairs[low + 1 : high]

    def ends(self) -> tuple[int, int]:
        """The first and last column that was seen to work."""
        return self.columns[self.green[0]], self.columns[self.green[-1]]

    def odd(self) -> list[Pair]:
        """The broken pairs between two that work."""
        return [self.pairs[p] for p in self.red if self.green and self.green[0] < p < self.green[-1]]


def _lower(lines: Sequence[_Row]) -> Iterable[tuple[Pair, bool]]:
    """What other rows say of the pairs below what was seen to work in a row."""
    with_green = [line for line in lines if line.green]
    for number, line in enumerate(with_green):
        first = line.ends()[0]
        enough = min(other.ends()[0] for other in with_green[number:])
        too_old = max(
            (other.columns[p] for other in with_green[: number + 1] for p in other.red if p < other.green[0]),
            default=-1,
        )
        if too_old >= first:  # this row shows otherwise
            too_old = -1
        for pair in line.pairs:
            if pair[1] < first and (pair[1] >= enough) != (pair[1] <= too_old):
                yield pair, pair[1] >= enough


def _upper(lines: Sequence[_Row]) -> Iterable[tuple[Pair, bool]]:
    """What two rows around it say of the pairs above what was seen to work in a row."""
    breaks = {
        line.pairs[0][0]: min(line.columns[place] for place in line.red if place > line.green[-1])
        for line in lines
        if line.green and line.red and line.red[-1] > line.green[-1]
    }
    for line in lines:
        if not line.green:
            continue
        row = line.pairs[0][0]
        older = max((other for other in breaks if other < row), default=None)
        newer = min((other for other in breaks if other > row), default=None)
        if older is not None and newer is not None and newer - older <= REACH:
            for pair in line.pairs:
                if pair[1] > line.ends()[1] and pair[1] >= max(breaks[older], breaks[newer]):
                    yield pair, False


def _stand_out(lines: Sequence[_Row], seen: Mapping[Pair, bool], works: dict[Pair, bool]) -> tuple[Pair, ...]:
    """The pairs that must be observed because one of their column stands out; what follows in it goes into `works`.

    A first one asks for its neighbours; from the second on, for the middle of what lies between it and the next known.
    """
    odd = {pair for line in lines for pair in line.odd()}
    due = []
    for column, number in sorted(Counter(column for _, column in odd).items()):
        line = [pair for row in lines for pair in row.pairs if pair[1] == column and (works.get(pair) or pair in odd)]
        known = [-1, *(place for place, pair in enumerate(line) if pair in seen), len(line)]
        for low, high in pairwise(known):
            bad = [place for place in (low, high) if 0 <= place < len(line) and line[place] in odd]
            between = line[low + 1 : high]
            if len(bad) == 2 and len(between) < REACH:
                works |= dict.fromkeys(between, False)
            elif bad and between:
                beside = between[0] if bad[0] == low else between[-1]
                due.append(beside if number == 1 else between[len(between) // 2])
    return tuple(due)
