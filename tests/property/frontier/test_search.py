"""The search for frontiers in made-up worlds: planted edges are found, budgets hold, faults become no verdict."""

from __future__ import annotations

from collections.abc import Sequence

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from stackcompat.core.vocabulary import Level
from stackcompat.frontier.answers import Frontier, PairFinding, disagreement
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.search import explore
from support.planted import Planted, stairs, table

LEVELS: list[Sequence[Level]] = [("import",), ("import", "interop")]
#: Tables of up to 81 pairs, searched again and again.
unhurried = hypothesis.settings(max_examples=60)


@st.composite
def floors(draw: st.DrawFn, rows: int, columns: int) -> set[Pair]:
    """Pairs that metadata permits: in each row from a bound on, that newer releases do not lower."""
    bounds = sorted(draw(st.lists(st.integers(0, columns - 1), min_size=rows, max_size=rows)))
    return {(row, column) for row, bound in enumerate(bounds) for column in range(bound, columns)}


@st.composite
def planted(draw: st.DrawFn) -> tuple[set[Pair], dict[Pair, bool], int]:
    """What metadata permits, an interval in each row, and how many columns there are.

    The lower ends move to later columns only; the upper ones are the same for a few rows, and move as they please.
    """
    columns = draw(st.integers(1, 9))
    place = st.integers(0, columns - 1)
    blocks = draw(st.lists(st.tuples(place, st.integers(5, 7)), min_size=1, max_size=2))
    highs = [high for high, length in blocks for _ in range(length)][: draw(st.integers(1, 9))]
    lows = sorted(draw(st.lists(st.integers(0, min(highs)), min_size=len(highs), max_size=len(highs))))
    permitted = draw(floors(len(highs), columns))
    return permitted, stairs(list(zip(lows, highs, strict=True)), columns), columns


@st.composite
def anything(draw: st.DrawFn) -> tuple[set[Pair], dict[Pair, bool], int]:
    """What metadata permits, and any table at all."""
    rows, columns = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    works = {(r, c): draw(st.booleans()) for r in range(rows) for c in range(columns)}
    return draw(floors(rows, columns)), works, columns


World = tuple[set[Pair], dict[Pair, bool], int]


def search(world: World, asked: Planted, **more: object) -> Frontier:
    permitted, works, columns = world
    space = table(1 + max(row for row, _ in works), columns, permitted)
    return explore(space, asked, **more)  # type: ignore[arg-type]  # keywords as they come


@unhurried
@given(planted(), st.sampled_from(LEVELS), st.integers(1, 3), st.integers(0, 9))
def test_planted_edges_are_found(world: World, levels: Sequence[Level], batch: int, seed: int) -> None:
    permitted, works, _ = world
    found = search(world, Planted(works), levels=levels, batch=batch, seed=seed)
    for pair, finding in found.findings.items():
        expected = "unresolvable" if pair not in permitted else "works" if works[pair] else "broken"
        assert finding.verdict == expected
        assert finding.level == ("resolve" if pair not in permitted else levels[-1] if works[pair] else "import")
    assert found.complete
    assert not disagreement(found.checks)


@unhurried
@given(st.integers(4, 20), st.integers(0, 3), st.integers(2, 4), st.integers(1, 3), st.integers(0, 9))
def test_what_works_with_releases_of_a_certain_age_alone_is_found(
    releases: int, lag: int, width: int, batch: int, seed: int
) -> None:
    works = stairs([(max(row - lag - width + 1, 0), max(row - lag, 0)) for row in range(releases)], releases)
    asked = Planted(works)
    found = explore(table(releases, releases), asked, batch=batch, seed=seed)
    assert {pair: finding.verdict == "works" for pair, finding in found.findings.items()} == works
    if releases > 12:  # elsewhere all that is asked is near what works
        assert len(asked.asked) < releases**2 / 2


@unhurried
@given(planted(), st.integers(1, 3), st.integers(0, 9), st.data())
def test_releases_that_break_by_themselves_hide_no_edges(
    world: World, batch: int, seed: int, data: st.DataObject
) -> None:
    permitted, works, columns = world
    row = data.draw(st.integers(0, max(row for row, _ in works)))
    column = data.draw(st.integers(0, columns - 1))
    alone = {pair: "alpha" if pair[0] == row else "beta" for pair in works if pair[0] == row or pair[1] == column}
    red = {pair: good and pair not in alone for pair, good in works.items()}
    found = search((permitted, red, columns), Planted(red, alone=alone), batch=batch, seed=seed)
    for pair, finding in found.findings.items():
        assert finding.verdict == ("unresolvable" if pair not in permitted else "works" if red[pair] else "broken")
    assert found.complete


