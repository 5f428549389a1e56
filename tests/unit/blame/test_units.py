"""What moves together, to which releases, and under which name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stackcompat.blame.units import Units, find_units, pinned
from stackcompat.ecosystem.releases import Project
from support.blame_world import PAIR, Led, Rule, Universe, blame, names


def test_what_moves_together_is_one_member() -> None:
    rule = Rule({"alpha": (4, 5), "alpha-native": (4, 5)}, named=("alpha",))
    world = Led({"alpha": 8, "alpha-native": 8, "beta": 8}, (rule,))
    found = blame(world, {"alpha": 5, "alpha-native": 5, "beta": 7}, rule)
    assert names(found) == {"alpha": "5"}
    assert all(p.pins["alpha"] == p.pins["alpha-native"] for p in world.asked if not p.free)


@pytest.mark.parametrize(
    ("message", "called"),
    [
        ("alpha-native 5 does not fit", "alpha-native"),
        ("alpha 5 does not fit to alpha-native 5", "alpha"),
        ("module 'alpha-native.core' has no attribute 'x'", "alpha"),
    ],
)
def test_what_moves_together_is_called_as_the_failure_calls_it(message: str, called: str) -> None:
    rule = Rule({"alpha": (4, 5), "alpha-native": (4, 5)}, named=("alpha",), message=message)
    found = blame(
        Led({"alpha": 8, "alpha-native": 8, "beta": 8}, (rule,)), {"alpha": 5, "alpha-native": 5, "beta": 7}, rule
    )
    assert names(found) == {called: "5"}
    (culprit,) = found.culprits
    assert (culprit.last_good, culprit.first_bad, culprit.fixed_in) == ("3", "4", "6")
    assert found.warnings.keys() == {called}


def test_a_follower_of_another_release_than_its_leader_is_a_member_of_its_own() -> None:
    rule = Rule({"alpha": (0, 4), "alpha-native": (6, 7)}, named=("alpha",), message="alpha-native is too new")
    world = Led({"alpha": 8, "alpha-native": 8}, (rule,))
    found = blame(world, {"alpha": 3, "alpha-native": 7}, rule)
    assert names(found) == {"alpha": "3", "alpha-native": "7"}


def test_a_release_that_is_on_no_index_is_not_moved() -> None:
    rule = Rule({"alpha": (99, 99)}, named=("alpha",))
    world = Universe({"alpha": 4, "beta": 4}, (rule,))
    found = blame(world, {"alpha": 99, "beta": 2}, rule)
    assert names(found) == {"alpha": "99"}
    assert found.culprits[0].last_good is None


def units_of(world: Universe, versions: Mapping[str, int], rule: Rule, **cell: Any) -> Units:
    return find_units(world.red(versions, rule).model_copy(update=cell), world, world.components)


LED = Led({"alpha": 8, "alpha-native": 8, "beta": 8, "gamma": 8}, (PAIR,))
RED = {"alpha": 5, "alpha-native": 5, "beta": 5, "gamma": 2}


def test_what_follows_another_is_of_its_unit() -> None:
    units = units_of(LED, RED, PAIR)
    assert units.groups == {"alpha": ("alpha", "alpha-native"), "beta": ("beta",), "gamma": ("gamma",)}
    assert (units.unit_of("alpha-native"), units.unit_of("beta"), units.unit_of("stranger")) == (
        "alpha",
        "beta",
        "stranger",
    )
    assert units.red_pins(["alpha"]) == {"alpha": "5", "alpha-native": "5"}


def test_who_is_most_suspect() -> None:
    """The traceback from its end, the message, what the test uses, what the cell asks for; all else by name."""
    rule = Rule({}, named=("beta", "gamma"), message="alpha-native.core.Box is gone")
    units = units_of(LED, RED, rule, requirements=("gamma", "beta==5", "absent"))
    assert units.named == ("gamma", "beta", "alpha")
    assert units.roots == ("gamma", "beta")
    assert units.ordered(["zeta", "delta", "alpha", "beta", "gamma"]) == ["gamma", "beta", "alpha", "delta", "zeta"]


def test_a_mixed_set_and_what_differs() -> None:
    units = units_of(LED, RED, PAIR)
    passing = {"alpha": "3", "alpha-native": "3", "beta": "5", "delta": "1"}
    assert set(units.differing(passing)) == {"alpha", "gamma", "delta"}
    mixed = units.mix(passing, ["alpha", "gamma", "delta"])
    assert mixed == {"alpha": "5", "alpha-native": "5", "beta": "5", "gamma": "2"}
    assert passing["alpha"] == "3"


def test_the_line_of_a_unit_has_only_what_an_installer_may_take() -> None:
    class Odd(Led):
        def project(self, name: str) -> Project:
            releases = [*super().project(name).releases]
            changes: dict[int, dict[str, object]] = {
                0: {"version": "0rc1"},
                1: {"yanked": True},
                2: {"requires_python": "<3.12"},
            }
            for place, update in changes.items() if name == "alpha" else ():
                releases[place] = releases[place].model_copy(update=update)
            return Project(name=name, releases=tuple(releases))

    world = Odd(LED.sizes, LED.rules)
    until = world.project("alpha").releases[6].uploaded
    line = units_of(world, RED, PAIR, until=until).line("alpha")
    assert (line.versions, line.red_place) == (("3", "4", "5", "6"), 2)
    assert line.pins[0] == {"alpha": "3", "alpha-native": "3"}
    assert (line.place("4"), line.place("7"), line.place(None)) == (1, None, None)


def test_what_a_cell_pins() -> None:
    red = LED.red(RED, PAIR).model_copy(update={"requirements": ("Alpha==5", "beta>=1", "gamma===2", "stranger==1")})
    assert pinned(red) == ["alpha", "gamma"]
