"""What a search asks next."""

from __future__ import annotations

from stackcompat.frontier.answers import PairAnswer, PairQuestion, Predictions
from stackcompat.frontier.conclusions import conclude
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.knowledge import Knowledge, note_answer, start_knowledge
from stackcompat.frontier.questions import doubted_pair, level_to_ask, next_questions
from support.planted import table


def known(rows: int, columns: int, answers: dict[Pair, bool], predictions: Predictions | None = None) -> Knowledge:
    knowledge = start_knowledge(table(rows, columns), ("import", "interop"), predictions or {})
    for pair, works in answers.items():
        answer = PairAnswer(verdict="works" if works else "broken", level="interop", signature="it fails")
        note_answer(knowledge, PairQuestion(pair, "interop"), answer)
    return knowledge


def asked(knowledge: Knowledge) -> list[Pair]:
    return [question.pair for question in next_questions(knowledge, conclude(knowledge))]


def test_the_rows_farthest_apart_come_first() -> None:
    assert [row for row, _ in asked(known(5, 4, {}))] == [0, 4, 2, 1, 3]


def test_the_lower_edge_is_asked_for_in_the_newest_row_alone() -> None:
    assert asked(known(3, 5, {(0, 4): True, (1, 4): True, (2, 4): True})) == [(2, 0)]
    # A row that lacks its upper edge comes in any case.
    assert asked(known(3, 5, {(0, 3): True, (1, 4): True, (2, 4): True})) == [(0, 4), (2, 0)]


def test_what_must_be_observed_comes_before_everything_else() -> None:
    knowledge = known(5, 5, {(2, 0): True, (2, 2): False, (2, 4): True, (1, 0): True, (1, 4): True})
    assert asked(knowledge) == [(1, 2)]


def test_a_pair_that_is_predicted_not_to_import_is_tried_at_the_shallow_level() -> None:
    gone = frozenset({"beta.gone"})
    wants: Predictions = {"import": {(1, 4): gone}, "interop": {(1, 4): gone}}
    knowledge = known(2, 5, {(0, 0): True, (0, 3): True, (0, 4): False}, wants)
    found = conclude(knowledge)
    assert level_to_ask(knowledge, found, (1, 4)) == "import"
    assert level_to_ask(knowledge, found, (1, 2)) == "interop"
    note_answer(knowledge, PairQuestion((1, 4), "import"), PairAnswer(verdict="works", level="import"))
    assert level_to_ask(knowledge, conclude(knowledge), (1, 4)) == "interop"


def test_a_pair_that_is_inferred_to_work_and_predicted_to_be_broken_is_doubted() -> None:
    wants: Predictions = {"interop": {(0, column): frozenset({f"beta.n{column}"}) for column in (1, 2)}}
    knowledge = known(1, 4, {(0, 0): True, (0, 3): True}, wants)
    assert doubted_pair(knowledge, conclude(knowledge)) == (0, 1)
    knowledge = known(1, 4, {(0, 0): True, (0, 3): True, (0, 1): True}, wants)
    assert doubted_pair(knowledge, conclude(knowledge)) == (0, 2)
    assert doubted_pair(known(1, 4, {}, wants), conclude(known(1, 4, {}, wants))) is None
