"""The search for frontiers, case by case."""

from __future__ import annotations

import pytest

from stackcompat.frontier.answers import Check, Predictions, disagreement
from stackcompat.frontier.search import explore
from support.planted import Planted, stairs, table

#: Row 3 breaks from column 8 on, its neighbours work with everything.
ODD = stairs([(0, 19)] * 3 + [(0, 7)] + [(0, 19)] * 3, 20)


def cost(checks: tuple[Check, ...]) -> int:
    return sum(1 if check.observed == "works" else 2 for check in checks)


def test_an_edge_is_found_in_steps_that_double() -> None:
    works = stairs([(0, 40), (0, 45)], 60)
    asked = Planted(works)
    found = explore(table(2, 60), asked)
    assert all((f.verdict == "works") == works[pair] for pair, f in found.findings.items())
    second = [question.pair[1] for question in asked.asked if question.pair[0] == 1]
    assert second[:7] == [40, 41, 43, 47, 45, 46, 0]


def test_an_edge_that_stays_costs_one_run_a_row() -> None:
    works = stairs([(0, 12)] * 30, 20)
    found = explore(table(30, 20), Planted(works))
    assert found.runs - cost(found.checks) <= 30 + 2 * 30 / 2 + 10
    assert sum(finding.inferred for finding in found.findings.values()) > 500
    assert disagreement(found.checks) == 0


def test_a_row_between_two_others_is_first_taken_to_reach_as_far_as_the_farther() -> None:
    works = stairs([(0, 5), (0, 5), (0, 15), (0, 15), (0, 15)], 20)
    asked = Planted(works)
    found = explore(table(5, 20), asked)
    assert all((f.verdict == "works") == works[pair] for pair, f in found.findings.items())
    assert [question.pair[1] for question in asked.asked if question.pair[0] == 1][:3] == [15, 5, 6]
    assert next(question.pair for question in asked.asked if question.pair[0] == 2) == (2, 15)
    # What is below in a row follows from what the newest row tells of it.
    assert {row for (row, column), *_ in asked.asked[: -len(found.checks)] if column == 0} == {0, 4}


def test_what_a_check_found_green_half_the_way_is_checked_to_the_end() -> None:
    works = stairs([(0, 9)] * 3 + [(0, 4)] * 10, 10)
    names = {pair: frozenset(() if good else (f"beta.gone{pair[0]}x{pair[1]}",)) for pair, good in works.items()}
    shallow = {pair for pair, good in works.items() if not good}
    asked = Planted(dict.fromkeys(works, True), shallow=shallow, words="no 'gone'")
    found = explore(table(13, 10), asked, levels=("import", "interop"), forecast={"import": names, "interop": names})
    assert all((f.verdict == "works") == works[pair] for pair, f in found.findings.items())
    assert found.checks
    assert all(check.agrees for check in found.checks)


def test_a_single_release_that_breaks_early_is_found() -> None:
    found = explore(table(7, 20), Planted(ODD))
    assert {pair for pair, f in found.findings.items() if f.verdict == "broken"} == {(3, c) for c in range(8, 20)}
    assert found.runs - cost(found.checks) < 30


def test_a_forecast_finds_that_release_from_fewer_runs() -> None:
    wants = {pair: frozenset(() if good else ("beta.gone",)) for pair, good in ODD.items()}
    blind = explore(table(7, 20), Planted(ODD))
    led = explore(table(7, 20), Planted(ODD, words="no 'gone'"), forecast={"import": wants})
    assert all((f.verdict == "works") == ODD[pair] for pair, f in led.findings.items())
    assert led.runs < blind.runs


def test_a_broken_pair_amid_working_ones_does_not_hide_its_neighbours() -> None:
    works = stairs([(0, 9)] * 9, 10) | {(4, 5): False}
    wants: Predictions = {"import": {(4, 5): frozenset(("beta.gone",))}}
    asked = Planted(works)
    found = explore(table(9, 10), asked, forecast=wants)
    assert {pair for pair, f in found.findings.items() if f.verdict == "broken"} == {(4, 5)}
    assert {(3, 5), (5, 5), (4, 4), (4, 6)} <= {question.pair for question in asked.asked}


