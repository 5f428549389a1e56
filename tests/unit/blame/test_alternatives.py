"""Several sets of releases that are each enough for one failure."""

from __future__ import annotations

import pytest

from stackcompat.blame.result import SearchResult
from support.blame_world import Rule, Universe, blame, names

RED = {"alpha": 5, "beta": 5, "gamma": 5, "delta": 5, "omega": 5}
NAMES = tuple(RED)


def sets_of(found: SearchResult) -> set[frozenset[str]]:
    """Every set of releases that is said to be enough, by the names of its members."""
    every = (found.culprits, *found.alternatives)
    return {frozenset(culprit.name for culprit in members) for members in every}


@pytest.mark.parametrize(
    "planted",
    [
        ({"alpha"}, {"beta"}),
        ({"alpha", "beta"}, {"alpha", "gamma"}),
        ({"alpha", "beta"}, {"gamma", "delta"}),
        ({"alpha"}, {"beta"}, {"gamma"}),
        ({"alpha"}, {"beta", "gamma"}),
    ],
    ids=lambda sets: " or ".join(" and ".join(sorted(members)) for members in sets),
)
@pytest.mark.parametrize("named", [(), NAMES[:4]], ids=["nobody named", "all named"])
def test_each_set_that_is_enough_is_told(planted: tuple[set[str], ...], named: tuple[str, ...]) -> None:
    rules = tuple(Rule(dict.fromkeys(members, (4, 6)), named=named) for members in planted)
    world = Universe(dict.fromkeys(NAMES, 9), rules)
    found = blame(world, RED, rules[0], budget=200)
    assert sets_of(found) == {frozenset(members) for members in planted}
    assert not found.doubt


def test_where_one_set_alone_is_enough_no_further_one_is_told() -> None:
    rule = Rule({"alpha": (4, 6), "beta": (4, 6)}, named=("alpha",))
    found = blame(Universe(dict.fromkeys(NAMES, 9), (rule,)), RED, rule)
    assert names(found) == {"alpha": "5", "beta": "5"}
    assert found.alternatives == ()


def test_a_further_set_that_is_not_found_is_a_doubt() -> None:
    """Gamma is red in every set that passes nowhere else, and nobody names it: the search cannot say what is left."""
    rules = (Rule({"alpha": (4, 6)}, named=("alpha",)), Rule({"beta": (4, 6)}, named=("alpha",)))
    world = Universe(dict.fromkeys(NAMES, 9), rules, missing=frozenset(("beta", n) for n in range(9) if n != 5))
    found = blame(world, RED, rules[0], passing=(dict.fromkeys(NAMES, "1"),))
    assert found.doubt or {"beta"} in sets_of(found)


def test_a_budget_that_ends_before_all_sets_are_found_is_told() -> None:
    rules = (Rule({"alpha": (4, 6)}, named=("alpha",)), Rule({"beta": (4, 6)}, named=("alpha",)))
    world = Universe(dict.fromkeys(NAMES, 9), rules)
    whole = blame(world, RED, rules[0])
    for budget in range(1, whole.probes):
        found = blame(world, RED, rules[0], budget=budget)
        assert found.doubt or len(sets_of(found)) == 2
