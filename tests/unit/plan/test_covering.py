"""Small covering arrays, worked out by hand; the rules for all are in tests/property."""

from __future__ import annotations

from itertools import combinations

import pytest

from stackcompat.plan.covering import CombinationSpace, share_covered

FACTORS = [["a1", "a2"], ["b1", "b2"], ["c1", "c2"]]


def space(*apart: str, factors: list[list[str]] = FACTORS) -> CombinationSpace:
    """The space in which every two values go together but for those in `apart`, such as ``a1 b1``."""
    excluded = {frozenset(pair.split()) for pair in apart}
    return CombinationSpace(factors, lambda first, second: frozenset((first, second)) not in excluded)


def test_combinations_of_the_largest_factors_come_first() -> None:
    large = space(factors=[["a1"], ["b1", "b2"], ["c1", "c2"]])
    assert large.combinations(2)[:4] == (("b1", "c1"), ("b1", "c2"), ("b2", "c1"), ("b2", "c2"))
    assert len(large.combinations(2)) == 8


def test_four_rows_cover_all_pairs_of_three_factors_of_two() -> None:
    rows = space().rows(2)
    assert len(rows) == 4
    assert share_covered(space().combinations(2), rows) == (100.0, ())


@pytest.mark.parametrize(
    ("sizes", "most"),
    [
        ((3, 3, 3, 3), 9),  # two orthogonal Latin squares
        ((3, 6, 15, 4, 14, 6, 4), 210),  # the pairs of the two largest
        ((10,) * 5, 126),  # before rows are dropped: 131
    ],
)
def test_rows_that_others_can_take_over_are_dropped(sizes: tuple[int, ...], most: int) -> None:
    factors = [[f"{place}.{value}" for value in range(size)] for place, size in enumerate(sizes)]
    whole = space(factors=factors)
    rows = whole.rows(2)
    assert len(rows) <= most
    assert share_covered(whole.combinations(2), rows) == (100.0, ())


def test_values_that_do_not_go_together_never_meet() -> None:
    restricted = space("a1 b1", "b2 c2")
    pairs = {pair for row in restricted.rows(2) for pair in combinations(row, 2)}
    assert ("a1", "b1") not in pairs
    assert ("b2", "c2") not in pairs
    assert pairs == set(restricted.combinations(2))


def test_a_factor_is_left_out_where_no_value_of_it_goes_with_the_rest() -> None:
    restricted = space("a1 c1", "b1 c2")
    assert ("a1", "b1") in restricted.rows(2)


def test_a_seed_begins_the_first_row_even_if_its_values_do_not_go_together() -> None:
    rows = space("a1 b1").rows(2, [["b1", "a1"]])
    assert rows[0][:2] == ("a1", "b1")


def test_whole_rows_drop_what_no_whole_row_can_hold() -> None:
    restricted = space("a1 c1", "b1 c2")
    assert not restricted.holds(["a1", "b1"])
    assert restricted.holds(["a1", "b2"])
    assert restricted.cover([("a1", "b1"), ("a1", "b2")]) == [("a1", "b2", "c2")]
    assert restricted.cover([("a1", "b1")], whole=False) == [("a1", "b1")]
    assert restricted.cover([]) == []


@pytest.mark.parametrize(
    ("row", "can_grow"),
    [(["a1", "b2"], True), (["a1", "b1"], False), (["a1", "b2", "c2"], False), (["a1"], True)],
)
def test_a_row_can_grow_while_some_value_goes_with_all_of_it(row: list[str], can_grow: bool) -> None:
    assert space("a1 c1", "b1 c2").can_grow(row) is can_grow


def test_the_share_of_combinations_that_rows_hold() -> None:
    wanted = (("a1", "b1"), ("a1", "b2"), ("a1", "b1", "c1"), ("a2", "b2"))
    percent, missing = share_covered(wanted, [["c1", "b1", "a1", "unknown"], ["a2"]])
    assert percent == 50.0
    assert missing == (("a1", "b2"), ("a2", "b2"))
    assert share_covered((), [["a1"]]) == (100.0, ())
