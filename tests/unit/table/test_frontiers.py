"""Frontiers as they are published: in compat.json, in the short file and as a table of the page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from stackcompat.frontier.frontier import StoredFrontier
from stackcompat.frontier.search import explore
from stackcompat.frontier.static.usage import Missing
from stackcompat.report.html import html
from stackcompat.report.json import compat, schema
from stackcompat.report.markdown import markdown
from stackcompat.report.write import write
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NOW, history
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
    assert row["edges"][3] == {"version": "1.3", "works": [["1.1", "1.4"]]}
    assert row["second_edges"][5] == {"version": "1.5", "works": [["1.4", "1.7"]]}
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
    releases = [one.version for one in row.second_releases]

    def covered(reason_range: object) -> set[tuple[str, str]]:
        (top, bottom), (low, high) = reason_range.first, reason_range.second  # type: ignore[attr-defined]
        rows = [one.version for one in row.first_releases]
        downs = rows[rows.index(top) : rows.index(bottom) + 1]
        return {(a, b) for a in downs for b in releases[releases.index(low) : releases.index(high) + 1]}

    together = [pair for one in red.ranges for pair in covered(one)]
    assert sorted(together) == sorted((pair.versions["alpha"], pair.versions["beta"]) for pair in broken)
    assert all(row.reasons[pair.reason].sentence == WORDS for pair in broken if pair.reason is not None)
    (forbidden,) = [reason for reason in row.reasons if reason.verdict == "unresolvable"]
    refused = {pair for one in forbidden.ranges for pair in covered(one)}
    assert refused == {(f"1.{a}", f"1.{b}") for a, b in WORKS} - {(f"1.{a}", f"1.{b}") for a, b in PERMITTED}


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
    pairs = {(one.versions["alpha"], one.versions["beta"]): one for one in row.pairs}
    columns = [one.version for one in reversed(row.second_releases)]
    lines = re.findall(r'<tr><th scope="row"><span class="version">(.*?)</span>.*?</th>(.*?)</tr>', grid)
    assert [version for version, _ in lines] == [one.version for one in reversed(row.first_releases)]
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
    assert "not complete yet" in text
    assert "not complete yet" in markdown(summary_of(planted(budget=9)))


def test_the_short_file_has_the_newest_of_either_side(summary: Summary) -> None:
    text = markdown(summary)
    assert "### Alpha with Beta, Python 3.12, to import" in text
    assert "- Alpha 1.7 works with Beta: 1.3 – 1.5" in text
    assert "- Beta 1.3 works with Alpha: 1.2 – 1.7" in text
    assert "Alpha 1.4 works" not in text
    assert "Release by release" not in markdown(summary_of())


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
