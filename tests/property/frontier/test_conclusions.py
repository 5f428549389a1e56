"""Conclusions that start from earlier ones are those that are drawn anew from all answers."""

from __future__ import annotations

from collections.abc import Sequence

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from stackcompat.core.vocabulary import Level
from stackcompat.frontier.answers import PairAnswer, PairQuestion, Predictions
from stackcompat.frontier.conclusions import conclude
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.knowledge import Knowledge, record, start
from stackcompat.frontier.search import explore
from support.planted import Planted, table

ROWS, COLUMNS = 6, 17
PAIRS = [(row, column) for row in range(ROWS) for column in range(COLUMNS)]
unhurried = hypothesis.settings(max_examples=40)


class Replayed:
    """Answers from a planted world, and draws the conclusions after each answer: from the earlier ones, and anew."""

    def __init__(self, planted: Planted, knowledge: Knowledge) -> None:
        self._planted = planted
        self._knowledge = knowledge
        self._conclusions = conclude(knowledge)

    def __call__(self, questions: Sequence[PairQuestion]) -> list[PairAnswer]:
        answers = self._planted(questions)
        for question, answer in zip(questions, answers, strict=True):
            record(self._knowledge, question, answer)
            anew = conclude(self._knowledge)
            self._conclusions = conclude(self._knowledge, self._conclusions)
            assert self._conclusions[1:] == anew[1:]
            assert list(self._conclusions.status) == list(range(ROWS))
        return answers


@unhurried
@given(st.sampled_from([("import",), ("import", "interop")]), st.data())
def test_conclusions_follow_from_the_answers_alone(levels: Sequence[Level], data: st.DataObject) -> None:
    lows = data.draw(st.lists(st.integers(0, 9), min_size=ROWS, max_size=ROWS))
    flipped, silent, hidden, by_row, by_column = (
        data.draw(st.sets(st.sampled_from(PAIRS), max_size=8)) for _ in range(5)
    )
    works: dict[Pair, bool] = {(r, c): (lows[r] <= c <= lows[r] + 7) != ((r, c) in flipped) for r, c in PAIRS}
    rows, columns = {row for row, _ in by_row}, {column for _, column in by_column}
    alone = {pair: "alpha" if pair[0] in rows else "beta" for pair in PAIRS if pair[0] in rows or pair[1] in columns}
    names = st.frozensets(st.sampled_from(["beta.gone", "beta.late"]))
    wants = {pair: data.draw(names) for pair in flipped | silent}
    forecast: Predictions = dict.fromkeys(levels, wants)
    space = table(ROWS, COLUMNS)
    planted = Planted(works, silent=silent, hidden=hidden, words="no 'gone'", alone=alone)
    explore(space, Replayed(planted, start(space, levels, forecast)), levels=levels, forecast=forecast)
