"""Where the edges of a row are expected."""

from __future__ import annotations

from collections.abc import Mapping

from stackcompat.frontier.answers import PairAnswer, PairQuestion, Predictions
from stackcompat.frontier.conclusions import Conclusions, conclude
from stackcompat.frontier.expectation import expected_interval, expected_last_columns
from stackcompat.frontier.knowledge import Knowledge, note_answer, start_knowledge
from support.planted import table


def settled(
    columns: int, intervals: Mapping[int, tuple[int, int]], predictions: Predictions | None = None
) -> tuple[Knowledge, Conclusions]:
    """Ten rows, of which some are observed throughout."""
    knowledge = start_knowledge(table(10, columns), ("import",), predictions or {})
    for row, (first, last) in intervals.items():
        for column in range(columns):
            verdict = PairAnswer(verdict="works" if first <= column <= last else "broken", level="import")
            note_answer(knowledge, PairQuestion((row, column), "import"), verdict)
    return knowledge, conclude(knowledge)


def test_where_no_row_is_settled_everything_is_expected_to_work() -> None:
    known = settled(10, {})
    assert expected_interval(*known, 4) == (0, 9)
    assert expected_last_columns(*known, 4) == [9]


def test_a_row_is_expected_to_be_like_the_nearest_settled_one() -> None:
    known = settled(10, {1: (0, 4), 8: (0, 7)})
    assert expected_interval(*known, 3) == (0, 4)
    assert expected_interval(*known, 6) == (0, 7)
    assert expected_last_columns(*known, 3) == [7, 4]


def test_an_interval_moves_with_time_where_both_neighbours_are_as_old_as_they_are_themselves() -> None:
    known = settled(10, {1: (0, 1), 8: (7, 8)})
    assert expected_interval(*known, 4) == (3, 4)
    known = settled(10, {1: (0, 1), 8: (6, 8)})
    assert expected_interval(*known, 4) == (0, 1)


def test_a_prediction_moves_an_edge() -> None:
    gone = frozenset({"beta.gone"})
    wants: Predictions = {"import": {(4, column): gone for column in (7, 8, 9)}}
    known = settled(10, {1: (0, 9)}, wants)
    assert expected_interval(*known, 4) == (0, 6)
    assert expected_interval(*settled(10, {}, wants), 4) == (0, 6)
    # At the end of a row an edge stays there, where the prediction does not move it inwards.
    assert expected_interval(*settled(10, {4: (0, 9)}, wants), 1) == (0, 9)
