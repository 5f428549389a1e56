"""What the answers of a frontier search say about the pairs."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from stackcompat.core.vocabulary import Level
from stackcompat.frontier.answers import ASKED_AGAIN, PairAnswer, PairQuestion, Predictions
from stackcompat.frontier.galloping import by_halves
from stackcompat.frontier.inference import Pair, RowReading, read_further, read_row
from stackcompat.frontier.predictions import PairOutcome, Prediction, confirm, disprove
from stackcompat.frontier.space import PairSpace
from stackcompat.verdict.signature import failure_kind

__all__ = ["Knowledge", "breaks_alone", "note_answer", "start_knowledge"]


class _Asked(NamedTuple):
    """A question with its answer."""

    question: PairQuestion
    answer: PairAnswer


@dataclass
class Knowledge:
    """What is known of the pairs from answers. :func:`note_answer` adds an answer.

    Attributes:
        space: The pairs that are searched.
        shallow: The shallowest level to ask for.
        deep: The level that matters.
        permitted: By row, the columns that metadata permits.
        imports: What pairs are predicted to lack at the shallow level.
        usage: What pairs are predicted to lack at the deep level.
        answers: The answer that counts for each pair.
        observed: Whether a pair works, for each pair that was observed to be broken at any level, or to work at the
            deep level.
        shallow_only: The pairs that were observed to work at the shallow level alone.
        unanswered: The pairs whose question got no verdict.
        broken_in_row: By row, the answers for broken pairs by column.
        broken_in_column: By column, the answers for broken pairs by row.
        rows_alone: By row, the columns with which the row's release breaks by itself.
        columns_alone: By column whose release breaks by itself, the rows with which it does. Such a pair says nothing
            about other columns, and is no part of its row's reading.
        readings: What each row says. Pairs without a verdict are no part of it.
        latest: By row, the last column that was observed to work.
        rows_with_works: The rows in `latest`, ascending.
        by_halves: The rows in the order in which they are asked about: the ends, the middle, and so on.
        revisions: By column, how often an answer changed with which rows the column's release can break by itself.
    """

    space: PairSpace
    shallow: Level
    deep: Level
    permitted: Mapping[int, Sequence[int]]
    imports: Prediction
    usage: Prediction
    answers: dict[Pair, _Asked] = field(default_factory=dict)
    observed: dict[Pair, bool] = field(default_factory=dict)
    shallow_only: set[Pair] = field(default_factory=set)
    unanswered: set[Pair] = field(default_factory=set)
    broken_in_row: dict[int, dict[int, PairAnswer]] = field(default_factory=dict)
    broken_in_column: dict[int, dict[int, PairAnswer]] = field(default_factory=dict)
    rows_alone: dict[int, frozenset[int]] = field(default_factory=dict)
    columns_alone: dict[int, frozenset[int]] = field(default_factory=dict)
    readings: dict[int, RowReading] = field(default_factory=dict)
    latest: dict[int, int] = field(default_factory=dict)
    rows_with_works: list[int] = field(default_factory=list)
    by_halves: Sequence[int] = ()
    revisions: dict[int, int] = field(default_factory=dict)


def start_knowledge(space: PairSpace, levels: Sequence[Level], predictions: Predictions) -> Knowledge:
    """What is known before the first answer.

    Args:
        space: The pairs to search.
        levels: The shallowest level to ask for first, the one that matters last.
        predictions: By level, the names that each pair is predicted to lack.
    """
    permitted = space.rows()
    knowledge = Knowledge(
        space=space,
        shallow=levels[0],
        deep=levels[-1],
        permitted=permitted,
        imports=_predicted(space, predictions.get(levels[0], {})),
        usage=_predicted(space, predictions.get(levels[-1], {})),
        by_halves=tuple(by_halves(list(permitted))),
    )
    for row in knowledge.permitted:
        _read(knowledge, row)
    return knowledge


def _predicted(space: PairSpace, names: Mapping[Pair, frozenset[str]]) -> Prediction:
    """The prediction for the pairs that metadata permits, in order."""
    return Prediction({pair: names[pair] for pair in sorted(names) if pair not in space.forbidden})


def note_answer(knowledge: Knowledge, question: PairQuestion, answer: PairAnswer) -> None:
    """Add an answer, and read the rows that it touches anew.

    It replaces an earlier answer for the same pair, unless the pair was asked again and got no verdict again.
    """
    pair = question.pair
    if question.again and answer.verdict in ASKED_AGAIN:
        return
    was_unanswered = pair in knowledge.unanswered
    _forget(knowledge, pair)
    knowledge.answers[pair] = _Asked(question, answer)
    if answer.verdict not in ("works", "broken"):
        knowledge.unanswered.add(pair)
    elif answer.verdict == "broken":
        _note_broken(knowledge, pair, answer)
    elif question.level == knowledge.deep:
        knowledge.observed[pair] = True
    else:
        knowledge.shallow_only.add(pair)
    _heed_predictions(knowledge, pair)
    other_columns = set(_find_alone(knowledge, pair))
    if was_unanswered != (pair in knowledge.unanswered):
        other_columns.add(pair[0])
    for row in other_columns:
        _read(knowledge, row)
    if pair[0] not in other_columns:
        _note_reading(knowledge, read_further(knowledge.readings[pair[0]], pair[1], knowledge.observed.get(pair)))


def breaks_alone(knowledge: Knowledge, pair: Pair) -> bool:
    """Whether the column's release breaks by itself with this row."""
    row, column = pair
    return row in knowledge.columns_alone.get(column, ())


