"""Advisories of two components, from cells and from frontiers."""

from __future__ import annotations

import pytest

from stackcompat.advice.advisories import advisories
from stackcompat.frontier.frontier import StoredFrontier
from stackcompat.table.summary import Summary
from support.advice_world import ALPHAS, BETAS, GONE, advisories_of, failing_frontier, table_with


def test_every_confirmed_pair_is_in_an_advisory_and_no_other(summary: Summary) -> None:
    found = advisories(summary)
    titles = {row.distribution: row.name for row in summary.components}
    affected = {
        frozenset(((titles[one.sides[0].distribution], a), (titles[one.sides[1].distribution], b)))
        for one in found
        for a, b in one.together
    }
    broken = {
        frozenset(((row.first, release.first_version), (row.second, release.second_version)))
        for row in summary.pairs
        for release in row.releases
        if release.verdict == "broken" and release.failure and not release.inferred
    }
    assert affected == broken
    assert broken


def test_the_workaround_is_a_pair_that_works(summary: Summary) -> None:
    titles = summary.titles()
    works = {
        frozenset(((titles[row.first], release.first_version), (titles[row.second], release.second_version)))
        for row in summary.pairs
        for release in row.releases
        if release.verdict == "works"
    }
    offered = [one for one in advisories(summary) if one.workaround]
    assert offered
    for one in offered:
        for offer in one.workaround.split(", or "):
            moved, _, kept = offer.removeprefix("use ").partition(" with ")
            assert frozenset((tuple(kept.rsplit(" ", 1)), tuple(moved.rsplit(" ", 1)))) in works


def versions(chart: StoredFrontier, *, inferred: bool) -> set[tuple[str, str]]:
    """The broken pairs of a chart, alpha first."""
    return {
        (ALPHAS[one.pair[1]], BETAS[one.pair[0]])
        for one in chart.findings
        if one.verdict == "broken" and one.inferred == inferred
    }


def test_what_a_frontier_observed_joins_the_advisory_of_the_same_failure(summary: Summary) -> None:
    (before,) = advisories_of(advisories(summary), GONE, "alpha", "beta")
    chart = failing_frontier(GONE, doubt="a third one had a part in it")
    (after,) = advisories_of(advisories(table_with(chart)), GONE, "alpha", "beta")
    seen, inferred = versions(chart, inferred=False), versions(chart, inferred=True)
    assert seen - set(before.together)
    assert inferred - set(before.together)
    assert after.id == before.id
    assert set(after.together) == set(before.together) | seen
    tried = {*before.sides[0].known} & {"1.2.0", "1.3.0"}
    assert set(after.inferred) <= inferred - set(after.together)
    assert set(after.inferred) >= {pair for pair in inferred if pair[0] not in tried}
    assert set(after.sides[0].versions) == {pair[0] for pair in after.together}
    assert set(after.evidence) == {
        one.evidence[0] for one in chart.findings if one.verdict == "broken" and not one.inferred
    }
    assert after.hits({"alpha": next(iter(seen))[0], "beta": next(iter(seen))[1]})
    one, other = after.inferred[0]
    assert not after.hits({"alpha": one, "beta": other})
    assert after.likely_hits({"alpha": one, "beta": other})
    assert not after.likely_hits({"alpha": "99", "beta": other})


def test_another_failure_of_a_frontier_is_an_advisory_unless_it_may_be_anothers() -> None:
    signature = "ImportError: cannot import name 'lost' from 'alpha.core' [beta]"
    chart = failing_frontier(signature)
    (one,) = advisories_of(advisories(table_with(chart)), signature, "alpha", "beta")
    assert one.summary.startswith("Beta 2.1.3 fails with Alpha 1.2.0")
    assert one.summary.endswith("because \"cannot import name 'lost' from 'alpha.core'\"")
    assert (one.package, one.tests, one.pythons, one.cells) == ("beta", ("t.py::test",), ("3.12",), ())
    assert one.first_seen == one.last_seen == chart.seen
    assert "use Beta 2.2.0" in one.workaround
    (shallow,) = advisories_of(
        advisories(table_with(failing_frontier(signature, level="import"))), signature, "alpha", "beta"
    )
    assert "Beta 2.2.0" not in shallow.workaround  # it can be imported, which is no more than that
    assert (
        advisories_of(
            advisories(table_with(failing_frontier(signature, doubt="a third one had a part"))),
            signature,
            "alpha",
            "beta",
        )
        == []
    )


def test_what_works_in_a_cell_is_no_advisory_of_a_frontier(summary: Summary) -> None:
    """With other partners the same two work: they are not affected together."""
    chart = failing_frontier("E: words [beta]")
    works = {
        (release.first_version, release.second_version)
        for row in summary.pairs
        if (row.first, row.second) == ("alpha", "beta")
        for release in row.releases
        if release.pythons.get("3.12", release.verdict) == "works"
    }
    pair = next(iter(versions(chart, inferred=False)))
    assert pair not in works
    green = [
        row.model_copy(
            update={
                "releases": (
                    *(r for r in row.releases if (r.first_version, r.second_version) != pair),
                    row.releases[0].model_copy(
                        update={
                            "first_version": pair[0],
                            "second_version": pair[1],
                            "verdict": "works",
                            "pythons": {"3.12": "works"},
                        }
                    ),
                )
            }
        )
        if (row.first, row.second) == ("alpha", "beta")
        else row
        for row in summary.pairs
    ]
    table_of = table_with(chart).model_copy(update={"pairs": tuple(green)})
    (one,) = advisories_of(advisories(table_of), "E: words [beta]", "alpha", "beta")
    assert set(one.together) == versions(chart, inferred=False) - {pair}


def test_two_that_met_in_no_cell() -> None:
    signature = "E: words [beta]"
    (one,) = advisories_of(
        advisories(table_with(failing_frontier(signature, second="some-thing"))), signature, "beta", "some-thing"
    )
    assert (one.sides[1].title, one.sides[1].distribution) == ("some-thing", "some-thing")


@pytest.mark.parametrize("words", ["No module named 'alpha'", "No module named 'beta'", "No module named 'gamma.core'"])
def test_other_modules_that_are_not_there_are_of_both(words: str) -> None:
    """Alpha is the other one; beta is the one that asks; gamma is there, only it has no core."""
    signature = f"ModuleNotFoundError: {words} [beta]"
    (one,) = advisories_of(advisories(table_with(failing_frontier(signature))), signature, "alpha", "beta")
    assert one.without == ""
