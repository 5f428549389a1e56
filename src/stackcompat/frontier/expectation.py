"""Where a frontier search can expect the first and the last working column of a row."""

from __future__ import annotations

from collections.abc import Iterable

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
    """The first and last column to expect while no row is settled: those predicted to be importable, or all."""
    columns = knowledge.readings[row].columns
    return _importable(knowledge, row) or (columns[0], columns[-1])


def _as_in(knowledge: Knowledge, conclusions: Conclusions, row: int, other: int) -> tuple[int, int]:
    """The first and last column that work in `row` if it is like the settled row `other`.

    If the intervals of the rows around move with time, this one does, too. If they do not, each edge moves by the
    difference between the predictions for imports in the two rows. An edge at the end of a row then stays at the end,
    unless the predictions move it inwards.
    """
    first, last = conclusions.settled[other]
    drift = _drift(knowledge, conclusions, row, other)
    if drift is not None:
        return first + drift, last + drift
    importable, importable_other = _importable(knowledge, row), _importable(knowledge, other)
    first_moves, last_moves = 0, 0
    if importable and importable_other:
        first_moves, last_moves = importable[0] - importable_other[0], importable[1] - importable_other[1]
    columns, other_columns = knowledge.readings[row].columns, knowledge.readings[other].columns
    return (
        columns[0] if first == other_columns[0] and first_moves <= 0 else first + first_moves,
        columns[-1] if last == other_columns[-1] and last_moves >= 0 else last + last_moves,
    )


def _drift(knowledge: Knowledge, conclusions: Conclusions, row: int, other: int) -> int | None:
    """By how many columns the interval moves from the settled row `other` to `row`; None if it does not move with time.

    It moves with time if the settled rows around `row` have different intervals, and the edges of each keep the same
    distance to the column of its own time. Releases that work only with releases of their own time make such rows.
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
    last = _first_importable(knowledge, row, reversed(columns))
    return None if first is None or last is None else (first, last)


def _first_importable(knowledge: Knowledge, row: int, columns: Iterable[int]) -> int | None:
    return next((column for column in columns if not lacking(knowledge.imports, (row, column))), None)
