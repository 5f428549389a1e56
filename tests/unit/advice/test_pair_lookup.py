"""What is known of two releases on a Python, by cells and frontiers."""

from __future__ import annotations

import pytest

from stackcompat.advice.pair_lookup import KnownVerdict, pair_verdicts
from stackcompat.core.vocabulary import Verdict
from stackcompat.frontier.search import explore
from stackcompat.table.build import summarise
from stackcompat.table.frontiers import FrontierRow, frontier_row
from stackcompat.table.pairs import PairRelease
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NOW, history
from support.planted import Planted, by_pair, chart_of, stairs, table


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


def test_frontiers_fill_in_where_no_cell_tried_a_pair() -> None:
    works = stairs([(0, 2), (0, 2), (0, 3), (1, 4), (2, 5), (2, 5), (3, 5), (3, 5)], 6)
    chart = chart_of(explore(table(8, 6), Planted(works)))
    deep = chart.model_copy(update={"level": "interop", "complete": False})  # else it would stand for the other
    made = history()
    args = (COMPONENTS, (made.record(),), made.evidence, NOW)
    lookup = pair_verdicts(summarise(*args, frontiers=[chart]), "3.12")
    plain = pair_verdicts(summarise(*args), "3.12")
    for finding in chart.findings:
        pair = ("alpha", f"1.{finding.pair[0]}", "beta", f"1.{finding.pair[1]}")
        assert plain(*pair).verdict == "untested"
        assert lookup(*pair) == KnownVerdict(finding.verdict, finding.level, finding.inferred)
        elsewhere = pair_verdicts(summarise(*args, frontiers=[chart]), "3.13")(*pair)
        assert elsewhere == KnownVerdict(finding.verdict, finding.level, inferred=True)
    # Cells tell more than frontiers, and what was observed more than what was inferred.
    cells = {("alpha", "1.3.0", "beta", "2.4.1"): "works"}
    named = chart.model_copy(
        update={
            "first": chart.first.model_copy(update={"versions": ("1.3.0", *chart.first.versions[1:])}),
            "second": chart.second.model_copy(update={"versions": (*chart.second.versions[:-1], "2.4.1")}),
        }
    )
    assert by_pair(named)[0, 5].verdict == "broken"
    for pair, wanted in cells.items():
        assert pair_verdicts(summarise(*args, frontiers=[named]), "3.12")(*pair).verdict == wanted
    turned = deep.model_copy(
        update={
            "findings": tuple(one.model_copy(update={"verdict": "broken", "inferred": True}) for one in chart.findings)
        }
    )
    seen = next(one for one in chart.findings if one.verdict == "works" and not one.inferred)
    both = pair_verdicts(summarise(*args, frontiers=[turned, chart]), "3.12")
    assert both("alpha", f"1.{seen.pair[0]}", "beta", f"1.{seen.pair[1]}").verdict == "works"


def test_a_failure_of_a_releases_own_tests_is_no_verdict() -> None:
    own = release(py312="broken").model_copy(update={"level": "upstream"})
    assert pair_verdicts(rows(own), "3.12")("alpha", "1.0", "beta", "1.0") == KnownVerdict("untested")


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
    finding = one.model_copy(update={"inferred": inferred, "signature": words if verdict == "broken" else ""})
    return frontier_row(
        chart.model_copy(
            update={
                "findings": (finding,),
                "first": chart.first.model_copy(update={"versions": ("1.0",)}),
                "second": chart.second.model_copy(update={"versions": ("1.0",)}),
            }
        )
    )


@pytest.mark.parametrize(
    ("cells", "frontiers", "wanted"),
    [
        # A cell of this Python goes before all else; then its frontier, even what that infers; then the other Pythons.
        (release(py311="broken", py312="works"), [frontier("broken")], KnownVerdict("works", "interop")),
        (release(py311="broken"), [frontier("works")], KnownVerdict("works", "import")),
        (release(py311="broken"), [frontier("works", inferred=True)], KnownVerdict("works", "import", True)),
        (release(py311="broken"), [frontier("works", python="3.13")], KnownVerdict("broken", "interop", True)),
        (release(py311="untested"), [frontier("works", python="3.13")], KnownVerdict("works", "import", True)),
        (None, [frontier("broken", inferred=True), frontier("works")], KnownVerdict("works", "import")),
        # What is no verdict hides none.
        (release(py312="flaky"), [frontier("broken")], KnownVerdict("broken", "import")),
        (release(py312="unresolvable"), [frontier("works", python="3.13")], KnownVerdict("works", "import", True)),
        (release(py312="infra-error"), [], KnownVerdict("infra-error", "interop")),
        (release(py311="broken", py312="flaky"), [], KnownVerdict("broken", "interop", True)),
        # A set that has gamma does not fail for want of it.
        (
            None,
            [frontier("broken", words="ModuleNotFoundError: No module named 'gamma' [beta]")],
            KnownVerdict("untested"),
        ),
    ],
)
def test_what_is_nearest_to_a_python_tells_of_it(
    cells: PairRelease | None, frontiers: list[FrontierRow], wanted: KnownVerdict
) -> None:
    summary = rows(cells or release(py312="untested")).model_copy(update={"frontiers": tuple(frontiers)})
    assert pair_verdicts(summary, "3.12")("beta", "1.0", "alpha", "1.0") == wanted
