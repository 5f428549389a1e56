"""Searches in worlds where inference goes wrong: each is right, or not complete, or tells how wrong it can be."""

from __future__ import annotations

import pytest

from stackcompat.frontier.inference_accuracy import inference_accuracy
from stackcompat.frontier.search import explore
from support.odd_worlds import ODD_WORLDS, odd_world
from support.planted import Planted

#: A bound that holds with 95 % confidence can be too low in one of twenty searches.
SEARCHES, TOO_LOW = 20, 1


@pytest.mark.parametrize("name", ODD_WORLDS)
def test_no_search_is_wrong_in_silence(name: str) -> None:
    too_low = 0
    for seed in range(SEARCHES):
        space, works = odd_world(name, seed)
        found = explore(space, Planted(works), seed=seed)
        inferred = [pair for pair, finding in found.findings.items() if finding.inferred]
        wrong = [pair for pair in inferred if (found.findings[pair].verdict == "works") != works[pair]]
        observed = found.findings.keys() - set(inferred)
        assert all((found.findings[pair].verdict == "works") == works[pair] for pair in observed)
        accuracy = inference_accuracy(found.checks)
        assert accuracy is not None
        too_low += found.complete and len(wrong) / len(inferred) > accuracy.wrong_at_most
    assert too_low <= TOO_LOW


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("nothing odd", 0),
        ("a broken block of 4 x 4", 4),
        ("a patch release that works past others", 8),
        ("two branches that alternate", 6),
        ("a floor that falls", 2),
        ("a floor that rises and falls", 2),
    ],
)
def test_most_searches_find_what_is_odd(name: str, most: int) -> None:
    wrong = 0
    for seed in range(SEARCHES):
        space, works = odd_world(name, seed)
        found = explore(space, Planted(works), seed=seed)
        wrong += any((finding.verdict == "works") != works[pair] for pair, finding in found.findings.items())
    assert wrong <= most


def test_a_check_that_disagrees_has_others_around_it() -> None:
    """A broken block that the sample meets is found to its corners."""
    met = 0
    for seed in range(SEARCHES):
        space, works = odd_world("a broken block of 4 x 4", seed)
        found = explore(space, Planted(works), seed=seed)
        if all(check.agrees for check in found.checks):
            continue
        met += 1
        assert {pair: finding.verdict == "works" for pair, finding in found.findings.items()} == works
    assert met