@unhurried
@given(anything(), st.sampled_from(LEVELS), st.integers(1, 3), st.data())
def test_what_was_asked_is_what_was_answered_and_a_fault_is_no_verdict(
    world: World, levels: Sequence[Level], batch: int, data: st.DataObject
) -> None:
    permitted, works, _ = world
    pairs = st.sets(st.sampled_from(sorted(works)))
    shallow, silent, hidden = data.draw(pairs), data.draw(pairs), data.draw(pairs)
    asked = Planted(works, shallow, silent, hidden)
    found = search(world, asked, levels=levels, batch=batch)
    assert found.complete == all(
        finding.verdict in ("works", "broken", "unresolvable") for finding in found.findings.values()
    )
    assert found.findings.keys() == works.keys()
    met = {question.pair for question in asked.asked}
    assert met <= permitted
    for pair in permitted:
        finding = found.findings[pair]
        if pair in silent and pair in met:
            assert finding.verdict == ("untested" if pair in hidden else "infra-error")
            assert not finding.inferred
        elif finding.inferred:
            assert not finding.evidence
        else:
            good = works[pair] and (pair not in shallow or levels[-1] == "import")
            assert finding.verdict == ("works" if good else "broken")
            assert finding.evidence


@unhurried
@given(anything(), st.integers(1, 30), st.sampled_from(LEVELS), st.integers(1, 3))
def test_the_budget_holds_and_what_it_did_not_reach_is_untested(
    world: World, budget: int, levels: Sequence[Level], batch: int
) -> None:
    permitted, works, _ = world
    found = search(world, Planted(works), levels=levels, budget=budget, batch=batch)
    free = search(world, Planted(works), levels=levels, batch=batch)
    assert found.runs <= budget
    if not found.complete:
        assert free.runs > budget - 3 * batch
    untested = {pair for pair in permitted if found.findings[pair] == PairFinding(verdict="untested", level="resolve")}
    assert not untested or not found.complete


@unhurried
@given(planted(), st.data())
def test_a_forecast_changes_what_is_asked_and_not_what_is_found(world: World, data: st.DataObject) -> None:
    permitted, works, _ = world
    names = st.frozensets(st.sampled_from(["beta.one", "beta.two", "beta.three"]))
    wants = {pair: data.draw(names) for pair in permitted}
    found = search(world, Planted(works), forecast={"import": wants})
    assert found.findings.keys() == works.keys()
    assert all((found.findings[pair].verdict == "works") == works[pair] for pair in permitted)
    assert found.complete


@unhurried
@given(planted())
def test_a_forecast_that_is_right_saves_runs(world: World) -> None:
    permitted, works, _ = world
    wants = {pair: frozenset(() if works[pair] else ("beta.gone",)) for pair in permitted}
    found = search(world, Planted(works, words="no attribute 'gone'"), forecast={"import": wants})
    assert all((found.findings[pair].verdict == "works") == works[pair] for pair in permitted)
    tried = [f for f in found.findings.values() if f.verdict == "broken" and not f.inferred]
    assert len(tried) <= 1 + len(found.checks)


@unhurried
@given(planted(), st.integers(0, 12), st.integers(0, 9), st.integers(1, 3), st.integers(0, 9))
def test_no_pair_is_deeper_than_a_test_of_both_goes(world: World, row: int, column: int, batch: int, seed: int) -> None:
    permitted, works, _ = world
    apart = {pair for pair in works if pair[0] < row or pair[1] < column}
    found = search(world, Planted(works, apart=apart), levels=("import", "interop"), batch=batch, seed=seed)
    for pair in permitted:
        finding = found.findings[pair]
        if finding.verdict == "works" and pair in apart:
            assert finding.level == "import"
        elif finding.verdict == "works" and not finding.inferred:
            assert finding.level == "interop"


@unhurried
@given(st.integers(2, 8), st.integers(2, 18), st.data(), st.integers(0, 9))
def test_where_tests_of_both_begin_is_found(rows: int, columns: int, data: st.DataObject, seed: int) -> None:
    """A test that uses both from a release of each on is no reason to call older ones deep, or newer ones shallow."""
    lows = sorted(data.draw(st.lists(st.integers(0, columns - 1), min_size=rows, max_size=rows)))
    works = stairs([(low, data.draw(st.integers(low, columns - 1))) for low in lows], columns)
    row, column = data.draw(st.integers(0, rows)), data.draw(st.integers(0, columns))
    apart = {pair for pair in works if pair[0] < row or pair[1] < column}
    found = explore(table(rows, columns), Planted(works, apart=apart), levels=("import", "interop"), seed=seed)
    assert found.complete
    for pair, finding in found.findings.items():
        if finding.verdict == "works" and works[pair]:
            assert finding.level == ("import" if pair in apart else "interop")


def test_where_tests_of_both_begin_is_found_above_what_is_broken() -> None:
    """The middle row is broken with column 0. The newest row shows that it works with column 1, as far as an import."""
    works = stairs([(0, 0), (1, 3), (1, 4)], 10)
    apart = {pair for pair in works if pair[1] < 2}
    found = explore(table(3, 10), Planted(works, apart=apart), levels=("import", "interop"))
    assert [found.findings[1, column].level for column in (1, 2, 3)] == ["import", "interop", "interop"]
