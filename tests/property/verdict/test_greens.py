"""Whether failures count, with any tests, releases and greens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.evidence.greens import GreenRelease
from stackcompat.verdict.greens import Greens, hold_against_greens
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.verdict import judge
from support.made_up import COMPONENTS, failed, make_cell, passed, planned, run_of

TESTS = ("one", "two")
RELEASES = ("1.0", "1.1", "1.10", "2.0")
NAMES = ("alpha", "beta")
ROWS = st.builds(GreenRelease, st.sampled_from(TESTS), st.sampled_from(NAMES), st.sampled_from(RELEASES))
INSTALLED = st.fixed_dictionaries(dict.fromkeys(NAMES, st.sampled_from(RELEASES)))
USES = st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True)
RED = st.fixed_dictionaries(dict.fromkeys(TESTS, st.booleans()))


@given(st.lists(ROWS), INSTALLED, USES, RED)
def test_a_failure_counts_exactly_where_each_release_or_an_earlier_one_was_green(
    rows: list[GreenRelease], installed: dict[str, str], uses: list[str], red: dict[str, bool]
) -> None:
    cell = planned(make_cell(installed), installed)
    results = [failed(test, *uses) if is_red else passed(test, *uses) for test, is_red in red.items()]
    evidence = tuple(run_of(cell, *results, attempt=number) for number in range(2))
    verdict = judge(cell, evidence, COMPONENTS, greens=Greens(rows))
    for test, is_red in red.items():
        seen = {name: [row.version for row in rows if (row.test, row.distribution) == (test, name)] for name in uses}
        order = RELEASES.index
        counts = all(any(order(version) <= order(installed[name]) for version in seen[name]) for name in uses)
        assert (test in {failure.test for failure in verdict.failures}) == (is_red and counts)
        assert (test in verdict.not_judged) == (is_red and not counts)
    assert (verdict.verdict == "broken") == bool(verdict.failures)


@given(st.lists(ROWS), st.lists(ROWS), INSTALLED, USES)
def test_more_greens_never_keep_a_failure_from_counting(
    rows: list[GreenRelease], more: list[GreenRelease], installed: dict[str, str], uses: list[str]
) -> None:
    cell = planned(make_cell(installed), installed)
    runs = [run_of(cell, *(failed(test, *uses) for test in TESTS), attempt=number) for number in range(2)]
    statuses = classify(runs)
    few = hold_against_greens(statuses, installed, Greens(rows))
    many = hold_against_greens(statuses, installed, Greens([*rows, *more]))
    for before, after in zip(few, many, strict=True):
        assert after.state == "confirmed" or before.state == "not-judged"
