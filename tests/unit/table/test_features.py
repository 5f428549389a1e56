"""Features that do not work in some cells, in every report."""

from __future__ import annotations

from stackcompat.evidence.results import TestResult
from stackcompat.report.html import html
from stackcompat.report.markdown import markdown
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NEWEST, NOW, History, failed, make_cell, passed

BOXES = failed("test_boxes", "alpha", "beta", packages=("alpha", "beta")).model_copy(update={"feature": "boxes | more"})
GREEN = passed("test_apply", "alpha", "beta")


def summary(broken: TestResult = BOXES) -> Summary:
    made = History()
    made.add(make_cell({"alpha": "", "beta": ""}, policy="newest"), NEWEST, tests=(GREEN, broken))
    older = NEWEST | {"alpha": "1.2.0"}
    made.add(make_cell(older), older, tests=(GREEN, broken))
    fine = NEWEST | {"alpha": "1.1.0"}
    made.add(make_cell(fine), fine, tests=(GREEN,))
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def test_a_broken_feature_has_one_row_and_turns_nothing_red() -> None:
    table = summary()
    assert table.counts == {"works": 3}
    assert table.failures == ()
    (row,) = table.features
    assert (row.feature, row.today, len(row.cells)) == ("boxes | more", True, 2)
    assert row.components == {"alpha": ("1.2.0", "1.3.0"), "beta": ("2.4.1",)}
    limited = [cell for cell in table.cells if cell.broken_features]
    assert {cell.id for cell in limited} == set(row.cells)
    assert all(cell.broken_features == {"boxes | more": row.signature} for cell in limited)
    pair = next(pair for pair in table.pairs if (pair.first, pair.second) == ("alpha", "beta"))
    assert {release.verdict for release in pair.releases} == {"works"}


def test_every_report_shows_it() -> None:
    table = summary()
    text = markdown(table)
    assert "## What works except for one feature" in text
    assert "**in the newest releases** fails with Alpha 1.2.0" in text
    page = html(table)
    assert 'id="features"' in page
    assert '<a href="#features">does not work</a>: boxes | more' in page
    assert 'id="features"' not in html(table.model_copy(update={"features": ()}))


def test_a_known_cure_stands_beside_the_failure() -> None:
    assert BOXES.failure is not None
    failure = BOXES.failure.model_copy(update={"undeclared": "glue"})
    table = summary(BOXES.model_copy(update={"failure": failure, "reason": "boxes need glue: install glue"}))
    (row,) = table.features
    assert row.cure == "install glue"
    assert all(cell.broken_features in ({}, {"boxes | more": "boxes need glue: install glue"}) for cell in table.cells)
    assert "; install glue" in markdown(table)
    assert "<br>install glue" in html(table)
    assert "install" not in markdown(summary()).partition("## What works except")[2].partition("##")[0]
