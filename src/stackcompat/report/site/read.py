"""Reads what is published of an ecosystem from its folder, for a site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from stackcompat.advice.advisories import advisories
from stackcompat.advice.advisory import IssueLink
from stackcompat.advice.bounds import BoundFinding
from stackcompat.advice.timeline import Timeline
from stackcompat.core.errors import UsageError
from stackcompat.nightly.changes import Night
from stackcompat.report.read import read_table
from stackcompat.report.site.model import Published
from stackcompat.report.site.write import editions
from stackcompat.table.summary import Summary

__all__ = ["previous_table", "read_published"]


def read_published(folder: Path, name: str, links: tuple[IssueLink, ...] = (), address: str = "") -> Published:
    """What lies in a folder of reports: the table, and what was written beside it.

    Args:
        folder: The folder with ``compat.json``.
        name: What the ecosystem is called.
        links: Addresses of issues that people have written down for advisories.
        address: Where the site will be read; empty: it is not known.

    Raises:
        UsageError: There is no table, or a file beside it is none of this release.
    """
    summary = read_table(folder)
    night = _load(folder / "night.json", Night)
    bounds = _load(folder / "bounds.json", tuple[BoundFinding, ...])
    days = _load(folder / "timeline.json", tuple[Timeline, ...])
    repair = folder / "repair.toml"
    return Published(
        name=name,
        summary=summary,
        advisories=advisories(summary, links),
        night=night,
        bounds=bounds,
        timelines=days or (),
        repair=repair.read_text(encoding="utf-8") if repair.is_file() else "",
        address=address,
    )


def previous_table(folder: Path, summary: Summary) -> Summary | None:
    """The newest table in the editions of a site that is older than `summary`; None: there is none that can be read."""
    for day in editions(folder):
        try:
            earlier = read_table(folder / day)
        except UsageError:
            continue  # an edition of an older release of the tool
        if earlier.generated < summary.generated and day != f"{summary.generated:%Y-%m-%d}":
            return earlier
    return None


def _load(path: Path, kind: Any) -> Any:
    """The content of a file beside the table; None if there is no such file."""
    if not path.is_file():
        return None
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except (ValidationError, json.JSONDecodeError):
        raise UsageError(f"{path} is no {path.name} of this release; stackcompat report and night write it") from None
