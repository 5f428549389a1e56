"""Days on which the newest releases did not work together, from upload times and pairs."""

from __future__ import annotations

import pytest

from stackcompat.advice.timeline import Said, pair_verdicts, timeline
from stackcompat.core.vocabulary import Verdict
from stackcompat.ecosystem.releases import needs
from stackcompat.frontier.search import explore
from stackcompat.table.build import summarise
from stackcompat.table.frontiers import FrontierRow, frontier_row
from stackcompat.table.pairs import PairRelease
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NOW, history
from support.planted import Planted, chart_of, stairs, table
from support.world import World, day

WORLD = World(
    {
        "alpha": {
            "1.0": "2026-01-01",
            "1.1": "2026-03-01",
            "1.2": {"uploaded": "2026-03-05", "yanked": True},
            "2.0rc1": "2026-03-06",
            "3.0": {"uploaded": "2026-03-07", "python": ">=3.13"},
        },
        "beta": {"1.0": "2026-01-01", "1.1": "2026-03-11", "1.2": "2026-04-01", "1.3": "2026-04-02"},
    }
)
PROJECTS = {name: WORLD.project(name) for name in ("alpha", "beta")}
RULES: dict[tuple[str, str], Verdict] = {
    ("1.1", "1.0"): "broken",
    ("1.1", "1.2"): "unresolvable",
    ("1.1", "1.3"): "untested",
}


def verdict(one: str, version: str, other: str, its: str) -> Said:
    assert (one, other) == ("alpha", "beta")
    return Said(RULES.get((version, its), "works"))


def test_breaks_begin_and_end_with_an_upload() -> None:
    line = timeline(PROJECTS, verdict, python="3.12", since=day("2026-02-01"), until=day("2026-04-12"))
    assert [(span.state, round(span.days)) for span in line.spans] == [
        ("works", 28),
        ("broken", 10),
        ("works", 21),
        ("unknown", 11),  # what does not resolve is nothing that works
    ]
    broken = line.spans[1]
    assert broken.pairs == (("alpha", "1.1", "beta", "1.0"),)
    assert (broken.began_with, broken.ended_with) == (("alpha 1.1",), ("beta 1.1",))
    assert line.days("broken") == 10
    assert line.spans[0].since == day("2026-02-01")
    assert line.spans[-1].until == day("2026-04-12")


def test_the_spans_join_without_gaps_whenever_one_looks() -> None:
    for since in ("2025-12-01", "2026-03-01", "2026-04-11"):
        line = timeline(PROJECTS, verdict, python="3.13", since=day(since), until=day("2026-04-12"))
        ends = [span.until for span in line.spans]
        assert [span.since for span in line.spans] == [day(since), *ends[:-1]]


def test_verdicts_come_from_the_table() -> None:
    made = history()
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    lookup = pair_verdicts(summary, "3.12")
    row = next(row for row in summary.pairs if {one.verdict for one in row.releases} >= {"works", "broken"})
    for release in row.releases:
        wanted = release.pythons.get("3.12", release.verdict)
        if wanted == "broken" and release.inferred:
            wanted = "untested"
        assert lookup(row.first, release.first_version, row.second, release.second_version).verdict == wanted
        assert lookup(row.second, release.second_version, row.first, release.first_version).verdict == wanted
    assert lookup(row.first, "99", row.second, "99").verdict == "untested"
    stranger = next(row for row in summary.pairs if not row.releases)
    assert lookup(stranger.first, "1", stranger.second, "1").verdict == "not-applicable"


def test_who_broke_and_who_fixed() -> None:
    line = timeline(PROJECTS, verdict, python="3.12", since=day("2026-02-01"), until=day("2026-04-12"))
    (one,) = line.breaks
    assert (one.first, one.first_version, one.second, one.second_version) == ("alpha", "1.1", "beta", "1.0")
    assert (one.broke, one.fixed) == ("alpha 1.1", ("beta 1.1",))
    assert (one.days, one.after) == (10, 59)  # beta 1.0 was 59 days old
    assert not one.inferred


