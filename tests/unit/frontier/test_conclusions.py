"""What follows from answers: landmarks, what must be observed, what is settled."""

from __future__ import annotations

from collections.abc import Mapping

from stackcompat.core.vocabulary import Level
from stackcompat.frontier.answers import PairAnswer, PairQuestion
from stackcompat.frontier.conclusions import Landmarks, conclude, inferred, inferred_pairs, landmarks, works
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.knowledge import Knowledge, note_answer, start_knowledge
from support.planted import table


def known(rows: int, columns: int, answers: Mapping[Pair, bool | PairAnswer]) -> Knowledge:
    """A table about which so much is known: whether a pair works, or its answer."""
    knowledge = start_knowledge(table(rows, columns), ("import",), {})
    for pair, answer in answers.items():
        plain = PairAnswer(verdict="works" if answer is True else "broken", level="import", signature="it fails")
        note_answer(knowledge, PairQuestion(pair, "import"), plain if isinstance(answer, bool) else answer)
    return knowledge


def alone(side: str) -> PairAnswer:
    return PairAnswer(verdict="broken", level="import", signature=f"{side} fails", alone=side)


def test_landmarks_are_as_far_from_a_rows_own_time_as_in_the_rows_around() -> None:
    assert landmarks(known(20, 20, {}), 10) == Landmarks(19, 0, 10, 9, ())
    assert landmarks(known(20, 20, {(5, 3): True, (12, 15): True}), 10) == Landmarks(19, 0, 10, 9, (8, 13))
    assert landmarks(known(20, 20, {(5, 3): True}), 10).places() == (19, 0, 10, 9, 8)


def test_a_row_is_settled_when_nothing_in_it_is_open() -> None:
    knowledge = known(2, 5, {(0, 0): True, (0, 3): True, (0, 4): False, (1, 0): True})
    found = conclude(knowledge)
    assert found.settled == {0: (0, 3)}
    assert found.settled_rows == [0]
    assert found.open_rows == {1}
    assert [works(knowledge, found, (0, column)) for column in range(5)] == [True, True, True, True, False]
    assert inferred_pairs(knowledge, found) == {(0, 1): True, (0, 2): True}
    assert inferred(knowledge, found, (0, 0)) is None  # it was observed


def test_a_release_that_fails_alike_at_every_landmark_is_broken_with_all() -> None:
    marks: dict[Pair, bool | PairAnswer] = dict.fromkeys([(0, 0), (0, 15), (0, 7)], False)
    assert conclude(known(1, 16, marks)).status[0].count(False) == 16
    otherwise: dict[Pair, bool | PairAnswer] = {**marks, (0, 7): alone("beta")}
    assert None in conclude(known(1, 16, otherwise)).status[0]
    # Where columns are few, all are asked.
    assert None in conclude(known(1, 15, dict.fromkeys([(0, 0), (0, 14), (0, 7)], False))).status[0]


def test_how_far_a_release_of_the_second_side_breaks_by_itself_is_asked_at_the_ends_then_by_halves() -> None:
    assert set(conclude(known(9, 3, {(4, 1): alone("beta")})).due) == {(0, 1), (8, 1)}
    knowledge = known(9, 3, {(4, 1): alone("beta"), (0, 1): True, (8, 1): alone("beta")})
    assert set(conclude(knowledge).due) == {(2, 1)}
    assert works(knowledge, conclude(knowledge), (6, 1)) is False
    assert inferred(knowledge, conclude(knowledge), (6, 1)) is False


def test_landmarks_must_be_observed_before_a_row_counts_as_broken_throughout() -> None:
    reds = {(0, column): False for column in range(0, 24, 2)}
    found = conclude(known(1, 24, reds))
    # The newest partner and the middle one are landmarks; other gaps are small enough.
    assert [column for column, good in enumerate(found.status[0]) if good is None] == [11, 23]


def passed(level: Level) -> PairAnswer:
    return PairAnswer(verdict="works", level=level)


def test_where_the_depth_of_a_row_ends_is_asked() -> None:
    """Both ends work, but the older partner was only imported: what is between could be either."""
    knowledge = known(1, 9, {(0, 0): passed("import"), (0, 8): passed("interop")})
    assert conclude(knowledge).due == ((0, 4),)
    same = known(1, 9, {(0, 0): passed("interop"), (0, 8): passed("interop")})
    assert conclude(same).due == ()


def test_the_depth_of_a_row_most_likely_ends_where_that_of_a_row_nearby_does() -> None:
    nearby = {(0, 2): passed("import"), (0, 3): passed("interop"), (0, 8): passed("interop")}
    row = {(1, 0): passed("import"), (1, 8): passed("interop")}
    assert conclude(known(2, 9, nearby | row)).due == ((1, 3),)
    assert conclude(known(2, 9, nearby | row | {(1, 3): passed("interop")})).due == ((1, 2),)


def test_what_an_older_row_takes_from_a_newer_one_has_the_depth_of_that() -> None:
    newer = {(1, 0): passed("import"), (1, 8): passed("import")}
    due = conclude(known(2, 9, newer | {(0, 8): passed("interop")})).due
    assert [row for row, _ in due] == [0]
