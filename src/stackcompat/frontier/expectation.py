"""Where in a row of the table a frontier search can expect the edges of what works."""

from __future__ import annotations

from collections.abc import Sequence

from stackcompat.frontier.conclusions import Conclusions
from stackcompat.frontier.galloping import nearest, neighbours
from stackcompat.frontier.knowledge import Knowledge
from stackcompat.frontier.predictions import lacking

__all__ = ["expected_interval", "expected_last_columns"]


def expected_interval(knowledge: Knowledge, conclusions: Conclusions, row: int) -> tuple[int, int]:
    """The first and last column that can be expected to work in `row`: as in the nearest settled row."""
    other = nearest(row, conclusions.settled_rows)
    return _without_example(knowledge, row) if other is None else _as_in(knowledge, conclusions, row, other)


def expected_last_columns(knowledge: Knowledge, conclusions: Conclusions, row: int) -> list[int]:
    """The last columns that can be expected to work in `row`, highest first: as in the settled rows around it."""
    around = neighbours(row, conclusions.settled_rows)
    if not around:
        return [_without_example(knowledge, row)[1]]
    return sorted({_as_in(knowledge, conclusions, row, other)[1] for other in around}, reverse=True)


def _without_example(knowledge: Knowledge, row: int) -> tuple[int, int]:
    """The first and last column that can be expected to work where no row is settled: what imports, or everything."""
    columns = knowledge.readings[row].columns
    return _importable(knowledge, row) or (columns[0], columns[-1])


def _as_in(knowledge: Knowledge, conclusions: Conclusions, row: int, other: int) -> tuple[int, int]:
    """The first and last column that work in `row` if it is like the settled row `other`.

    An edge moves with time where that fits the rows around. Otherwise it moves by as much as the prediction for imports
    differs between the two rows; an edge at the end of a row stays at the end unless the prediction moves it inwards.
    """
    first, last = conclusions.settled[other]
    drift = _drift(knowledge, conclusions, row, other)
    if drift is not None:
        return first + drift, last + drift
    there, here = _importable(knowledge, other), _importable(knowledge, row)
    lead, lag = (here[0] - there[0], here[1] - there[1]) if there and here else (0, 0)
    columns, other_columns = knowledge.readings[row].columns, knowledge.readings[other].columns
    return (
        columns[0] if first == other_columns[0] and lead <= 0 else first + lead,
        columns[-1] if last == other_columns[-1] and lag >= 0 else last + lag,
    )


def _drift(knowledge: Knowledge, conclusions: Conclusions, row: int, other: int) -> int | None:
    """By how many columns the interval moves from the settled row `other` to `row`, if it moves with time.

    It moves with time if the settled rows around `row` have different intervals, whose edges keep the same distance to
    the release of the row's own time. A release that works only with releases of its own time makes such rows.
    """
    settled, contemporary = conclusions.settled, knowledge.space.contemporary
    around = neighbours(row, conclusions.settled_rows)
    intervals = {settled[neighbour] for neighbour in around}
    ages = {
        (settled[neighbour][0] - contemporary[neighbour], settled[neighbour][1] - contemporary[neighbour])
        for neighbour in around
    }
    if len(intervals) == 1 or len(ages) > 1:
        return None
    return contemporary[row] - contemporary[other]


def _importable(knowledge: Knowledge, row: int) -> tuple[int, int] | None:
    """The first and last column that can be imported with `row`, as predicted; None if there is none."""
    columns = knowledge.readings[row].columns
    first = _first_importable(knowledge, row, columns)
    last = _first_importable(knowledge, row, columns[::-1])
    return None if first is None or last is None else (first, last)


def _first_importable(knowledge: Knowledge, row: int, columns: Sequence[int]) -> int | None:
    return next((column for column in columns if not lacking(knowledge.imports, (row, column))), None)
