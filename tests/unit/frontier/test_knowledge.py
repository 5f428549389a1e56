"""What answers say of pairs, one after another."""

from __future__ import annotations

from typing import Any

from stackcompat.core.vocabulary import Level, Verdict
from stackcompat.frontier.answers import PairAnswer, PairQuestion
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.knowledge import Knowledge, breaks_alone, note_answer, start_knowledge
from support.planted import table


def knowledge_of(rows: int = 4, columns: int = 5, **more: Any) -> Knowledge:
    return start_knowledge(table(rows, columns, **more), ("import", "interop"), {})


def told(
    knowledge: Knowledge, pair: Pair, verdict: Verdict, level: Level = "interop", *, again: bool = False, **more: str
) -> None:
    """Record an answer."""
    note_answer(knowledge, PairQuestion(pair, level, again), PairAnswer(verdict=verdict, level=level, **more))


def columns_of(knowledge: Knowledge, row: int) -> list[int]:
    return list(knowledge.readings[row].columns)


def test_what_works_at_the_shallow_level_alone_is_not_observed_to_work() -> None:
    knowledge = knowledge_of()
    told(knowledge, (1, 2), "works", "import")
    assert (knowledge.shallow_only, knowledge.observed) == ({(1, 2)}, {})
    told(knowledge, (1, 2), "works")
    assert (knowledge.shallow_only, knowledge.observed) == (set(), {(1, 2): True})
    assert (knowledge.latest, knowledge.rows_with_works) == ({1: 2}, [1])


def test_a_pair_without_a_verdict_is_no_part_of_its_row() -> None:
    knowledge = knowledge_of(permitted=[(1, 1), (1, 2), (1, 4)])
    told(knowledge, (1, 2), "infra-error")
    assert columns_of(knowledge, 1) == [1, 4]
    assert knowledge.unanswered == {(1, 2)}


def test_an_answer_that_other_partners_hide_as_well_leaves_the_one_before() -> None:
    knowledge = knowledge_of()
    told(knowledge, (1, 2), "unresolvable", sentence="first")
    told(knowledge, (1, 2), "untested", sentence="second", again=True)
    assert knowledge.answers[1, 2].answer.sentence == "first"
    told(knowledge, (2, 2), "unresolvable")
    told(knowledge, (2, 2), "works", again=True)
    assert knowledge.observed == {(2, 2): True}
    assert columns_of(knowledge, 2) == [0, 1, 2, 3, 4]


def test_a_release_of_the_second_side_that_breaks_by_itself_is_no_part_of_the_rows_between() -> None:
    knowledge = knowledge_of()
    told(knowledge, (0, 3), "broken", signature="beta fails 1.0", alone="beta")
    assert breaks_alone(knowledge, (0, 3))
    assert columns_of(knowledge, 1) == [0, 1, 2, 3, 4]
    told(knowledge, (3, 3), "broken", signature="beta fails 2.0", alone="beta")
    assert [columns_of(knowledge, row) for row in range(4)] == [[0, 1, 2, 4]] * 4
    # A pair that works all the same is observed, and its row has it again.
    told(knowledge, (2, 3), "works")
    assert not breaks_alone(knowledge, (2, 3))
    assert columns_of(knowledge, 2) == [0, 1, 2, 3, 4]
    # Another kind of failure is another break.
    assert knowledge.columns_alone[3] == {0, 1, 3}
    told(knowledge, (1, 0), "broken", signature="one", alone="beta")
    told(knowledge, (3, 0), "broken", signature="other", alone="beta")
    assert knowledge.columns_alone[0] == {1, 3}


def test_a_release_of_the_first_side_that_breaks_by_itself_does_so_between_two_partners() -> None:
    knowledge = knowledge_of()
    told(knowledge, (1, 1), "broken", signature="alpha fails", alone="alpha")
    told(knowledge, (1, 4), "broken", signature="alpha fails", alone="alpha")
    assert knowledge.rows_alone[1] == {1, 2, 3, 4}
    assert columns_of(knowledge, 1) == [0, 1, 2, 3, 4]
