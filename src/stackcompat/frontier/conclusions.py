"""What follows from the answers of a frontier search: what is inferred, what must be observed, what is open."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from stackcompat.frontier.galloping import neighbours, place_of
from stackcompat.frontier.inference import PLACES, Inference, Pair, Status, infer, set_status
from stackcompat.frontier.knowledge import Knowledge, breaks_alone
from stackcompat.verdict.signature import failure_kind

__all__ = ["Conclusions", "Landmarks", "conclude", "inferred", "inferred_pairs", "is_open", "landmarks", "works"]


class Conclusions(NamedTuple):
    """What follows from the answers so far.

    Attributes:
        inference: What follows from the rows and columns alone.
        status: By row, whether the pair at each place works; None where that is open.
        due: The pairs that must be observed, not inferred.
        settled: By row in which nothing is open, the first and the last column that works.
        settled_rows: The rows in `settled`, ascending.
    """

    inference: Inference
    status: Mapping[int, Status]
    due: tuple[Pair, ...]
    settled: Mapping[int, tuple[int, int]]
    settled_rows: list[int]


class Landmarks(NamedTuple):
    """The places of a row that most likely show whether anything works there.

    Attributes:
        newest: The newest partner.
        oldest: The oldest partner.
        contemporary: The partner of the row's own time.
        middle: The partner in the middle.
        aged: Partners as far from the contemporary one as the last working one is in the rows around.
    """

    newest: int
    oldest: int
    contemporary: int
    middle: int
    aged: tuple[int, ...]

    def places(self) -> tuple[int, ...]:
        """All of them, the most telling first."""
        return self.newest, self.oldest, self.contemporary, self.middle, *self.aged


def landmarks(knowledge: Knowledge, row: int) -> Landmarks:
    """The landmarks of a row that has columns."""
    columns, contemporary = knowledge.readings[row].columns, knowledge.space.contemporary
    ages = (knowledge.latest[other] - contemporary[other] for other in neighbours(row, knowledge.rows_with_works))
    return Landmarks(
        newest=len(columns) - 1,
        oldest=0,
        contemporary=place_of(columns, contemporary[row]),
        middle=(len(columns) - 1) // 2,
        aged=tuple(place_of(columns, contemporary[row] + age) for age in ages),
    )


def conclude(knowledge: Knowledge, before: Conclusions | None = None) -> Conclusions:
    """Draw the conclusions from what is known.

    Args:
        knowledge: What the answers say.
        before: Earlier conclusions of the same search. What concerns rows in which nothing changed is taken from there.
    """
    expected_broken = {row: _expected_broken(knowledge, row) for row in knowledge.readings}
    inference = infer(knowledge.readings, expected_broken, before.inference if before else None)
    status = dict(inference.status)
    due = (*inference.due, *_ends_of_columns_alone(knowledge))
    for row, column in (*due, *_untried(knowledge, status, expected_broken)):
        set_status(inference.rows[row], status, column, None)
    settled = {}
    for row, line in status.items():
        if before and line is before.status[row]:
            ends = before.settled.get(row)
        else:
            ends = _ends(line, knowledge.readings[row].columns)
        if ends is not None:
            settled[row] = ends
    return Conclusions(inference, status, due, settled, list(settled))


def is_open(conclusions: Conclusions, row: int) -> bool:
    """Whether some pair of the row is open."""
    return None in conclusions.status[row]


def works(knowledge: Knowledge, conclusions: Conclusions, pair: Pair) -> bool | None:
    """Whether a pair works, as far as that is observed or inferred; None where it is open."""
    row, column = pair
    if breaks_alone(knowledge, pair):
        return None if pair in knowledge.unanswered or pair in knowledge.space.forbidden else False
    place = knowledge.readings[row].place(column)
    return None if place is None else conclusions.status[row][place]


def inferred(knowledge: Knowledge, conclusions: Conclusions, pair: Pair) -> bool | None:
    """Whether a pair is inferred to work; None if nothing is inferred about it."""
    return None if pair in knowledge.observed else works(knowledge, conclusions, pair)


def inferred_pairs(knowledge: Knowledge, conclusions: Conclusions) -> Iterator[Pair]:
    """The pairs about which something is inferred, in order."""
    for row, columns in knowledge.permitted.items():
        for column in columns:
            if inferred(knowledge, conclusions, (row, column)) is not None:
                yield row, column


def _ends(status: Status, columns: Collection[int]) -> tuple[int, int] | None:
    """The first and last column that work in a row in which nothing is open; None if nothing works."""
    if None in status or True not in status:
        return None
    working = [column for column, good in zip(columns, status, strict=True) if good]
    return working[0], working[-1]


def _expected_broken(knowledge: Knowledge, row: int) -> frozenset[int]:
    """The columns of a row that share the reason of a failure with a pair that was observed to be broken."""
    if _fails_alike(knowledge, row):
        return frozenset(knowledge.readings[row].columns)
    alone = knowledge.rows_alone.get(row, frozenset[int]())
    confirmed = knowledge.usage.confirmed.get(row, frozenset[int]())
    return alone | confirmed if alone and confirmed else alone or confirmed


def _fails_alike(knowledge: Knowledge, row: int) -> bool:
    """Whether the row's release fails in the same way at every landmark. Where columns are few, all are asked."""
    reading = knowledge.readings[row]
    columns = reading.columns
    if len(columns) < 2 * PLACES or reading.observed.get(0) is not False:
        return False
    broken = knowledge.broken_in_row[row]
    kinds = set()
    for place in landmarks(knowledge, row).places():
        answer = broken.get(columns[place])
        if answer is None or not answer.signature:
            return False
        kinds.add(failure_kind(answer.signature))
    return len(kinds) == 1


def _untried(
    knowledge: Knowledge, status: Mapping[int, Status], expected_broken: Mapping[int, Collection[int]]
) -> Iterator[Pair]:
    """The landmarks that must be observed in rows where nothing was observed to work yet."""
    for row, reading in knowledge.readings.items():
        if reading.columns and not reading.green and status[row].count(None) + len(reading.observed) < len(status[row]):
            for place in sorted(set(landmarks(knowledge, row).places())):
                column = reading.columns[place]
                if place not in reading.observed and column not in expected_broken[row]:
                    yield row, column


def _ends_of_columns_alone(knowledge: Knowledge) -> Iterator[Pair]:
    """Where to ask how far a release of the second side breaks by itself: at the ends of its column, then by halves."""
    for column, alone in sorted(knowledge.columns_alone.items()):
        if not alone:
            continue
        rows = [
            row
            for row in knowledge.permitted
            if (row, column) not in knowledge.space.forbidden
            and (row, column) not in knowledge.unanswered
            # A row's release that breaks by itself hides whether the column's does.
            and (row in alone or column not in knowledge.rows_alone.get(row, ()))
        ]
        known = [place for place, row in enumerate(rows) if row in alone or (row, column) in knowledge.observed]
        for low, high in pairwise([-1, *known, len(rows)]):
            ends = [rows[place] in alone for place in (low, high) if 0 <= place < len(rows)]
            if high - low == 1 or not any(ends):
                continue
            if len(ends) == 1:
                yield (rows[0] if low < 0 else rows[-1]), column
            elif not all(ends):
                yield rows[(low + high) // 2], column
