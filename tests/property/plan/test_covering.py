from __future__ import annotations

from itertools import combinations, product

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.plan.covering import CombinationSpace, share_covered

Case = tuple[list[list[str]], set[frozenset[str]]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Factors, and the pairs of values that do not go together."""
    sizes = draw(st.lists(st.integers(1, 5), min_size=2, max_size=5))
    factors = [[f"f{number}={value}" for value in range(size)] for number, size in enumerate(sizes)]
    pairs = [frozenset(pair) for left, right in combinations(factors, 2) for pair in product(left, right)]
    return factors, draw(st.sets(st.sampled_from(pairs)))


def fits(values: tuple[str, ...], apart: set[frozenset[str]]) -> bool:
    return not any(frozenset(pair) in apart for pair in combinations(values, 2))


def space(case: Case) -> CombinationSpace:
    factors, apart = case
    return CombinationSpace(factors, lambda first, second: frozenset((first, second)) not in apart)


@given(cases(), st.integers(2, 3))
def test_allowed_combinations_are_all_that_fit(case: Case, strength: int) -> None:
    factors, apart = case
    expected = {
        values for chosen in combinations(factors, strength) for values in product(*chosen) if fits(values, apart)
    }
    found = space(case).combinations(strength)
    assert set(found) == expected
    assert len(found) == len(expected)


@given(cases(), st.integers(2, 3))
def test_every_allowed_combination_is_covered_by_rows_that_fit(case: Case, strength: int) -> None:
    _, apart = case
    rows = space(case).rows(strength)
    assert all(fits(row, apart) for row in rows)
    assert all(len({value.partition("=")[0] for value in row}) == len(row) for row in rows)
    met = {values for row in rows for values in combinations(row, strength)}
    assert met >= set(space(case).combinations(strength))


@given(cases())
def test_rows_are_as_long_as_they_can_be_and_none_is_for_nothing(case: Case) -> None:
    factors, apart = case
    seen: set[tuple[str, ...]] = set()
    for row in space(case).rows(2):
        others = [value for values in factors for value in values if not set(values) & set(row)]
        assert not any(fits((*row, value), apart) for value in others)
        new = set(combinations(row, 2)) - seen
        assert new
        seen |= new


@given(cases(), st.data())
def test_seeds_come_first_and_are_kept(case: Case, data: st.DataObject) -> None:
    factors, _ = case
    seed = data.draw(st.tuples(st.sampled_from(factors[0]), st.sampled_from(factors[1])))
    first, *others = space(case).rows(2, [seed])
    assert set(seed) <= set(first)
    percent, missing = share_covered(space(case).combinations(2), [first, *others])
    assert (percent, missing) == (100.0, ())


@given(cases())
def test_equal_questions_have_equal_answers(case: Case) -> None:
    assert space(case).rows(2) == space(case).rows(2)


@given(cases(), st.data())
def test_share_counts_what_is_missing(case: Case, data: st.DataObject) -> None:
    wanted = space(case).combinations(2)
    rows = data.draw(st.lists(st.sampled_from(space(case).rows(2) or [()]), unique=True))
    percent, missing = share_covered(wanted, rows)
    met = {values for row in rows for values in combinations(row, 2)}
    assert set(missing) == set(wanted) - met
    assert abs(percent - (100 * (1 - len(missing) / len(wanted)) if wanted else 100)) < 1e-9


@given(cases(), st.integers(2, 3), st.data())
def test_whole_rows_cover_what_they_can(case: Case, strength: int, data: st.DataObject) -> None:
    """The rows have a value of every factor. A combination that they do not hold fits into no such row."""
    factors, apart = case
    wanted = data.draw(st.lists(st.sampled_from(space(case).combinations(strength) or [()]), unique=True))
    wanted = [values for values in wanted if values]
    rows = space(case).cover(wanted)
    assert all(fits(row, apart) and len(row) == len(factors) for row in rows)
    possible = [row for row in product(*factors) if fits(row, apart)]
    _, missing = share_covered(wanted, rows)
    for values in wanted:
        could_be = any(set(values) <= set(row) for row in possible)
        assert could_be == (values not in missing) == space(case).holds(values)


@given(cases(), st.data())
def test_values_that_do_not_go_together_are_kept_where_they_are_wanted(case: Case, data: st.DataObject) -> None:
    factors, apart = case
    pair = data.draw(st.tuples(st.sampled_from(factors[0]), st.sampled_from(factors[1])))
    for row in space(case).cover([pair], whole=False):
        assert set(pair) <= set(row)
        others = [values for values in combinations(row, 2) if set(values) != set(pair)]
        assert not any(frozenset(values) in apart for values in others)
        assert not space(case).can_grow(row)


def test_a_seed_has_its_row_where_nothing_goes_together() -> None:
    apart = CombinationSpace([["a"], ["b"], ["c"]], lambda first, second: {first, second} == {"a", "b"})
    assert apart.rows(3, [["c"], ["a"]]) == [("c",), ("a", "b")]
