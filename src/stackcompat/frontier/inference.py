"""What observed pairs of releases tell about the pairs that were not tested. Pure.

Two components, the releases of each in order, make a table: a row for each release of the first, a column for each of
the second. The columns that work in a row are usually an interval. So a pair between two working pairs of its row is
taken to work, and a pair beyond a broken one is taken to be broken. Other rows tell this much about a row:

* At the lower end of the interval, a newer release needs newer partners. A partner that is new enough for a newer
  release is new enough for an older one; a partner that is too old for an older release is too old for a newer one.
* At the upper end, rows differ freely, since each release breaks by what it alone uses. But where two rows at most
  :data:`REACH` apart both break at or before a column, the rows between them are broken from that column on.

A broken pair between two working pairs of its row stands out. The pairs above and below it in its column must then be
observed. A column in which two pairs stand out is read from one observed pair to the next.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from stackcompat.frontier.galloping import neighbours

__all__ = [
    "PLACES",
    "REACH",
    "Inference",
    "InferredRow",
    "Pair",
    "RowReading",
    "Status",
    "infer",
    "read_row",
    "set_status",
]

#: Row and column.
Pair = tuple[int, int]


#: Whether the pair at each place of a row works; None where that is open. A place is an index into the row's columns.
Status = list[bool | None]


#: How far apart two rows may be for what both say of the upper end to hold between them.
REACH = 4


#: A row in which nothing works is taken to be broken throughout once it was observed to be broken at so many places.
PLACES = 8


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
    """

    row: int
    columns: Sequence[int]
    observed: Mapping[int, bool]
    green: Sequence[int]
    red: Sequence[int]
    status: Status

    def place(self, column: int) -> int | None:
        """The place of `column`; None if the row does not have it."""
        place = bisect_left(self.columns, column)
        return place if place < len(self.columns) and self.columns[place] == column else None

    def red_between_green(self) -> Sequence[int]:
        """The broken places between two that work."""
        if not self.green or not self.red or self.red[-1] < self.green[0]:
            return ()
        return [place for place in self.red if self.green[0] < place < self.green[-1]]


class Limits(NamedTuple):
    """What other rows say about the pairs of a row, as columns.

    Attributes:
        works_from: From here on pairs work, below the first one that was observed to work.
        broken_to: Up to here pairs are broken, below the first one that was observed to work; -1: nothing is known.
        broken_from: From here on pairs are broken, above the last one that was observed to work; None: nothing is
            known.
    """

    works_from: int
    broken_to: int
    broken_from: int | None


class InferredRow(NamedTuple):
    """A row with everything that its status follows from, columns that stand out excepted."""

    reading: RowReading
    expected_broken: frozenset[int]
    limits: Limits | None
    status: Status


class Inference(NamedTuple):
    """What was inferred.

    Attributes:
        rows: By row, what follows without the columns that stand out.
        status: By row, what was observed or inferred. The same object as before if nothing changed in the row.
        due: The pairs that must be observed, not inferred.
    """

    rows: Mapping[int, InferredRow]
    status: Mapping[int, Status]
    due: tuple[Pair, ...]


def read_row(row: int, columns: Sequence[int], observed: Mapping[Pair, bool]) -> RowReading:
    """Read one row.

    Args:
        row: The number of the row.
        columns: Its columns, ascending. Observed pairs of other columns do not count.
        observed: Whether each observed pair of the table works.
    """
    known = {place: observed[row, column] for place, column in enumerate(columns) if (row, column) in observed}
    green = [place for place, works in known.items() if works]
    red = [place for place, works in known.items() if not works]
    status = _between_observed(known, len(columns)) if green else _where_nothing_works(red, len(columns))
    return RowReading(row=row, columns=columns, observed=known, green=green, red=red, status=status)


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
) -> Inference:
    """Infer what can be inferred about the pairs that were not observed.

    Args:
        readings: What each row says, by row, ascending.
        expected_broken: By row, the columns that share with a broken pair the reason that its failure gave. They are
            broken too, unless their row says otherwise.
        before: An earlier inference about the same table. Rows in which nothing changed are taken from there.
    """
    known = before.rows if before else {}
    limits = _limits([reading for reading in readings.values() if reading.green])
    rows = {}
    for row, reading in readings.items():
        expected, row_limits = expected_broken.get(row, frozenset()), limits.get(row)
        inferred = known.get(row)
        if inferred is None or inferred[:3] != (reading, expected, row_limits):
            inferred = InferredRow(reading, expected, row_limits, _status(reading, expected, row_limits))
        rows[row] = inferred
    status = {row: inferred.status for row, inferred in rows.items()}
    due = _read_columns(rows, status)
    return Inference(rows, status, due)


