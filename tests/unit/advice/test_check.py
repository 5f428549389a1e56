"""An environment against a made-up table."""

from __future__ import annotations

from typing import Any

import pytest

from stackcompat.advice.advisories import advisories
from stackcompat.advice.check import check
from stackcompat.frontier.search import explore
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.islands_world import IslandsWorld
from support.made_up import COMPONENTS, DISTRIBUTION, NEWEST, NOW, history
from support.planted import Planted, chart_of, stairs, table

GOOD = {DISTRIBUTION[name]: version for name, version in NEWEST.items()}


@pytest.fixture(scope="module")
def summary() -> Summary:
    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def test_a_set_that_works_has_nothing_to_move(summary: Summary) -> None:
    checked = check(GOOD | {"unknown": "1"}, summary, advisories(summary))
    assert (checked.hits, checked.moves) == ((), ())
    assert checked.components == NEWEST
    assert 0 < checked.seen <= checked.pairs == 15
    assert summary.installed[checked.nearest].items() >= GOOD.items()


def test_a_set_that_is_broken_is_told_with_the_nearest_that_works(summary: Summary) -> None:
    advisory = advisories(summary)[0]
    one, other = advisory.together[-1]
    bad = GOOD | {advisory.sides[0].distribution: one, advisory.sides[1].distribution: other}
    checked = check(bad, summary, advisories(summary))
    assert advisory in checked.hits
    assert checked.moves
    moved = bad | {move.distribution: move.working for move in checked.moves}
    assert not check(moved, summary, advisories(summary)).hits


def test_nothing_of_the_stack_is_nothing_known(summary: Summary) -> None:
    checked = check({"unknown": "1"}, summary, advisories(summary))
    assert (checked.components, checked.hits, checked.nearest, checked.pairs) == ({}, (), "", 0)


@pytest.mark.parametrize("spelled", ["{}.0", "v{}", "0!{}"])
def test_a_version_is_known_however_it_is_spelled(summary: Summary, spelled: str) -> None:
    advisory = advisories(summary)[0]
    one, other = advisory.together[-1]
    bad = GOOD | {advisory.sides[0].distribution: spelled.format(one), advisory.sides[1].distribution: other}
    assert advisory in check(bad, summary, advisories(summary)).hits
    good = {name: spelled.format(version) for name, version in GOOD.items()}
    plain = check(GOOD, summary, advisories(summary))
    checked = check(good, summary, advisories(summary))
    assert (checked.hits, checked.seen, checked.moves) == ((), plain.seen, ())


def test_what_is_no_release_is_not_offered(summary: Summary) -> None:
    nearest = check(GOOD, summary, ()).nearest
    local = tuple(cell.model_copy(update={"policy": "local"}) if cell.id == nearest else cell for cell in summary.cells)
    assert check(GOOD, summary.model_copy(update={"cells": local}), ()).nearest != nearest


def test_it_says_which_island_of_the_newest_releases_one_is_on(summary: Summary) -> None:
    assert check(GOOD, summary, ()).island is None
    islands = summary.model_copy(
        update={"islands": (IslandsWorld(("alpha", "beta", "gamma"), [("alpha", "gamma")]).find(),)}
    )
    on = {name: check({name: "1", "beta": "1"}, islands, ()).island for name in ("alpha", "gamma")}
    assert {name: shore.number for name, shore in on.items() if shore} == {"alpha": 1, "gamma": 2}


def with_charts(**changes: Any) -> Summary:
    """Beta 2.1 and alpha 9.0 are inferred to be broken, by a frontier; no cell has them."""
    chart = chart_of(explore(table(1, 4), Planted(stairs([(0, 1)], 4), words="t: E: words [beta]")))
    sides = {
        "first": chart.first.model_copy(update={"name": "beta", "versions": ("2.1",)}),
        "second": chart.second.model_copy(update={"name": "alpha", "versions": ("8.0", "8.1", "8.2", "9.0")}),
    }
    *seen, last = chart.findings
    assert last.verdict == "broken"
    inferred = last.model_copy(update={"inferred": True, "evidence": (), "sentence": ""} | changes)
    red = tuple(one.model_copy(update={"signature": "E: words [beta]"}) if one.sentence else one for one in seen)
    made = history()
    charts = [chart.model_copy(update={**sides, "findings": (*red, inferred)})]
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW, frontiers=charts)


def test_what_a_frontier_infers_is_told_apart() -> None:
    summary = with_charts()
    known = advisories(summary)
    (advisory,) = [one for one in known if one.signature == "E: words [beta]"]
    checked = check({"alpha": "9.0.0", "beta": "2.1"}, summary, known, ["gamma"])
    assert (checked.hits, checked.unread) == ((), ("gamma",))
    (likely,) = checked.likely
    assert (likely.versions, likely.advisory) == ({"alpha": "9.0.0", "beta": "2.1"}, advisory.id)
    assert likely.sentence == "Alpha 9.0.0 with Beta 2.1: E: words [beta]"
    (alike,) = check({"alpha": "9.0.0", "beta": "2.1"}, summary, ()).likely
    assert (alike.advisory, alike.sentence) == ("", "Beta 2.1 with Alpha 9.0.0: E: words [beta]")
    seen = check({"alpha": "8.2", "beta": "2.1"}, summary, known)
    assert (seen.hits, seen.likely) == ((advisory,), ())
    fine = check({"alpha": "8.0", "beta": "2.1"}, summary, known)
    assert (fine.hits, fine.likely) == ((), ())


def test_what_was_seen_to_break_but_may_be_anothers_is_likely() -> None:
    words = {
        "sentence": "t: E: others [beta]",
        "signature": "E: others [beta]",
        "evidence": ("run",),
        "inferred": False,
    }
    installed = {"alpha": "9.0", "beta": "2.1"}
    summary = with_charts(**words, doubt="a third one had a part")
    (likely,) = check(installed, summary, advisories(summary)).likely
    assert (likely.advisory, likely.sentence) == ("", "Beta 2.1 with Alpha 9.0: E: others [beta]")
    alone = with_charts(**words, doubt="it points at beta and nobody else", alone="beta")
    assert check(installed, alone, advisories(alone)).likely == ()
    works = with_charts(verdict="works", sentence="", inferred=False)
    assert check(installed, works, advisories(works)).likely == ()


def test_what_a_release_wants_and_does_not_declare_hits_who_has_it_without() -> None:
    absent = "ModuleNotFoundError: No module named 'gamma' [beta]"
    summary = with_charts(sentence=f"t: {absent}", signature=absent, evidence=("run",), inferred=False)
    known = advisories(summary)
    installed = {"alpha": "9.0", "beta": "2.1"}
    assert [one.without for one in check(installed, summary, known).hits] == ["gamma"]
    checked = check(installed | {"gamma": "1.0"}, summary, known)
    assert (checked.hits, checked.likely) == ((), ())
