"""Made-up pairs of components: a table of releases with planted edges, and somebody who answers from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.frontier.answers import Frontier, PairAnswer, PairQuestion
from stackcompat.frontier.frontier import StoredFinding, StoredFrontier
from stackcompat.frontier.inference import Pair, infer, read_row
from stackcompat.frontier.space import PairSpace, Side
from stackcompat.frontier.static.usage import Missing

__all__ = ["Planted", "by_pair", "chart_of", "inferred_from", "stairs", "table"]

_BEGIN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def table(rows: int, columns: int, permitted: Collection[Pair] | None = None) -> PairSpace:
    """Releases of both sides, uploaded evenly over the same time. What is not `permitted` is forbidden."""

    def side(name: str, count: int) -> Side:
        moments = tuple(_BEGIN + dt.timedelta(days=number * 700 / count) for number in range(count))
        return Side(name=name, versions=tuple(f"1.{number}" for number in range(count)), uploaded=moments)

    every = [(row, column) for row in range(rows) for column in range(columns)]
    forbidden = {pair: "bounds" for pair in every if permitted is not None and pair not in permitted}
    return PairSpace(first=side("alpha", rows), second=side("beta", columns), forbidden=forbidden)


def stairs(edges: Sequence[tuple[int, int]], columns: int) -> dict[Pair, bool]:
    """What works where row i works from its first to its last column."""
    return {(row, c): low <= c <= high for row, (low, high) in enumerate(edges) for c in range(columns)}


def by_pair(chart: StoredFrontier) -> dict[Pair, StoredFinding]:
    """The findings of a frontier, each by its pair."""
    return {finding.pair: finding for finding in chart.findings}


def chart_of(
    frontier: Frontier, forecast: Mapping[Pair, Sequence[Missing]] | None = None, **fields: Any
) -> StoredFrontier:
    """The record of a frontier, unless `fields` differ: on Python 3.12, to imports, on a day in 2026."""
    defaults = {"python": "3.12", "platform": "linux-x86_64", "level": "import"}
    seen = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    return StoredFrontier.of(frontier, forecast or {}, **{**defaults, "seen": seen, **fields})


def inferred_from(
    rows: Mapping[int, Sequence[int]], observed: Mapping[Pair, bool], expected_broken: Collection[Pair] = ()
) -> tuple[dict[Pair, bool], set[Pair]]:
    """Whether each pair works that was observed or is inferred, and the pairs that must be observed."""
    readings = {row: read_row(row, columns, observed) for row, columns in rows.items()}
    expected = {row: frozenset(column for other, column in expected_broken if other == row) for row in rows}
    inference = infer(readings, expected)
    works = {
        (row, column): good
        for row, columns in rows.items()
        for column, good in zip(columns, inference.status[row], strict=True)
        if good is not None
    }
    return works, set(inference.due)


class Planted:
    """Answers questions from a planted table.

    A pair that works takes one run. A broken pair takes two, one of them the confirmation. No question must be asked
    twice.

    Attributes:
        asked: The questions so far.
    """

    def __init__(
        self,
        works: Mapping[Pair, bool],
        shallow: Collection[Pair] = (),
        silent: Collection[Pair] = (),
        hidden: Collection[Pair] = (),
        words: str = "",
        alone: Mapping[Pair, str] | None = None,
        apart: Collection[Pair] = (),
    ) -> None:
        """Plant a table.

        Args:
            works: Whether each pair works.
            shallow: Pairs that can be imported and then fail.
            silent: Pairs that get no verdict.
            hidden: Pairs that get no verdict with the partners of their own time.
            words: The sentence of each failure.
            alone: The side that alone is to blame, of broken pairs.
            apart: Pairs that no test uses together, so that they work up to imports only.
        """
        self._works = works
        self._shallow = shallow
        self._silent = silent
        self._hidden = hidden
        self._words = words
        self._alone = alone or {}
        self._apart = apart
        self.asked: list[PairQuestion] = []
        self._known: set[PairQuestion] = set()

    def __call__(self, questions: Sequence[PairQuestion]) -> list[PairAnswer]:
        assert self._known.isdisjoint(questions)
        self._known.update(questions)
        self.asked += questions
        return [self._answer(question) for question in questions]

    def _answer(self, question: PairQuestion) -> PairAnswer:
        evidence = (f"{question.pair} {question.level}",)
        if question.pair in self._hidden and not question.again:
            return PairAnswer(verdict="untested", level="import", runs=2, evidence=evidence)
        if question.pair in self._silent:
            verdict: Verdict = "untested" if question.again else "infra-error"
            return PairAnswer(verdict=verdict, level="install", runs=2, evidence=evidence)
        if not self._works[question.pair]:
            alone = self._alone.get(question.pair, "")
            failure = {"sentence": self._words, "signature": f"{alone or 'it'} fails", "alone": alone}
            return PairAnswer(verdict="broken", level="import", runs=2, evidence=evidence, **failure)
        if question.level != "import" and question.pair in self._shallow:
            return PairAnswer(verdict="broken", level=question.level, sentence=self._words, runs=2, evidence=evidence)
        level: Level = "import" if question.pair in self._apart else question.level
        return PairAnswer(verdict="works", level=level, runs=1, evidence=evidence)