def test_a_disagreement_is_reported_and_what_lies_around_is_asked_until_it_fits() -> None:
    works = stairs([(0, 19)] * 12, 20) | {(row, 9): False for row in range(12)}
    asked = Planted(works)
    found = explore(table(12, 20), asked, seed=3)
    assert {pair for pair, f in found.findings.items() if f.verdict == "broken"} == {(row, 9) for row in range(12)}
    assert disagreement(found.checks) == sum(not check.agrees for check in found.checks) / len(found.checks)
    assert any(not check.agrees for check in found.checks)
    assert len(asked.asked) < 12 * 20 / 2


def test_a_release_that_breaks_by_itself_is_tried_with_the_oldest_and_the_newest_partner() -> None:
    works = stairs([(0, 19)] * 4 + [(1, 0)] + [(0, 19)] * 4, 20)
    planted = Planted(works, alone={(4, column): "alpha" for column in range(20)})
    found = explore(table(9, 20), planted)
    assert {pair: finding.verdict == "works" for pair, finding in found.findings.items()} == works
    assert [question.pair for question in planted.asked if question.pair[0] == 4][:2] == [(4, 19), (4, 0)]
    assert len([question for question in planted.asked if question.pair[0] == 4]) <= 2 + len(found.checks)


def test_a_release_that_breaks_in_the_same_way_where_it_tells_most_does_so_with_all() -> None:
    works = stairs([(0, 19)] * 4 + [(1, 0)] + [(0, 19)] * 4, 20)
    alike = Planted(works)
    found = explore(table(9, 20), alike)
    asked = [question.pair for question in alike.asked if question.pair[0] == 4]
    assert {pair: finding.verdict == "works" for pair, finding in found.findings.items()} == works
    assert {(4, 0), (4, 19)} < set(asked)
    assert len(asked) <= 4 + len(found.checks)
    # Where it fails in another way with its newest partner, something between may work.
    explore(table(9, 20), other := Planted(works, alone={(4, 19): "gamma"}))
    assert len([question for question in other.asked if question.pair[0] == 4]) > 6


@pytest.mark.parametrize("last", [29, 17])
def test_a_partner_that_breaks_by_itself_is_no_edge(last: int) -> None:
    works = {pair: pair[1] != 12 or pair[0] > last for pair in stairs([(0, 20)] * 30, 21)}
    planted = Planted(works, alone={(row, 12): "beta" for row in range(30)})
    found = explore(table(30, 21), planted)
    assert {pair: finding.verdict == "works" for pair, finding in found.findings.items()} == works
    blind = explore(table(30, 21), Planted(works))
    assert found.runs - cost(found.checks) < (blind.runs - cost(blind.checks)) / 2


def asked_in(planted: Planted, row: int) -> list[int]:
    """The columns that were asked for in a row, in their order."""
    return [column for (other, column), *_ in planted.asked if other == row]


@pytest.mark.parametrize("lag", [0, 2])
def test_what_works_with_the_releases_of_its_own_time_alone_is_looked_for_there(lag: int) -> None:
    works = stairs([(max(row - lag - 1, 0), max(row - lag, 0)) for row in range(24)], 24)
    planted = Planted(works)
    found = explore(table(24, 24), planted)
    assert {pair: finding.verdict == "works" for pair, finding in found.findings.items()} == works
    # Both edges from both sides, and what else the first rows take to show that they move.
    inner = [len(asked_in(planted, row)) for row in range(3 + lag, 23)]
    assert sum(inner) - len(found.checks) <= 6 * len(inner)


def test_where_nothing_is_seen_to_work_what_is_near_the_time_of_the_release_is_tried_first() -> None:
    works = stairs([(1, 0)] * 7, 12) | {(3, 7): True}
    planted = Planted(works)
    found = explore(table(7, 12), planted)
    assert {pair: finding.verdict == "works" for pair, finding in found.findings.items()} == works
    assert asked_in(planted, 3).index(7) < 8


