"""Which of what differs from a passing set belongs to the culprit."""

from __future__ import annotations

from typing import Any

import pytest
from packaging.requirements import Requirement

from stackcompat.blame.probe import Probe, ProbeAnswer
from support.blame_world import Led, Rule, Universe, blame, names


def test_two_rules_of_one_failure_give_one_smallest_set() -> None:
    """No single move makes it pass: the contrast, not the red cell, is where members can be told."""

    class Twice(Universe):
        def answer(self, probe: Probe, rule: Rule) -> ProbeAnswer:
            answer = super().answer(probe, rule)
            other = answer.versions.get("gamma") == "3"
            return answer.model_copy(update={"outcome": "same"}) if other and answer.outcome == "pass" else answer

    rule = Rule({"alpha": (4, 5)}, named=("alpha",))
    world = Twice({"alpha": 8, "beta": 8, "gamma": 8}, (rule,))
    found = blame(world, {"alpha": 5, "beta": 7, "gamma": 3}, rule)
    assert names(found) in ({"alpha": "5"}, {"gamma": "3"})


def test_what_came_apart_only_beside_another_release_of_a_third() -> None:
    """beta's cure does not load beside alpha as old as here; beside a newer alpha that fails the same way, it does."""
    rule = Rule({"beta": (0, 3), "gamma": (4, 7)}, named=("gamma", "beta"))
    too_old = Rule({"alpha": (0, 3), "beta": (4, 9)}, message="beta wants a newer alpha")
    too_new = Rule({"alpha": (6, 9), "beta": (0, 3)}, message="beta wants an older alpha")
    world = Universe({"alpha": 10, "beta": 10, "gamma": 8}, (too_old, too_new, rule))
    found = blame(world, {"alpha": 3, "beta": 3, "gamma": 7}, rule)
    assert names(found) == {"beta": "3", "gamma": "7"}
    assert {culprit.shown_by for culprit in found.culprits} == {"moving"}
    assert {finding.signature for finding in found.findings} == {too_old.failure.signature, too_new.failure.signature}


def test_what_does_not_come_apart_at_all_is_said_to_be_so() -> None:
    rule = Rule({"alpha": (0, 3), "beta": (0, 3)}, named=("beta", "alpha"))
    apart = Rule({"alpha": (4, 9), "beta": (0, 3)}, message="beta wants an older alpha")
    too_old = Rule({"alpha": (0, 3), "beta": (4, 9)}, message="beta wants a newer alpha")
    world = Universe({"alpha": 10, "beta": 10, "gamma": 8}, (apart, too_old, rule))
    found = blame(world, {"alpha": 3, "beta": 3, "gamma": 7}, rule)
    assert names(found) == {"alpha": "3", "beta": "3"}
    assert {culprit.shown_by for culprit in found.culprits} == {"contrast"}


def test_what_does_not_come_apart_and_nobody_names_accuses_nobody() -> None:
    rule = Rule({"alpha": (0, 3), "beta": (0, 3)})
    apart = Rule({"alpha": (4, 9), "beta": (0, 3)}, message="beta wants an older alpha")
    too_old = Rule({"alpha": (0, 3), "beta": (4, 9)}, message="beta wants a newer alpha")
    world = Universe({"alpha": 10, "beta": 10, "gamma": 8}, (apart, too_old, rule))
    found = blame(world, {"alpha": 3, "beta": 3, "gamma": 7}, rule)
    assert found.culprits == ()
    assert found.doubt == "alpha and beta could not be moved apart, and the failure names none of them"


def test_a_contrast_in_which_only_a_follower_moved_is_searched() -> None:
    rule = Rule({"alpha-native": (4, 7)}, named=("alpha",))
    world = Led({"alpha": 8, "alpha-native": 8}, (rule,))
    passing = ({"alpha": "4", "alpha-native": "3"},)
    found = blame(world, {"alpha": 4, "alpha-native": 4}, rule, passing=passing)
    assert names(found) == {"alpha": "4"}
    assert (found.culprits[0].last_good, found.culprits[0].first_bad) == ("3", "4")


class Bound(Universe):
    """`beta` needs `gamma` of its own number or newer; other sets cannot be installed."""

    def requires(self, name: str, version: str) -> tuple[Requirement, ...]:
        return (Requirement(f"gamma>={version}"),) if name == "beta" else ()

    def answer(self, probe: Probe, rule: Rule) -> ProbeAnswer:
        if not probe.free and int(probe.pins["gamma"]) < int(probe.pins["beta"]):
            self.asked.append(probe)
            return ProbeAnswer(outcome="unresolved", detail="beta fails to import", ran=True)
        return super().answer(probe, rule)


def test_what_has_to_move_along_is_no_member() -> None:
    rule = Rule({"beta": (5, 7)}, named=("beta",))
    world = Bound({"beta": 8, "gamma": 8, "delta": 8}, (rule,))
    found = blame(
        world, {"beta": 6, "gamma": 6, "delta": 2}, rule, passing=({"beta": "1", "gamma": "1", "delta": "2"},)
    )
    assert names(found) == {"beta": "6"}


def test_who_was_asked_for_by_version_is_guessed_where_the_failure_names_nobody() -> None:
    rule = Rule({"omega": (4, 5)}, named=())
    sizes = {f"beta{number}": 6 for number in range(20)} | {"omega": 6}
    world = Universe(sizes, (rule,))
    passing = (dict.fromkeys(sizes, "0"),)
    versions = dict.fromkeys(sizes, 5)
    asked = {}
    for requirements in (("omega==5", "beta0"), ("omega", "beta0")):
        world.asked.clear()
        found = blame(world, versions, rule, passing=passing, requirements=requirements, near=True)
        assert names(found) == {"omega": "5"}
        asked[requirements] = found.probes
    # One question in place of halving 21.
    assert asked["omega==5", "beta0"] <= asked["omega", "beta0"] - 3


class Undeclared(Universe):
    """Releases of `alpha` before the sixth bring `helper`, which all of them use; where it is missing, they fail."""

    brought_until = 5

    def answer(self, probe: Probe, rule: Rule) -> ProbeAnswer:
        answer = super().answer(probe, rule)
        if answer.outcome not in ("pass", "same"):
            return answer
        brought = {"helper": "0"} if int(answer.versions["alpha"]) <= self.brought_until else {}
        versions = answer.versions | brought
        return answer.model_copy(update={"versions": versions, "outcome": "pass" if "helper" in versions else "same"})


MISSING = Rule({"alpha": (0, 9)}, message="No module named 'helper'")
WITH_HELPER = ({"alpha": "9", "beta": "9", "helper": "0"},)


@pytest.mark.parametrize("passing", [(), WITH_HELPER], ids=["no evidence", "evidence"])
def test_a_set_with_a_further_distribution_keeps_no_member_from_being_found(passing: Any) -> None:
    world = Undeclared({"alpha": 10, "beta": 10}, (MISSING,))
    found = blame(world, {"alpha": 9, "beta": 9}, MISSING, passing=passing)
    assert names(found) == {"alpha": "9"}
    assert (found.culprits[0].last_good, found.culprits[0].first_bad) == ("5", "6")
    assert not found.doubt


def test_a_distribution_without_which_it_fails_is_named_where_nothing_else_helps() -> None:
    class Never(Undeclared):
        brought_until = -1

    world = Never({"alpha": 10, "beta": 10}, (MISSING,))
    found = blame(world, {"alpha": 9, "beta": 9}, MISSING, passing=WITH_HELPER)
    assert found.culprits == ()
    assert found.doubt == "it passes where helper 0 is installed as well, which nothing here asks for"
    assert found.way_out == {"helper": "0"}
