"""How a search for the culprit goes, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from packaging.requirements import Requirement

from stackcompat.blame.culprit import Probe, ProbeAnswer, RedCell, SearchResult
from stackcompat.blame.search import search, trace_refusal
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Project, Release
from stackcompat.evidence.results import Failure, TestResult
from support.blame_world import Rule, Universe, answered
from support.world import components

PAIR = Rule({"alpha": (4, 5), "beta": (2, 6)}, named=("beta", "alpha"))


def names(found: SearchResult) -> dict[str, str]:
    return {culprit.name: culprit.version for culprit in found.culprits}


def blame(world: Universe, versions: Mapping[str, int], rule: Rule = PAIR, **more: Any) -> SearchResult:
    red = world.red(versions, rule).model_copy(update=more)
    return answered(search(red, world, world.components), world, rule)


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


@pytest.mark.parametrize("budget", [400, 20])
def test_an_edge_that_another_break_hides_is_found_beside_what_passes(budget: int) -> None:
    """gamma 3 is broken beside alpha 2 to 4, and 10 to 12; alpha by itself from 5 to 9."""
    rule = Rule({"alpha": (5, 9)}, named=("alpha",))
    masks = [Rule({"alpha": span, "gamma": (3, 3)}, message="gamma is broken") for span in ((2, 4), (10, 12))]
    world = Universe({"alpha": 14, "beta": 8, "gamma": 8}, (*masks, rule))
    passing = ({"alpha": "1", "beta": "7", "gamma": "7"},)
    red = world.red({"alpha": 7, "beta": 7, "gamma": 3}, rule).model_copy(update={"passing": passing})
    found = answered(search(red, world, world.components, budget), world, rule)
    assert names(found) == {"alpha": "7"}
    assert not found.doubt
    (alpha,) = found.culprits
    edges = (alpha.last_good, alpha.first_bad, alpha.fixed_in, alpha.unjudged)
    assert edges == (("4", "5", "10", ()) if budget == 400 else ("1", "5", "13", ("2", "3", "4")))
    assert found.probes <= budget


@pytest.mark.parametrize(
    ("passing", "edges"), [("2", ("2", "8", None, ("3", "4", "5", "6", "7"))), ("14", (None, "8", "14", ()))]
)
def test_a_search_that_is_stopped_on_the_way_to_an_edge_says_between_what_it_lies(
    passing: str, edges: tuple[object, ...]
) -> None:
    rule = Rule({"alpha": (4, 11)}, named=("alpha",))
    world = Universe({"alpha": 16, "beta": 3}, (rule,))
    red = world.red({"alpha": 8, "beta": 1}, rule).model_copy(update={"passing": ({"alpha": passing, "beta": "1"},)})
    found = answered(search(red, world, world.components, 1), world, rule)
    assert "budget" in found.doubt
    (alpha,) = found.culprits
    assert (alpha.last_good, alpha.first_bad, alpha.fixed_in, alpha.unresolved) == edges


def test_evidence_that_is_near_saves_the_search_for_a_contrast() -> None:
    world = Universe({"alpha": 8, "beta": 8}, (PAIR,))
    blame(world, {"alpha": 5, "beta": 5}, passing=({"alpha": "3", "beta": "5"},))
    assert not any(len(probe.free) == 2 for probe in world.asked)


def test_the_newest_that_fail_too_are_gone_back_from() -> None:
    rule = Rule({"alpha": (6, 7)}, named=("alpha",))
    world = Universe({"alpha": 8, "beta": 8}, (rule,))
    found = blame(world, {"alpha": 7, "beta": 7}, rule)
    assert names(found) == {"alpha": "7"}
    assert found.culprits[0].last_good == "5"
    days = [probe.until.day for probe in world.asked if probe.until and len(probe.free) == 2]
    assert days == [16 - 2**exponent for exponent in range(len(days))]
    assert len(days) > 1


def test_given_sets_serve_as_a_contrast() -> None:
    rule = Rule({"alpha": (1, 7)}, named=("alpha",))
    world = Universe({"alpha": 8, "beta": 8}, (rule,))
    blame(world, {"alpha": 7, "beta": 7}, rule, sets=(("alpha==0", "beta==0"),))
    assert any(probe.free == ("alpha==0", "beta==0") for probe in world.asked)


def test_where_no_set_passes_the_suspects_are_moved_alone() -> None:
    class NoWorlds(Universe):
        def answer(self, probe: Probe, rule: Rule) -> ProbeAnswer:
            return ProbeAnswer(outcome="unresolved") if probe.free else super().answer(probe, rule)

    world = NoWorlds({"alpha": 8, "beta": 8}, (PAIR,))
    assert names(blame(world, {"alpha": 5, "beta": 5})) == {"alpha": "5", "beta": "5"}


def test_nothing_found_is_said_and_accuses_nobody() -> None:
    always = Rule({"alpha": (0, 3)}, named=("alpha",))
    world = Universe({"alpha": 4, "beta": 4}, (always,))
    found = blame(world, {"alpha": 2, "beta": 2}, always)
    assert found.culprits == ()
    assert found.doubt == "no set of versions was found with which it passes"


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


class Led(Universe):
    """`alpha-native` moves with `alpha`, and is required by it."""

    @property
    def components(self) -> Components:
        return components(*self.sizes, **{"alpha-native": "alpha"})

    def requires(self, name: str, version: str) -> tuple[Requirement, ...]:
        return (Requirement(f"alpha-native=={version}"),) if name == "alpha" else ()


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


def test_a_release_that_was_uploaded_after_the_cure_is_not_in_the_red_stretch() -> None:
    class Patched(Universe):
        def project(self, name: str) -> Project:
            plain = super().project(name)
            if name != "alpha":
                return plain
            order = zip(("1", "2", "3", "6", "4"), plain.releases, strict=True)
            return Project(name=name, releases=tuple(Release(version=v, uploaded=r.uploaded) for v, r in order))

    rule = Rule({"alpha": (2, 3)}, named=("alpha",))
    (culprit,) = blame(Patched({"alpha": 5, "beta": 5}, (rule,)), {"alpha": 3, "beta": 2}, rule).culprits
    assert (culprit.last_good, culprit.first_bad, culprit.fixed_in, culprit.skipped) == ("1", "2", "6", ("4",))


def test_what_a_release_warned_of_is_known_only_where_it_ran() -> None:
    """alpha 3 is known to pass, but not with the alpha-native that it is moved with."""
    rule = Rule({"alpha": (4, 7), "alpha-native": (4, 7)}, named=("alpha",))
    world = Led({"alpha": 8, "alpha-native": 8}, (rule,))
    red = {"alpha": 4, "alpha-native": 4}
    assert blame(world, red, rule, passing=({"alpha": "3", "alpha-native": "3"},)).warnings == {"alpha": ()}
    assert blame(world, red, rule, passing=({"alpha": "3", "alpha-native": "2"},)).warnings == {}


def test_a_follower_of_another_release_than_its_leader_is_a_member_of_its_own() -> None:
    rule = Rule({"alpha": (0, 4), "alpha-native": (6, 7)}, named=("alpha",), message="alpha-native is too new")
    world = Led({"alpha": 8, "alpha-native": 8}, (rule,))
    found = blame(world, {"alpha": 3, "alpha-native": 7}, rule)
    assert names(found) == {"alpha": "3", "alpha-native": "7"}


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


def test_a_release_that_is_on_no_index_is_not_moved() -> None:
    rule = Rule({"alpha": (99, 99)}, named=("alpha",))
    world = Universe({"alpha": 4, "beta": 4}, (rule,))
    found = blame(world, {"alpha": 99, "beta": 2}, rule)
    assert names(found) == {"alpha": "99"}
    assert found.culprits[0].last_good is None


def test_nothing_younger_than_the_cell_may_see_is_asked_for() -> None:
    world = Universe({"alpha": 8, "beta": 8, "gamma": 8}, (PAIR,))
    until = world.project("gamma").releases[6].uploaded
    found = blame(world, {"alpha": 5, "beta": 5, "gamma": 6}, until=until)
    assert {culprit.name: culprit.fixed_in for culprit in found.culprits} == {"alpha": "6", "beta": None}
    assert all(probe.until is None or probe.until <= until for probe in world.asked)


def test_a_refusal_is_traced_by_resolving_alone() -> None:
    world = Universe({"alpha": 6, "beta": 6})
    test = TestResult(test="resolve", level="resolve", components=(), outcome="failed", failure=None)
    red = RedCell(versions={"alpha": "4", "beta": "1"}, test=test, requirements=("alpha==4", "beta==1"), python="3.12")

    class Refuses(Universe):
        def answer(self, probe: Probe, rule: Rule) -> ProbeAnswer:
            assert probe.resolves
            fits = int(probe.pins["alpha"]) - int(probe.pins["beta"]) < 2
            return ProbeAnswer(outcome="pass" if fits else "same", versions=probe.pins if fits else {})

    asker = Refuses(world.sizes)
    found = answered(trace_refusal(red, ("alpha", "beta"), (), world, world.components), asker, PAIR)
    alpha, beta = found.culprits
    assert (alpha.last_good, alpha.first_bad, alpha.shown_by) == ("2", "3", "moving")
    assert (beta.last_good, beta.fixed_in) == (None, "3")
    assert found.probes == 0


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


def test_a_member_is_traced_again_from_where_it_was_seen_to_fail() -> None:
    """gamma 3 hides alpha's older edge in the red cell, so that it is looked for once more beside what passes."""
    rule = Rule({"alpha": (20, 59), "beta": (2, 9)}, named=("alpha", "beta"))
    mask = Rule({"alpha": (10, 19), "gamma": (3, 3)}, message="gamma is broken")
    world = Universe({"alpha": 60, "beta": 12, "gamma": 8}, (mask, rule))
    passing = ({"alpha": "1", "beta": "7", "gamma": "7"},)
    found = blame(world, {"alpha": 50, "beta": 7, "gamma": 3}, rule, passing=passing)
    assert names(found) == {"alpha": "50", "beta": "7"}
    assert (found.culprits[0].last_good, found.culprits[0].first_bad) == ("19", "20")
    assert found.probes < 40
