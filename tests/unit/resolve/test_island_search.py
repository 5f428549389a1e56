"""Which newest releases can be installed together in a small world, and how often the resolver is asked."""

from __future__ import annotations

import datetime as dt

import pytest

from stackcompat.core.errors import StackcompatError
from stackcompat.ecosystem.components import Components
from stackcompat.resolve.island_search import find_islands
from stackcompat.resolve.islands import Excluded, newest_members
from stackcompat.resolve.lock import Resolution
from support.islands_world import IslandsWorld
from support.made_up import component
from support.world import World

COMPONENTS = Components(
    components=(
        component("alpha"),
        component("alpha-native", moves_with="alpha"),
        component("kernels", distributions=("alpha",)),
        component("beta", install=("beta[tpu]", "companion>=2")),
        component("gamma"),
        component("delta", placeholders="<=0.0.0"),
        component("epsilon", published="git only", distributions=()),
        component("zeta"),
    )
)


WORLD = World(
    {
        "alpha": {"1.0": "2026-01-01", "1.1": "2026-02-01", "2.0rc1": "2026-03-01"},
        "alpha-native": {"1.1": "2026-02-01"},
        "beta": {"3.0": "2026-01-01", "3.1": {"uploaded": "2026-02-01", "yanked": True}},
        "gamma": {"5": {"uploaded": "2026-01-01", "python": ">=3.14"}},
        "delta": {"0.0.0": "2026-01-01"},
    }
)


def test_all_together_is_one_question_and_one_island() -> None:
    world = IslandsWorld("abcd", [])
    archipelago = world.find()
    assert [island.releases for island in archipelago.islands] == [dict.fromkeys("abcd", "1")]
    assert archipelago.islands[0].excluded == ()
    assert archipelago.asked == 1


def test_two_that_exclude_each_other_make_two_islands_and_the_bound_is_named() -> None:
    world = IslandsWorld("abcd", ["ad"])
    first, second = world.find().islands
    assert [set(first.releases), set(second.releases)] == [set("abc"), set("bcd")]
    assert first.excluded == (
        Excluded(
            name="d",
            version="1",
            against=("a",),
            reason="a, d exclude each other",
            chain=("a>=1 depends on shared==0", "d>=1 depends on shared==1"),
        ),
    )
    assert first.beside == {"old": "0.5"}
    assert len(world.asked) == 6  # all, the accused two, each of them alone, and the two islands


def test_what_cannot_be_installed_at_all_is_against_nobody() -> None:
    (island,) = IslandsWorld("abc", ["b"]).find().islands
    assert island.releases.keys() == {"a", "c"}
    assert [(left.name, left.against) for left in island.excluded] == [("b", ())]


def test_nothing_can_be_installed() -> None:
    assert IslandsWorld("ab", ["a", "b"]).find().islands == ()


def test_who_has_no_release_for_the_python_is_left_out_everywhere() -> None:
    absent = Excluded(name="z", version="3", reason="z 3 requires Python >=3.13")
    for island in IslandsWorld("abc", ["ab"]).find([absent]).islands:
        assert absent in island.excluded


def test_a_resolver_that_cannot_tell_names_no_culprit() -> None:
    def lock(_: object) -> Resolution:
        return Resolution(outcome="index-unreachable", detail="the package index did not answer")

    members, absent = newest_members(COMPONENTS, WORLD, "3.12")
    with pytest.raises(StackcompatError, match="which newest releases exclude each other is not known: the package"):
        find_islands(members, absent, {}, lock, python="3.12", platform="linux-x86_64", seen=dt.datetime.now(dt.UTC))
