from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from pathlib import Path

import pytest
from markupsafe import escape

from stackcompat.ecosystem.components import Components
from stackcompat.report.html import _templates, _when, html
from stackcompat.table.build import summarise
from stackcompat.table.cells import CellRow
from stackcompat.table.summary import Summary
from support.islands_world import IslandsWorld
from support.made_up import COMPONENTS, NOW, History, component, history
from support.page import Page

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)
TEXT = html(SUMMARY)
PAGE = Page(TEXT)


def test_islands_and_who_keeps_the_others_out() -> None:
    assert "islands" not in PAGE.all("id")
    found = IslandsWorld(("alpha", "beta", "renamed"), [("alpha", "renamed")]).find()
    page = Page(html(SUMMARY.model_copy(update={"islands": (found,)})))
    assert page.unmatched == []
    assert "islands" in page.all("id")
    words = " ".join(page.text.split())
    assert (
        "Take the island with the package that you need: island 1 has Alpha 1; island 2 has renamed 1. All islands"
        in words
    )
    assert "Island 1Python 3.12Island 2Python 3.12 Alpha1– Beta11 old0.5 ▼0.5 ▼ renamed–1" in words
    assert "renamed 1 is not on island 1, and Alpha 1 is not on island 2: alpha, renamed exclude each other" in words


def test_the_page_is_the_same_from_a_compiled_template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    for cache in ("new", "new", "file"):  # the last one cannot be made
        monkeypatch.setenv("STACKCOMPAT_CACHE", str(tmp_path / cache))
        _templates.cache_clear()
        assert html(SUMMARY) == TEXT
    _templates.cache_clear()
    assert len([*(tmp_path / "new" / "templates").iterdir()]) == 1


def test_what_is_red_is_reproduced_with_the_tool_and_without_it() -> None:
    group = next(group for group in SUMMARY.failures if group.verdict == "broken" and group.plain)
    cell = next(cell for cell in SUMMARY.cells if cell.id == group.cells[0])
    for lines in (group.plain, cell.plain):
        assert str(escape("\n".join(lines))) in TEXT
    assert str(escape(cell.reproduce)) in TEXT


def test_tags_match() -> None:
    assert PAGE.unmatched == []


def test_ids_are_unique_and_every_link_into_the_page_leads_somewhere() -> None:
    ids = Counter(PAGE.all("id"))
    assert [name for name, number in ids.items() if number > 1] == []
    targets = {target[1:] for target in PAGE.all("href") if target.startswith("#")}
    assert targets <= set(ids)


def test_anchors_are_stable() -> None:
    ids = set(PAGE.all("id"))
    assert {f"cell-{cell.id}" for cell in SUMMARY.cells} <= ids
    assert {f"failure-{group.id}" for group in SUMMARY.failures} <= ids
    assert {f"component-{row.name}" for row in SUMMARY.components} <= ids
    assert "pair-alpha-beta" in ids


def test_nothing_is_fetched() -> None:
    assert PAGE.all("src") == []
    assert not [attributes for tag, attributes in PAGE.elements if tag in ("link", "img", "iframe")]
    style = TEXT.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_the_first_line_says_what_works_today() -> None:
    assert f'<p class="claim">{SUMMARY.claim}.</p>' in TEXT


def row_of(cell: CellRow) -> str:
    return TEXT.split(f'<tr id="cell-{cell.id}"')[1].split("</tr>")[0]


def test_every_red_cell_has_its_failure_versions_lock_and_command() -> None:
    red = [cell for cell in SUMMARY.cells if cell.verdict in ("broken", "uninstallable", "unresolvable")]
    assert red
    for cell in red:
        row = row_of(cell)
        assert all(f"#failure-{failure}" in row for failure in cell.failures)
        assert cell.failures
        assert Page(f"<p>{cell.reproduce}</p>").text in Page(row).text
        versions = [component.version for component in cell.components.values()] or list(cell.pins.values())
        assert all(version in row for version in versions)
        assert (f'href="{cell.lock}"' in row) == (cell.verdict != "unresolvable")


def test_only_what_works_is_tinted_so() -> None:
    """Green is said in a table's square exactly where the verdict is green, and always with its sign."""
    square = TEXT.split('<table class="square">')[1].split("</table>")[0]
    green = sum(pair.verdict == "works" for pair in SUMMARY.pairs) * 2
    green += sum(row.verdict == "works" for row in SUMMARY.components)
    green -= 2  # who moves with another has no pairs of its own in this table
    assert square.count('<td class="works"') == green
    for cell in SUMMARY.cells:
        row = row_of(cell)
        tints = re.findall(r'<td class="(\w+)"', row)
        assert tints.count("works") == sum(component.verdict == "works" for component in cell.components.values())


