"""The advice as files: advisories, constraints, metadata, bounds, update rules, feeds, timelines, ``ADVICE.md``.

Some of them follow from the table alone. A repository does not keep these, since a site makes them of the table.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from stackcompat.advice.advice import Advice, KnownGoodSet
from stackcompat.advice.advisory import Advisory
from stackcompat.advice.osv import osv_id
from stackcompat.advice.refused_updates import refused_updates
from stackcompat.core.text import plain
from stackcompat.report.failure_text import own_tests_note
from stackcompat.report.feed import atom, json_feed
from stackcompat.report.json import text
from stackcompat.report.links import BESIDE, Links
from stackcompat.report.site.page import link_to
from stackcompat.report.timeline_svg import outage_words, timeline_svg, timeline_words
from stackcompat.report.update_rules import dependabot, renovate
from stackcompat.table.failures import failures_by_kind
from stackcompat.table.summary import Summary

__all__ = ["advice_files", "advisory_record", "constraints", "derived_advice", "kept_advice"]

_OWN_TESTS = (
    "Tests that a release ships, which passed when the release was new, and fail now. They are notes about the "
    "release: no advisory, bound or badge comes from them."
)


def advice_files(summary: Summary, advice: Advice) -> dict[str, str]:
    """All files of the advice, name to content.

    Args:
        summary: The table that the advice follows from.
        advice: The advice.
    """
    files = kept_advice(summary, advice) | derived_advice(summary, advice.advisories, advice.osv_records)
    files |= {
        f"advisories/{advisory.id}.json": text(_record(advisory, advice.osv_records)) for advisory in advice.advisories
    }
    files |= {
        f"timeline-{timeline.python}.svg": timeline_svg(timeline, summary.titles()) + "\n"
        for timeline in advice.timelines
    }
    return files


def kept_advice(summary: Summary, advice: Advice, links: Links = BESIDE) -> dict[str, str]:
    """The page of the advice, and what does not follow from the table alone; file name to content.

    Bounds, repairs and timelines need the package index, constraints the locks of all cells.

    Args:
        summary: The table that the advice follows from.
        advice: The advice.
        links: Where the page can lead.
    """
    files = {
        "ADVICE.md": _page(summary, advice, links),
        "bounds.json": text([finding.model_dump(mode="json") for finding in advice.bounds]),
        "repair.toml": _repair_toml(advice.repairs),
        "timeline.json": text([timeline.model_dump(mode="json") for timeline in advice.timelines]),
    }
    return files | {f"constraints/{known.cell.id}.txt": _constraints_file(known) for known in advice.known_good}


def derived_advice(
    summary: Summary, advisories: Sequence[Advisory], records: Mapping[str, Mapping[str, Any]], page: str = ""
) -> dict[str, str]:
    """What follows from the table alone: advisories, OSV records, feeds, update rules; file name to content.

    Args:
        summary: The table.
        advisories: Its advisories.
        records: Their OSV records, by id.
        page: The address of the page of an advisory, for feeds, with ``{}`` for its id; empty: they lead to JSON.
    """
    refused = refused_updates(summary, advisories, records.keys())
    files = {
        "advisories.json": text([_record(advisory, records) for advisory in advisories]),
        "feed.atom": atom(advisories, summary.generated, page),
        "feed.json": json_feed(advisories, summary.generated, page),
        "renovate.json": renovate(refused),
        "dependabot.yml": dependabot(refused),
    }
    return files | {f"osv/{name}.json": text(record) for name, record in records.items()}


def _record(advisory: Advisory, records: Container[str]) -> dict[str, Any]:
    return advisory_record(advisory, osv_id(advisory) if osv_id(advisory) in records else "")


def advisory_record(advisory: Advisory, osv: str) -> dict[str, Any]:
    """The advisory for programs. `sentence` says all of it.

    Args:
        advisory: The advisory.
        osv: The id of its OSV record; empty: it has none.
    """
    return {"id": advisory.id, "sentence": advisory.sentence(), "osv": osv, **advisory.model_dump(mode="json")}


def constraints(versions: Mapping[str, str]) -> str:
    """The lines of a constraints file for pip and uv, from distribution to version."""
    return "".join(f"{name}=={version}\n" for name, version in sorted(versions.items()))


def _constraints_file(known: KnownGoodSet) -> str:
    """The constraints of a set, below a line that says where they worked."""
    cell = known.cell
    worked = f"worked up to {cell.level} on {cell.seen:%Y-%m-%d}"
    title = f"# {cell.label}, Python {cell.python}: {worked} (cell {cell.id})\n"
    return title + constraints(known.versions)


def _repair_toml(repairs: Iterable[Mapping[str, Any]]) -> str:
    """The ``[[tool.uv.dependency-metadata]]`` tables. Strings and lists of strings are the same in JSON and in TOML."""
    lines = [
        "# For pyproject.toml: what these releases should have declared, by what was measured.",
        "# Each entry replaces everything that its release declares.",
    ]
    for entry in repairs:
        lines += ["", "[[tool.uv.dependency-metadata]]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in entry.items()]
    return "\n".join(lines) + "\n"


def _page(summary: Summary, advice: Advice, links: Links) -> str:
    """The text of ``ADVICE.md``."""
    lines = ["# Advice", f"As of {summary.generated:%Y-%m-%d}. {plain(summary.claim)}.", ""]
    lines += ["## Known incompatibilities", ""]
    if advice.advisories and not links.beside:
        lines += [f"{links.place} has a page for each of them.", ""]
    for advisory in advice.advisories:
        its = links.link(advisory.id, f"advisories/{advisory.id}.json", link_to("advisory", advisory.id))
        lines.append(f"- **{its}** {plain(advisory.sentence())}")
    lines += ["" if advice.advisories else "None is known."]
    notes = failures_by_kind(summary.failures)["own tests"]
    if notes:
        lines += ["## Releases' own tests", "", _OWN_TESTS, ""]
        lines += [*(f"- {plain(own_tests_note(group, summary))}." for group in notes), ""]
    lines += ["## Days on which the newest releases did not work together", "", _replay(links), ""]
    for timeline in advice.timelines:
        lines.append(f"- Python {timeline.python}: {plain(timeline_words(timeline))}")
        lines += [f"    - {plain(outage_words(outage, summary.titles()))}" for outage in timeline.breaks]
    for timeline in advice.timelines:
        picture = f"timeline-{timeline.python}.svg"
        if address := links.address(picture, picture):
            lines.append(f"\n![Python {timeline.python}: {plain(timeline_words(timeline))}]({address})")
    lines += ["", "## Declared bounds that are wrong", ""]
    lines += [f"- {plain(finding.sentence())}" for finding in advice.bounds] or ["None."]
    lines += ["", "## Deprecated features that the newest releases still use", ""]
    lines += [f"- {plain(forecast.sentence())}" for forecast in advice.forecasts] or ["None."]
    return "\n".join(lines) + "\n"


def _replay(links: Links) -> str:
    """How the past was replayed."""
    frontier = links.link("frontier", "index.html#frontiers", "frontiers.html")
    return (
        "For each moment we take the releases that an installer would have given, by upload times and declared bounds. "
        "Where bounds conflict we hold back the package that loses the least time. The verdict on a pair comes from "
        f"the cells that tested it; where there is none, from a {frontier}."
    )
