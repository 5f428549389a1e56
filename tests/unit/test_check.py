"""An environment against a made-up table."""

from __future__ import annotations

import pytest

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
    one, other = advisory.pairs[-1]
    bad = GOOD | {advisory.first.distribution: one, advisory.second.distribution: other}
    checked = check(bad, summary, advisories(summary))
    assert advisory in checked.hits
    assert checked.moves
    moved = bad | {move.distribution: move.there for move in checked.moves}
    assert not check(moved, summary, advisories(summary)).hits


def test_nothing_of_the_stack_is_nothing_known(summary: Summary) -> None:
    checked = check({"unknown": "1"}, summary, advisories(summary))
    assert (checked.components, checked.hits, checked.nearest, checked.pairs) == ({}, (), "", 0)
