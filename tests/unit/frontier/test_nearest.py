"""The nearest of several pairs."""

from __future__ import annotations

import random

import pytest

from stackcompat.frontier.inference import Pair
from stackcompat.frontier.nearest import NearestPair


@pytest.mark.parametrize(
    ("pair", "found"),
    [((2, 9), (2, 1)), ((3, 5), (2, 1)), ((5, 4), (6, 4)), ((4, 4), (6, 4)), ((9, 0), (6, 4)), ((2, 1), (2, 1))],
)
def test_the_row_counts_first(pair: Pair, found: Pair) -> None:
    assert NearestPair([(6, 4), (2, 1)]).to(pair) == found


def test_it_is_the_first_by_distance_and_then_by_number() -> None:
    dice = random.Random(3)
    for _ in range(50):
        pairs = {(dice.randrange(9), dice.randrange(9)) for _ in range(dice.randrange(1, 9))}
        row, column = dice.randrange(9), dice.randrange(9)
        expected = min(pairs, key=lambda other: (abs(other[0] - row), abs(other[1] - column), other))
        assert NearestPair(pairs).to((row, column)) == expected


def test_there_is_none_where_there_are_no_pairs() -> None:
    assert NearestPair(()).to((1, 1)) is None
