"""Which inferred pairs a search tests."""

from __future__ import annotations

import random

import pytest

from stackcompat.frontier.answers import PairAnswer, PairQuestion
from stackcompat.frontier.conclusions import conclude
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.knowledge import Knowledge, note_answer, start_knowledge
from stackcompat.frontier.sampling import MOST_DRAWN, draw_sample, pairs_around
from support.planted import table


def known(rows: int, columns: int, answers: dict[Pair, bool], *, alone: str = "") -> Knowledge:
    knowledge = start_knowledge(table(rows, columns), ("import", "interop"), {})
    for pair, works in answers.items():
        side = "" if works else alone
        answer = PairAnswer(verdict="works" if works else "broken", level="interop", signature="it fails", alone=side)
        note_answer(knowledge, PairQuestion(pair, "interop"), answer)
    return knowledge


def ends(rows: int, columns: int) -> dict[Pair, bool]:
    """Everything works between the first and the last column of each row."""
    return {(row, column): True for row in range(rows) for column in (0, columns - 1)}


def test_a_sample_meets_each_release_that_no_question_met() -> None:
    knowledge = known(10, 20, ends(10, 20))
    sample = draw_sample(knowledge, conclude(knowledge), random.Random(0))
    assert {column for _, column in sample} == set(range(1, 19))
    drawn = [reason for reason in sample.values() if reason == "random"]
    assert len(drawn) == 12  # one of 16 of 180 pairs
    assert len(sample) >= 18


@pytest.mark.parametrize(
    ("rows", "columns", "size"), [(3, 8, 3), (4, 18, 4), (20, 22, 25), (30, 42, MOST_DRAWN), (60, 42, MOST_DRAWN)]
)
def test_the_random_pairs_are_in_proportion_and_have_an_upper_bound(rows: int, columns: int, size: int) -> None:
    knowledge = known(rows, columns, ends(rows, columns))
    sample = draw_sample(knowledge, conclude(knowledge), random.Random(1))
    assert list(sample.values()).count("random") == size


def test_the_random_pairs_are_spread_over_rows_and_columns() -> None:
    knowledge = known(16, 18, ends(16, 18))
    for seed in range(5):
        sample = draw_sample(knowledge, conclude(knowledge), random.Random(seed))
        drawn = [pair for pair, reason in sample.items() if reason == "random"]
        assert len(drawn) == 16
        quarters = [(row // 8, (column - 1) // 8) for row, column in drawn]
        assert {quarters.count(quarter) for quarter in quarters} == {4}


def test_each_pair_has_the_same_chance() -> None:
    knowledge = known(8, 10, ends(8, 10))
    found = conclude(knowledge)
    counts: dict[Pair, int] = {}
    for seed in range(400):
        for pair, reason in draw_sample(knowledge, found, random.Random(seed)).items():
            counts[pair] = counts.get(pair, 0) + (reason == "random")
    assert len(counts) == 64
    assert min(counts.values()) > 10  # 25 on average
    assert max(counts.values()) < 45


def test_broken_pairs_are_drawn_as_well() -> None:
    edges = {(row, column): works for row in range(12) for column, works in ((0, True), (9, True), (10, False))}
    knowledge = known(12, 40, edges)
    found = conclude(knowledge)
    sample = draw_sample(knowledge, found, random.Random(0))
    assert sum(column > 10 for _, column in sample) > sum(column < 9 for _, column in sample) > 0


def test_a_block_without_a_random_pair_gets_one() -> None:
    works = dict.fromkeys([(0, column) for column in (0, 5)] + [(6, column) for column in (0, 40)], True)
    knowledge = known(7, 41, works | {(row, column): False for row in range(7) for column in (6,) if row == 0})
    sample = draw_sample(knowledge, conclude(knowledge), random.Random(0))
    assert any(row == 0 and 0 < column < 5 for row, column in sample)


def test_the_pairs_around_are_the_nearest_inferred_ones_of_row_and_column() -> None:
    knowledge = known(5, 7, ends(5, 7) | {(2, 3): True, (2, 4): True})
    found = conclude(knowledge)
    assert pairs_around(knowledge, found, (2, 3)) == [(2, 5), (2, 2), (3, 3), (1, 3)]
    assert pairs_around(knowledge, found, (0, 0)) == [(0, 1)]


def test_nothing_inferred_is_nothing_to_draw() -> None:
    knowledge = known(2, 2, {})
    assert draw_sample(knowledge, conclude(knowledge), random.Random(0)) == {}


def test_a_partner_of_a_release_that_breaks_by_itself_is_not_met_by_that() -> None:
    answers = ends(6, 9) | {(3, 0): False, (3, 8): False}
    knowledge = known(6, 9, answers, alone="alpha")
    sample = draw_sample(knowledge, conclude(knowledge), random.Random(0))
    assert {column for row, column in sample if row != 3} >= set(range(1, 8))
