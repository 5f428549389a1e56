"""Rows about the warnings that tests raised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.redact import public
from stackcompat.core.requirements import version_key
from stackcompat.evidence.results import WarningSeen
from stackcompat.table.judged import JudgedCell

__all__ = ["WarningRow", "warning_rows"]

#: The most rows. Further warnings mostly repeat these.
_MOST_ROWS = 25


class WarningRow(Record):
    """A warning, counted over all cells."""

    category: str
    raised_by: str
    raised_since: Annotated[str, Field(description="The lowest release of `raised_by` with which it was seen.")]
    triggered_by: str
    triggered_version: Annotated[str, Field(description="The newest release of `triggered_by` with which it was seen.")]
    message: str
    count: int
    cells: int
    today: Annotated[bool, Field(description="Whether the newest releases raise it.")]


@dataclass
class _Occurrences:
    """The occurrences of one warning.

    Attributes:
        warning: The warning.
        count: How often it was raised.
        cells: The ids of the cells in which it was raised.
        raised_by: The versions, in these cells, of the distribution that raises the warning.
        triggered_by: The versions, in these cells, of the distribution that triggers the warning.
        today: Whether one of the cells has the newest releases.
    """

    warning: WarningSeen
    count: int = 0
    cells: set[str] = field(default_factory=set)
    raised_by: set[str] = field(default_factory=set)
    triggered_by: set[str] = field(default_factory=set)
    today: bool = False


def warning_rows(cells: Iterable[JudgedCell]) -> tuple[WarningRow, ...]:
    """The rows of the most frequent warnings: first those of the newest releases, then those in most cells."""
    by_warning: dict[tuple[str, str, str, str], _Occurrences] = {}
    for cell in cells:
        for warning in (warning for status in cell.statuses for warning in status.result.warnings):
            key = (warning.raised_by, warning.triggered_by, warning.category, warning.message)
            occurrences = by_warning.setdefault(key, _Occurrences(warning))
            occurrences.count += warning.count
            occurrences.cells.add(cell.id)
            occurrences.raised_by.add(cell.verdict.installed.get(warning.raised_by, ""))
            occurrences.triggered_by.add(cell.verdict.installed.get(warning.triggered_by, ""))
            occurrences.today = occurrences.today or cell.today
    rows = [_row(occurrences) for occurrences in by_warning.values()]
    return tuple(sorted(rows, key=lambda row: (not row.today, -row.cells, -row.count))[:_MOST_ROWS])


def _row(occurrences: _Occurrences) -> WarningRow:
    warning = occurrences.warning
    return WarningRow(
        category=warning.category,
        raised_by=warning.raised_by,
        raised_since=min(occurrences.raised_by - {""}, key=version_key, default=""),
        triggered_by=warning.triggered_by,
        triggered_version=max(occurrences.triggered_by - {""}, key=version_key, default=""),
        message=public(warning.message),
        count=occurrences.count,
        cells=len(occurrences.cells),
        today=occurrences.today,
    )
