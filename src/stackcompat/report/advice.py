"""What other tools and people act on: advisories, constraints, repaired metadata, bounds, forecast, days broken."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence

from stackcompat.advisory import Advisory, Link, advisories, osv
from stackcompat.bounds import Finding, constraints, findings, repaired
from stackcompat.deprecation import Forecast, forecasts
from stackcompat.matrix import Components
from stackcompat.releases import Catalog
from stackcompat.report.feed import atom, json_feed
from stackcompat.report.model import Summary
from stackcompat.timeline import Span, Timeline, pair_verdicts, timeline

__all__ = ["advice"]

#: Cells whose set is published as constraints when it works: those that a person would want to stand on.
_KNOWN_GOOD = ("newest", "metapackage", "as-of")


def advice(
    summary: Summary, components: Components, catalog: Catalog, links: Iterable[Link], since: dt.datetime
) -> dict[str, str]:
    """File name to content. `catalog` gives declared metadata and upload times; days are counted from `since` on."""
    known = advisories(summary, links)
    bounds = findings(summary, catalog)
    coming = forecasts(summary, components, catalog)
    square = [row for row in summary.square() if row.distribution]
    projects = {row.name: catalog.project(row.distribution) for row in square}
    days = [
        timeline(projects, pair_verdicts(summary, one.python), python=one.python, since=since, until=summary.generated)
        for one in summary.today
    ]
    files = {
        "advisories.json": _json([osv(advisory, summary.generated) for advisory in known]),
        "bounds.json": _json([finding.model_dump(mode="json") for finding in bounds]),
        "repair.toml": _repair(bounds, catalog),
        "timeline.json": _json([line.model_dump(mode="json") for line in days]),
        "feed.atom": atom(known, summary.generated),
        "feed.json": json_feed(known, summary.generated),
        "ADVICE.md": _page(summary, known, bounds, coming, days),
    }
    files |= {f"advisories/{advisory.id}.json": _json(osv(advisory, summary.generated)) for advisory in known}
    for cell in summary.cells:
        if cell.verdict == "works" and cell.policy in _KNOWN_GOOD and not cell.forced:
            title = f"# {cell.label}, Python {cell.python}, seen to work on {cell.seen:%Y-%m-%d} (cell {cell.id})\n"
            files[f"constraints/{cell.id}.txt"] = title + constraints(summary.installed[cell.id])
    return files


def _json(value: object) -> str:
    return json.dumps(value, indent=1) + "\n"


def _repair(bounds: Sequence[Finding], catalog: Catalog) -> str:
    """``[[tool.uv.dependency-metadata]]`` tables; JSON's strings and lists of strings are TOML's."""
    lines = [
        "# For pyproject.toml: what these releases should have declared, as far as was measured.",
        "# Each entry stands for all that the release declares.",
    ]
    for entry in repaired(bounds, catalog):
        lines += [
            "",
            "[[tool.uv.dependency-metadata]]",
            *(f"{key} = {json.dumps(value)}" for key, value in entry.items()),
        ]
    return "\n".join(lines) + "\n"


def _page(
    summary: Summary,
    known: Sequence[Advisory],
    bounds: Sequence[Finding],
    coming: Sequence[Forecast],
    days: Sequence[Timeline],
) -> str:
    lines = ["# What to do about it", f"As of {summary.generated:%Y-%m-%d}. {summary.claim}.", ""]
    lines += ["## Known incompatibilities", ""]
    for advisory in known:
        offer = f" Workaround: {advisory.workaround}." if advisory.workaround else ""
        lines.append(f"- **[{advisory.id}](advisories/{advisory.id}.json)** {_plain(advisory.summary)}.{offer}")
    lines += ["" if known else "None is known.", "## Days on which the newest releases did not work together", ""]
    for line in days:
        total = sum(span.days for span in line.spans)
        lines.append(
            f"- Python {line.python}: {line.days('broken'):.1f} of {total:.0f} days broken, "
            f"{line.days('unknown'):.1f} unknown"
        )
        lines += [f"    - {_span(span, summary)}" for span in line.spans if span.state == "broken"]
    lines += ["", "## Declared bounds that are not what was measured", ""]
    lines += [f"- {_plain(finding.sentence())}" for finding in bounds] or ["None."]
    lines += ["", "## Deprecated today, red tomorrow", ""]
    lines += [f"- {_plain(one.sentence())}" for one in coming] or ["None."]
    return "\n".join(lines) + "\n"


def _span(span: Span, summary: Summary) -> str:
    titles = summary.titles()
    pairs = ", ".join(f"{titles[a]} {v} with {titles[b]} {w}" for a, v, b, w in span.pairs)
    began = f" since {' and '.join(span.began_with)}" if span.began_with else ""
    ended = f", until {' and '.join(span.ended_with)}" if span.ended_with else ", to this day"
    return f"{span.since:%Y-%m-%d %H:%M}, {span.days:.1f} days: {pairs}{began}{ended}"


def _plain(text: str) -> str:
    """Text of others, harmless in Markdown."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("`", "'").replace("*", "\\*").replace("_", "\\_")