def test_a_break_goes_on_while_the_versions_change_and_to_this_day() -> None:
    rules = {("1.1", "1.0"), ("1.1", "1.1")}
    line = timeline(
        PROJECTS,
        lambda one, version, other, its: Said("broken" if (version, its) in rules else "works"),
        python="3.12",
        since=day("2026-03-02"),
        until=day("2026-03-20"),
    )
    (one,) = line.breaks
    assert (one.second_version, one.since, one.until) == ("1.0", day("2026-03-02"), day("2026-03-20"))
    assert (one.broke, one.fixed) == ("", ())
    assert len(line.spans) == 2


def test_what_bounds_forbid_is_held_back_as_far_as_it_must() -> None:
    """The newest alpha and the newest beta exclude each other; whoever goes back the shorter time gives way."""
    world = World(
        {
            "alpha": {"1.0": "2026-01-01", "2.0": "2026-03-01"},
            "beta": {
                "1.0": "2025-12-01",
                "1.1": {"uploaded": "2026-02-01", "requires": ["alpha<2"]},
                "1.2": {"uploaded": "2026-04-01", "requires": ["alpha"]},
            },
        }
    )
    asked: list[tuple[str, str]] = []

    def lookup(one: str, version: str, other: str, its: str) -> Said:
        asked.append((version, its))
        return Said("broken" if (version, its) == ("2.0", "1.1") else "works")

    projects = {name: world.project(name) for name in ("alpha", "beta")}
    line = timeline(
        projects,
        lookup,
        python="3.12",
        since=day("2026-01-02"),
        until=day("2026-05-01"),
        bounds=lambda name, version: needs(world, name, version, "3.12"),
    )
    assert asked == [("1.0", "1.0"), ("1.0", "1.1"), ("1.0", "1.1"), ("2.0", "1.2")]
    assert [span.state for span in line.spans] == ["works"]
    # Without bounds it would have been judged as an installer never gives it.
    asked.clear()
    line = timeline(projects, lookup, python="3.12", since=day("2026-01-02"), until=day("2026-05-01"))
    assert [span.state for span in line.spans] == ["works", "broken", "works"]


def test_bounds_that_nobody_can_meet_end_too() -> None:
    world = World(
        {
            "alpha": {"1.0": {"uploaded": "2026-01-01", "requires": ["beta>9"]}},
            "beta": {"1.0": "2026-01-01", "1.1": "2026-01-02"},
        }
    )
    line = timeline(
        {name: world.project(name) for name in ("alpha", "beta")},
        lambda *pair: Said("unresolvable"),
        python="3.12",
        since=day("2026-01-03"),
        until=day("2026-01-04"),
        bounds=lambda name, version: needs(world, name, version, "3.12"),
    )
    assert [span.state for span in line.spans] == ["unknown"]  # an installer gives nothing: nothing breaks, or works


def test_frontiers_fill_in_where_no_cell_tried_a_pair() -> None:
    works = stairs([(0, 2), (0, 2), (0, 3), (1, 4), (2, 5), (2, 5), (3, 5), (3, 5)], 6)
    chart = chart_of(explore(table(8, 6), Planted(works)))
    deep = chart.model_copy(update={"level": "interop", "complete": False})  # else it would stand for the other
    made = history()
    args = (COMPONENTS, (made.record(),), made.evidence, NOW)
    lookup = pair_verdicts(summarise(*args, charts=[chart]), "3.12")
    plain = pair_verdicts(summarise(*args), "3.12")
    for finding in chart.findings:
        pair = ("alpha", f"1.{finding.pair[0]}", "beta", f"1.{finding.pair[1]}")
        assert plain(*pair).verdict == "untested"
        assert lookup(*pair) == Said(finding.verdict, finding.level, finding.inferred)
        elsewhere = pair_verdicts(summarise(*args, charts=[chart]), "3.13")(*pair)
        assert elsewhere == Said(finding.verdict, finding.level, inferred=True)
    # Cells tell more than frontiers, and what was observed more than what was inferred.
    cells = {("alpha", "1.3.0", "beta", "2.4.1"): "works"}
    named = chart.model_copy(
        update={
            "first": chart.first.model_copy(update={"versions": ("1.3.0", *chart.first.versions[1:])}),
            "second": chart.second.model_copy(update={"versions": (*chart.second.versions[:-1], "2.4.1")}),
        }
    )
    assert named.by_pair()[0, 5].verdict == "broken"
    for pair, said in cells.items():
        assert pair_verdicts(summarise(*args, charts=[named]), "3.12")(*pair).verdict == said
    turned = deep.model_copy(
        update={
            "findings": tuple(one.model_copy(update={"verdict": "broken", "inferred": True}) for one in chart.findings)
        }
    )
    seen = next(one for one in chart.findings if one.verdict == "works" and not one.inferred)
    both = pair_verdicts(summarise(*args, charts=[turned, chart]), "3.12")
    assert both("alpha", f"1.{seen.pair[0]}", "beta", f"1.{seen.pair[1]}").verdict == "works"


