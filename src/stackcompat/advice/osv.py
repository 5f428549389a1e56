"""An advisory as a record of the Open Source Vulnerability schema (https://ossf.github.io/osv-schema/). Pure.

``affected`` has ``ranges`` with the events ``introduced`` and ``last_affected``. The schema has no word for "only
together with"; ``database_specific`` says that. An OSV scanner reports a package by its own version, whatever else is
installed. So ``affected`` lists only the package to change, which is the one that uses the other.
"""

from __future__ import annotations

import datetime as dt
import textwrap
from typing import Any

from stackcompat.advice.advisory import Advisory, AffectedSide
from stackcompat.advice.building import sorted_versions
from stackcompat.core.requirements import name_of, version_key
from stackcompat.core.text import and_list
from stackcompat.ecosystem.releases import Catalog

__all__ = ["osv"]

OSV_VERSION = "1.6.7"


#: The most characters of a summary, as the schema advises.
_SUMMARY_CHARACTERS = 120


def osv(advisory: Advisory, catalog: Catalog, generated: dt.datetime) -> dict[str, Any]:
    """The advisory as an OSV record.

    Args:
        advisory: The advisory.
        catalog: All releases, and what they declare.
        generated: The time to give where the advisory has none.
    """
    to_change = _distribution_to_change(advisory, catalog)
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
        "published": _timestamp(advisory.first_seen or generated),
        "modified": _timestamp(advisory.last_seen or generated),
        "summary": textwrap.shorten(advisory.summary, _SUMMARY_CHARACTERS, placeholder=" …"),
        "details": _details(advisory),
        "affected": [affected[to_change]],
        "references": [{"type": "REPORT", "url": url} for url in advisory.links],
        "database_specific": {
            "only_with": [entry for name, entry in affected.items() if name != to_change],
            "only_without": [advisory.without] if advisory.without else [],
            "only_beside": list(advisory.beside),
            "distributions": list(advisory.distributions),
            "affected_together": [list(releases) for releases in advisory.together],
            "level": advisory.level,
            "signature": advisory.signature,
            "tests": list(advisory.tests),
            "pythons": list(advisory.pythons),
            "cells": list(advisory.cells),
            "evidence": list(advisory.evidence),
            "inferred_together": [list(releases) for releases in advisory.inferred],
            "workaround": advisory.workaround,
        },
    }


def _distribution_to_change(advisory: Advisory, catalog: Catalog) -> str:
    """The distribution that declares to use another side and is used by none.

    Where the metadata does not say, it is the one whose code failed, else the last.
    """
    names = advisory.distributions
    uses: dict[str, set[str]] = {}
    for side in advisory.sides:
        requirements = catalog.requires(side.distribution, side.versions[-1])
        required = {name_of(each.name) for each in requirements if "extra" not in str(each.marker)}
        uses[side.distribution] = set(names) & required - {side.distribution}
    users = [name for name in names if uses[name] and not any(name in used for used in uses.values())]
    return next((name for name in (*users, advisory.package) if name in names), names[-1])


def _details(advisory: Advisory) -> str:
    lines = [
        f"{advisory.summary.removesuffix('.')}.",
        f"{_condition(advisory)}, at the level {advisory.level}, on Python {and_list(list(advisory.pythons))}.",
        f"Signature: {advisory.signature}",
    ]
    if advisory.workaround:
        lines.append(f"Workaround: {advisory.workaround}.")
    return "\n\n".join(lines)


def _condition(advisory: Advisory) -> str:
    """What has to be installed for the failure."""
    match len(advisory.sides):
        case 1 if advisory.without:
            condition = f"It fails where {advisory.without} is not installed"
        case 1:
            condition = "It fails whatever else is installed"
        case 2:
            condition = "Only both together fail"
        case _:
            condition = f"Only all of them together fail ({' and '.join(str(side) for side in advisory.sides)})"
    if not advisory.beside:
        return condition
    are = "is" if len(advisory.beside) == 1 else "are"
    return f"{condition}, where {and_list(advisory.beside)} {are} installed too"


def _events(side: AffectedSide, catalog: Catalog) -> list[dict[str, str]]:
    """The affected releases as ranges over all releases; a release that works, or that nobody tried, ends a range."""
    spelled = {version_key(version): version for version in (*side.known, *side.versions)}
    spelled = {version_key(r.version): r.version for r in catalog.project(side.distribution).releases} | spelled
    releases = sorted_versions(spelled.values())
    last = version_key(side.versions[-1])
    # A later release than the last affected one can have the fix.
    affected = [side.includes(v) and (bool(side.fixed_in) or version_key(v) <= last) for v in releases]
    events = []
    for index, version in enumerate(releases):
        if affected[index] and (index == 0 or not affected[index - 1]):
            events.append({"introduced": version})
        if affected[index] and (index + 1 == len(releases) or not affected[index + 1]):
            events.append({"last_affected": version})
    return events


def _timestamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
