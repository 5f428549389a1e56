"""Delta debugging against what was planted."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.blame.ddmin import ddmin
from support.blame_world import value_of


@given(st.sets(st.integers(0, 30), min_size=1, max_size=4), st.sets(st.integers(0, 30), max_size=27))
def test_of_a_failure_that_grows_with_the_set_exactly_the_planted_part_is_left(
    planted: set[int], others: set[int]
) -> None:
    def fails(chosen: tuple[str, ...]) -> Generator[Any, Any, bool]:
        yield from ()
        return {str(item) for item in planted} <= set(chosen)

    items = [str(item) for item in sorted(planted | others)]
    assert set(value_of(ddmin(items, fails))) == {str(item) for item in planted}


@given(st.integers(1, 10), st.data())
def test_nothing_can_be_left_out_whatever_fails(size: int, data: st.DataObject) -> None:
    answers: dict[tuple[str, ...], bool] = {}

    def says(chosen: tuple[str, ...]) -> bool:
        return answers.setdefault(chosen, len(chosen) == size or data.draw(st.booleans()))

    def fails(chosen: tuple[str, ...]) -> Generator[Any, Any, bool]:
        yield from ()
        return says(chosen)

    items = tuple(map(str, range(size)))
    left = value_of(ddmin(items, fails))
    assert left == items or says(left)
    if len(left) > 2:
        assert not any(says(tuple(i for i in left if i != out)) for out in left)
