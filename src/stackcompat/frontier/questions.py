"""What a frontier search asks next."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from stackcompat.core.vocabulary import Level
from stackcompat.frontier.answers import PairQuestion
from stackcompat.frontier.conclusions import Conclusions, inferred, inferred_pairs, is_open, landmarks, works
from stackcompat.frontier.expectation import expected_interval, expected_last_columns
from stackcompat.frontier.galloping import by_halves, gallop, middle_of_gap, place_of
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.knowledge import Knowledge
from stackcompat.frontier.predictions import lacking

__all__ = ["doubted_pair", "draw_sample", "level_to_ask", "next_questions"]


def level_to_ask(knowledge: Knowledge, conclusions: Conclusions, pair: Pair) -> Level:
    """How deep to try a pair: at the shallow level alone, where it is expected to be broken there."""
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

    That is what must be observed. If there is nothing of the kind, it is at most one pair of each row with something
    open, the rows farthest apart first.
    """
    for pair in conclusions.due or _open_pairs(knowledge, conclusions):
        yield PairQuestion(pair, level_to_ask(knowledge, conclusions, pair))


def _open_pairs(knowledge: Knowledge, conclusions: Conclusions) -> Iterator[Pair]:
    """The pair to ask about in each row that has something open.

    The lower edge is asked for only in the newest row that lacks nothing else: older rows can follow from its answer.
    """
    newest: int | None = None
    for row in by_halves(list(knowledge.permitted)):
        if not is_open(conclusions, row):
            continue
        column, at_lower_edge = _next_in_row(knowledge, conclusions, row)
        if at_lower_edge:
            newest = newest if newest is not None else _newest_at_lower_edge(knowledge, conclusions)
            if row != newest:
                continue
        yield row, column


def _newest_at_lower_edge(knowledge: Knowledge, conclusions: Conclusions) -> int:
    """The newest row of which the lower edge is to be asked for; there is one."""
    return next(
        row
        for row in reversed(list(knowledge.permitted))
        if is_open(conclusions, row) and _next_in_row(knowledge, conclusions, row)[1]
    )


def _next_in_row(knowledge: Knowledge, conclusions: Conclusions, row: int) -> tuple[int, bool]:
    """The column to ask about in a row that has something open, and whether that is for its lower edge."""
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
    """Where to ask in a row in which nothing is known to work: where that is likeliest, then near the row's own time.

    A release that breaks by itself is first tried with the newest and the oldest partner, between which it then is
    broken.
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


def draw_sample(knowledge: Knowledge, conclusions: Conclusions, dice: random.Random) -> list[Pair]:
    """Draw inferred pairs to be tested, so that a question has asked something of each release at least once."""
    pairs = list(inferred_pairs(knowledge, conclusions))
    dice.shuffle(pairs)
    met = {("row", row) for row, partners in knowledge.rows_alone.items() if partners}
    met |= {("column", column) for column, partners in knowledge.columns_alone.items() if partners}
    for pair in knowledge.answers:
        met |= _asks_about(knowledge, pair)
    fresh: list[Pair] = []
    others: list[Pair] = []
    for pair in pairs:
        releases = _asks_about(knowledge, pair)
        (others if releases <= met else fresh).append(pair)
        met |= releases
    return [*fresh, *others[: max(0, _sample_size(len(pairs)) - len(fresh))]]


def _asks_about(knowledge: Knowledge, pair: Pair) -> set[tuple[str, int]]:
    """The releases about which a question says something: none about the partner of one that breaks by itself."""
    row, column = pair
    releases = set()
    if not knowledge.columns_alone.get(column):
        releases.add(("row", row))
    if not knowledge.rows_alone.get(row):
        releases.add(("column", column))
    return releases


def _sample_size(candidates: int) -> int:
    """Enough pairs to meet a share of wrong inferences that matters, and few compared with the runs of the search."""
    return math.ceil(math.sqrt(candidates) / 2)
