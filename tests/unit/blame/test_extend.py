"""Whether the members are the whole culprit, and who else belongs to it."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement

from stackcompat.blame.probe import Probe, ProbeAnswer, RedCell
from stackcompat.blame.search import search
from stackcompat.evidence.results import Failure, TestResult
from support.blame_world import PAIR, Rule, Universe, answered, blame, names


def test_a_partner_that_stands_still_in_the_contrast_is_found() -> None:
    world = Universe({"alpha": 8, "beta": 8, "gamma": 8}, (PAIR,))
    passing = ({"alpha": "3", "beta": "5", "gamma": "7"},)
    found = blame(world, {"alpha": 5, "beta": 5, "gamma": 7}, passing=passing)
    assert names(found) == {"alpha": "5", "beta": "5"}
    alpha, beta = found.culprits
    assert (alpha.last_good, alpha.first_bad, alpha.fixed_in) == ("3", "4", "6")
    assert (beta.last_good, beta.first_bad, beta.fixed_in) == ("1", "2", "7")
    assert not found.doubt


def test_a_partner_that_nobody_names_is_followed_beyond_the_next_release() -> None:
    """Its newest release fails otherwise, the ones next to it the same way."""
    rule = Rule({"alpha": (5, 9), "beta": (0, 7)}, named=("alpha",))
    mask = Rule({"alpha": (5, 9), "beta": (9, 9)}, message="beta is too new")
    world = Universe({"alpha": 10, "beta": 10, "gamma": 10}, (mask, rule))
    passing = ({"alpha": "4", "beta": "3", "gamma": "0"},)
    found = blame(world, {"alpha": 6, "beta": 3, "gamma": 0}, rule, passing=passing)
    assert names(found) == {"alpha": "6", "beta": "3"}
    assert {culprit.name: culprit.fixed_in for culprit in found.culprits} == {"alpha": None, "beta": "8"}


def test_a_set_that_was_never_seen_to_be_enough_is_in_doubt() -> None:
    """All else fails otherwise as soon as it is as new, or as old, as can be."""

    class OneWorld(Universe):
        def answer(self, probe: Probe, rule: Rule) -> ProbeAnswer:
            answer = super().answer(probe, rule)
            return answer.model_copy(update={"outcome": "other", "signature": "s"}) if probe.free else answer

    rule = Rule({"alpha": (5, 9)}, named=("alpha",))
    passing = ({"alpha": "4", "beta": "3"},)
    sizes, red = {"alpha": 10, "beta": 10}, {"alpha": 6, "beta": 3}
    assert "not seen to fail the same way" in blame(OneWorld(sizes, (rule,)), red, rule, passing=passing).doubt
    assert not blame(Universe(sizes, (rule,)), red, rule, passing=passing).doubt


def red_in(packages: tuple[str, ...], where: str, message: str = "it fails") -> tuple[Universe, RedCell, Rule]:
    rule = Rule({"gamma": (0, 4)}, named=packages, message=message)

    class Uses(Universe):
        def requires(self, name: str, version: str) -> tuple[Requirement, ...]:
            return (Requirement("gamma"),) if name == "beta" else ()

    world = Uses({"alpha": 3, "beta": 3, "gamma": 8}, (rule,))
    red = world.red({"alpha": 2, "beta": 2, "gamma": 3}, rule, roots=("alpha", "beta"))
    failure = red.failure.model_copy(update={"where": where})
    return world, red.model_copy(update={"test": red.test.model_copy(update={"failure": failure})}), rule


@pytest.mark.parametrize("packages", [("alpha", "beta", "gamma"), ("alpha", "beta")], ids=["entered", "never entered"])
def test_who_called_the_only_member_is_part_of_it(packages: tuple[str, ...]) -> None:
    world, red, rule = red_in(packages, f"{packages[-1]}.core:go")
    found = answered(search(red, world, world.components), world, rule)
    assert names(found) == {"gamma": "3", "beta": "2"}
    assert [culprit.shown_by for culprit in found.culprits] == ["moving", "traceback"]


@pytest.mark.parametrize(
    ("packages", "where"),
    [
        (("alpha", "gamma"), "gamma.core:go"),
        (("gamma",), "gamma.core:go"),
        (("beta", "gamma"), "gamma.core:<module>"),
        (("beta", "alpha"), "alpha.core:go"),
    ],
    ids=["no dependency", "nobody called", "it cannot even be imported", "not the deepest"],
)
def test_a_member_that_fails_by_itself_stays_alone(packages: tuple[str, ...], where: str) -> None:
    world, red, rule = red_in(packages, where)
    assert names(answered(search(red, world, world.components), world, rule)) == {"gamma": "3"}


@pytest.mark.parametrize(
    ("packages", "where", "message", "culprits"),
    [
        (("beta", "alpha"), "alpha.core:<module>", "module 'gamma.core' has no attribute 'Box'", {"alpha", "gamma"}),
        (("beta", "alpha", "gamma"), "gamma.core:get", "gamma.core.Box was removed in 1", {"alpha", "gamma"}),
        (("beta", "alpha"), "alpha.core:<module>", "module 'delta.core' has no attribute 'Box'", {"gamma"}),
        ((), "", "module 'gamma.core' has no attribute 'Box'", {"gamma"}),
    ],
    ids=["it is not there", "the member says so", "another's", "the test asked"],
)
def test_who_asks_the_only_member_for_a_name_that_it_lacks_is_part_of_it(
    packages: tuple[str, ...], where: str, message: str, culprits: set[str]
) -> None:
    """Even if it does not declare to need the member, as what needs it for an extra does."""
    world, red, rule = red_in(packages, where, message)
    assert names(answered(search(red, world, world.components), world, rule)).keys() == culprits


def test_a_failure_without_a_traceback_suspects_what_the_test_uses() -> None:
    rule = Rule({"alpha": (4, 7)}, named=())
    world = Universe({"alpha": 8, "beta": 8}, (rule,))
    test = TestResult(
        test="t",
        level="interop",
        components=("beta", "alpha"),
        outcome="crashed",
        failure=Failure(type="E", message="m"),
    )
    assert names(blame(world, {"alpha": 6, "beta": 6}, rule, test=test)) == {"alpha": "6"}