def test_a_name_that_nobody_misses_is_forgotten() -> None:
    works = stairs([(0, 9)] * 20, 10)
    quiet = explore(table(20, 10), Planted(works))
    wants: Predictions = {"import": dict.fromkeys(works, frozenset(("beta.idle",)))}
    assert explore(table(20, 10), Planted(works), forecast=wants).runs == quiet.runs


def test_a_name_is_held_against_others_only_if_the_failure_names_it() -> None:
    works = stairs([(0, 9), (0, 4), (0, 9), (0, 9)], 10)
    wants: Predictions = {"import": {(row, c): frozenset(("beta.gone",)) for row in (1, 2) for c in range(5, 10)}}
    found = explore(table(4, 10), Planted(works, words="something else"), forecast=wants)
    assert all((f.verdict == "works") == works[pair] for pair, f in found.findings.items())
    blamed = explore(table(4, 10), Planted(works, words="beta has no gone"), forecast=wants, budget=5)
    assert blamed.runs <= 5


def test_where_imports_are_expected_to_be_red_nothing_deeper_is_asked() -> None:
    works = stairs([(0, 5)] * 4, 10)
    asked = Planted(works, shallow={(row, 5) for row in range(4)})
    wants = {(row, c): frozenset(("beta.gone",)) for row in range(4) for c in range(6, 10)}
    forecast: Predictions = {"import": wants, "interop": wants}
    found = explore(table(4, 10), asked, levels=("import", "interop"), forecast=forecast)
    assert all(works[question.pair] for question in asked.asked if question.level == "interop")
    assert found.findings[0, 4].verdict == "works"
    assert found.findings[0, 4].level == "interop"
    assert {found.findings[row, 5].verdict for row in range(4)} == {"broken"}
    assert {found.findings[row, 5].level for row in range(4)} == {"interop"}
    assert {found.findings[row, 6].level for row in range(4)} == {"import"}


def test_a_pair_that_partners_hide_is_asked_again_with_others() -> None:
    works = stairs([(0, 2)] * 3, 4)
    asked = Planted(works, hidden=works)
    found = explore(table(3, 4), asked)
    assert all((f.verdict == "works") == works[pair] for pair, f in found.findings.items())
    assert [question.again for question in asked.asked[:4]] == [False, True, False, True]
    lost = explore(table(3, 4), Planted(works, hidden=works, silent=works))
    assert {finding.verdict for finding in lost.findings.values()} == {"untested"}


def test_nothing_permitted_is_nothing_to_ask() -> None:
    found = explore(table(3, 3, permitted=()), Planted({}))
    assert found.complete
    assert found.runs == 0
    assert disagreement(found.checks) is None
    assert {finding.verdict for finding in found.findings.values()} == {"unresolvable"}


def test_where_the_machine_kept_every_pair_from_a_verdict_nothing_is_complete() -> None:
    works = stairs([(0, 3)] * 3, 4)
    found = explore(table(3, 4), Planted(works, silent=works))
    assert {finding.verdict for finding in found.findings.values()} == {"infra-error"}
    assert not found.complete


def test_a_row_that_breaks_by_itself_does_not_end_the_search_for_a_column_that_does() -> None:
    oldest = (0, 0, 2, 2, 2, 3)  # the first column that metadata permits, by row
    permitted = {(row, column) for row, first in enumerate(oldest) for column in range(first, 4)}
    broken = {pair: "alpha" if pair[0] == 2 else "beta" for pair in permitted if 2 in pair}
    works = {pair: pair not in broken for pair in permitted}
    forbidden = {(row, column): "bounds" for row, first in enumerate(oldest) for column in range(first)}
    space = table(len(oldest), 4).model_copy(update={"forbidden": forbidden})
    found = explore(space, Planted(works, alone=broken))
    assert {pair for pair in permitted if found.findings[pair].verdict == "broken"} == set(broken)
