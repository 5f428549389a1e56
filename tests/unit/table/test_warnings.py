"""Rows about warnings."""

from __future__ import annotations

from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NOW, History, history


def of(made: History) -> Summary:
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def test_warnings_are_counted_once_for_each_kind() -> None:
    summary = of(history())
    first = summary.warnings[0]
    assert (first.raised_by, first.triggered_by, first.today) == ("alpha", "zeta", True)
    assert first.count == 12 * first.cells
