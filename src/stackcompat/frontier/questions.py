"""What a frontier search asks next."""

from __future__ import annotations

from collections.abc import Iterator

from stackcompat.core.vocabulary import Level
from stackcompat.frontier.answers import PairQuestion
from stackcompat.frontier.conclusions import Conclusions, inferred, landmarks, works
from stackcompat.frontier.expectation import expected_interval, expected_last_columns
from stackcompat.frontier.galloping import gallop, middle_of_gap, place_of
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.knowledge import Knowledge
from stackcompat.frontier.predictions import lacking

__all__ = ["doubted_pair", "level_to_ask", "next_questions"]


def level_to_ask(knowledge: Knowledge, conclusions: Conclusions, pair: Pair) -> Level:
    """The level to try a pair at: the shallow one if the pair is expected to break there already, else the deep one."""
    row, column = pair
    good = works(knowledge, conclusions, pair)
    if good is None:
        first, last = expected_interval(knowledge, conclusions, row)
        good = first <= column <= last and column not in knowledge.usage.confirmed.get(row, ())
    if not good and pair not in knowledge.shallow_only and lacking(knowledge.imports, pair):
        return knowledge.shallow
    return knowledge.deep


def next_questions(knowledge: Knowledge, conclusions: Conclusions) -> Iterator[PairQuestion]:
    """What to ask next, the most telling question first.

    Pairs that must be observed come first. If there are none, at most one pair of each row with something open is asked
    about, the rows farthest apart first.
    """
    for pair in conclusions.due or _open_pairs(knowledge, conclusions):
        yield PairQuestion(pair, level_to_ask(knowledge, conclusions, pair))


def _open_pairs(knowledge: Knowledge, conclusions: Conclusions) -> Iterator[Pair]:
    """The pair to ask about in each row that has something open.

    Of the rows whose next question is about their lower edge, only the newest is asked about: its answer can settle
    older rows.
    """
    newest: int | None = None
    for row in filter(conclusions.open_rows.__contains__, knowledge.by_halves):
        column, at_lower_edge = _next_in_row(knowledge, conclusions, row)
        if at_lower_edge:
            newest = newest if newest is not None else _newest_at_lower_edge(knowledge, conclusions)
            if row != newest:
                continue
        yield row, column


def _newest_at_lower_edge(knowledge: Knowledge, conclusions: Conclusions) -> int:
    """The newest row whose next question is about its lower edge. There must be one."""
    return next(
        row
        for row in sorted(conclusions.open_rows, reverse=True)
        if True in conclusions.status[row] and _next_in_row(knowledge, conclusions, row)[1]
    )


def _next_in_row(knowledge: Knowledge, conclusions: Conclusions, row: int) -> tuple[int, bool]:
    """The column to ask about in a row with something open, and whether the question is about its lower edge."""
    columns, status = knowledge.readings[row].columns, conclusions.status[row]
    if True not in status:
        return columns[_place_to_find_works(knowledge, conclusions, row)], False
    edges = [place_of(columns, edge) for edge in expected_last_columns(knowledge, conclusions, row)]
    backwards = status[::-1]
    end = len(columns) - 1
    above = gallop(status, end - backwards.index(True), edges)
    if above is not None:
        return columns[above], False
    first = place_of(columns, expected_interval(knowledge, conclusions, row)[0])
    below = gallop(backwards, end - status.index(True), [end - first])
    if below is not None:
        return columns[end - below], True
    return columns[middle_of_gap(status)], False


def _place_to_find_works(knowledge: Knowledge, conclusions: Conclusions, row: int) -> int:
    """The place to ask about in a row in which nothing is known to work.

    The places come in this order: where a pair most likely works, then near the row's own time. But a release that
    breaks by itself is first tried with its newest and its oldest partner. If both pairs break, so do those between
    them.
    """
    columns, status = knowledge.readings[row].columns, conclusions.status[row]
    edges = expected_last_columns(knowledge, conclusions, row)
    first = expected_interval(knowledge, conclusions, row)[0]
    marks = landmarks(knowledge, row)
    ends: tuple[int, ...] = (marks.newest, marks.oldest) if knowledge.rows_alone.get(row) else ()
    expected = [place_of(columns, column) for column in (*edges, first, (first + edges[-1]) // 2)]
    for place in (*ends, *expected, *marks.places()):
        if status[place] is None:
            return place
    open_places = [place for place, good in enumerate(status) if good is None]
    return min(open_places, key=lambda place: abs(place - marks.contemporary))


def doubted_pair(knowledge: Knowledge, conclusions: Conclusions) -> Pair | None:
    """The first pair that is inferred to work though it is predicted to be broken; None if there is none."""
    for pair in knowledge.usage.names:
        if lacking(knowledge.usage, pair) and inferred(knowledge, conclusions, pair):
            return pair
    return None
