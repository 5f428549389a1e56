"""An advisory as a record of the Open Source Vulnerability schema (https://ossf.github.io/osv-schema/). Pure.

A scanner that reads OSV reports a package by its own version, whatever else is installed, and takes each entry of
``affected`` to be enough. So only a release that is broken for everybody who installs it becomes a record: one that
cannot be imported with what it declares, and that was never seen to work. Whatever needs a partner, or the absence of
another distribution, stays in the project's own format.

``affected`` lists the releases that were seen to fail, one by one. It has no ``ranges``: a range would claim the
releases between two of them, tried or not. The schema keeps the prefix ``x_`` for databases that osv.dev does not
collect, so the id of a record is that of the advisory behind ``x_``.
"""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Iterable
from typing import Any

from packaging.utils import canonicalize_name

from stackcompat.advice.advisory import Advisory
from stackcompat.advice.building import failure_message
from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import LEVELS
from stackcompat.table.summary import Summary
from stackcompat.verdict.missing import missing_in

__all__ = ["is_for_everybody", "osv", "osv_id", "osv_records"]

OSV_VERSION = "1.7.5"


#: The most characters of a summary, as the schema advises.
_SUMMARY_CHARACTERS = 120


def osv_records(advisories: Iterable[Advisory], summary: Summary) -> dict[str, dict[str, Any]]:
    """The OSV records of the advisories that are for everybody who installs a release, by the id of the record.

    Args:
        advisories: The advisories.
        summary: The table that they come from.
    """
    return {
        osv_id(advisory): osv(advisory, summary.generated)
        for advisory in advisories
        if is_for_everybody(advisory, summary)
    }


def osv_id(advisory: Advisory) -> str:
    """The id of the record of an advisory."""
    return f"x_{advisory.id}"


def is_for_everybody(advisory: Advisory, summary: Summary) -> bool:
    """Whether everybody is hit who installs one of the affected releases with what it declares.

    The failure needs no partner and no absent distribution, it is there at the import at the latest, some environment
    that follows all declared bounds shows it, and none of the affected releases was seen to work. A release that lacks
    a module of another distribution works for whoever has that one, so it is not for everybody.

    Args:
        advisory: The advisory.
        summary: The table that it comes from.
    """
    if len(advisory.sides) != 1 or advisory.without or advisory.beside or _lacks_another_module(advisory):
        return False
    if LEVELS.index(advisory.level) > LEVELS.index("import"):
        return False
    forced = {cell.id for cell in summary.cells if cell.forced or cell.policy == "local"}
    if not advisory.evidence and set(advisory.cells) <= forced:
        return False
    (side,) = advisory.sides
    return not any(_works(side.component, version, summary) for version in side.versions)


def _lacks_another_module(advisory: Advisory) -> bool:
    """Whether the failure is that a module is missing which the release itself does not bring."""
    missing = missing_in(failure_message(advisory.signature), "module")
    package = canonicalize_name(missing.owner.partition(".")[0])
    return missing.kind == "module" and not advisory.sides[0].distribution.startswith(package)


def _works(name: str, version: str, summary: Summary) -> bool:
    """Whether a release was seen to work: in a cell, along a frontier, or as the writer or reader of an artifact."""
    in_cells = (
        cell.components[name].verdict == "works"
        for cell in summary.cells
        if name in cell.components and cell.components[name].version == version
    )
    along_frontiers = (
        pair.verdict == "works"
        for row in summary.frontiers
        for pair in row.observed()
        if pair.versions.get(name) == version
    )
    return any(in_cells) or any(along_frontiers)


def osv(advisory: Advisory, generated: dt.datetime) -> dict[str, Any]:
    """The advisory as an OSV record. It must be one that :func:`is_for_everybody` accepts.

    Args:
        advisory: The advisory.
        generated: The time to give if the advisory has none.
    """
    (side,) = advisory.sides
    return {
        "schema_version": OSV_VERSION,
        "id": osv_id(advisory),
        "published": _timestamp(advisory.first_seen or generated),
        "modified": _timestamp(advisory.last_seen or generated),
        "summary": textwrap.shorten(advisory.summary, _SUMMARY_CHARACTERS, placeholder=" …", break_on_hyphens=False),
        "details": _details(advisory),
        "affected": [
            {"package": {"ecosystem": "PyPI", "name": side.distribution}, "versions": list(side.versions)},
        ],
        "references": [{"type": "REPORT", "url": url} for url in advisory.links],
        "database_specific": {
            "advisory": advisory.id,
            "level": advisory.level,
            "signature": advisory.signature,
            "tests": list(advisory.tests),
            "pythons": list(advisory.pythons),
            "cells": list(advisory.cells),
            "evidence": list(advisory.evidence),
            "workaround": advisory.workaround,
        },
    }


def _details(advisory: Advisory) -> str:
    where = f"at the level {advisory.level}, on Python {and_list(list(advisory.pythons))}"
    lines = [
        advisory.sentence(),
        f"It fails whatever else is installed, {where}. This is no security issue.",
        f"Signature: {advisory.signature}",
    ]
    return "\n\n".join(lines)


def _timestamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
