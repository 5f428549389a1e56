"""Deprecation forecasts: features that one component has deprecated and another still uses. Pure.

Such a use breaks on the day on which the feature is removed. A component can state for how many months it keeps a
deprecated feature: `deprecation_months`.
"""

from __future__ import annotations

import datetime as dt

from stackcompat.core.record import Record
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog
from stackcompat.table.summary import Summary
from stackcompat.table.warnings import WarningRow

__all__ = ["ForecastRow", "forecasts"]

_CATEGORIES = ("DeprecationWarning", "PendingDeprecationWarning", "FutureWarning")


#: Days in a month, on average.
_MONTH_DAYS = 365.25 / 12


class ForecastRow(Record):
    """A deprecated feature that the newest releases still use.

    Attributes:
        of: The distribution that warns.
        since: The lowest release of `of` in whose cells the warning was seen.
        by: The distribution that uses the feature.
        by_version: The newest release of `by` that uses it.
        category: The warning's class.
        message: The warning.
        from_date: The day from which the feature can be gone: the upload of `since` plus the months that `of` states.
            None: unknown.
        cells: The number of cells that show it.
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
        feature = f"a feature that {self.of} has deprecated since {self.since} or earlier"
        when = f"; it can be removed from {self.from_date} on" if self.from_date else ""
        return f"{self.by} {self.by_version} uses {feature}{when}: {self.message}"


def forecasts(summary: Summary, components: Components, catalog: Catalog) -> tuple[ForecastRow, ...]:
    """The deprecated features that the newest releases still use, the nearest removal first.

    Args:
        summary: The table.
        components: The components, with their `deprecation_months`.
        catalog: Upload times.
    """
    rows = [_forecast(row, components, catalog) for row in summary.warnings if _announces_removal(row)]
    return tuple(sorted(rows, key=lambda row: (row.from_date or dt.date.max, row.of, row.by, row.message)))


def _announces_removal(row: WarningRow) -> bool:
    """Whether a distribution warns, in a cell of the newest releases, that another one uses a deprecated feature."""
    by_another = row.triggered_by not in ("", row.raised_by)
    return row.today and row.category in _CATEGORIES and bool(row.raised_by) and by_another


def _forecast(row: WarningRow, components: Components, catalog: Catalog) -> ForecastRow:
    component = components.of_distribution(row.raised_by)
    release = catalog.project(row.raised_by).find(row.raised_since) if row.raised_since else None
    months = component.deprecation_months if component is not None else None
    from_date = None
    if release is not None and months is not None:
        from_date = (release.uploaded + dt.timedelta(days=round(months * _MONTH_DAYS))).date()
    return ForecastRow(
        of=row.raised_by,
        since=row.raised_since,
        by=row.triggered_by,
        by_version=row.triggered_version,
        category=row.category,
        message=row.message,
        from_date=from_date,
        cells=row.cells,
    )
