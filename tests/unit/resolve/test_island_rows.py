"""Islands as rows of a report, and the island that a user is on."""

from __future__ import annotations

import pytest

from stackcompat.resolve.island_rows import island_of, number_islands
from support.islands_world import IslandsWorld


def test_equal_islands_of_several_pythons_are_one_row() -> None:
    found = IslandsWorld("abc", ["ab"]).find()
    fewer = IslandsWorld("ac", []).find().model_copy(update={"python": "3.11"})
    again = found.model_copy(update={"python": "3.13"})
    rows = number_islands([again, found, fewer])
    assert [(row.number, row.pythons, "".join(row.releases)) for row in rows] == [
        (1, ("3.13", "3.12", "3.11"), "ac"),
        (2, ("3.13", "3.12"), "bc"),
    ]
    assert [excluded.name for excluded in rows[0].excluded] == ["b"]


@pytest.mark.parametrize(
    ("names", "number"),
    [("ac", 1), ("bc", 2), ("c", 1), (("b", "old"), 2), (("a", "b", "c"), 1), (("x",), None), ((), None)],
)
def test_a_user_is_on_the_island_that_has_most_of_what_they_use(names: tuple[str, ...], number: int | None) -> None:
    row = island_of(names, number_islands([IslandsWorld("abc", ["ab"]).find()]))
    assert (row.number if row else None) == number
