"""Where a search starts from: a set of versions that passes."""

from __future__ import annotations

from support.blame_world import PAIR, Rule, Universe, blame, names


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


def test_nothing_younger_than_the_cell_may_see_is_asked_for() -> None:
    world = Universe({"alpha": 8, "beta": 8, "gamma": 8}, (PAIR,))
    until = world.project("gamma").releases[6].uploaded
    found = blame(world, {"alpha": 5, "beta": 5, "gamma": 6}, until=until)
    assert {culprit.name: culprit.fixed_in for culprit in found.culprits} == {"alpha": "6", "beta": None}
    assert all(probe.until is None or probe.until <= until for probe in world.asked)
