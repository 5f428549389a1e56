"""Inference: never against what was observed, and right where rows are alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.frontier.inference import Pair
from support.planted import inferred_from, stairs

COLUMNS = 8
Look = tuple[dict[Pair, bool], dict[Pair, bool]]


@st.composite
def looks(draw: st.DrawFn, tables: st.SearchStrategy[dict[Pair, bool]]) -> Look:
    """A table, and what was observed of it."""
    table = draw(tables)
    return table, {pair: table[pair] for pair in draw(st.sets(st.sampled_from(sorted(table))))}


def rows_of(table: dict[Pair, bool]) -> dict[int, list[int]]:
    return {row: list(range(COLUMNS)) for row in sorted({row for row, _ in table})}


#: All rows work from and to the same columns.
ALIKE = st.tuples(st.integers(1, 7), st.integers(0, COLUMNS - 1), st.integers(0, COLUMNS - 1)).map(
    lambda drawn: stairs([(min(drawn[1:]), max(drawn[1:]))] * drawn[0], COLUMNS)
)
#: Each row works from the first column to one of its own.
ONE_ROW = st.integers(0, COLUMNS - 1).map(lambda last: stairs([(0, last)], COLUMNS))
ANY = st.integers(1, 6).flatmap(
    lambda rows: st.fixed_dictionaries({(r, c): st.booleans() for r in range(rows) for c in range(COLUMNS)})
)


@given(looks(ALIKE | ONE_ROW))
def test_where_rows_are_alike_all_that_is_inferred_is_true(look: Look) -> None:
    table, observed = look
    works, due = inferred_from(rows_of(table), observed)
    assert not due
    assert works.items() <= table.items()
    assert works.items() >= observed.items()


@given(looks(ANY), st.sets(st.tuples(st.integers(0, 5), st.integers(0, COLUMNS - 1))))
def test_what_was_observed_stands_and_nothing_else_is_due(look: Look, expected_broken: set[Pair]) -> None:
    table, observed = look
    works, due = inferred_from(rows_of(table), observed, expected_broken & table.keys())
    assert works.items() >= observed.items()
    assert works.keys() <= table.keys()
    assert not due & works.keys()
