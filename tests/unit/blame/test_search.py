"""What a whole search comes to, and a refusal."""

from __future__ import annotations

from stackcompat.blame.probe import Probe, ProbeAnswer, RedCell
from stackcompat.blame.search import trace_refusal
from stackcompat.evidence.results import TestResult
from support.blame_world import PAIR, Led, Rule, Universe, answered, blame, names


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


def test_what_a_release_warned_of_is_known_only_where_it_ran() -> None:
    """alpha 3 is known to pass, but not with the alpha-native that it is moved with."""
    rule = Rule({"alpha": (4, 7), "alpha-native": (4, 7)}, named=("alpha",))
    world = Led({"alpha": 8, "alpha-native": 8}, (rule,))
    red = {"alpha": 4, "alpha-native": 4}
    assert blame(world, red, rule, passing=({"alpha": "3", "alpha-native": "3"},)).warnings == {"alpha": ()}
    world = Led({"alpha": 8, "alpha-native": 8}, (rule,), missing=frozenset([("alpha-native", 3)]))
    assert blame(world, red, rule, passing=({"alpha": "3", "alpha-native": "2"},)).warnings == {}


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
    assert (alpha.last_passing, alpha.first_bad, alpha.shown_by) == ("2", "3", "moving")
    assert (beta.last_passing, beta.fixed_in) == (None, "3")
    assert alpha.last_good is None, "it resolves, and nothing was run"
    assert found.probes == 0