def _status(reading: RowReading, expected_broken: frozenset[int], limits: Limits | None) -> Status:
    """What is known of a row's pairs, what other rows say included."""
    status = list(reading.status)
    for column in expected_broken:
        place = reading.place(column)
        if place is not None and status[place] is None:
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


def _limits(readings: Sequence[RowReading]) -> dict[int, Limits]:
    """What other rows say about each row, of rows in which something works."""
    works_from = _works_from(readings)
    broken_to = _broken_to(readings)
    broken_from = _broken_from(readings)
    return {
        reading.row: Limits(works_from[reading.row], broken_to[reading.row], broken_from.get(reading.row))
        for reading in readings
    }


def _works_from(readings: Sequence[RowReading]) -> dict[int, int]:
    """By row, the first column that works in the row itself or in a newer one."""
    limits = {}
    lowest = None
    for reading in reversed(readings):
        first = reading.columns[reading.green[0]]
        lowest = first if lowest is None else min(lowest, first)
        limits[reading.row] = lowest
    return limits


def _broken_to(readings: Sequence[RowReading]) -> dict[int, int]:
    """By row, the last column that was too old for the row itself or for an older one.

    That is -1 where there is none, and where the row shows otherwise because it works with such a column.
    """
    limits = {}
    highest = -1
    for reading in readings:
        below = bisect_left(reading.red, reading.green[0])
        if below:
            highest = max(highest, reading.columns[reading.red[below - 1]])
        limits[reading.row] = highest if highest < reading.columns[reading.green[0]] else -1
    return limits


def _broken_from(readings: Sequence[RowReading]) -> dict[int, int]:
    """By row, the column at which both rows around it are broken, where these are near enough to each other."""
    breaks = {}
    for reading in readings:
        above = bisect_left(reading.red, reading.green[-1])
        if above < len(reading.red):
            breaks[reading.row] = reading.columns[reading.red[above]]
    breaking = list(breaks)
    limits = {}
    for reading in readings:
        around = neighbours(reading.row, breaking)
        if len(around) == 2 and around[1] - around[0] <= REACH:
            limits[reading.row] = max(breaks[row] for row in around)
    return limits


def _read_columns(rows: Mapping[int, InferredRow], status: dict[int, Status]) -> tuple[Pair, ...]:
    """Read the columns in which a pair stands out.

    Args:
        rows: The rows, without what this function finds.
        status: The status of each row; what is found goes in here.

    Returns:
        The pairs that must be observed.
    """
    standing_out: dict[int, set[int]] = {}
    for row, (reading, *_) in rows.items():
        for place in reading.red_between_green():
            standing_out.setdefault(reading.columns[place], set()).add(row)
    due: list[Pair] = []
    for column, odd_rows in sorted(standing_out.items()):
        broken_rows, due_rows = _read_column(column, odd_rows, rows)
        for row in broken_rows:
            set_status(rows[row], status, column, False)
        for row in due_rows:
            set_status(rows[row], status, column, None)
        due += [(row, column) for row in due_rows]
    return tuple(due)


def _read_column(
    column: int, odd_rows: Collection[int], rows: Mapping[int, InferredRow]
) -> tuple[list[int], list[int]]:
    """Read a column from one observed pair to the next.

    A small gap between two pairs that stand out is broken as well. Any other gap beside such a pair must be observed:
    next to the pair if it is the only one of its column, otherwise in the middle of the gap.

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
    """The rows that work with `column` or stand out there, and where in that list the observed ones are."""
    line: list[int] = []
    known: list[int] = []
    for row, (reading, _, _, status) in rows.items():
        place = reading.place(column)
        if place is not None and (status[place] or row in odd_rows):
            if place in reading.observed:
                known.append(len(line))
            line.append(row)
    return line, known


def set_status(row: InferredRow, status: dict[int, Status], column: int, value: bool | None) -> None:
    """Change the status of one pair, in a copy: the status in `row` stays what it is.

    Args:
        row: The row of the pair.
        status: The status of each row, where the copy goes.
        column: The column of the pair, one of the row's.
        value: What the status becomes.
    """
    number = row.reading.row
    place = row.reading.place(column)
    assert place is not None  # callers name a column of the row
    if status[number] is row.status:
        status[number] = list(row.status)
    status[number][place] = value
