"""What is known and concluded answer by answer is what follows from all answers anew."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from stackcompat.core.vocabulary import Level
from stackcompat.frontier.answers import PairAnswer, PairQuestion, Predictions
from stackcompat.frontier.conclusions import changed_rows, conclude
from stackcompat.frontier.inference import Pair, RowReading, read_row
from stackcompat.frontier.knowledge import Knowledge, breaks_alone, note_answer, start_knowledge
from stackcompat.frontier.search import explore
from support.planted import Planted, table

ROWS, COLUMNS = 6, 17
PAIRS = [(row, column) for row in range(ROWS) for column in range(COLUMNS)]
unhurried = hypothesis.settings(max_examples=40)


def read_anew(knowledge: Knowledge) -> dict[int, RowReading]:
    """What each row says by all answers, without an earlier reading."""
    return {
        row: read_row(
            row,
            [
                column
                for column in columns
                if (row, column) not in knowledge.unanswered and not breaks_alone(knowledge, (row, column))
            ],
            knowledge.observed,
        )
        for row, columns in knowledge.permitted.items()
    }


def fields_of(readings: Mapping[int, RowReading]) -> dict[int, dict[str, object]]:
    """The readings as values: two with the same fields are not equal."""
    return {row: dataclasses.asdict(reading) for row, reading in readings.items()}


class Replayed:
    """Answers from a planted world. It reads rows and concludes twice: from what was before, and anew."""

    def __init__(self, planted: Planted, knowledge: Knowledge) -> None:
        self._planted = planted
        self._knowledge = knowledge
        self._conclusions = conclude(knowledge)

    def __call__(self, questions: Sequence[PairQuestion]) -> list[PairAnswer]:
        answers = self._planted(questions)
        for question, answer in zip(questions, answers, strict=True):
            note_answer(self._knowledge, question, answer)
            assert fields_of(self._knowledge.readings) == fields_of(read_anew(self._knowledge))
            assert all(list(one.observed) == sorted(one.observed) for one in self._knowledge.readings.values())
        anew = conclude(self._knowledge)
        before, self._conclusions = self._conclusions, conclude(self._knowledge, self._conclusions)
        assert self._conclusions[1:] == anew[1:]
        assert list(self._conclusions.status) == list(range(ROWS))
        for row in set(range(ROWS)) - changed_rows(self._conclusions):
            assert self._conclusions.status[row] is before.status[row]
            assert self._conclusions.grounds.readings[row] is before.grounds.readings[row]
        return answers

    def assert_the_order_of_answers_is_of_no_account(self, levels: Sequence[Level], forecast: Predictions) -> None:
        """Compare what is known with what the same answers say in the opposite order."""
        known, other = self._knowledge, start_knowledge(self._knowledge.space, levels, forecast)
        for question, answer in reversed(known.answers.values()):
            note_answer(other, question._replace(again=False), answer)
        assert fields_of(other.readings) == fields_of(known.readings)
        assert other.observed == known.observed
        assert other.columns_alone == known.columns_alone
        for row in range(ROWS):
            assert other.rows_alone.get(row, frozenset()) == known.rows_alone.get(row, frozenset())


def replay(
    levels: Sequence[Level],
    lows: Sequence[int],
    flipped: Collection[Pair],
    silent: Collection[Pair],
    hidden: Collection[Pair],
    by_row: Collection[Pair],
    by_column: Collection[Pair],
    apart: Collection[Pair],
    wants: Mapping[Pair, frozenset[str]],
    batch: int = 1,
    dead: Collection[int] = (),
) -> None:
    """Search a planted world whose rows work from their lows on, or never, and compare after each batch of answers."""
    green = {(r, c) for r, c in PAIRS if r not in dead and lows[r] <= c <= lows[r] + 7}
    works: dict[Pair, bool] = {pair: (pair in green) != (pair in flipped) for pair in PAIRS}
    rows, columns = {row for row, _ in by_row}, {column for _, column in by_column}
    alone = {pair: "alpha" if pair[0] in rows else "beta" for pair in PAIRS if pair[0] in rows or pair[1] in columns}
    forecast: Predictions = dict.fromkeys(levels, wants)
    space = table(ROWS, COLUMNS)
    planted = Planted(works, silent=silent, hidden=hidden, words="no 'gone'", alone=alone, apart=apart)
    replayed = Replayed(planted, start_knowledge(space, levels, forecast))
    explore(space, replayed, levels=levels, forecast=forecast, batch=batch)
    replayed.assert_the_order_of_answers_is_of_no_account(levels, forecast)


@unhurried
@given(st.sampled_from([("import",), ("import", "interop")]), st.data())
def test_conclusions_follow_from_the_answers_alone(levels: Sequence[Level], data: st.DataObject) -> None:
    lows = data.draw(st.lists(st.integers(0, 9), min_size=ROWS, max_size=ROWS))
    flipped, silent, hidden, by_row, by_column, apart = (
        data.draw(st.sets(st.sampled_from(PAIRS), max_size=8)) for _ in range(6)
    )
    names = st.frozensets(st.sampled_from(["beta.gone", "beta.late"]))
    wants = {pair: data.draw(names) for pair in flipped | silent}
    batch, dead = data.draw(st.integers(1, 3)), data.draw(st.sets(st.integers(0, ROWS - 1), max_size=2))
    replay(levels, lows, flipped, silent, hidden, by_row, by_column, apart, wants, batch, dead)


def test_a_pair_that_turns_out_to_be_unresolvable_is_not_asked_about_again() -> None:
    hidden, by_row, apart = {(0, 1), (2, 9), (0, 2), (0, 0)}, {(1, 0), (0, 0)}, {(3, 12), (3, 9)}
    replay(("import", "interop"), [0, 0, 5, 5, 0, 3], (), (), hidden, by_row, {(4, 12)}, apart, {})
