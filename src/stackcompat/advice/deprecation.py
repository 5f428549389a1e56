"""Deprecation forecast: what one component warns of because of another's code, and from when it may go. Pure.

A warning that A raises about what B does is B's red cell of tomorrow. How long A keeps what it has deprecated is its
stated policy, data of the component.
"""

from __future__ import annotations

import datetime as dt

from stackcompat.core.record import Record
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog
from stackcompat.table.runs import WarningRow
from stackcompat.table.summary import Summary

__all__ = ["ForecastRow", "forecasts"]

_CATEGORIES = ("DeprecationWarning", "PendingDeprecationWarning", "FutureWarning")


class ForecastRow(Record):
    """`by` (a distribution, at its version) uses what `of` warns of since `since`; it may be gone `from_date` on.

    `since` is the lowest release in whose cells the warning was seen, `from_date` its upload and the time that the
    component's policy gives; None where no policy is known.
    """

    of: str
    since: str
    by: str
    by_version: str
    category: str
    message: str
    from_date: dt.date | None
    cells: int

    def sentence(self) -> str:
        """The forecast in one line."""
        when = f"; it may be gone from {self.from_date} on" if self.from_date else ""
        warned = f"{self.of} warns of since {self.since} or earlier"
        return f"{self.by} {self.by_version} uses what {warned}{when}: {self.message}"


def forecasts(summary: Summary, components: Components, catalog: Catalog) -> tuple[ForecastRow, ...]:
    """What the newest releases still do that another component has announced to end, the nearest end first."""
    found = []
    for row in summary.warnings:
        if row.today and row.category in _CATEGORIES and row.raised_by and row.triggered_by not in ("", row.raised_by):
            found.append(_forecast(row, components, catalog))
    return tuple(sorted(found, key=lambda one: (one.from_date or dt.date.max, one.of, one.by, one.message)))


def _forecast(row: WarningRow, components: Components, catalog: Catalog) -> ForecastRow:
    component = components.of_distribution(row.raised_by)
    release = catalog.project(row.raised_by).find(row.raised_since) if row.raised_since else None
    months = component.deprecation_months if component is not None else None
    gone = None
    if release is not None and months is not None:
        gone = (release.uploaded + dt.timedelta(days=round(months * 365.25 / 12))).date()
    return ForecastRow(
        of=row.raised_by,
        since=row.raised_since,
        by=row.triggered_by,
        by_version=row.triggered_version,
        category=row.category,
        message=row.message,
        from_date=gone,
        cells=row.cells,
    )
