"""All that other tools and people can act on, worked out from one table. Pure but for what the catalog looks up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from stackcompat.advice.advisories import advisories
from stackcompat.advice.advisory import Advisory, Link
from stackcompat.advice.bounds import BoundFinding, bound_findings
from stackcompat.advice.deprecation import ForecastRow, forecasts
from stackcompat.advice.osv import osv
from stackcompat.advice.repair import repaired
from stackcompat.advice.timeline import Timeline
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog
from stackcompat.table.cells import CellRow
from stackcompat.table.summary import Summary

__all__ = ["Advice", "KnownGoodSet", "collect_advice"]

#: The policies of cells whose set somebody would want to install.
_KNOWN_GOOD = ("newest", "metapackage", "as-of")


class KnownGoodSet(NamedTuple):
    """The distributions of a cell that works, name to version in order of name."""

    cell: CellRow
    versions: dict[str, str]


@dataclass(frozen=True)
class Advice:
    """What follows from a table.

    Attributes:
        advisories: Known incompatibilities, those of the newest releases first.
        records: The same as OSV records, by id.
        bounds: Declared bounds that are not what was measured.
        repairs: The metadata that releases should have, as uv takes it.
        forecasts: What the newest releases use and another component has announced to remove.
        known_good: Sets that work, each once.
        timelines: The days on which the newest releases did not work together.
    """

    advisories: tuple[Advisory, ...]
    records: dict[str, dict[str, Any]]
    bounds: tuple[BoundFinding, ...]
    repairs: list[dict[str, Any]]
    forecasts: tuple[ForecastRow, ...]
    known_good: tuple[KnownGoodSet, ...]
    timelines: tuple[Timeline, ...]


def collect_advice(
    summary: Summary, components: Components, catalog: Catalog, links: Iterable[Link], timelines: Iterable[Timeline]
) -> Advice:
    """All that can be acted on.

    Args:
        summary: The table.
        components: The components of the ecosystem.
        catalog: All releases, and what they declare.
        links: Addresses of issues that people have written down for advisories.
        timelines: The days that were replayed.
    """
    known = advisories(summary, links)
    bounds = bound_findings(summary, known, catalog)
    return Advice(
        advisories=known,
        records={advisory.id: osv(advisory, catalog, summary.generated) for advisory in known},
        bounds=bounds,
        repairs=repaired(bounds, catalog),
        forecasts=forecasts(summary, components, catalog),
        known_good=_known_good_sets(summary),
        timelines=tuple(timelines),
    )


def _known_good_sets(summary: Summary) -> tuple[KnownGoodSet, ...]:
    """The sets of cells that work and that somebody would want to install; equal ones of one Python once."""
    sets: dict[tuple[str, tuple[tuple[str, str], ...]], CellRow] = {}
    for cell in summary.cells:
        if cell.verdict == "works" and cell.policy in _KNOWN_GOOD and not cell.forced:
            versions = tuple(sorted(summary.installed[cell.id].items()))
            sets.setdefault((cell.python, versions), cell)
    return tuple(KnownGoodSet(cell, dict(versions)) for (_, versions), cell in sets.items())
