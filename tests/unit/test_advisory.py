"""Advisories from a made-up history: who is affected together, under which id, as OSV."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from made_up import COMPONENTS, NOW, history
from planted import Planted, chart_of, stairs, table
from stackcompat.advisory import Advisory, Link, advisories, load_links, osv
from stackcompat.chart import Chart
from stackcompat.frontier import explore
from stackcompat.matrix import Level
from stackcompat.record import UsageError
from stackcompat.report import Summary, summarise


@pytest.fixture(scope="module")
def summary() -> Summary:
    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def test_every_confirmed_pair_is_in_an_advisory_and_no_other(summary: Summary) -> None:
    found = advisories(summary)
    titles = {row.distribution: row.name for row in summary.components}
    told = {
        frozenset(((titles[one.first.distribution], a), (titles[one.second.distribution], b)))
        for one in found
        for a, b in one.pairs
    }
    broken = {
        frozenset(((row.first, release.first_version), (row.second, release.second_version)))
        for row in summary.pairs
        for release in row.releases
        if release.verdict == "broken" and release.failure and not release.inferred
    }
    assert told == broken
    assert broken


def test_an_environment_is_hit_only_where_both_sides_are_affected(summary: Summary) -> None:
    advisory = advisories(summary)[0]
    (one, other), *_ = advisory.pairs
    both = {advisory.first.distribution: one, advisory.second.distribution: other}
    assert advisory.hits(both)
    assert not advisory.hits(both | {advisory.second.distribution: "99"})
    assert not advisory.hits({advisory.first.distribution: one})


def test_ids_stay_while_releases_come_and_go(summary: Summary) -> None:
    made = history()
    cut = made.record()
    fewer = cut.model_copy(update={"cells": cut.cells[:-5]})
    before = {(one.signature, one.first.component, one.second.component): one.id for one in advisories(summary)}
    then = advisories(summarise(COMPONENTS, (fewer,), made.evidence, NOW))
    after = {(one.signature, one.first.component, one.second.component): one.id for one in then}
    shared = before.keys() & after.keys()
    assert shared
    assert {s: before[s] for s in shared} == {s: after[s] for s in shared}
    assert len(set(before.values())) == len(before) == len(advisories(summary))


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
        for offer in one.workaround.split("; "):
            kept, _, moved = offer.removeprefix("with ").partition(" take ")
            assert frozenset((tuple(kept.rsplit(" ", 1)), tuple(moved.rsplit(" ", 1)))) in works


def test_the_record_is_osv(summary: Summary) -> None:
    link = Link(id=advisories(summary)[0].id, url="https://issues.example/1")
    records = [json.loads(json.dumps(osv(advisory, NOW))) for advisory in advisories(summary, [link])]
    for record in records:
        assert {"schema_version", "id", "modified", "published", "summary", "details", "affected"} <= record.keys()
        assert record["modified"] == "2026-11-22T06:00:00Z"
        for side in record["affected"]:
            assert side["package"]["ecosystem"] == "PyPI"
            events = side["ranges"][0]["events"]
            assert [next(iter(event)) for event in events] == ["introduced", "last_affected"] * (len(events) // 2)
            assert {next(iter(event.values())) for event in events} <= set(side["versions"])
    assert [record["references"] for record in records if record["id"] == link.id] == [
        [{"type": "REPORT", "url": link.url}]
    ]


def test_links_are_data(tmp_path: Path) -> None:
    assert load_links(tmp_path / "none.toml") == ()
    path = tmp_path / "advisories.toml"
    path.write_text('links = [{ id = "SC-1", url = "https://i.example/1" }]')
    assert load_links(path)[0].id == "SC-1"
    path.write_text('links = [{ id = "SC-1", uri = "x" }]')
    with pytest.raises(UsageError, match=r'advisories.toml: links\[0\]: "uri" is not a key that is known here'):
        load_links(path)


# --- what frontiers add ---

GONE = "AttributeError: module 'alpha.experimental.boxes' has no attribute 'MutableBox' [beta]"
ALPHAS = ("1.0.0", "1.1.0", "1.2.0", "1.2.5", "1.2.7", "1.3.0", "1.4.0")
BETAS = ("2.0.0", "2.0.5", "2.1.3", "2.2.0")


def charted(signature: str, *, doubt: str = "", second: str = "alpha", level: Level = "interop") -> Chart:
    """To `level`, beta before 2.2 fails with alpha from 1.2 on; of each beta not every alpha was tried."""
    works = stairs([(0, 1), (0, 1), (0, 1), (0, 6)], len(ALPHAS))
    space = table(len(BETAS), len(ALPHAS))
    sides = {
        "first": space.first.model_copy(update={"name": "beta", "versions": BETAS}),
        "second": space.second.model_copy(update={"name": second, "versions": ALPHAS}),
    }
    found = explore(space, Planted(works), levels=("import", level))
    findings = {
        pair: one.model_copy(update={"sentence": f"t.py::test: {signature}", "signature": signature, "doubt": doubt})
        if one.verdict == "broken" and not one.inferred
        else one
        for pair, one in found.findings.items()
    }
    told = chart_of(found.model_copy(update={"findings": findings}))
    return told.model_copy(update=sides)


def with_charts(*charts: Chart) -> Summary:
    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW, charts=charts)


def of(found: Iterable[Advisory], signature: str, *components: str) -> list[Advisory]:
    """The advisories with this signature about these two."""
    fit = [one for one in found if one.signature == signature]
    return [one for one in fit if (one.first.component, one.second.component) == components]


def versions(chart: Chart, *, inferred: bool) -> set[tuple[str, str]]:
    """The broken pairs of a chart, alpha first."""
    return {
        (ALPHAS[one.pair[1]], BETAS[one.pair[0]])
        for one in chart.findings
        if one.verdict == "broken" and one.inferred == inferred
    }


def test_what_a_frontier_observed_joins_the_advisory_of_the_same_failure(summary: Summary) -> None:
    (before,) = of(advisories(summary), GONE, "alpha", "beta")
    chart = charted(GONE, doubt="a third one had a part in it")
    (after,) = of(advisories(with_charts(chart)), GONE, "alpha", "beta")
    seen, inferred = versions(chart, inferred=False), versions(chart, inferred=True)
    assert seen - set(before.pairs)
    assert inferred - set(before.pairs)
    assert after.id == before.id
    assert set(after.pairs) == set(before.pairs) | seen
    tried = {*before.first.known} & {"1.2.0", "1.3.0"}
    assert set(after.inferred) <= inferred - set(after.pairs)
    assert set(after.inferred) >= {pair for pair in inferred if pair[0] not in tried}
    assert set(after.first.versions) == {pair[0] for pair in after.pairs}
    assert set(after.evidence) == {
        one.evidence[0] for one in chart.findings if one.verdict == "broken" and not one.inferred
    }
    record = osv(after, NOW)
    affected = {version for side in record["affected"] for version in side["versions"]}
    assert {version for pair in after.pairs for version in pair} == affected
    assert record["database_specific"]["inferred_together"] == [list(pair) for pair in after.inferred]
    assert after.hits({"alpha": next(iter(seen))[0], "beta": next(iter(seen))[1]})
    one, other = after.inferred[0]
    assert not after.hits({"alpha": one, "beta": other})


def test_another_failure_of_a_frontier_is_an_advisory_unless_it_may_be_anothers() -> None:
    told = "ImportError: cannot import name 'lost' from 'alpha.core' [beta]"
    chart = charted(told)
    (one,) = of(advisories(with_charts(chart)), told, "alpha", "beta")
    assert one.summary.startswith("Alpha 1.2.0")
    assert one.summary.endswith("with Beta 2.0.0 \N{EN DASH} 2.1.3: cannot import name 'lost' from 'alpha.core'")
    assert (one.package, one.tests, one.pythons, one.cells) == ("beta", ("t.py::test",), ("3.12",), ())
    assert one.first_seen == one.last_seen == chart.seen
    assert "take Beta 2.2.0" in one.workaround
    (shallow,) = of(advisories(with_charts(charted(told, level="import"))), told, "alpha", "beta")
    assert "Beta 2.2.0" not in shallow.workaround  # it can be imported, which is no more than that
    assert of(advisories(with_charts(charted(told, doubt="a third one had a part"))), told, "alpha", "beta") == []


def test_what_works_in_a_cell_is_no_advisory_of_a_frontier(summary: Summary) -> None:
    """With other partners the same two work: they are not affected together."""
    chart = charted("E: words [beta]")
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
    table_of = with_charts(chart).model_copy(update={"pairs": tuple(green)})
    (one,) = of(advisories(table_of), "E: words [beta]", "alpha", "beta")
    assert set(one.pairs) == versions(chart, inferred=False) - {pair}


def test_two_that_met_in_no_cell() -> None:
    told = "E: words [beta]"
    (one,) = of(advisories(with_charts(charted(told, second="some-thing"))), told, "beta", "some-thing")
    assert (one.second.title, one.second.distribution) == ("some-thing", "some-thing")
