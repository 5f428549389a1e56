"""Advisories from a made-up history: who is affected together, under which id, as OSV."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from made_up import COMPONENTS, NOW, history
from stackcompat.advisory import Link, advisories, load_links, osv
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
