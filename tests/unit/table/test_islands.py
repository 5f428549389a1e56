"""The names on islands, the releases that tell them apart, and the bounds that keep releases off."""

from __future__ import annotations

from stackcompat.resolve.island_rows import number_islands
from stackcompat.table.islands import distinguishing_releases, kept_off, names_on_islands
from support.islands_world import IslandsWorld

ISLANDS = number_islands([IslandsWorld(("alpha", "beta", "gamma"), [("alpha", "gamma")]).find()])


def test_names_stand_in_the_order_that_is_asked_for_and_others_last() -> None:
    assert names_on_islands(ISLANDS, ("gamma", "beta", "nobody", "alpha")) == ["gamma", "beta", "alpha", "old"]


def test_a_user_knows_an_island_by_what_no_other_has() -> None:
    assert distinguishing_releases(ISLANDS) == {1: [("alpha", "1")], 2: [("gamma", "1")]}
    assert distinguishing_releases(ISLANDS[:1]) == {}


def test_each_bound_is_named_once() -> None:
    (bound,) = kept_off(ISLANDS)
    assert bound.reason == "alpha, gamma exclude each other"
    assert bound.releases == {("gamma", "1"): [1], ("alpha", "1"): [2]}
