"""The edges of a red stretch against what was planted."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.blame.bisect import find_edges
from stackcompat.blame.probe import ProbeOutcome
from support.blame_world import value_of

LETTERS: tuple[ProbeOutcome, ...] = ("pass", "same", "other", "unresolved", "infra")


@given(st.lists(st.sampled_from(LETTERS), min_size=1, max_size=40), st.data())
def test_edges_are_places_that_were_seen(line: list[ProbeOutcome], data: st.DataObject) -> None:
    here = data.draw(st.integers(0, len(line) - 1))
    line[here] = "same"
    tried = set()

    def at(place: int) -> Generator[Any, Any, ProbeOutcome]:
        assert place not in tried, "nothing is asked twice"
        tried.add(place)
        yield from ()
        return line[place]

    found = value_of(find_edges(len(line), here, at))
    assert line[found.bad] == "same"
    assert found.bad <= here
    assert found.good is None or (line[found.good] == "pass" and found.good < found.bad)
    assert found.fixed is None or (line[found.fixed] == "pass" and found.fixed > here)
    assert all(line[place] in ("other", "unresolved", "infra") for place in found.unresolved)
    assert found.tried == len(tried)


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 300), st.data())
def test_one_stretch_is_found_exactly_in_few_steps(before: int, after: int, red: int, data: st.DataObject) -> None:
    here = before + data.draw(st.integers(0, red - 1))

    def at(place: int) -> Generator[Any, Any, ProbeOutcome]:
        yield from ()
        return "same" if before <= place < before + red else "pass"

    found = value_of(find_edges(before + red + after, here, at))
    assert found.good == (before - 1 if before else None)
    assert found.fixed == (before + red if after else None)
    if before:
        assert found.bad == before
    assert found.tried <= 4 * ((before + red + after).bit_length() + 1)
