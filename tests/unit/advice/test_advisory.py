"""Advisories from a made-up history: who is affected together, under which id, as OSV."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from stackcompat.advice.advisory import Advisory, Link, advisories, load_links
from stackcompat.advice.osv import osv
from stackcompat.blame.culprit import Culprit
from stackcompat.core.record import UsageError
from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import Level
from stackcompat.frontier.frontier import StoredFrontier
from stackcompat.frontier.search import explore
from stackcompat.table.build import summarise
from stackcompat.table.failures import Blamed
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NOW, history
from support.planted import Planted, chart_of, stairs, table
from support.world import World

WORLD = World({"beta": {"2.1.3": {"uploaded": "2026-01-01", "requires": ["alpha>=1"]}}})


@pytest.fixture(scope="module")
def summary() -> Summary:
    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def test_every_confirmed_pair_is_in_an_advisory_and_no_other(summary: Summary) -> None:
    found = advisories(summary)
    titles = {row.distribution: row.name for row in summary.components}
    told = {
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
    assert told == broken
    assert broken


def test_an_environment_is_hit_only_where_both_sides_are_affected(summary: Summary) -> None:
    advisory = advisories(summary)[0]
    (one, other), *_ = advisory.together
    both = {advisory.sides[0].distribution: one, advisory.sides[1].distribution: other}
    assert advisory.hits(both)
    assert not advisory.hits(both | {advisory.sides[1].distribution: "99"})
    assert not advisory.hits({advisory.sides[0].distribution: one})


def test_ids_stay_while_releases_come_and_go(summary: Summary) -> None:
    made = history()
    cut = made.record()
    fewer = cut.model_copy(update={"cells": cut.cells[:-5]})
    before = {(one.signature, one.sides[0].component, one.sides[1].component): one.id for one in advisories(summary)}
    then = advisories(summarise(COMPONENTS, (fewer,), made.evidence, NOW))
    after = {(one.signature, one.sides[0].component, one.sides[1].component): one.id for one in then}
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
    known = advisories(summary, [link])
    later = NOW + dt.timedelta(days=9)
    records = [json.loads(json.dumps(osv(advisory, WORLD, later))) for advisory in known]
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
    (one,) = of(advisories(summary), GONE, "alpha", "beta")
    (entry,) = osv(one, WORLD, NOW)["affected"]
    assert entry["package"]["name"] == "beta"
    turned = World({"alpha": {"1.3.0": {"uploaded": "2026-01-01", "requires": ["beta"]}}})
    (entry,) = osv(one, turned, NOW)["affected"]
    assert entry["package"]["name"] == "alpha"
    optional = World({"alpha": {"1.3.0": {"uploaded": "2026-01-01", "requires": ["beta; extra == 'all'"]}}})
    (entry,) = osv(one, optional, NOW)["affected"]
    assert entry["package"]["name"] == one.package == "beta"


def test_a_range_ends_where_nobody_tried_a_release(summary: Summary) -> None:
    (one,) = of(advisories(summary), GONE, "alpha", "beta")
    side = one.sides[0].model_copy(update={"versions": ("1.2.0", "1.3.0"), "known": ("1.1.0", "1.2.0", "1.3.0")})
    joined = one.model_copy(update={"sides": (side, one.sides[1])})

    def events(catalog: World) -> list[dict[str, str]]:
        (other,) = osv(joined, catalog, NOW)["database_specific"]["only_with"]
        told: list[dict[str, str]] = other["ranges"][0]["events"]
        return told

    assert events(WORLD) == [{"introduced": "1.2.0"}, {"last_affected": "1.3.0"}]
    more = World({"alpha": dict.fromkeys(("1.2", "1.2.5", "1.3.0"), "2026-01-01")})
    assert events(more) == [
        {"introduced": "1.2.0"},
        {"last_affected": "1.2.0"},
        {"introduced": "1.3.0"},
        {"last_affected": "1.3.0"},
    ]


def test_a_summary_ends_with_a_word(summary: Summary) -> None:
    words = " ".join(f"word{number}" for number in range(40))
    cut = osv(advisories(summary)[0].model_copy(update={"summary": words}), WORLD, NOW)["summary"]
    assert len(cut) <= 120
    assert words.startswith(cut.removesuffix(" …") + " ")


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


def charted(signature: str, *, doubt: str = "", second: str = "alpha", level: Level = "interop") -> StoredFrontier:
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


def with_charts(*charts: StoredFrontier) -> Summary:
    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW, charts=charts)


def of(found: Iterable[Advisory], signature: str, *components: str) -> list[Advisory]:
    """The advisories with this signature about these two."""
    fit = [one for one in found if one.signature == signature]
    return [one for one in fit if (one.sides[0].component, one.sides[1].component) == components]


def versions(chart: StoredFrontier, *, inferred: bool) -> set[tuple[str, str]]:
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
    record = osv(after, WORLD, NOW)
    told = (*record["affected"], *record["database_specific"]["only_with"])
    affected = {version for side in told for version in side["versions"]}
    assert {version for pair in after.together for version in pair} == affected
    assert record["database_specific"]["inferred_together"] == [list(pair) for pair in after.inferred]
    assert after.hits({"alpha": next(iter(seen))[0], "beta": next(iter(seen))[1]})
    one, other = after.inferred[0]
    assert not after.hits({"alpha": one, "beta": other})
    assert after.likely({"alpha": one, "beta": other})
    assert not after.likely({"alpha": "99", "beta": other})


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
    assert set(one.together) == versions(chart, inferred=False) - {pair}


def test_two_that_met_in_no_cell() -> None:
    told = "E: words [beta]"
    (one,) = of(advisories(with_charts(charted(told, second="some-thing"))), told, "beta", "some-thing")
    assert (one.sides[1].title, one.sides[1].distribution) == ("some-thing", "some-thing")


# --- what releases fail in alone, and what searches for culprits have shown ---

ABSENT = "ModuleNotFoundError: No module named 'gamma' [beta]"


def test_what_a_release_needs_and_does_not_declare_is_its_own() -> None:
    """Alpha has no part in it, though it was there each time; who has gamma is not hit."""
    chart = charted(ABSENT)
    found = [one for one in advisories(with_charts(chart)) if one.signature == ABSENT]
    (one,) = found
    assert one.distributions == ("beta",)
    assert one.summary == "Beta 2.0.0 \N{EN DASH} 2.1.3 needs gamma, undeclared: No module named 'gamma'"
    assert (one.without, one.workaround) == ("gamma", "install gamma beside it")
    assert set(one.evidence) == {f.evidence[0] for f in chart.findings if f.verdict == "broken" and f.evidence}
    assert one.hits({"beta": "2.1.3"})
    assert not one.hits({"beta": "2.1.3", "gamma": "1.0.2"})
    assert not one.hits({"beta": "2.2.0"})
    record = osv(one, WORLD, NOW)
    assert [side["package"]["name"] for side in record["affected"]] == ["beta"]
    assert record["database_specific"]["only_without"] == ["gamma"]
    assert "fails where gamma is not installed" in record["details"]


@pytest.mark.parametrize("words", ["No module named 'alpha'", "No module named 'beta'", "No module named 'gamma.core'"])
def test_other_modules_that_are_not_there_are_of_both(words: str) -> None:
    """Alpha is the other one; beta is the one that asks; gamma is there, only it has no core."""
    told = f"ModuleNotFoundError: {words} [beta]"
    (one,) = of(advisories(with_charts(charted(told))), told, "alpha", "beta")
    assert one.without == ""


def test_what_points_at_one_is_its_own_where_it_works_with_no_release_of_the_other() -> None:
    words = "E: words [beta]"
    chart = charted(words, doubt="it points at beta and nobody else")

    def own(red: int | None) -> list[Advisory]:
        """The advisories where what fails is beta's alone, and its release of that number works with nobody."""
        said = {"verdict": "broken", "signature": words, "sentence": f"t: {words}", "alone": "beta", "inferred": False}
        some = tuple(
            one.model_copy(update=said | {"evidence": ("run",)}) if one.pair[0] == red or one.signature else one
            for one in chart.findings
        )
        told = with_charts(chart.model_copy(update={"findings": some}))
        return [one for one in advisories(told) if one.signature == words]

    assert own(None) == []  # each of them works with alpha 1.0.0
    (one,) = own(BETAS.index("2.0.5"))
    assert (one.distributions, one.together, one.without) == (("beta",), (("2.0.5",),), "")
    assert "fails whatever is installed beside it" in osv(one, WORLD, NOW)["details"]


