"""Frontiers as they are published: in compat.json, in the short file and as a table of the page."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import jsonschema
import pytest

from stackcompat.frontier.frontier import StoredFinding, StoredFrontier
from stackcompat.frontier.search import explore
from stackcompat.frontier.static.usage import Missing
from stackcompat.report.frontier_text import frontier_words, working_partners
from stackcompat.report.html import html
from stackcompat.report.json import compat, schema
from stackcompat.report.markdown import markdown
from stackcompat.report.read import read_table
from stackcompat.report.write import write
from stackcompat.table.build import summarise
from stackcompat.table.frontiers import FrontierInterval, with_exact_edges
from stackcompat.table.pairs import PairRow
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NOW, History, failed, history, make_cell, passed
from support.page import Page
from support.planted import Planted, chart_of, stairs, table

EDGES = [(0, 2), (0, 2), (0, 3), (1, 4), (2, 5), (2, 5), (3, 5), (3, 5)]
WORKS = stairs(EDGES, 6)
PERMITTED = WORKS.keys() - {(7, 0), (7, 1)}
WORDS = "import[alpha.core]: ImportError: cannot import name 'gone' from 'beta' [alpha]"


def planted(**more: object) -> StoredFrontier:
    found = explore(table(8, 6, permitted=PERMITTED), Planted(WORKS, words=WORDS), **more)  # type: ignore[arg-type]
    return chart_of(found, {(0, 5): (Missing("beta.gone", "alpha.core", 7),)})


def summary_of(*charts: StoredFrontier) -> Summary:
    made = history()
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW, frontiers=charts)


@pytest.fixture(scope="module")
def summary() -> Summary:
    return summary_of(planted())


def test_every_pair_is_there_with_both_versions_by_name(summary: Summary) -> None:
    (row,) = json.loads(compat(summary))["frontiers"]
    pairs = {(pair["versions"]["alpha"], pair["versions"]["beta"]): pair for pair in row["pairs"]}
    for place in PERMITTED:
        pair = pairs.pop((f"1.{place[0]}", f"1.{place[1]}"))
        assert pair["verdict"] == ("works" if WORKS[place] else "broken")
        assert ("evidence" in pair) != pair.get("inferred", True)
    assert not pairs
    assert {pair.get("inferred", True) for pair in row["pairs"]} == {True, False}
    assert (row["edges"][3]["version"], row["edges"][3]["works"]) == ("1.3", [["1.1", "1.4"]])
    assert (row["second_edges"][5]["version"], row["second_edges"][5]["works"]) == ("1.5", [["1.4", "1.7"]])
    assert (row["pairs_answered"], row["disagreement"], row["precision"]) == (len(PERMITTED), 0.0, 1.0)
    assert row["pairs_inferred"] == sum(pair.get("inferred", True) for pair in row["pairs"])
    assert row["first_releases"][0] == {"version": "1.0", "uploaded": "2025-01-01"}


def test_each_reason_once_with_what_it_covers(summary: Summary) -> None:
    (row,) = summary.frontiers
    (red,) = [reason for reason in row.reasons if reason.verdict == "broken"]
    broken = [pair for pair in row.pairs if pair.verdict == "broken"]
    assert red == row.reasons[0]  # so that the page counts from 1
    assert red.sentence == WORDS
    assert red.seen == sum(not pair.inferred for pair in broken)
    assert red.seen + red.inferred == len(broken)
    releases = [release.version for release in row.second_releases]

    def covered(reason_range: object) -> set[tuple[str, str]]:
        (top, bottom), (low, high) = reason_range.first, reason_range.second  # type: ignore[attr-defined]
        rows = [release.version for release in row.first_releases]
        downs = rows[rows.index(top) : rows.index(bottom) + 1]
        return {(a, b) for a in downs for b in releases[releases.index(low) : releases.index(high) + 1]}

    together = [pair for rectangle in red.ranges for pair in covered(rectangle)]
    assert sorted(together) == sorted((pair.versions["alpha"], pair.versions["beta"]) for pair in broken)
    assert all(row.reasons[pair.reason].sentence == WORDS for pair in broken if pair.reason is not None)
    (forbidden,) = [reason for reason in row.reasons if reason.verdict == "unresolvable"]
    refused = {pair for rectangle in forbidden.ranges for pair in covered(rectangle)}
    assert refused == {(f"1.{a}", f"1.{b}") for a, b in WORKS} - {(f"1.{a}", f"1.{b}") for a, b in PERMITTED}


def test_a_rectangle_covers_no_pair_with_another_reason() -> None:
    chart = chart_of(explore(table(1, 5, permitted={(0, 0), (0, 4)}), Planted(stairs([(0, 4)], 5))))
    findings = tuple(
        finding.model_copy(update={"sentence": "no such wheel" if finding.pair == (0, 2) else finding.sentence})
        for finding in chart.findings
    )
    (row,) = summary_of(chart.model_copy(update={"findings": findings})).frontiers
    covers = {reason.sentence: [rectangle.second for rectangle in reason.ranges] for reason in row.reasons}
    assert covers == {"bounds": [("1.1", "1.1"), ("1.3", "1.3")], "no such wheel": [("1.2", "1.2")]}


def test_the_schema_knows_it_and_a_pair_is_a_line(summary: Summary) -> None:
    text = compat(summary)
    jsonschema.validate(json.loads(text), json.loads(schema()), jsonschema.Draft202012Validator)
    line = r'^ +\{"versions":\{"alpha":"1.\d","beta":"1.\d"\},.*"level":"\w+".*\},?$'
    assert len(re.findall(line, text, re.MULTILINE)) == len(PERMITTED)
    assert Summary.model_validate_json(text).frontiers == summary.frontiers


def test_the_page_has_a_table_that_needs_no_script(summary: Summary) -> None:
    text = html(summary)
    page = Page(text)
    assert page.unmatched == []
    assert "frontier-alpha-beta-3.12-linux-x86_64-import" in page.all("id")
    grid = text.split('id="frontier-alpha-beta')[1].split("</table>")[0]
    assert grid.count('<th scope="col" class="turned">') == 6
    assert '<span class="version">1.7</span> <small>2026-09</small></th>' in grid
    (row,) = summary.frontiers
    signs = {"works": "✓", "broken": "✗"}
    pairs = {(pair.versions["alpha"], pair.versions["beta"]): pair for pair in row.pairs}
    columns = [release.version for release in reversed(row.second_releases)]
    lines = re.findall(r'<tr><th scope="row"><span class="version">(.*?)</span>.*?</th>(.*?)</tr>', grid)
    assert [version for version, _ in lines] == [release.version for release in reversed(row.first_releases)]
    for down, cells in lines:
        marks = re.findall(r'<td class=(\w+)(?: title=(inferred|"[^"]*"))?>(.)</td>', cells)
        for across, (kind, title, glyph) in zip(columns, marks, strict=True):
            pair = pairs.pop((down, across), None)
            if pair is None:
                assert (kind, title, glyph) == ("a", "", "⊘")
                continue
            assert glyph == signs[pair.verdict]
            assert kind == {"✓": "w", "✗": "b"}[glyph] + "i" * pair.inferred
            assert ("inferred" in title) == pair.inferred
            assert (f"{down} + {across} broken at import" in title) == (pair.verdict == "broken")
    assert not pairs
    assert "the day on which the later of the two was uploaded" in " ".join(page.text.split())
    assert Page(f"<p>{WORDS}</p>").text in page.text


def test_what_nobody_tried_is_not_green() -> None:
    text = html(summary_of(planted(budget=9)))
    grid = text.split('id="frontier-alpha-beta')[1].split("</table>")[0]
    unknown = re.findall(r'<td class=(\w+) title="[^"]* untested">\?</td>', grid)
    assert unknown
    assert set(unknown) == {"u"}
    assert "Not complete yet" in text
    assert "Not complete yet" in markdown(summary_of(planted(budget=9)))


def test_the_short_file_has_the_newest_of_either_side(summary: Summary) -> None:
    text = markdown(summary)
    assert "### Alpha with Beta, Python 3.12, to import" in text
    assert "- Alpha 1.7 works with Beta: 1.3 – 1.5" in text
    assert "- Beta 1.3 works with Alpha: 1.2 – 1.7" in text
    assert "Alpha 1.4 works" not in text
    assert "Release by release" not in markdown(summary_of())


def test_what_a_frontier_rests_on(summary: Summary) -> None:
    (row,) = summary.frontiers
    tested = row.pairs_answered - row.pairs_inferred
    basis = f"{len(row.pairs)} installable pairs: {tested} tested, {row.pairs_inferred} inferred, from {row.runs} runs"
    checks = f"{len(row.checks)} inferred pairs were tested afterwards: all right"
    forecast = f"Forecast from source: precision {row.precision:.0%}, recall {row.recall:.0%}"
    assert row.accuracy is not None
    assert frontier_words(row) == f"{basis}. {checks}. {row.accuracy}. {forecast}"
    bare = row.model_copy(update={"checks": (), "precision": None, "recall": None})
    assert frontier_words(bare) == basis
    wrong = row.checks[0].model_copy(update={"observed": "broken", "inferred": "works"})
    disagreeing = row.model_copy(update={"checks": (wrong, *row.checks)})
    assert "tested afterwards: 1 of them wrong" in frontier_words(disagreeing)


def test_a_release_without_a_verdict_is_not_tested_yet() -> None:
    (row,) = summary_of(planted(budget=9)).frontiers
    partners = {edge.version: working_partners(row, "alpha", edge) for edge in row.edges}
    assert "not tested yet (6)" in partners.values()
    assert partners["1.0"] == "1.0 \N{EN DASH} 1.2"
    # A release that was tested and works with nothing says so.
    broken = row.model_copy(update={"pairs": tuple(p.model_copy(update={"verdict": "broken"}) for p in row.pairs)})
    nothing = row.edges[-1].model_copy(update={"works": ()})
    assert working_partners(broken, "alpha", nothing) == "none"


def test_names_that_are_no_components_are_shown_as_they_are() -> None:
    chart = planted()
    plain = chart.model_copy(update={"second": chart.second.model_copy(update={"name": "some-<thing>"})})
    summary = summary_of(plain)
    assert "Alpha with some-&lt;thing&gt;" in html(summary)
    assert r"Alpha with some-\<thing\>" in markdown(summary)


def test_large_frontiers_make_no_large_reports(tmp_path: Path) -> None:
    works = stairs([(max(0, row // 2 - 3), row // 2 + 8) for row in range(40)], 25)
    big = chart_of(explore(table(40, 25), Planted(works, words=WORDS)))
    many = [big.model_copy(update={"python": f"3.{minor}"}) for minor in range(10, 18)]
    written = {path.name: path.stat().st_size for path in write(tmp_path, summary_of(*many))}
    assert written["index.html"] < 1_000_000
    assert written["compat.json"] < 2_000_000


def test_edges_say_what_is_inferred(summary: Summary) -> None:
    (row,) = summary.frontiers
    pairs = {tuple(pair.versions.values()): pair for pair in row.pairs}
    versions = [release.version for release in row.second_releases]
    for edge in row.edges:
        for interval in edge.intervals:
            of_interval = versions[versions.index(interval.first) : versions.index(interval.last) + 1]
            inferred = [pairs[edge.version, version].inferred for version in of_interval]
            assert (interval.first_inferred, interval.last_inferred) == (inferred[0], inferred[-1])
            assert (interval.tested, interval.inferred) == (inferred.count(False), inferred.count(True))
            assert interval.level == "import"
    assert any(interval.inferred for edge in row.edges for interval in edge.intervals)


def shallow_summary() -> Summary:
    apart = {(row, column) for row, column in WORKS if column < 3}
    asked = Planted(WORKS, words=WORDS, apart=apart)
    found = explore(table(8, 6, permitted=PERMITTED), asked, levels=("import", "interop"))
    return summary_of(chart_of(found, level="interop"))


def test_a_pair_that_was_only_imported_is_no_pass_on_the_page() -> None:
    summary = shallow_summary()
    (row,) = summary.frontiers
    working = [pair for pair in row.pairs if pair.verdict == "works"]
    shallow = [pair for pair in working if pair.level == "import"]
    assert all(pair in shallow for pair in working if int(pair.versions["beta"].split(".")[1]) < 3)
    assert len(shallow) == row.pairs_shallow > 0
    grid = html(summary).split('id="frontier-alpha-beta')[1].split("</table>")[0]
    assert len(re.findall('<td class=si? title="up to import(?:, inferred)?">○</td>', grid)) == len(shallow)
    assert grid.count("✓") == sum(pair.verdict == "works" for pair in row.pairs) - len(shallow)
    assert all(interval[0] >= "1.3" for edge in row.edges for interval in edge.works)


def test_an_incomplete_one_does_not_contradict_a_cell_that_works() -> None:
    made = history()
    known = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    row = next(row for row in known.pairs if (row.first, row.second) == ("alpha", "beta"))
    release = next(release for release in row.releases if release.verdict == "works")
    space = table(2, 6)
    sides = {
        "first": space.first.model_copy(update={"versions": (release.first_version, "9.9")}),
        "second": space.second.model_copy(update={"versions": (*space.second.versions[:5], release.second_version)}),
    }
    found = explore(space, Planted(stairs([(0, 1), (0, 1)], 6)))
    guess = found.findings[0, 5].model_copy(update={"inferred": True, "evidence": (), "verdict": "broken"})
    guesses = found.model_copy(update={"findings": found.findings | {(0, 5): guess}})
    for complete in (True, False):
        chart = chart_of(guesses).model_copy(update={**sides, "complete": complete})
        (published,) = summary_of(chart).frontiers
        (pair,) = [
            pair
            for pair in published.pairs
            if pair.versions == {"alpha": release.first_version, "beta": release.second_version}
        ]
        assert pair.verdict == ("broken" if complete else "untested")


def test_a_newer_incomplete_one_is_told_beside_the_complete_one() -> None:
    complete = planted()
    newer = dt.timedelta(days=1)
    last = complete.first.model_copy(
        update={
            "versions": (*complete.first.versions, "1.8"),
            "uploaded": (*complete.first.uploaded, complete.first.uploaded[-1] + newer),
        }
    )
    partial = planted(budget=9).model_copy(update={"first": last, "seen": complete.seen + newer})
    (row,) = summary_of(partial, complete).frontiers
    assert row.complete
    assert row.newer is not None
    assert row.newer.releases == {"alpha": ("1.8",)}
    assert row.newer.pairs_answered < row.newer.pairs
    assert "A newer search with alpha 1.8 is not complete yet" in html(summary_of(partial, complete))
    again = partial.model_copy(update={"first": complete.first})
    (row,) = summary_of(again, complete).frontiers
    assert (row.complete, row.newer) == (True, None)


def test_a_range_of_a_pair_infers_nothing_that_a_frontier_refutes() -> None:
    made = History()
    joint = passed("t.py::joint", "alpha", "beta")
    for number in (0, 2, 3, 5):
        versions = {"alpha": f"1.{number}", "beta": "1.0"}
        made.add(make_cell(versions), versions, tests=(joint,))
    for number in (1, 4):
        alone = {"alpha": f"1.{number}"}
        made.add(make_cell(alone), alone, tests=(passed("t.py::alone", "alpha"),))

    def ranges(*frontiers: StoredFrontier) -> list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
        found = summarise(COMPONENTS, (made.record(),), made.evidence, NOW, frontiers=frontiers)
        (row,) = (row for row in found.pairs if (row.first, row.second) == ("alpha", "beta"))
        (of_beta,) = (one for one in row.ranges if one.component == "beta")
        return [(one.first, one.last, one.tested, one.inferred) for one in of_beta.intervals]

    assert ranges() == [("1.0", "1.5", ("1.0", "1.2", "1.3", "1.5"), ("1.1", "1.4"))]
    chart = chart_of(explore(table(6, 2), Planted(stairs([(0, 1)] * 6, 2))))
    assert ranges(chart) == ranges()
    red = StoredFinding(pair=(1, 0), verdict="broken", level="import", sentence="t: E: words [beta]")
    findings = tuple(red if one.pair == red.pair else one for one in chart.findings)
    chart = chart.model_copy(update={"findings": findings})
    assert ranges(chart) == [("1.0", "1.0", ("1.0",), ()), ("1.2", "1.5", ("1.2", "1.3", "1.5"), ("1.4",))]


@pytest.mark.parametrize("newest", [False, True])
def test_a_pair_that_passed_only_beside_a_break_is_not_known_where_a_frontier_is_red(newest: bool) -> None:
    chart = chart_of(explore(table(2, 2), Planted(stairs([(0, 0)] * 2, 2), words="t: E: words [gamma]")))
    versions = {"alpha": "1.1", "beta": "1.1"}
    beside = versions | {"gamma": "3.0"}
    red, green = History(), History()
    joint = passed("t.py::joint", "alpha", "beta")
    red.add(make_cell(beside), beside, tests=(joint, failed("t.py::other", "gamma", "beta")))
    good = {"alpha": "1.0", "beta": "1.0"} | ({} if newest else {"alpha": "1.2"})
    green.add(make_cell(good), good, tests=(joint,))

    def row(*frontiers: StoredFrontier) -> PairRow:
        records, evidence = (red.record(), green.record()), red.evidence | green.evidence
        pairs = summarise(COMPONENTS, records, evidence, NOW, frontiers=frontiers).pairs
        return next(row for row in pairs if (row.first, row.second) == ("alpha", "beta"))

    def works(row: PairRow) -> list[tuple[str, str]]:
        return [(one.first_version, one.second_version) for one in row.releases if one.verdict == "works"]

    assert ("1.1", "1.1") in works(row())
    found = row(chart)
    assert works(found) == [(good["alpha"], good["beta"])]
    assert all("1.1" not in interval.tested for ranges in found.ranges for interval in ranges.intervals)
    if newest:
        assert (row().verdict, found.verdict, found.together) == ("works", "untested", ("1.0", "1.0"))


def test_edges_of_an_older_table_are_those_of_its_pairs(tmp_path: Path) -> None:
    row = summary_of(planted()).frontiers[0]
    assert with_exact_edges(row) == row
    space = table(1, 5, permitted=[(0, 0), (0, 1), (0, 3), (0, 4)])
    own = summary_of(chart_of(explore(space, Planted(stairs([(0, 4)], 5)))))
    (row,) = own.frontiers
    assert row.edges[0].works == (("1.0", "1.1"), ("1.3", "1.4"))
    across = FrontierInterval(first="1.0", last="1.4", tested=2, inferred=2)
    edge = row.edges[0].model_copy(update={"works": (("1.0", "1.4"),), "intervals": (across,)})
    older = own.model_copy(update={"frontiers": (row.model_copy(update={"edges": (edge,)}),)})
    write(tmp_path, older)
    assert read_table(tmp_path).frontiers == own.frontiers
