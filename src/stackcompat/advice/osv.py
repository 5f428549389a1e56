"""An advisory as an OSV record."""

from __future__ import annotations

import datetime as dt
import textwrap
from typing import Any

from stackcompat.advice.advisory import Advisory, AffectedSide, sorted_versions
from stackcompat.core.requirements import name_of, version_key
from stackcompat.core.text import and_list
from stackcompat.ecosystem.releases import Catalog

__all__ = ["osv"]

OSV_VERSION = "1.6.7"


#: Characters of a summary, by the schema's own advice.
_SUMMARY = 120


def osv(advisory: Advisory, catalog: Catalog, generated: dt.datetime) -> dict[str, Any]:
    """The advisory as an OSV record; `generated` stands where no time is known, `catalog` knows of all releases."""
    changes = _changes(advisory, catalog)
    affected = {
        side.distribution: {
            "package": {"ecosystem": "PyPI", "name": side.distribution},
            "versions": list(side.versions),
            "ranges": [{"type": "ECOSYSTEM", "events": _events(side, catalog)}],
        }
        for side in advisory.sides
    }
    return {
        "schema_version": OSV_VERSION,
        "id": advisory.id,
        "published": _moment(advisory.first_seen or generated),
        "modified": _moment(advisory.last_seen or generated),
        "summary": textwrap.shorten(advisory.summary, _SUMMARY, placeholder=" …"),
        "details": _details(advisory),
        "affected": [affected[changes]],
        "references": [{"type": "REPORT", "url": url} for url in advisory.links],
        "database_specific": {
            "only_with": [one for name, one in affected.items() if name != changes],
            "only_without": [advisory.without] if advisory.without else [],
            "only_beside": list(advisory.beside),
            "distributions": list(advisory.distributions),
            "affected_together": [list(some) for some in advisory.together],
            "level": advisory.level,
            "signature": advisory.signature,
            "tests": list(advisory.tests),
            "pythons": list(advisory.pythons),
            "cells": list(advisory.cells),
            "evidence": list(advisory.evidence),
            "inferred_together": [list(pair) for pair in advisory.inferred],
            "workaround": advisory.workaround,
        },
    }


def _changes(advisory: Advisory, catalog: Catalog) -> str:
    """The distribution that has to change: it uses another of the sides and no other uses it, by what they declare.

    Where that tells nothing, it is the one whose code failed, else the last.
    """
    names = advisory.distributions
    uses: dict[str, set[str]] = {}
    for side in advisory.sides:
        needs = catalog.requires(side.distribution, side.versions[-1])
        plain = {name_of(one.name) for one in needs if "extra" not in str(one.marker)}
        uses[side.distribution] = {*names} & plain - {side.distribution}
    users = [name for name in names if uses[name] and not any(name in used for used in uses.values())]
    return next((name for name in (*users, advisory.package) if name in names), names[-1])


def _details(advisory: Advisory) -> str:
    some = " and ".join(str(side) for side in advisory.sides)
    match len(advisory.sides):
        case 1 if advisory.without:
            how = f"It fails where {advisory.without} is not installed"
        case 1:
            how = f"It fails whatever{' else' if advisory.beside else ''} is installed beside it"
        case 2:
            how = "Only both together fail"
        case _:
            how = f"Only all together fail ({some})"
    if advisory.beside:
        how += f", where {and_list(advisory.beside)} {'is' if len(advisory.beside) == 1 else 'are'} there"
    lines = [
        f"{advisory.summary.removesuffix('.')}.",
        f"{how}, at the level {advisory.level}, on Python {and_list(list(advisory.pythons))}.",
        f"Signature: {advisory.signature}",
    ]
    if advisory.workaround:
        lines.append(f"Workaround: {advisory.workaround}.")
    return "\n\n".join(lines)


def _events(side: AffectedSide, catalog: Catalog) -> list[dict[str, str]]:
    """Affected releases as ranges over all that there are; one that works, or that nobody tried, ends a range."""
    there = {version_key(r.version): r.version for r in catalog.project(side.distribution).releases}
    releases = sorted_versions({**there, **{version_key(v): v for v in (*side.known, *side.versions)}}.values())
    last = version_key(side.versions[-1])  # what came after it may have been fixed since
    red = [side.red(v) and (bool(side.fixed_in) or version_key(v) <= last) for v in releases]
    events = []
    for index, version in enumerate(releases):
        if red[index] and (index == 0 or not red[index - 1]):
            events.append({"introduced": version})
        if red[index] and (index + 1 == len(releases) or not red[index + 1]):
            events.append({"last_affected": version})
    return events


def _moment(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
