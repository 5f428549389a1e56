"""Advisories as OSV records: which package is affected, in which ranges, under which condition."""

from __future__ import annotations

import datetime as dt
import json

from stackcompat.advice.advisories import advisories
from stackcompat.advice.advisory import Link
from stackcompat.advice.osv import osv
from stackcompat.table.summary import Summary
from support.advice_world import GONE, USES_ALPHA, advisories_of
from support.made_up import NOW
from support.world import World


def test_the_record_is_osv(summary: Summary) -> None:
    link = Link(id=advisories(summary)[0].id, url="https://issues.example/1")
    known = advisories(summary, [link])
    later = NOW + dt.timedelta(days=9)
    records = [json.loads(json.dumps(osv(advisory, USES_ALPHA, later))) for advisory in known]
    for advisory, record in zip(known, records, strict=True):
        assert {"schema_version", "id", "modified", "published", "summary", "details", "affected"} <= record.keys()
        assert advisory.last_seen is not None
        assert advisory.last_seen < later
        assert dt.datetime.fromisoformat(record["modified"]) == advisory.last_seen.replace(microsecond=0)
        more = record["database_specific"]
        (changes,) = record["affected"]
        names = [side["package"]["name"] for side in (changes, *more["only_with"])]
        assert sorted(names) == sorted(more["distributions"]) == sorted(advisory.distributions)
        for side in (changes, *more["only_with"]):
            assert side["package"]["ecosystem"] == "PyPI"
            events = side["ranges"][0]["events"]
            assert [next(iter(event)) for event in events] == ["introduced", "last_affected"] * (len(events) // 2)
            assert {next(iter(event.values())) for event in events} <= set(side["versions"])
    assert [record["references"] for record in records if record["id"] == link.id] == [
        [{"type": "REPORT", "url": link.url}]
    ]


def test_whoever_uses_the_other_has_to_change(summary: Summary) -> None:
    """Who reads OSV takes any entry of it for enough: that all of Alpha were affected would be wrong."""
    (one,) = advisories_of(advisories(summary), GONE, "alpha", "beta")
    (entry,) = osv(one, USES_ALPHA, NOW)["affected"]
    assert entry["package"]["name"] == "beta"
    turned = World({"alpha": {"1.3.0": {"uploaded": "2026-01-01", "requires": ["beta"]}}})
    (entry,) = osv(one, turned, NOW)["affected"]
    assert entry["package"]["name"] == "alpha"
    optional = World({"alpha": {"1.3.0": {"uploaded": "2026-01-01", "requires": ["beta; extra == 'all'"]}}})
    (entry,) = osv(one, optional, NOW)["affected"]
    assert entry["package"]["name"] == one.package == "beta"


def test_a_range_ends_where_nobody_tried_a_release(summary: Summary) -> None:
    (one,) = advisories_of(advisories(summary), GONE, "alpha", "beta")
    side = one.sides[0].model_copy(update={"versions": ("1.2.0", "1.3.0"), "known": ("1.1.0", "1.2.0", "1.3.0")})
    joined = one.model_copy(update={"sides": (side, one.sides[1])})

    def events(catalog: World) -> list[dict[str, str]]:
        (other,) = osv(joined, catalog, NOW)["database_specific"]["only_with"]
        ranges: list[dict[str, list[dict[str, str]]]] = other["ranges"]
        return ranges[0]["events"]

    assert events(USES_ALPHA) == [{"introduced": "1.2.0"}, {"last_affected": "1.3.0"}]
    more = World({"alpha": dict.fromkeys(("1.2", "1.2.5", "1.3.0"), "2026-01-01")})
    assert events(more) == [
        {"introduced": "1.2.0"},
        {"last_affected": "1.2.0"},
        {"introduced": "1.3.0"},
        {"last_affected": "1.3.0"},
    ]


def test_a_summary_ends_with_a_word(summary: Summary) -> None:
    words = " ".join(f"word{number}" for number in range(40))
    cut = osv(advisories(summary)[0].model_copy(update={"summary": words}), USES_ALPHA, NOW)["summary"]
    assert len(cut) <= 120
    assert words.startswith(cut.removesuffix(" …") + " ")
