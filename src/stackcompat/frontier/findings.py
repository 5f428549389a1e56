"""The verdict on every pair, when a frontier search ends."""

from __future__ import annotations

from stackcompat.core.vocabulary import Level
from stackcompat.frontier.answers import PairFinding
from stackcompat.frontier.conclusions import Conclusions, inferred
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.knowledge import Knowledge
from stackcompat.frontier.nearest import NearestPair
from stackcompat.frontier.predictions import lacking

__all__ = ["findings_of"]


def findings_of(knowledge: Knowledge, conclusions: Conclusions) -> dict[Pair, PairFinding]:
    """The verdict on every pair, in order; ``untested`` where there is none."""
    findings = {
        pair: PairFinding(verdict="unresolvable", level="resolve", sentence=reason)
        for pair, reason in knowledge.space.forbidden.items()
    }
    broken = NearestPair(pair for pair, good in knowledge.observed.items() if not good)
    for row, columns in knowledge.permitted.items():
        for column in columns:
            findings[row, column] = _finding(knowledge, conclusions, (row, column), broken)
    return dict(sorted(findings.items()))


def _finding(knowledge: Knowledge, conclusions: Conclusions, pair: Pair, broken: NearestPair) -> PairFinding:
    """The verdict on a pair that metadata permits; `broken` are the pairs that were observed to be broken."""
    good = inferred(knowledge, conclusions, pair)
    if good is not None:
        level = knowledge.deep if good else _level_of_break(knowledge, pair, broken)
        return PairFinding(verdict="works" if good else "broken", level=level, inferred=True)
    if pair not in knowledge.answers:
        return PairFinding(verdict="untested", level="resolve")
    answer = knowledge.answers[pair].answer
    return PairFinding(**answer.model_dump(exclude={"runs", "reused"}))


def _level_of_break(knowledge: Knowledge, pair: Pair, broken: NearestPair) -> Level:
    """The level at which a pair is broken, if it is: that of the nearest pair that was observed to be broken."""
    nearest = broken.to(pair)
    if nearest is None or lacking(knowledge.imports, pair):
        return knowledge.shallow
    return knowledge.answers[nearest].answer.level
