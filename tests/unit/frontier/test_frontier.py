"""A frontier as it is kept: nothing is lost, little is written, runs of releases end where something is not known."""

from __future__ import annotations

import datetime as dt

from stackcompat.frontier.frontier import FRONTIERS, StoredFrontier, newest_incomplete, without_superseded
from stackcompat.frontier.search import explore
from stackcompat.frontier.static.usage import Missing
from support.planted import Planted, by_pair, chart_of, stairs, table

WORKS = stairs([(0, 2), (0, 2), (1, 3)], 4)


def test_it_is_the_same_again_and_short() -> None:
    found = explore(table(20, 30), Planted(stairs([(row // 2, row // 2 + 12) for row in range(20)], 30), words="t: E"))
    chart = chart_of(found, {(0, 29): (Missing("beta.gone", "alpha.core", 7),)})
    assert StoredFrontier.model_validate_json(chart.to_json()) == chart
    assert len(chart.to_json()) < 600 * 100
    assert {pair: finding.verdict for pair, finding in by_pair(chart).items()} == {
        pair: finding.verdict for pair, finding in found.findings.items()
    }
    assert [finding.pair for finding in chart.findings if finding.forecast] == [(0, 29)]
    assert (chart.runs, chart.checks, chart.complete) == (found.runs, found.checks, True)


def test_runs_of_releases_of_either_side() -> None:
    chart = chart_of(explore(table(3, 4, permitted=WORKS.keys() - {(1, 1)}), Planted(WORKS)))
    assert [chart.intervals(0, row) for row in range(3)] == [
        (("1.0", "1.2"),),
        (("1.0", "1.0"), ("1.2", "1.2")),  # no installer puts 1.1 beside 1.1
        (("1.1", "1.3"),),
    ]
    assert [chart.intervals(1, column) for column in range(4)] == [
        (("1.0", "1.1"),),
        (("1.0", "1.0"), ("1.2", "1.2")),
        (("1.0", "1.2"),),
        (("1.2", "1.2"),),
    ]


def test_what_is_untested_ends_a_run() -> None:
    chart = chart_of(explore(table(1, 5), Planted(dict.fromkeys(WORKS.keys() | {(0, 4)}, True), silent={(0, 2)})))
    by_hand = chart.model_copy(
        update={
            "findings": tuple(
                finding.model_copy(update={"verdict": "untested" if finding.pair == (0, 2) else "works"})
                for finding in chart.findings
            )
        }
    )
    assert by_hand.intervals(0, 0) == (("1.0", "1.1"), ("1.3", "1.4"))


def test_nothing_was_found() -> None:
    works = stairs([(0, 0)], 2)
    assert not chart_of(explore(table(1, 2), Planted(works), budget=1)).adds_to_metadata
    assert chart_of(explore(table(1, 2), Planted(works), budget=3)).adds_to_metadata
    assert not chart_of(explore(table(1, 2, permitted=[(0, 0)]), Planted(works), budget=1)).adds_to_metadata
    assert chart_of(explore(table(1, 2, permitted=[]), Planted(works), budget=1)).adds_to_metadata


def test_a_deeper_one_of_the_same_two_tells_enough() -> None:
    shallow = chart_of(explore(table(3, 4), Planted(WORKS)))
    deep = shallow.model_copy(update={"level": "interop"})
    assert without_superseded((shallow, deep)) == (deep,)
    for other in (
        deep.model_copy(update={"complete": False}),
        deep.model_copy(update={"python": "3.99"}),
        deep.model_copy(update={"second": deep.second.model_copy(update={"name": "omega"})}),
        deep.model_copy(update={"first": deep.first.model_copy(update={"versions": deep.first.versions[1:]})}),
    ):
        assert len(without_superseded((shallow, other))) == 2


def test_an_incomplete_one_stands_beside_the_complete_one() -> None:
    complete = chart_of(explore(table(3, 4), Planted(WORKS)))
    later = complete.seen + dt.timedelta(days=1)
    incomplete = complete.model_copy(update={"complete": False, "seen": later})
    assert FRONTIERS.key(complete) != FRONTIERS.key(incomplete)
    assert without_superseded((complete, incomplete)) == (complete,)
    assert without_superseded((incomplete,)) == (incomplete,)
    assert newest_incomplete(complete, (complete, incomplete)) is None  # it has no release that is new
    side = complete.first.model_copy(
        update={
            "versions": (*complete.first.versions, "9.9"),
            "uploaded": (*complete.first.uploaded, complete.first.uploaded[-1] + dt.timedelta(days=1)),
        }
    )
    further = incomplete.model_copy(update={"first": side})
    assert newest_incomplete(complete, (complete, incomplete, further)) == further
    assert newest_incomplete(incomplete, (incomplete, further)) is None
    older = further.model_copy(update={"seen": complete.seen - dt.timedelta(days=1)})
    assert newest_incomplete(complete, (older,)) is None


def test_an_interval_ends_where_pairs_work_up_to_another_level() -> None:
    apart = {(row, 1) for row in range(3)}
    works = dict.fromkeys(WORKS, True)
    chart = chart_of(explore(table(3, 4), Planted(works, apart=apart), levels=("import", "interop")), level="interop")
    chart = chart.model_copy(
        update={
            "findings": tuple(
                finding.model_copy(update={"level": "import" if finding.pair in apart else "interop"})
                for finding in chart.findings
            )
        }
    )
    assert [(part.first, part.last, part.level) for part in chart.working_intervals(0, 0)] == [
        ("1.0", "1.0", "interop"),
        ("1.1", "1.1", "import"),
        ("1.2", "1.3", "interop"),
    ]
    assert chart.intervals(0, 0) == (("1.0", "1.0"), ("1.2", "1.3"))
