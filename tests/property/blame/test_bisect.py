"""Delta debugging against what was planted."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.blame.bisect import find_edges
from stackcompat.blame.ddmin import ddmin
from stackcompat.blame.probe import ProbeOutcome


def run(steps: Generator[Any, Any, Any]) -> Any:
    try:
        next(steps)
    except StopIteration as end:
        return end.value
    raise AssertionError("it asked")


@given(st.sets(st.integers(0, 30), min_size=1, max_size=4), st.sets(st.integers(0, 30), max_size=27))
def test_of_a_failure_that_grows_with_the_set_exactly_the_planted_part_is_left(
    planted: set[int], others: set[int]
) -> None:
    def fails(chosen: tuple[str, ...]) -> Generator[Any, Any, bool]:
        yield from ()
        return {str(item) for item in planted} <= set(chosen)

    items = [str(item) for item in sorted(planted | others)]
    assert set(run(ddmin(items, fails))) == {str(item) for item in planted}


@given(st.integers(1, 10), st.data())
def test_nothing_can_be_left_out_whatever_fails(size: int, data: st.DataObject) -> None:
    answers: dict[tuple[str, ...], bool] = {}

    def says(chosen: tuple[str, ...]) -> bool:
        return answers.setdefault(chosen, len(chosen) == size or data.draw(st.booleans()))

    def fails(chosen: tuple[str, ...]) -> Generator[Any, Any, bool]:
        yield from ()
        return says(chosen)

    items = tuple(map(str, range(size)))
    left = run(ddmin(items, fails))
    assert left == items or says(left)
    if len(left) > 2:
        assert not any(says(tuple(i for i in left if i != out)) for out in left)


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

    found = run(find_edges(len(line), here, at))
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

    found = run(find_edges(before + red + after, here, at))
    assert found.good == (before - 1 if before else None)
    assert found.fixed == (before + red if after else None)
    if before:
        assert found.bad == before
    assert found.tried <= 4 * ((before + red + after).bit_length() + 1)
