"""What follows from the answers of a frontier search: what is inferred, what must be observed, what is open."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, pairwise
from typing import NamedTuple, TypeVar

from stackcompat.core.vocabulary import Level
from stackcompat.frontier.galloping import neighbours, place_of
from stackcompat.frontier.inference import PLACES, Inference, InferredRow, Pair, RowReading, Status, infer, set_status
from stackcompat.frontier.knowledge import Knowledge, breaks_alone
from stackcompat.verdict.signature import failure_kind

__all__ = [
    "Conclusions",
    "Landmarks",
    "changed_rows",
    "conclude",
    "inferred",
    "inferred_pairs",
    "landmarks",
    "works",
]

_Value = TypeVar("_Value")


class _Gap(NamedTuple):
    """Two pairs of a row that work up to different levels. What is between them counts as the less deep one.

    Attributes:
        row: The row.
        low: The place of the lower pair; one less, if it is known from a newer row only.
        high: The place of the upper pair.
    """

    row: int
    low: int
    high: int


class _Depth(NamedTuple):
    """Up to which level the pairs of a row work.

    Attributes:
        gaps: The neighbouring observed pairs that work up to different levels.
        first: The level of the first pair that works; None if nothing was observed to work.
    """

    gaps: tuple[_Gap, ...]
    first: Level | None


class _Grounds(NamedTuple):
    """What conclusions were drawn from, and the steps to them: later conclusions take over what has not changed.

    Attributes:
        readings: What each row said.
        latest: By row, the last column that was observed to work.
        confirmed: The columns of pairs that lack a name whose absence broke some pair, by row.
        expected_broken: By row, the columns that are expected to be broken.
        inference: What follows from the rows and columns alone.
        untried: By row, the landmarks that must be observed.
        columns_alone: By column whose release breaks by itself: the revision of the column, and the pairs to ask about.
        depths: By row, up to which level its pairs work.
        ends_of_depth: Where to ask up to which column a row works less deep than beyond.
        changed_rows: The rows about whose pairs the conclusions can say something else than those before them.
    """

    readings: Mapping[int, RowReading]
    latest: Mapping[int, int]
    confirmed: Mapping[int, frozenset[int]]
    expected_broken: Mapping[int, frozenset[int]]
    inference: Inference
    untried: Mapping[int, tuple[Pair, ...]]
    columns_alone: Mapping[int, tuple[int, tuple[Pair, ...]]]
    depths: Mapping[int, _Depth]
    ends_of_depth: tuple[Pair, ...]
    changed_rows: frozenset[int]


class Conclusions(NamedTuple):
    """What follows from the answers so far.

    Attributes:
        grounds: What it follows from.
        status: By row, whether the pair at each place works; None where that is open.
        due: The pairs that must be observed, not inferred.
        settled: The first and the last column that work, by row. Only rows in which nothing is open and something works
            are in it.
        settled_rows: The rows in `settled`, ascending.
        open_rows: The rows in which some pair is open.
    """

    grounds: _Grounds
    status: Mapping[int, Status]
    due: tuple[Pair, ...]
    settled: Mapping[int, tuple[int, int]]
    settled_rows: list[int]
    open_rows: frozenset[int]


#: The conclusions before anything is known.
_NOTHING = Conclusions(
    grounds=_Grounds({}, {}, {}, {}, infer({}, {}), {}, {}, {}, (), frozenset()),
    status={},
    due=(),
    settled={},
    settled_rows=[],
    open_rows=frozenset(),
)


class Landmarks(NamedTuple):
    """The places of a row that most likely show whether anything works there.

    Attributes:
        newest: The newest partner.
        oldest: The oldest partner.
        contemporary: The partner of the row's own time.
        middle: The partner in the middle.
        aged: For each row next to this one in which something works: the partner that is as far from the contemporary
            one as the last working partner is in that row.
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
    """The landmarks of a row. The row must have at least one column: a partner about which something can be asked."""
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
        before: Earlier conclusions of the same search. Rows in which nothing changed are taken from there.
    """
    before = before or _NOTHING
    known = before.grounds
    readings, confirmed = dict(knowledge.readings), knowledge.usage.confirmed
    changed = _changed(readings, known.readings)
    moved = {row: knowledge.latest[row] for row in changed if knowledge.latest.get(row) != known.latest.get(row)}
    beside = _rows_beside(knowledge, moved)
    expected_broken = _updated(
        known.expected_broken,
        {
            row: _expected_broken(knowledge, row)
            for row in ({*changed, *beside} if known.confirmed is confirmed else readings)
        },
    )
    touched = {*changed, *_changed(expected_broken, known.expected_broken)}
    inference = infer(readings, expected_broken, known.inference, touched)
    untried = _updated(
        known.untried, {row: tuple(_untried(knowledge, inference.rows[row])) for row in {*beside, *inference.touched}}
    )
    columns_alone = _ends_of_columns_alone(knowledge, known.columns_alone)
    depths = _updated(known.depths, {row: _depth(knowledge, row) for row in changed})
    if (
        depths is known.depths
        and inference.edges is known.inference.edges
        and all(readings[row].columns == known.readings[row].columns for row in changed)
    ):
        ends_of_depth = known.ends_of_depth
    else:
        ends_of_depth = tuple(_ends_of_depth(knowledge, depths))
    due = (*inference.due, *(pair for _, pairs in columns_alone.values() for pair in pairs), *ends_of_depth)
    status = dict(inference.status)
    for row, column in chain(due, *untried.values()):
        set_status(inference.rows[row], status, column, None)
    changed_rows = set(changed)
    for row in _changed(status, before.status):
        if status[row] == before.status.get(row):
            status[row] = before.status[row]
        else:
            changed_rows.add(row)
    grounds = _Grounds(
        readings,
        _updated(known.latest, moved),
        confirmed,
        expected_broken,
        inference,
        untried,
        columns_alone,
        depths,
        ends_of_depth,
        frozenset(changed_rows),
    )
    return _concluded(grounds, status, due, before)


def _concluded(
    grounds: _Grounds, status: Mapping[int, Status], due: tuple[Pair, ...], before: Conclusions
) -> Conclusions:
    """The conclusions with this status of each row."""
    settled, open_rows = dict(before.settled), set(before.open_rows)
    for row in grounds.changed_rows:
        line, columns = status[row], grounds.readings[row].columns
        settled.pop(row, None)
        open_rows.discard(row)
        if None in line:
            open_rows.add(row)
        elif True in line:
            settled[row] = columns[line.index(True)], columns[len(line) - 1 - line[::-1].index(True)]
    return Conclusions(grounds, status, due, settled, sorted(settled), frozenset(open_rows))


def _updated(before: Mapping[int, _Value], now: Mapping[int, _Value]) -> Mapping[int, _Value]:
    """The values of `before`, by row, with those of `now` in their place; `before` itself if they are the same."""
    differing = {row: value for row, value in now.items() if row not in before or before[row] != value}
    return {**before, **differing} if differing else before


def _changed(now: Mapping[int, object], before: Mapping[int, object]) -> list[int]:
    """The rows that have another object than before, or had none."""
    return [] if now is before else [row for row, held in now.items() if before.get(row) is not held]


def _rows_beside(knowledge: Knowledge, moved: Iterable[int]) -> set[int]:
    """The rows whose landmarks depend on the last working column of a row in `moved`, and these rows themselves.

    A landmark depends on the next rows below and above in which something works.
    """
    beside: set[int] = set()
    with_works = knowledge.rows_with_works
    for row in moved:
        below, above = bisect_left(with_works, row), bisect_right(with_works, row)
        first = with_works[below - 1] if below else 0
        last = with_works[above] if above < len(with_works) else len(knowledge.readings) - 1
        beside.update(range(first, last + 1))
    return beside


def changed_rows(conclusions: Conclusions) -> frozenset[int]:
    """The rows about whose pairs the conclusions can say something else than those that they were drawn from."""
    return conclusions.grounds.changed_rows


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


def inferred_pairs(knowledge: Knowledge, conclusions: Conclusions) -> dict[Pair, bool]:
    """Whether each pair works about which something is inferred, in order."""
    return {
        (row, column): good
        for row, columns in knowledge.permitted.items()
        for column in columns
        if (good := inferred(knowledge, conclusions, (row, column))) is not None
    }


def _expected_broken(knowledge: Knowledge, row: int) -> frozenset[int]:
    """The columns of a row that are expected to break for the same reason as a pair that was observed to be broken."""
    if _fails_alike(knowledge, row):
        return frozenset(knowledge.readings[row].columns)
    alone = knowledge.rows_alone.get(row, frozenset[int]())
    confirmed = knowledge.usage.confirmed.get(row, frozenset[int]())
    return alone | confirmed if alone and confirmed else alone or confirmed


def _fails_alike(knowledge: Knowledge, row: int) -> bool:
    """Whether the row's release fails in the same way at every landmark; False if the row has few columns."""
    reading = knowledge.readings[row]
    columns = reading.columns
    ends = reading.observed.get(0), reading.observed.get(len(columns) - 1)
    if len(columns) < 2 * PLACES or ends != (False, False):
        return False
    broken = knowledge.broken_in_row[row]
    signatures = set()
    for place in landmarks(knowledge, row).places():
        answer = broken.get(columns[place])
        if answer is None or not answer.signature:
            return False
        signatures.add(answer.signature)
    return len(set(map(failure_kind, signatures))) == 1