def blamed(summary: Summary, *culprits: Culprit, doubt: str = "") -> Summary:
    """The table, where a search has found the culprits of its first failure of tests."""
    group = next(group for group in summary.failures if group.verdict == "broken")
    found = Blamed(
        culprits=culprits,
        cell=group.cells[0],
        moved="",
        doubt=doubt,
        probes=1,
        linear=9,
        works_with={culprit.name: culprit.last_good or culprit.version for culprit in culprits},
    )
    told = (group.model_copy(update={"blamed": found}), *(one for one in summary.failures if one.id != group.id))
    return summary.model_copy(update={"failures": told})


@pytest.mark.parametrize("others", [(), ("beta",), ("beta", "typing-more")])
def test_what_searches_have_shown_is_an_advisory_whatever_it_is_about(
    summary: Summary, others: tuple[str, ...]
) -> None:
    first = Culprit(
        name="numbers", version="2.5.5", last_good="2.4", first_bad="2.5", fixed_in="2.7", unresolved=("2.6",)
    )
    more = tuple(Culprit(name=name, version="1.0") for name in others)
    table_of = blamed(summary, first, *more)
    signature = next(group.signature for group in table_of.failures if group.blamed)
    (one,) = [one for one in advisories(table_of) if one.distributions == ("numbers", *others)]
    assert (one.signature, one.sides[0].title) == (signature, "numbers")
    assert one.summary.startswith("numbers >=2.5,<2.7")
    assert one.workaround == "take numbers 2.4"
    here = {"numbers": "2.5.5", **dict.fromkeys(others, "1.0"), "alpha": "9", "beta": "1.0"}
    assert one.hits(here)
    assert {*one.distributions, *one.beside} == {
        *others,
        "numbers",
        "alpha",
        "beta",
    }  # what the test uses has to be there
    assert not one.hits({name: version for name, version in here.items() if name != "alpha"})
    for version, likely in {"2.4": False, "2.5": True, "2.5.9": True, "2.6": False, "2.7": False}.items():
        assert not one.hits(here | {"numbers": version})
        assert one.likely(here | {"numbers": version}) == likely
    for name in others:
        assert not one.likely({k: v for k, v in here.items() if k != name})
    catalog = World({"numbers": dict.fromkeys(("2.4", "2.5", "2.5.5", "2.6", "2.6.1", "2.7"), "2026-01-01")})
    record = osv(one, catalog, NOW)
    assert record["database_specific"]["only_beside"] == list(one.beside)
    assert f"where {and_list(one.beside)} " in record["details"]
    numbers = [
        side
        for side in (*record["affected"], *record["database_specific"]["only_with"])
        if side["package"]["name"] == "numbers"
    ]
    assert numbers[0]["ranges"][0]["events"] == [
        {"introduced": "2.5"},
        {"last_affected": "2.5.5"},
        {"introduced": "2.6.1"},
        {"last_affected": "2.6.1"},
    ]


def test_a_search_in_doubt_or_about_a_known_pair_makes_no_advisory_of_its_own(summary: Summary) -> None:
    before = advisories(summary)
    culprit = Culprit(name="numbers", version="2.5.5")
    assert advisories(blamed(summary, culprit, doubt="not confirmed")) == before
    told = blamed(summary)
    signature = next(group.signature for group in told.failures if group.blamed)
    known = next(one for one in before if one.signature == signature)
    assert advisories(blamed(summary, Culprit(name=known.distributions[0], version="1.0"))) == before
