"""What other tools and people can act on, as files: advisories, constraints, metadata, bounds, feeds, ``ADVICE.md``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from stackcompat.advice.advice import Advice, KnownGoodSet
from stackcompat.report.feed import atom, json_feed
from stackcompat.report.json import text
from stackcompat.report.timeline_svg import outage_words, timeline_svg, timeline_words
from stackcompat.table.summary import Summary

__all__ = ["advice_files", "constraints"]

_REPLAY = (
    "For each moment we take the releases that an installer would have given, by upload times and declared bounds. "
    "Where bounds conflict we hold back the package that loses the least time. The verdict on a pair comes from the "
    "cells that tested it; where there is none, from a [frontier](index.html#frontiers)."
)


def advice_files(summary: Summary, advice: Advice) -> dict[str, str]:
    """File name to content.

    Args:
        summary: The table that the advice follows from.
        advice: The advice.
    """
    files = {
        "advisories.json": text(list(advice.records.values())),
        "bounds.json": text([finding.model_dump(mode="json") for finding in advice.bounds]),
        "repair.toml": _repair_toml(advice.repairs),
        "timeline.json": text([timeline.model_dump(mode="json") for timeline in advice.timelines]),
        "feed.atom": atom(advice.advisories, summary.generated),
        "feed.json": json_feed(advice.advisories, summary.generated),
        "ADVICE.md": _page(summary, advice),
    }
    files |= {f"advisories/{name}.json": text(record) for name, record in advice.records.items()}
    files |= {
        f"timeline-{timeline.python}.svg": timeline_svg(timeline, summary.titles()) + "\n"
        for timeline in advice.timelines
    }
    files |= {f"constraints/{known.cell.id}.txt": _constraints_file(known) for known in advice.known_good}
    return files


def constraints(versions: Mapping[str, str]) -> str:
    """A set as the lines of a constraints file, as pip and uv take it."""
    return "".join(f"{name}=={version}\n" for name, version in sorted(versions.items()))


def _constraints_file(known: KnownGoodSet) -> str:
    cell = known.cell
    title = f"# {cell.label}, Python {cell.python}: worked on {cell.seen:%Y-%m-%d} (cell {cell.id})\n"
    return title + constraints(known.versions)


def _repair_toml(repairs: Iterable[Mapping[str, Any]]) -> str:
    """``[[tool.uv.dependency-metadata]]`` tables; JSON's strings and lists of strings are also TOML's."""
    lines = [
        "# For pyproject.toml: what these releases should have declared, by what was measured.",
        "# Each entry replaces everything that its release declares.",
    ]
    for entry in repairs:
        lines += ["", "[[tool.uv.dependency-metadata]]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in entry.items()]
    return "\n".join(lines) + "\n"


def _page(summary: Summary, advice: Advice) -> str:
    """The text of ``ADVICE.md``."""
    lines = ["# Advice", f"As of {summary.generated:%Y-%m-%d}. {summary.claim}.", ""]
    lines += ["## Known incompatibilities", ""]
    for advisory in advice.advisories:
        offer = f" Workaround: {advisory.workaround}." if advisory.workaround else ""
        sentence = _plain(advisory.summary.removesuffix("."))
        lines.append(f"- **[{advisory.id}](advisories/{advisory.id}.json)** {sentence}.{offer}")
    lines += ["" if advice.advisories else "None is known."]
    lines += ["## Days on which the newest releases did not work together", "", _REPLAY, ""]
    for timeline in advice.timelines:
        lines.append(f"- Python {timeline.python}: {timeline_words(timeline)}")
        lines += [f"    - {_plain(outage_words(outage, summary.titles()))}" for outage in timeline.breaks]
    for timeline in advice.timelines:
        lines.append(f"\n![Python {timeline.python}: {timeline_words(timeline)}](timeline-{timeline.python}.svg)")
    lines += ["", "## Declared bounds that are wrong", ""]
    lines += [f"- {_plain(finding.sentence())}" for finding in advice.bounds] or ["None."]
    lines += ["", "## Deprecated features that the newest releases still use", ""]
    lines += [f"- {_plain(forecast.sentence())}" for forecast in advice.forecasts] or ["None."]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Text of others, harmless in Markdown."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("`", "'").replace("*", "\\*").replace("_", "\\_")