def _untried(knowledge: Knowledge, row: InferredRow) -> Iterator[Pair]:
    """The landmarks of a row that must be observed, if nothing was observed to work in it yet."""
    reading, status = row.reading, row.status
    if reading.columns and not reading.green and status.count(None) + len(reading.observed) < len(status):
        for place in sorted(set(landmarks(knowledge, reading.row).places())):
            column = reading.columns[place]
            if place not in reading.observed and column not in row.expected_broken:
                yield reading.row, column


def _ends_of_columns_alone(
    knowledge: Knowledge, before: Mapping[int, tuple[int, tuple[Pair, ...]]]
) -> dict[int, tuple[int, tuple[Pair, ...]]]:
    """By column whose release breaks by itself with some rows: the revision of the column, and what to ask about.

    Args:
        knowledge: What the answers say.
        before: The same at an earlier time. Columns of the same revision are taken from there.
    """
    ends = {}
    for column in sorted(knowledge.columns_alone):
        revision, known = knowledge.revisions.get(column, 0), before.get(column)
        if known is None or known[0] != revision:
            known = revision, tuple(_ends_of_column_alone(knowledge, column))
        ends[column] = known
    return ends


def _ends_of_column_alone(knowledge: Knowledge, column: int) -> Iterator[Pair]:
    """The pairs to ask about, to find out with which rows a release of the second side breaks by itself.

    They are the ends of its column, then the middle of each gap between a row with which it does and one with which it
    does not.
    """
    alone = knowledge.columns_alone[column]
    rows = [
        row
        for row in knowledge.permitted
        if (row, column) not in knowledge.space.forbidden
        and (row, column) not in knowledge.unanswered
        # A row's release that breaks by itself hides whether the column's release does.
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


def _depth(knowledge: Knowledge, row: int) -> _Depth:
    """Up to which level the pairs of a row work."""
    reading = knowledge.readings[row]

    def level(place: int) -> Level:
        return knowledge.answers[row, reading.columns[place]].answer.level

    gaps = tuple(
        _Gap(row, low, high)
        for (low, works_below), (high, works_above) in pairwise(reading.observed.items())
        if works_below and works_above and level(low) != level(high)
    )
    return _Depth(gaps, level(reading.green[0]) if reading.green else None)


def _ends_of_depth(knowledge: Knowledge, depths: Mapping[int, _Depth]) -> Iterator[Pair]:
    """Where to ask up to which column a row works less deep than beyond.

    It is the place where this ends in a row nearby, or the middle.
    """
    below_first = _gaps_below_first(knowledge, depths)
    gaps = [
        gap
        for row, depth in depths.items()
        if depth.gaps or row in below_first
        for gap in (*depth.gaps, *below_first.get(row, ()))
    ]
    ends = {gap.row: knowledge.readings[gap.row].columns[gap.high] for gap in gaps if gap.high - gap.low == 1}
    for gap in gaps:
        if gap.high - gap.low == 1:
            continue
        columns = knowledge.readings[gap.row].columns
        guesses = [place_of(columns, ends[other]) for other in neighbours(gap.row, list(ends))]
        places = [place for guess in guesses for place in (guess, guess - 1) if gap.low < place < gap.high]
        yield gap.row, columns[places[0] if places else (gap.low + gap.high) // 2]


def _gaps_below_first(knowledge: Knowledge, depths: Mapping[int, _Depth]) -> dict[int, tuple[_Gap, ...]]:
    """By row, the gap between its first pair that works and one of an older partner with the next newer row.

    There is such a gap if the two pairs work up to different levels, and none between them was observed to be broken.
    """
    gaps: dict[int, tuple[_Gap, ...]] = {}
    if len({depth.first for depth in depths.values() if depth.first is not None}) < 2:
        return gaps
    # The newer rows whose first working column is below that of all rows before them; the nearest comes last.
    newer: list[tuple[int, Level | None]] = []
    for row, depth in reversed(list(depths.items())):
        reading = knowledge.readings[row]
        if reading.edges is None:
            continue
        first = reading.edges.first
        while newer and newer[-1][0] >= first:
            newer.pop()
        if newer and reading.edges.below < newer[-1][0] and newer[-1][1] != depth.first:
            low = bisect_left(reading.columns, newer[-1][0])
            if low < reading.green[0]:
                gaps[row] = (_Gap(row, low - 1, reading.green[0]),)
        newer.append((first, depth.first))
    return gaps
