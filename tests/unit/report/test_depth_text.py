"""How deep the requirements of a cell were tried, as the short file, the page and the badges show it."""

from __future__ import annotations

import json
from pathlib import Path

from stackcompat.report.badges import badges
from stackcompat.report.depth_text import depth_lines, shallow_levels
from stackcompat.report.html import html
from stackcompat.report.markdown import markdown
from stackcompat.table.build import summarise
from stackcompat.table.cells import CellRow
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NOW, History, make_cell, passed
from support.page import Page

VERSIONS = {"alpha": "1.3.0", "beta": "2.4.1", "zeta": "0.9.4"}
TESTS = (
    passed("test_import.py::test_import[alpha]", "alpha", level="import"),
    passed("test_import.py::test_import[zeta]", "zeta", level="import"),
    passed("test_beta.py::test_apply", "alpha", "beta"),
)
SHALLOW = "zeta was imported, nothing else of it was tried; alpha and beta up to interop, 2 tests"


def mixed() -> Summary:
    """A set of which zeta was only imported: what an installer gives, and what a metapackage pins."""
    made = History()
    made.add(make_cell(dict.fromkeys(VERSIONS, ""), policy="newest", label="newest"), VERSIONS, tests=TESTS)
    made.add(make_cell(VERSIONS, policy="metapackage", label="omega 1"), VERSIONS, tests=TESTS)
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def test_a_row_has_the_depth_of_each() -> None:
    row = mixed().cells[0]
    assert (row.level, row.sentence, row.asked) == ("import", SHALLOW, ("alpha", "beta", "zeta"))
    assert depth_lines(row) == [
        "zeta: up to import, 1 test",
        "alpha: up to interop, 2 tests, together with beta",
        "beta: up to interop, 1 test, together with alpha",
    ]
    assert shallow_levels(row) == {"zeta": "import"}
    assert row.components["zeta"].level == "import"


def test_where_all_are_equally_deep_there_is_nothing_to_list() -> None:
    made = History()
    made.add(make_cell({"alpha": "1.3.0", "beta": "2.4.1"}), {"alpha": "1.3.0", "beta": "2.4.1"}, tests=TESTS)
    (row,) = summarise(COMPONENTS, (made.record(),), made.evidence, NOW).cells
    assert (row.level, depth_lines(row), shallow_levels(row)) == ("interop", [], {})


def test_the_page_says_it_as_text() -> None:
    page = Page(html(mixed()))
    assert page.unmatched == []
    words = " ".join(page.text.split())
    assert f"{SHALLOW} to import" in words
    assert "zeta: up to import, 1 test" in words
    assert "0.9.4only import" in words
    assert "works up to import" in words


def test_the_short_file_and_the_badges_say_it() -> None:
    text = markdown(mixed())
    assert f"as it is pinned, Python 3.12: {SHALLOW}" in text
    assert "✓ import" in text
    files = {name: json.loads(content)["message"] for name, content in badges(mixed()).items()}
    assert files["newest.json"] == "✓ works up to import on Python 3.12"
    assert files["zeta.json"] == "✓ works 0.9.4 up to import"
    assert files["beta.json"] == "✓ works 2.4.1 up to interop"
    assert files["alpha--beta.json"] == "✓ works up to interop"


def test_rows_of_an_older_table_have_the_levels_of_their_components() -> None:
    row = mixed().cells[0]
    fields = row.model_dump(mode="json")
    older = CellRow.model_validate({name: value for name, value in fields.items() if name not in ("depths", "asked")})
    assert depth_lines(older) == [
        "zeta: up to import",
        *(f"{name}: up to interop" for name in older.components if name != "zeta"),
    ]
    assert shallow_levels(older) == {}


def test_the_committed_table_is_still_read() -> None:
    path = Path(__file__).parents[3] / "reports" / "compat.json"
    assert Summary.model_validate_json(path.read_text(encoding="utf-8")).cells
