"""Islands in words."""

from __future__ import annotations

from stackcompat.report.island_text import island_exclusions, island_guide
from stackcompat.resolve.island_rows import number_islands
from support.islands_world import IslandsWorld

ISLANDS = number_islands([IslandsWorld(("alpha", "beta", "gamma"), [("alpha", "gamma")]).find()])
TITLES = {"alpha": "Alpha", "gamma": "Gamma"}


def test_the_guide_names_what_only_one_island_has() -> None:
    assert island_guide(ISLANDS, TITLES) == (
        "Take the island with the package that you need: island 1 has Alpha 1; island 2 has Gamma 1"
    )


def test_one_island_needs_no_guide() -> None:
    assert island_guide(ISLANDS[:1], TITLES) == ""
    assert island_guide((), TITLES) == ""


def test_a_bound_names_the_releases_that_it_keeps_off_and_where() -> None:
    assert island_exclusions(ISLANDS, TITLES) == [
        "Gamma 1 is not on island 1, and Alpha 1 is not on island 2: alpha, gamma exclude each other"
    ]


def test_a_release_that_is_kept_off_several_islands_is_named_once() -> None:
    first, second = ISLANDS
    twice = (first, first.model_copy(update={"number": 3}), second)
    (sentence,) = island_exclusions(twice, TITLES)
    assert sentence.startswith("Gamma 1 is not on islands 1 and 3, and ")
