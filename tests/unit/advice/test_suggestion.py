from __future__ import annotations

from typing import Any

import pytest
from packaging.requirements import Requirement

from stackcompat.advice.advisories import advisories
from stackcompat.advice.check import check
from stackcompat.advice.listing import Line, Listed
from stackcompat.advice.set_knowledge import SetKnowledge
from stackcompat.advice.suggestion import Move, suggest, upgrades
from stackcompat.table.build import summarise
from stackcompat.table.cells import CellRow
from support.checking import with_charts
from support.made_up import COMPONENTS, NOW, history

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)
ADVISORIES = advisories(SUMMARY)
KNOWLEDGE = SetKnowledge(SUMMARY, "3.12")


def moves(**versions: str) -> dict[str, Move]:
    listed = Listed({name.replace("_", "-"): version for name, version in versions.items()})
    return {move.distribution: move for move in upgrades(listed, KNOWLEDGE, ADVISORIES)}


@pytest.mark.parametrize("asked", ["alpha", "alpha<1.3", "beta>=2.2", "delta-checkpoint", "alpha==1.1.0"])
def test_what_is_suggested_fits_and_passes_the_check(asked: str) -> None:
    found = suggest([Requirement(asked)], KNOWLEDGE, ADVISORIES)
    assert found is not None
    requirement = Requirement(asked)
    assert requirement.specifier.contains(found.pins[requirement.name])
    assert check(Listed(found.pins), KNOWLEDGE, ADVISORIES).answer == "works"
    cell = next(cell for cell in SUMMARY.cells if cell.id == found.known.cell)
    assert cell.verdict == "works"
    assert found.everything == SUMMARY.installed[cell.id]


def test_without_bounds_it_is_the_newest_set() -> None:
    found = suggest([Requirement("alpha")], KNOWLEDGE, ADVISORIES)
    assert found is not None
    assert found.known.cell == next(row.cell for row in SUMMARY.today if row.python == "3.12")
    assert found.newer == {}


def test_a_newer_release_that_no_such_set_has_is_named() -> None:
    found = suggest([Requirement("alpha<1.2"), Requirement("beta")], KNOWLEDGE, ADVISORIES)
    assert found is not None
    if found.pins["beta"] != "2.4.1":
        assert found.newer["beta"] == "2.4.1"


def test_where_no_set_is_known_nothing_is_suggested() -> None:
    assert suggest([Requirement("alpha>=9")], KNOWLEDGE, ADVISORIES) is None
    assert suggest([Requirement("alpha")], SetKnowledge(SUMMARY, "3.9"), ADVISORIES) is None


def test_what_may_move_works_and_what_must_not_is_broken() -> None:
    found = moves(alpha="1.1.0", alpha_native="1.1.0", beta="2.1.3")
    assert found.keys() == {"alpha", "beta"}
    for name, move in found.items():
        held = {"alpha": "1.1.0", "alpha-native": "1.1.0", "beta": "2.1.3"}
        answers = dict.fromkeys(move.may, "works")
        answers |= dict.fromkeys((its.version for its in move.must_not), "broken")
        answers |= dict.fromkeys((its.version for its in move.unknown), "not known")
        for version, answer in answers.items():
            moved = held | {name: version} | ({"alpha-native": version} if name == "alpha" else {})
            assert check(Listed(moved), KNOWLEDGE, ADVISORIES).answer == answer
    broken = {its.version: its.why for its in found["alpha"].must_not}
    assert "MutableBox" in broken["1.3.0"]  # beta before 2.2 cannot be imported with it
    assert broken["1.3.0"].startswith("Beta 2.1.3 fails with Alpha 1.3.0 because ")