def test_untested_components_stand_in_the_table_with_the_reason() -> None:
    for name in ("eta", "theta", "iota"):
        row = TEXT.split(f'<tr id="component-{name}">')[1].split("</tr>")[0]
        reason = next(one.untested for one in SUMMARY.components if one.name == name)
        assert f"untested: {reason}" in Page(row).text


def test_components_that_no_cell_has_for_one_reason_share_a_line() -> None:
    extra = [component(name).model_copy(update={"group": "neighbours"}) for name in ("psi", "omega")]
    known = Components(components=(*COMPONENTS.components, *extra))
    text = html(summarise(known, (MADE.record(),), MADE.evidence, NOW))
    line = Page(next(line for line in text.splitlines() if 'id="component-psi"' in line))
    assert {"component-psi", "component-omega"} <= {attributes.get("id") for _, attributes in line.elements}
    assert "2 components" in line.text
    assert "untested: no cell has both this component" in line.text


def test_tables_name_their_headers_and_scrolling_regions() -> None:
    assert all(attributes.get("scope") for tag, attributes in PAGE.elements if tag == "th")
    regions = [attributes for _, attributes in PAGE.elements if attributes.get("role") == "region"]
    assert regions
    assert all(one.get("aria-label") and one.get("tabindex") == "0" for one in regions)


def test_marks_and_missing_pythons_are_said() -> None:
    assert "Not tested, because it was not on the machine: Python 3.14." in PAGE.text
    assert "alpha held back at 1.2.0 (1.3.0 is the newest) by Python 3.11" in PAGE.text
    forced = next(cell for cell in SUMMARY.cells if cell.forced)
    assert ">forced<" in row_of(forced)
    assert "97.3 % (94.6 % have a verdict)" in " ".join(PAGE.text.split())
    assert "3 were not asked for again." in PAGE.text


def test_data_is_never_markup() -> None:
    def nasty(summary: Summary) -> Summary:
        group = summary.failures[0].model_copy(
            update={"signature": "<script>alert(1)</script>", "details": "</pre><b>"}
        )
        return summary.model_copy(update={"failures": (group, *summary.failures[1:])})

    text = html(nasty(SUMMARY))
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert Page(text).unmatched == []


def test_nothing_was_run() -> None:
    page = Page(html(summarise(COMPONENTS, (History().record(),), {}, NOW)))
    assert page.unmatched == []
    assert "It is not known which newest releases work together" in page.text
    assert "What is broken" not in page.text


def test_a_day_is_absolute_and_its_age_is_left_to_the_reader() -> None:
    """A page that is read a year later must not say "today" of what was seen when it was made."""
    assert _when(None) == ""
    shown = '<time datetime="2026-11-22T06:00:00+00:00" title="2026-11-22 06:00 UTC">2026-11-22</time>'
    assert _when(NOW) == shown
    without_script = TEXT.partition("<script>")[0]
    assert not re.search(r"\b(today|yesterday|ago)\b", without_script, re.IGNORECASE)


def test_a_cell_that_ran_the_essential_tests_only_says_so() -> None:
    cell = SUMMARY.cells[0].model_copy(update={"thorough": False})
    text = html(SUMMARY.model_copy(update={"cells": (cell, *SUMMARY.cells[1:])}))
    assert text.count("essential tests only") == 1
    assert "essential tests only" not in TEXT


def test_a_history_is_drawn_and_told() -> None:
    earlier = MADE.record().model_copy(update={"started": NOW - dt.timedelta(days=1)})
    page = Page(html(summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW, past=(earlier, MADE.record()))))
    assert page.unmatched == []
    titles = [about["title"] or "" for tag, about in page.elements if about.get("class") == "sparks"]
    assert len(titles) >= len(SUMMARY.cells)
    assert all(re.match(r"2 runs: ", text) for text in titles)
    assert "sparks" not in [about.get("class") for _, about in PAGE.elements]


def test_when_red_began_is_told_however_many_runs_are_shown() -> None:
    runs = [MADE.record().model_copy(update={"started": NOW - dt.timedelta(minutes=ago)}) for ago in range(40)]
    summary = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW, past=runs)
    red = next(cell for cell in summary.cells if cell.verdict == "broken")
    assert (len(red.history), red.first_red) == (30, runs[-1].started)
    assert f"30 runs: broken (30); red since {runs[-1].started:%Y-%m-%d}" in html(summary)


def test_a_cell_names_the_tests_that_are_not_judged() -> None:
    assert "not judged" not in PAGE.text
    reasons = {"t.py::keys": "our test never passed with beta 2.4.1"}
    first, *others = SUMMARY.cells
    summary = SUMMARY.model_copy(update={"cells": (first.model_copy(update={"not_judged": reasons}), *others)})
    page = Page(html(summary))
    assert page.unmatched == []
    assert "1 not judgedt.py::keys: our test never passed with beta 2.4.1" in " ".join(page.text.split())
