"""The verdict on every pair, when a frontier search ends."""

from __future__ import annotations

from bisect import bisect_left
from functools import cache
from typing import NamedTuple

from stackcompat.core.vocabulary import LEVELS, Level, Verdict
from stackcompat.frontier.answers import PairFinding
from stackcompat.frontier.conclusions import Conclusions, inferred
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.knowledge import Knowledge
from stackcompat.frontier.nearest import NearestPair
from stackcompat.frontier.predictions import lacking

__all__ = ["findings_of"]


def findings_of(knowledge: Knowledge, conclusions: Conclusions) -> dict[Pair, PairFinding]:
    """Every pair with its verdict, sorted by row and column. A pair without a verdict is ``untested``."""
    findings = {
        pair: PairFinding(verdict="unresolvable", level="resolve", sentence=reason)
        for pair, reason in knowledge.space.forbidden.items()
    }
    observed = _Observed.of(knowledge)
    for row, columns in knowledge.permitted.items():
        for column in columns:
            findings[row, column] = _finding(knowledge, conclusions, (row, column), observed)
    return dict(sorted(findings.items()))


class _Observed(NamedTuple):
    """The observed pairs from which the levels of inferred pairs follow.

    Attributes:
        broken: The broken pairs; without those that were predicted to lack a name already at the shallow level, if
            there are others.
        first_working: By row, the first column that works.
    """

    broken: NearestPair
    first_working: dict[int, int]

    @classmethod
    def of(cls, knowledge: Knowledge) -> _Observed:
        """Look them up."""
        broken = [pair for pair, good in knowledge.observed.items() if not good]
        unforeseen = [pair for pair in broken if not lacking(knowledge.imports, pair)]
        readings = knowledge.readings.items()
        return cls(
            broken=NearestPair(unforeseen or broken),
            first_working={row: reading.columns[reading.green[0]] for row, reading in readings if reading.green},
        )


def _finding(knowledge: Knowledge, conclusions: Conclusions, pair: Pair, observed: _Observed) -> PairFinding:
    """The verdict on a pair that metadata permits."""
    good = inferred(knowledge, conclusions, pair)
    if good is not None:
        level = _level_of_work(knowledge, pair, observed) if good else _level_of_break(knowledge, pair, observed)
        return _inferred_finding("works" if good else "broken", level)
    if pair not in knowledge.answers:
        return PairFinding(verdict="untested", level="resolve")
    answer = knowledge.answers[pair].answer
    return PairFinding(**answer.model_dump(exclude={"runs", "reused"}))


@cache
def _inferred_finding(verdict: Verdict, level: Level) -> PairFinding:
    """The finding of every pair with this inferred verdict: findings never change, so one object serves all."""
    return PairFinding(verdict=verdict, level=level, inferred=True)


def _level_of_work(knowledge: Knowledge, pair: Pair, observed: _Observed) -> Level:
    """The level up to which a pair is inferred to work: the shallowest of the observed pairs that it rests on.

    These are the nearest working pairs of its row below and above it. If there is none below, the pair works because
    a newer row works with an older column: then it rests on that row's first working pair.
    """
    row, column = pair
    columns = [knowledge.readings[row].columns[place] for place in knowledge.readings[row].green]
    place = bisect_left(columns, column)
    grounds = [(row, other) for other in columns[max(place - 1, 0) : place + 1]]
    if place == 0:
        grounds += [
            (newer, first) for newer, first in observed.first_working.items() if newer > row and first <= column
        ][:1]
    return min((knowledge.answers[ground].answer.level for ground in grounds), key=LEVELS.index)


def _level_of_break(knowledge: Knowledge, pair: Pair, observed: _Observed) -> Level:
    """The level at which a pair most likely breaks that is inferred to be broken.

    It is the shallow level if the pair is predicted to lack a name there. If not, it is the level of the nearest pair
    that was observed to be broken.
    """
    nearest = observed.broken.to(pair)
    if nearest is None or lacking(knowledge.imports, pair):
        return knowledge.shallow
    return knowledge.answers[nearest].answer.level
