"""What observed pairs of releases tell about the pairs that were not tested. Pure.

Two components, the releases of each in order, make a table: a row for each release of the first, a column for each of
the second. The columns that work in a row are usually an interval. So a pair between two working pairs of its row is
taken to work, and a pair beyond a broken one is taken to be broken. Other rows tell this much about a row:

* At the lower end of the interval, a newer release needs newer partners. A partner that is new enough for a newer
  release is new enough for an older one; a partner that is too old for an older release is too old for a newer one.
* At the upper end, rows differ freely, since each release breaks by what it alone uses. But where two rows at most
  :data:`REACH` apart both break at or before a column, the rows between them are broken from that column on.

A broken pair between two working pairs of its row stands out. The pairs above and below it in its column must then be
observed. If two pairs of a column stand out, the column is read from one observed pair to the next.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, compress, pairwise
from typing import NamedTuple

__all__ = [
    "PLACES",
    "REACH",
    "Edges",
    "Inference",
    "InferredRow",
    "Pair",
    "RowReading",
    "Status",
    "infer",
    "read_further",
    "read_row",
    "set_status",
]

#: Row and column.
Pair = tuple[int, int]


#: Whether the pair at each place of a row works; None where that is open. A place is an index into the row's columns.
Status = list[bool | None]


#: What two rows say of the upper end holds for the rows between them if the two are at most so far apart.
REACH = 4


#: A row in which nothing works is taken to be broken throughout once it was observed to be broken at so many places.
PLACES = 8


class Edges(NamedTuple):
    """Where the pairs of a row that were observed to work begin and end, in columns.

    Attributes:
        first: The first one that works.
        last: The last one that works.
        below: The last broken one below `first`; -1 if there is none.
        above: The first broken one above `last`; None if there is none.
    """

    first: int
    last: int
    below: int
    above: int | None


@dataclass(frozen=True, slots=True, eq=False)
class RowReading:
    """What a row says about its own pairs. Two readings are the same only if they are the same object.

    Attributes:
        row: The number of the row.
        columns: The row's columns, ascending.
        observed: Whether the pair works, by place, for each observed place, ascending.
        green: The places that were observed to work, ascending.
        red: The places that were observed to be broken, ascending.
        status: What was observed and what follows from it inside the row.
        edges: Where what works begins and ends; None if nothing was observed to work.
        odd: The broken columns between two that work.
        seen: The observed columns, as the bits of a number.
    """

    row: int
    columns: Sequence[int]
    observed: Mapping[int, bool]
    green: Sequence[int]
    red: Sequence[int]
    status: Status
    edges: Edges | None
    odd: frozenset[int]
    seen: int

    def place(self, column: int) -> int | None:
        """The place of `column`; None if the row does not have it."""
        place = bisect_left(self.columns, column)
        return place if place < len(self.columns) and self.columns[place] == column else None


class RowLimits(NamedTuple):
    """What other rows say about the pairs of a row, in columns.

    Attributes:
        works_from: Pairs from this column on work, up to the first one that was observed to work.
        broken_to: Pairs up to this column are broken, if they are below the first one that was observed to work; -1:
            nothing is known.
        broken_from: Pairs from this column on are broken, if they are above the last one that was observed to work;
            None: nothing is known.
    """

    works_from: int
    broken_to: int
    broken_from: int | None


class InferredRow(NamedTuple):
    """The status of a row, and what it follows from. Pairs that stand out in a column are not considered yet.

    Attributes:
        reading: What the row says about its own pairs.
        expected_broken: The columns that are expected to be broken.
        limits: What other rows say; None if nothing was observed to work in this one.
        status: What was observed or inferred.
        works: The columns that work by `status`, as the bits of a number.
    """

    reading: RowReading
    expected_broken: frozenset[int]
    limits: RowLimits | None
    status: Status
    works: int


class _ColumnReading(NamedTuple):
    """What a column says in which a pair stands out.

    Attributes:
        odd_rows: The rows whose pair stands out.
        broken: The rows that are broken with the column.
        due: The rows that must be observed with it.
    """

    odd_rows: frozenset[int]
    broken: Sequence[int]
    due: Sequence[int]


class Inference(NamedTuple):
    """What was inferred.

    Attributes:
        rows: By row, what follows without the pairs that stand out.
        status: By row, what was observed or inferred. The same object as before if nothing changed in the row.
        due: The pairs that must be observed, not inferred.
        edges: By row in which something was observed to work, where that begins and ends.
        limits: What other rows say, for each of these rows.
        columns: What each column says in which a pair stands out.
        touched: The rows that can be another object in `rows` than in the inference before.
    """

    rows: Mapping[int, InferredRow]
    status: Mapping[int, Status]
    due: tuple[Pair, ...]
    edges: Mapping[int, Edges]
    limits: Mapping[int, RowLimits]
    columns: Mapping[int, _ColumnReading]
    touched: Collection[int]


#: What is inferred before anything is known.
_NOTHING = Inference({}, {}, (), {}, {}, {}, frozenset())


def read_row(row: int, columns: Sequence[int], observed: Mapping[Pair, bool]) -> RowReading:
    """Read one row.

    Args:
        row: The number of the row.
        columns: Its columns, ascending. Observed pairs of other columns do not count.
        observed: Whether each observed pair of the table works.
    """
    known = {place: observed[row, column] for place, column in enumerate(columns) if (row, column) in observed}
    return _reading(row, columns, known, _bits(columns[place] for place in known))


def read_further(before: RowReading, column: int, works: bool | None) -> RowReading:
    """Read a row once more, of which nothing but what was observed of one pair has changed.

    Args:
        before: The earlier reading.
        column: The column of the pair. If the row does not have it, the pair does not count.
        works: Whether the pair works; None if it was not observed.
    """
    known, seen = dict(before.observed), before.seen
    place = before.place(column)
    if place is not None:
        known.pop(place, None)
        seen &= ~(1 << column)
    if place is not None and works is not None:
        known[place] = works
        seen |= 1 << column
    return _reading(before.row, before.columns, dict(sorted(known.items())), seen)


def _reading(row: int, columns: Sequence[int], known: Mapping[int, bool], seen: int) -> RowReading:
    """The reading of a row of which these places were observed, in ascending order, and these columns as bits."""
    green = [place for place, works in known.items() if works]
    red = [place for place, works in known.items() if not works]
    status = _between_observed(known, len(columns)) if green else _where_nothing_works(red, len(columns))
    return RowReading(
        row=row,
        columns=columns,
        observed=known,
        green=green,
        red=red,
        status=status,
        edges=_edges(columns, green, red) if green else None,
        odd=frozenset(columns[place] for place in red if green and green[0] < place < green[-1]),
        seen=seen,
    )


def _edges(columns: Sequence[int], green: Sequence[int], red: Sequence[int]) -> Edges:
    """Where what works begins and ends in a row with these working and broken places."""
    below, above = bisect_left(red, green[0]), bisect_left(red, green[-1])
    return Edges(
        first=columns[green[0]],
        last=columns[green[-1]],
        below=columns[red[below - 1]] if below else -1,
        above=columns[red[above]] if above < len(red) else None,
    )


def _bits(columns: Iterable[int]) -> int:
    """A set of columns as the bits of a number."""
    return sum(map((1).__lshift__, columns))


def _between_observed(known: Mapping[int, bool], size: int) -> Status:
    """Fill what lies between two observed places that agree, and what lies above the last one if that is broken.

    What lies below the first observed place is left open: other rows speak about it, too.
    """
    status: Status = [None] * size
    for place, works in known.items():
        status[place] = works
    for low, high in pairwise(known):
        if known[low] == known[high]:
            status[low:high] = [known[low]] * (high - low)
    last = max(known)
    if not known[last]:
        status[last:] = [False] * (size - last)
    return status


def _where_nothing_works(red: Sequence[int], size: int) -> Status:
    """Fill the gaps that are too small to ask about, in a row where nothing is known to work."""
    status: Status = [None] * size
    for place in red:
        status[place] = False
    if red:
        for low, high in pairwise((-1, *red, size)):
            gap = high - low - 1
            if gap < size // PLACES:
                status[low + 1 : high] = [False] * gap
    return status


def infer(
    readings: Mapping[int, RowReading],
    expected_broken: Mapping[int, frozenset[int]],
    before: Inference | None = None,
    touched: Collection[int] | None = None,
) -> Inference:
    """Infer what can be inferred about the pairs that were not observed.

    Args:
        readings: What each row says, by row, ascending.
        expected_broken: By row, the columns that are expected to break for the same reason as an observed pair. They
            are inferred to be broken, unless their row says something else.
        before: An earlier inference about the same table. Rows in which nothing changed are taken from there.
        touched: The rows that have another reading or other expectations than `before`; all rows if it is None.
    """
    before = before or _NOTHING
    touched = set(readings if touched is None else touched)
    edges, limits = before.edges, before.limits
    if any(readings[row].edges != edges.get(row) for row in touched):
        edges = {row: reading.edges for row, reading in readings.items() if reading.edges is not None}
        limits = _limits(edges, before.limits)
        touched |= {row for row, limit in limits.items() if before.limits.get(row) is not limit}
    rows = dict(before.rows)
    #: The columns in which a row works, or was observed, otherwise than before.
    changed = 0
    nothing: frozenset[int] = frozenset()
    for row in sorted(touched):
        inferred, reading, expected = rows.get(row), readings[row], expected_broken.get(row, nothing)
        status = _status(reading, expected, limits.get(row))
        works = _bits(compress(reading.columns, status))
        if inferred is not None:
            changed |= (inferred.works ^ works) | (inferred.reading.seen ^ reading.seen)
        rows[row] = InferredRow(reading, expected, limits.get(row), status, works)
    stand_out = before.columns or any(readings[row].odd for row in touched)
    columns = _read_columns(rows, changed, before.columns) if stand_out else {}
    status_of_rows = {row: inferred.status for row, inferred in rows.items()}
    for column, found in columns.items():
        for row in found.broken:
            set_status(rows[row], status_of_rows, column, False)
        for row in found.due:
            set_status(rows[row], status_of_rows, column, None)
    due = tuple((row, column) for column, found in columns.items() for row in found.due)
    return Inference(rows, status_of_rows, due, edges, limits, columns, touched)


def _status(reading: RowReading, expected_broken: frozenset[int], limits: RowLimits | None) -> Status:
    """What is known of the pairs of a row, including what other rows say."""
    status = list(reading.status)
    if expected_broken:
        for place, column in enumerate(reading.columns):
            if status[place] is None and column in expected_broken:
                status[place] = False
    if limits is None:
        return status
    columns = reading.columns
    for place in range(reading.green[0]):
        works, broken = columns[place] >= limits.works_from, columns[place] <= limits.broken_to
        if status[place] is None and works != broken:
            status[place] = works
    if limits.broken_from is not None:
        for place in range(reading.green[-1] + 1, len(columns)):
            if status[place] is None and columns[place] >= limits.broken_from:
                status[place] = False
    return status


def _limits(edges: Mapping[int, Edges], before: Mapping[int, RowLimits]) -> dict[int, RowLimits]:
    """What other rows say about each row. A row about which they say the same as `before` shares its object.

    Args:
        edges: The rows in which something works, ascending.
        before: What other rows said earlier.
    """
    broken_from = _broken_from(edges)
    limits = {}
    for row, works_from, broken_to in zip(edges, _works_from(edges), _broken_to(edges), strict=True):
        said, known = (works_from, broken_to, broken_from.get(row)), before.get(row)
        limits[row] = known if known == said else RowLimits(*said)
    return limits


def _works_from(edges: Mapping[int, Edges]) -> list[int]:
    """For each row, the first column that works in the row itself or in a newer one."""
    firsts = [edge.first for edge in edges.values()]
    return list(accumulate(reversed(firsts), min))[::-1]


def _broken_to(edges: Mapping[int, Edges]) -> list[int]:
    """For each row, the last column that was too old for the row itself or for an older one.

    It is -1 if there is no such column, or if the row itself works with that column or an older one.
    """
    highest = accumulate((edge.below for edge in edges.values()), max)
    return [below if below < edge.first else -1 for edge, below in zip(edges.values(), highest, strict=True)]


def _broken_from(edges: Mapping[int, Edges]) -> dict[int, int]:
    """By row, the column from which on both rows around it are broken, if these are at most `REACH` apart."""
    breaks = [(row, edge.above) for row, edge in edges.items() if edge.above is not None]
    limits = {}
    for (low, first), (high, second) in pairwise(breaks):
        for row in range(low + 1, high) if high - low <= REACH else ():
            limits[row] = max(first, second)
    for (low, first), (row, _), (high, second) in zip(breaks, breaks[1:], breaks[2:], strict=False):
        if high - low <= REACH:
            limits[row] = max(first, second)
    return limits


def _read_columns(
    rows: Mapping[int, InferredRow], changed: int, before: Mapping[int, _ColumnReading]
) -> dict[int, _ColumnReading]:
    """Read the columns in which a pair stands out, in ascending order.

    Args:
        rows: The rows, without what this function finds.
        changed: The columns in which something has changed since `before`, as the bits of a number.
        before: What such columns said earlier.
    """
    standing_out: dict[int, set[int]] = {}
    for row, inferred in rows.items():
        for column in inferred.reading.odd:
            standing_out.setdefault(column, set()).add(row)
    columns = {}
    for column, odd_rows in sorted(standing_out.items()):
        known = before.get(column)
        if known is None or changed >> column & 1 or known.odd_rows != odd_rows:
            broken, due = _read_column(column, odd_rows, rows)
            known = _ColumnReading(frozenset(odd_rows), broken, due)
        columns[column] = known
    return columns


def _read_column(
    column: int, odd_rows: Collection[int], rows: Mapping[int, InferredRow]
) -> tuple[list[int], list[int]]:
    """Read a column from one observed pair to the next.

    A small gap between two pairs that stand out is broken as well. Any other gap next to such a pair must be observed:
    next to the pair if no other pair of the column stands out, else in the middle of the gap.

    Args:
        column: The column.
        odd_rows: The rows whose pair stands out there.
        rows: The rows of the table.

    Returns:
        The rows that are broken with the column, and those that must be observed with it.
    """
    line, known = _column(column, odd_rows, rows)
    broken: list[int] = []
    due: list[int] = []
    for low, high in pairwise([-1, *known, len(line)]):
        gap = line[low + 1 : high]
        odd_below = low >= 0 and line[low] in odd_rows
        odd_above = high < len(line) and line[high] in odd_rows
        if odd_below and odd_above and len(gap) < REACH:
            broken += gap
        elif gap and (odd_below or odd_above):
            beside = gap[0] if odd_below else gap[-1]
            due.append(beside if len(odd_rows) == 1 else gap[len(gap) // 2])
    return broken, due


def _column(column: int, odd_rows: Collection[int], rows: Mapping[int, InferredRow]) -> tuple[list[int], list[int]]:
    """The rows that work with `column` or stand out there, and the indices of the observed ones in that list."""
    line: list[int] = []
    known: list[int] = []
    for row, inferred in rows.items():
        if inferred.works >> column & 1 or row in odd_rows:
            if inferred.reading.seen >> column & 1:
                known.append(len(line))
            line.append(row)
    return line, known


def set_status(row: InferredRow, status: dict[int, Status], column: int, value: bool | None) -> None:
    """Change the status of one pair, in a copy: the status in `row` stays what it is.

    Args:
        row: The row of the pair.
        status: The status of each row, where the copy goes.
        column: The column of the pair, one of the row's.
        value: The new status.
    """
    number = row.reading.row
    place = row.reading.place(column)
    assert place is not None  # callers name a column of the row
    if status[number] is row.status:
        status[number] = list(row.status)
    status[number][place] = value
