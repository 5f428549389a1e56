"""A release is called the last good one only if every test passes with it."""

from __future__ import annotations

from support.blame_world import Rule, Universe, blame

BOX = Rule({"alpha": (4, 8), "beta": (0, 6)}, named=("beta", "alpha"))
RED = {"alpha": 6, "beta": 3}


def test_the_last_release_that_passes_every_test_is_the_last_good_one() -> None:
    found = blame(Universe({"alpha": 10, "beta": 10}, (BOX,)), RED, BOX)
    alpha = found.culprits[0] if found.culprits[0].name == "alpha" else found.culprits[1]
    assert (alpha.last_good, alpha.last_passing, alpha.reservation) == ("3", "3", "")
    assert alpha.sentence().startswith("alpha 3 was the last good, 4 the first bad")
    assert found.way_out == {"alpha": "3"}


def test_a_release_with_which_other_tests_fail_is_not_called_good() -> None:
    world = Universe({"alpha": 10, "beta": 10}, (BOX,), others=(Rule({"alpha": (0, 3)}, message="no such box"),))
    found = blame(world, RED, BOX)
    alpha = next(culprit for culprit in found.culprits if culprit.name == "alpha")
    assert (alpha.last_good, alpha.last_passing, alpha.first_bad) == (None, "3", "4")
    sentence = alpha.sentence("alpha.boxes could still be imported")
    assert sentence.startswith("alpha.boxes could still be imported with alpha 3 (other tests fail there), and fails")
    assert "last good" not in alpha.sentence()
    assert found.way_out
    way_out = {"alpha": "6", "beta": "3", **found.way_out}
    assert not any(rule.holds(way_out) for rule in (*world.rules, *world.others))


def test_where_nothing_passes_every_test_no_way_out_is_named() -> None:
    world = Universe({"alpha": 10, "beta": 10}, (BOX,), others=(Rule({}, message="it is always red"),))
    found = blame(world, RED, BOX)
    assert {culprit.name for culprit in found.culprits} == {"alpha", "beta"}
    assert found.way_out == {}
    assert all(culprit.last_good is None for culprit in found.culprits)


def test_a_set_that_is_known_to_work_is_a_way_out() -> None:
    world = Universe({"alpha": 10, "beta": 10}, (BOX,), others=(Rule({}, message="it is always red"),))
    known = {"alpha": "6", "beta": "8"}
    assert blame(world, RED, BOX, passing=(known,), working=(known,)).way_out == {"beta": "8"}


def test_a_crossing_has_no_other_tests() -> None:
    world = Universe({"alpha": 10, "beta": 10}, (BOX,))
    found = blame(world, RED, BOX, is_cell=False)
    assert not any(probe.every_test for probe in world.asked)
    assert {culprit.last_good for culprit in found.culprits} == {"3", None}
