"""An environment against a made-up table."""

from __future__ import annotations

import pytest

from islands_world import Islands
from made_up import COMPONENTS, DISTRIBUTION, NEWEST, NOW, history
from stackcompat.advisory import advisories
from stackcompat.check import check
from stackcompat.report import Summary, summarise

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
    moved = bad | {move.distribution: move.there for move in checked.moves}
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
        update={"islands": (Islands(("alpha", "beta", "gamma"), [("alpha", "gamma")]).find(),)}
    )
    on = {name: check({name: "1", "beta": "1"}, islands, ()).island for name in ("alpha", "gamma")}
    assert {name: shore.number for name, shore in on.items() if shore} == {"alpha": 1, "gamma": 2}