def test_a_release_is_not_blamed_for_what_is_broken_without_it() -> None:
    """Beta 2.1.3 fails with Alpha 1.3.0, whatever Gamma there is."""
    held = {"alpha": "1.3.0", "alpha-native": "1.3.0", "beta": "2.1.3", "gamma": "0.9.8"}
    already = {hit.summary for hit in check(Listed(held), KNOWLEDGE, ADVISORIES).hits}
    found = {move.distribution: move for move in upgrades(Listed(held), KNOWLEDGE, ADVISORIES)}
    assert already
    assert found["gamma"].must_not
    for obstacle in found["gamma"].must_not:
        hits = check(Listed(held | {"gamma": obstacle.version}), KNOWLEDGE, ADVISORIES).hits
        assert obstacle.why not in already
        if {hit.summary for hit in hits} <= already:
            sentence = f"that alone does not help, since the environment is broken: {hits[0].summary}"
            assert (obstacle.why, obstacle.kind) == (sentence, hits[0].summary)


def test_what_is_likely_broken_without_a_release_does_not_hide_what_it_adds() -> None:
    summary = with_charts()
    versions = {"beta": "2.1", "alpha": "9.0", "gamma": "0.9.8"}
    found = upgrades(Listed(versions), SetKnowledge(summary, "3.12"), ())
    (gamma,) = (move for move in found if move.distribution == "gamma")
    assert gamma.unknown
    assert all(obstacle.version in obstacle.why for obstacle in gamma.unknown)


def test_why_a_move_is_not_known_is_what_it_adds() -> None:
    """A line without a version holds of every release, and says nothing of one."""
    whole = Listed({"alpha": "1.1.0", "alpha-native": "1.1.0", "beta": "2.1.3"}, loose={"gamma": ">=1"})
    doubts = {its.version: its for its in upgrades(whole, KNOWLEDGE, ADVISORIES)[1].unknown}
    assert doubts["2.3.0"].why.startswith("not tested together: Alpha 1.1.0 with Beta 2.3.0; run ")
    assert {its.why for version, its in doubts.items() if version != "2.3.0"} == {"gamma>=1 has no exact version"}
    elsewhere = upgrades(whole, SetKnowledge(SUMMARY, "3.13"), ADVISORIES)[1].unknown
    assert len({its.kind for its in elsewhere if "tested on Python 3.12 and not on 3.13" in its.why}) == 1


def test_a_newer_release_that_was_tested_in_twos_is_named() -> None:
    asked = [Requirement("alpha==1.1.0"), Requirement("beta")]

    def holds(cell: CellRow) -> bool:
        held = {name: component.version for name, component in cell.components.items()}
        return held.items() >= {"alpha": "1.1.0", "beta": "2.4.1"}.items()

    without = SUMMARY.model_copy(update={"cells": tuple(cell for cell in SUMMARY.cells if not holds(cell))})
    for summary, in_twos in ((SUMMARY, {}), (without, {"beta": "2.4.1"})):
        found = suggest(asked, SetKnowledge(summary, "3.12"), ADVISORIES)
        assert found is not None
        assert found.in_twos == in_twos == found.newer


def test_the_newest_stays() -> None:
    move = moves(alpha="1.3.0", beta="2.4.1")["beta"]
    assert (move.newest, move.may, move.must_not) == ("2.4.1", (), ())


@pytest.mark.parametrize(
    "rest", [{"loose": {"beta": ">=2.4"}}, {"lines": (Line(text="./somewhere", kind="unread", why="not understood"),)}]
)
def test_a_line_without_an_exact_version_leaves_a_move_not_known(rest: dict[str, Any]) -> None:
    whole = Listed({"alpha": "1.1.0", "alpha-native": "1.1.0"})
    (move,) = upgrades(whole, KNOWLEDGE, ADVISORIES)
    assert move.may
    (move,) = upgrades(whole._replace(**rest), KNOWLEDGE, ADVISORIES)
    assert (move.may, move.must_not, bool(move.unknown)) == ((), (), True)


def test_a_distribution_that_is_no_component_counts_as_in_a_check() -> None:
    listed = Listed({"alpha": "1.1.0", "alpha-native": "1.1.0", "stranger": "1.0"})
    knowledge = SetKnowledge(SUMMARY.model_copy(update={"distributions": {"alpha": 1, "alpha-native": 1}}), "3.12")
    assert check(listed, knowledge, ADVISORIES).answer == "not known"
    (move,) = upgrades(listed, knowledge, ADVISORIES)
    assert (move.may, bool(move.unknown)) == ((), True)