def test_a_span_says_that_it_rests_on_an_inferred_pair() -> None:
    def lookup(one: str, version: str, other: str, its: str) -> Said:
        return Said(RULES.get((version, its), "works"), "import", inferred=its != "1.1")

    line = timeline(PROJECTS, lookup, python="3.12", since=day("2026-02-01"), until=day("2026-04-12"))
    assert [(span.state, span.inferred, span.level, span.unknown, span.of) for span in line.spans] == [
        ("works", True, "import", 0, 1),
        ("broken", True, "import", 0, 1),
        ("works", False, "import", 0, 1),
        ("unknown", False, None, 1, 1),
    ]
    assert line.days("broken", inferred=True) == 10
    assert line.days("broken", inferred=False) == 0
    assert line.breaks[0].inferred


def rows(*releases: PairRelease) -> Summary:
    """A table that has these releases of alpha and beta, and no others."""
    made = history()
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    (row,) = (row for row in summary.pairs if (row.first, row.second) == ("alpha", "beta"))
    return summary.model_copy(update={"pairs": (row.model_copy(update={"releases": releases}),)})


def release(**pythons: Verdict) -> PairRelease:
    """Alpha 1.0 with beta 1.0; the first verdict is the one that counts over all."""
    return PairRelease(
        first_version="1.0",
        second_version="1.0",
        verdict=next(iter(pythons.values())),
        level="interop",
        inferred=False,
        pythons={name.replace("py3", "3."): verdict for name, verdict in pythons.items()},
        cell="c",
        failure="",
    )


def frontier(verdict: Verdict, *, inferred: bool = False, python: str = "3.12", words: str = "E [beta]") -> FrontierRow:
    chart = chart_of(explore(table(1, 1), Planted({(0, 0): verdict == "works"}, words=f"t: {words}")), python=python)
    (one,) = chart.findings
    said = one.model_copy(update={"inferred": inferred, "signature": words if verdict == "broken" else ""})
    return frontier_row(
        chart.model_copy(
            update={
                "findings": (said,),
                "first": chart.first.model_copy(update={"versions": ("1.0",)}),
                "second": chart.second.model_copy(update={"versions": ("1.0",)}),
            }
        )
    )


@pytest.mark.parametrize(
    ("cells", "frontiers", "wanted"),
    [
        # A cell of this Python goes before all else; then its frontier, even what that infers; then the other Pythons.
        (release(py311="broken", py312="works"), [frontier("broken")], Said("works", "interop")),
        (release(py311="broken"), [frontier("works")], Said("works", "import")),
        (release(py311="broken"), [frontier("works", inferred=True)], Said("works", "import", True)),
        (release(py311="broken"), [frontier("works", python="3.13")], Said("broken", "interop", True)),
        (release(py311="untested"), [frontier("works", python="3.13")], Said("works", "import", True)),
        (None, [frontier("broken", inferred=True), frontier("works")], Said("works", "import")),
        # What is no verdict hides none.
        (release(py312="flaky"), [frontier("broken")], Said("broken", "import")),
        (release(py312="unresolvable"), [frontier("works", python="3.13")], Said("works", "import", True)),
        (release(py312="infra-error"), [], Said("infra-error", "interop")),
        (release(py311="broken", py312="flaky"), [], Said("broken", "interop", True)),
        # A set that has gamma does not fail for want of it.
        (None, [frontier("broken", words="ModuleNotFoundError: No module named 'gamma' [beta]")], Said("untested")),
    ],
)
def test_what_is_nearest_to_a_python_tells_of_it(
    cells: PairRelease | None, frontiers: list[FrontierRow], wanted: Said
) -> None:
    summary = rows(cells or release(py312="untested")).model_copy(update={"frontiers": tuple(frontiers)})
    assert pair_verdicts(summary, "3.12")("beta", "1.0", "alpha", "1.0") == wanted
