"""The edges of the members along their releases."""

from __future__ import annotations

import pytest

from stackcompat.blame.search import search
from stackcompat.ecosystem.releases import Project, Release
from support.blame_world import Rule, Universe, answered, blame, names


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
    edges = (alpha.passes_before, alpha.first_bad, alpha.fixed_in, alpha.unjudged)
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
    assert (alpha.passes_before, alpha.first_bad, alpha.fixed_in, alpha.unresolved) == edges
    assert alpha.last_good is None


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
