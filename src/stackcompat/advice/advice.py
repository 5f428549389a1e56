"""All advice that follows from one table. Pure but for what the catalog looks up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from stackcompat.advice.advisories import advisories
from stackcompat.advice.advisory import Advisory, IssueLink
from stackcompat.advice.bounds import BoundFinding, bound_findings
from stackcompat.advice.check import check
from stackcompat.advice.deprecation import ForecastRow, forecasts
from stackcompat.advice.listing import Listed
from stackcompat.advice.osv import osv_records
from stackcompat.advice.repair import repaired
from stackcompat.advice.set_knowledge import SetKnowledge
from stackcompat.advice.timeline import Timeline
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog
from stackcompat.table.cells import CellRow
from stackcompat.table.summary import Summary

__all__ = ["Advice", "KnownGoodSet", "collect_advice"]

#: The policies whose cells are sets that a person would want to install.
_KNOWN_GOOD = ("newest", "metapackage", "as-of")


class KnownGoodSet(NamedTuple):
    """A cell that works, with its distributions: name to version, sorted by name."""

    cell: CellRow
    versions: dict[str, str]


@dataclass(frozen=True)
class Advice:
    """What follows from a table.

    Attributes:
        advisories: Known incompatibilities, those of the newest releases first.
        osv_records: OSV records, by id, of those advisories that hit everybody who installs a release.
        bounds: Declared bounds that contradict what was measured.
        repairs: The metadata that releases should have, as uv takes it.
        forecasts: Deprecated features that the newest releases still use.
        known_good: Sets that work, each once.
        timelines: Whether the newest releases worked together in the past, on each Python.
    """

    advisories: tuple[Advisory, ...]
    osv_records: dict[str, dict[str, Any]]
    bounds: tuple[BoundFinding, ...]
    repairs: list[dict[str, Any]]
    forecasts: tuple[ForecastRow, ...]
    known_good: tuple[KnownGoodSet, ...]
    timelines: tuple[Timeline, ...]


def collect_advice(
    summary: Summary,
    components: Components,
    catalog: Catalog,
    links: Iterable[IssueLink],
    timelines: Iterable[Timeline],
) -> Advice:
    """Work out all advice.

    Args:
        summary: The table.
        components: The components of the ecosystem.
        catalog: All releases, and what they declare.
        links: Addresses of issues that people have written down for advisories.
        timelines: The replayed past.
    """
    known = advisories(summary, links)
    bounds = bound_findings(summary, known, catalog)
    return Advice(
        advisories=known,
        osv_records=osv_records(known, summary),
        bounds=bounds,
        repairs=repaired(bounds, catalog),
        forecasts=forecasts(summary, components, catalog),
        known_good=_known_good_sets(summary, known),
        timelines=tuple(timelines),
    )


def _known_good_sets(summary: Summary, advisories: Iterable[Advisory]) -> tuple[KnownGoodSet, ...]:
    """The sets that work and that a person would want to install. Equal sets on one Python appear once.

    A set that the check of an environment does not pass is left out, so that no file is published that `check` refuses.

    Args:
        summary: The table.
        advisories: Its advisories.
    """
    knowledge = {python: SetKnowledge(summary, python) for python in {cell.python for cell in summary.cells}}
    advisories = tuple(advisories)
    sets: dict[tuple[str, tuple[tuple[str, str], ...]], CellRow] = {}
    for cell in summary.cells:
        if cell.verdict == "works" and cell.policy in _KNOWN_GOOD and not cell.forced and cell.id in summary.installed:
            versions = tuple(sorted(summary.installed[cell.id].items()))
            if check(Listed(dict(versions)), knowledge[cell.python], advisories).answer == "works":
                sets.setdefault((cell.python, versions), cell)
    return tuple(KnownGoodSet(cell, dict(versions)) for (_, versions), cell in sets.items())