def _note_broken(knowledge: Knowledge, pair: Pair, answer: PairAnswer) -> None:
    row, column = pair
    knowledge.observed[pair] = False
    knowledge.broken_in_row.setdefault(row, {})[column] = answer
    knowledge.broken_in_column.setdefault(column, {})[row] = answer


def _forget(knowledge: Knowledge, pair: Pair) -> None:
    """Remove what an earlier answer said about a pair."""
    row, column = pair
    knowledge.observed.pop(pair, None)
    knowledge.shallow_only.discard(pair)
    knowledge.unanswered.discard(pair)
    knowledge.broken_in_row.get(row, {}).pop(column, None)
    knowledge.broken_in_column.get(column, {}).pop(row, None)


def _read(knowledge: Knowledge, row: int) -> None:
    """Read a row anew, since its columns may have changed."""
    unanswered, alone = knowledge.unanswered, knowledge.columns_alone
    columns = [
        column
        for column in knowledge.permitted[row]
        if (row, column) not in unanswered and row not in alone.get(column, ())
    ]
    _note_reading(knowledge, read_row(row, columns, knowledge.observed))


def _note_reading(knowledge: Knowledge, reading: RowReading) -> None:
    """Keep what a row says, and where its last working pair is."""
    row = reading.row
    knowledge.readings[row] = reading
    if reading.green:
        if row not in knowledge.latest:
            insort(knowledge.rows_with_works, row)
        knowledge.latest[row] = reading.columns[reading.green[-1]]


def _find_alone(knowledge: Knowledge, pair: Pair) -> frozenset[int]:
    """Update with which partners the releases of `pair` break by themselves; return the rows whose columns change."""
    row, column = pair
    if not (knowledge.answers[pair].answer.alone or knowledge.rows_alone.get(row) or column in knowledge.columns_alone):
        return frozenset()
    first, second = knowledge.space.first.name, knowledge.space.second.name
    before_in_row = knowledge.rows_alone.get(row, frozenset())
    knowledge.rows_alone[row] = _partners(knowledge.broken_in_row.get(row, {}), first)
    for changed in {column, *(before_in_row ^ knowledge.rows_alone[row])}:
        knowledge.revisions[changed] = knowledge.revisions.get(changed, 0) + 1
    before = knowledge.columns_alone.get(column, frozenset())
    rows = _partners(knowledge.broken_in_column.get(column, {}), second)
    after = frozenset(other for other in rows if not knowledge.observed.get((other, column)))
    knowledge.columns_alone.pop(column, None)
    if after:
        knowledge.columns_alone[column] = after
    return before ^ after


def _partners(broken: Mapping[int, PairAnswer], name: str) -> frozenset[int]:
    """The partners with which a release breaks by itself: for each kind of failure, all from the first to the last.

    Args:
        broken: The answers for the release's broken pairs, by partner.
        name: The release's component.
    """
    kinds: dict[str, list[int]] = {}
    for partner, answer in broken.items():
        if answer.alone == name:
            kinds.setdefault(failure_kind(answer.signature), []).append(partner)
    return frozenset(partner for partners in kinds.values() for partner in range(min(partners), max(partners) + 1))


def _heed_predictions(knowledge: Knowledge, pair: Pair) -> None:
    """Update what the answers say of the predictions, after an answer for `pair`."""
    if pair in knowledge.imports.names:
        disprove(knowledge.imports, _imported(knowledge))
    if pair in knowledge.usage.names:
        disprove(knowledge.usage, _used(knowledge))
        confirm(knowledge.usage, _used(knowledge))


def _imported(knowledge: Knowledge) -> Iterator[PairOutcome]:
    """The outcomes at the shallow level. A pair that breaks only at a deeper level works there."""
    for pair, (_, answer) in knowledge.answers.items():
        if pair not in knowledge.unanswered:
            works = answer.verdict == "works" or answer.level != knowledge.shallow
            yield PairOutcome(pair, works, answer.sentence)


def _used(knowledge: Knowledge) -> Iterator[PairOutcome]:
    """The outcomes at the deep level."""
    for pair, works in knowledge.observed.items():
        yield PairOutcome(pair, works, knowledge.answers[pair].answer.sentence)
