"""Islands in made-up worlds: each locks, none can be enlarged, none is missed, and each reason is a true conflict."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from support.islands_world import IslandsWorld

NAMES = "abcdef"


@st.composite
def worlds(draw: st.DrawFn) -> IslandsWorld:
    """Components, and which sets of them cannot be installed together; the resolver names some of those to blame."""
    names = NAMES[: draw(st.integers(1, 6))]
    groups = [frozenset(g) for size in (1, 2, 3) for g in combinations(names, size)]
    apart = draw(st.lists(st.sampled_from(groups), max_size=6, unique=True))
    return IslandsWorld(names, apart, blames=draw(st.sampled_from(["all", "some", "nobody"])))


def locking(world: IslandsWorld) -> set[frozenset[str]]:
    every = (frozenset(c) for size in range(1, len(world.names) + 1) for c in combinations(world.names, size))
    return {one for one in every if world.fits(one)}


@given(worlds())
def test_the_islands_are_the_largest_sets_that_lock(world: IslandsWorld) -> None:
    fit = locking(world)
    expected = {one for one in fit if not any(one < other for other in fit)}
    found = [frozenset(island.releases) for island in world.find().islands]
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert [len(one) for one in found] == sorted(map(len, found), reverse=True)


@given(worlds())
def test_whoever_is_left_out_is_so_for_a_smallest_reason(world: IslandsWorld) -> None:
    for island in world.find().islands:
        assert {left.name for left in island.excluded} == set(world.names) - island.releases.keys()
        for left in island.excluded:
            reason = {left.name, *left.against}
            assert set(left.against) <= island.releases.keys()
            assert not world.fits(reason)
            assert all(world.fits(reason - {name}) for name in reason)


@given(worlds())
def test_no_set_is_asked_about_twice(world: IslandsWorld) -> None:
    archipelago = world.find()
    assert len(world.asked) == len(set(world.asked)) == archipelago.asked
