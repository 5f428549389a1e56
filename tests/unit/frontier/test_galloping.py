"""Searches along one line, case by case."""

from __future__ import annotations

import pytest

from stackcompat.frontier.galloping import by_halves, gallop, middle_of_gap, nearest, neighbours, place_of


def line(text: str) -> list[bool | None]:
    """A line drawn as text: o works, x is broken, . is open."""
    return [{"o": True, "x": False, ".": None}[sign] for sign in text]


@pytest.mark.parametrize(
    ("size", "order"), [(0, []), (1, [0]), (2, [0, 1]), (3, [0, 2, 1]), (9, [0, 8, 4, 2, 6, 1, 3, 5, 7])]
)
def test_rows_come_farthest_apart_first(size: int, order: list[int]) -> None:
    assert list(by_halves(range(size))) == order


@pytest.mark.parametrize(("row", "around"), [(0, [2]), (2, [5]), (3, [2, 5]), (5, [2, 9]), (9, [5]), (12, [9])])
def test_the_neighbours_of_a_row_are_the_next_ones_and_never_itself(row: int, around: list[int]) -> None:
    assert neighbours(row, [2, 5, 9]) == around
    assert neighbours(row, []) == []


@pytest.mark.parametrize(("row", "found"), [(0, 2), (2, 2), (3, 2), (4, 5), (7, 5), (8, 9), (20, 9)])
def test_the_nearest_row_is_the_lower_one_of_two(row: int, found: int) -> None:
    assert nearest(row, [2, 5, 9]) == found
    assert nearest(row, []) is None


@pytest.mark.parametrize(("column", "place"), [(0, 0), (2, 0), (4, 0), (5, 1), (11, 2)])
def test_the_place_of_a_column_that_is_not_there_is_the_one_before(column: int, place: int) -> None:
    assert place_of([2, 5, 9], column) == place


@pytest.mark.parametrize(
    ("status", "low", "guesses", "place"),
    [
        ("o....", 0, [3, 1], 3),  # a guess in the open stretch
        ("o....", 0, [0], 1),  # the guess works: on from there
        ("ooo....", 2, [0], 5),  # in steps that double
        ("ooo...x.", 2, [0], 4),  # by halves, once the end is known
        ("o.....x", 0, [8], 3),  # back from a guess that is broken
        ("ox", 0, [0], None),
        ("oo", 1, [1], None),
    ],
)
def test_where_to_ask_for_an_edge(status: str, low: int, guesses: list[int], place: int | None) -> None:
    assert gallop(line(status), low, guesses) == place


def test_the_middle_of_the_longest_gap() -> None:
    assert middle_of_gap(line("o..x.....o.")) == 6
    assert middle_of_gap(line("o.")) == 1
