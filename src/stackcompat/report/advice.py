"""What other tools and people act on: advisories, constraints, repaired metadata, bounds, forecast, days broken."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from stackcompat.advice.advisory import Advisory, Link, advisories
from stackcompat.advice.bounds import BoundFinding, constraints, findings, repaired
from stackcompat.advice.deprecation import ForecastRow, forecasts
from stackcompat.advice.osv import osv
from stackcompat.advice.timeline import Timeline
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog
from stackcompat.report.feed import atom, json_feed
from stackcompat.report.json import text
from stackcompat.report.timeline_svg import break_words, days_words, strip
from stackcompat.table.cells import CellRow
from stackcompat.table.summary import Summary

__all__ = ["advice"]

_REPLAY = (
    "What an installer would have given at each moment, from upload times and declared bounds; where these exclude "
    "each other, whoever has to go back the shorter time is held back. Verdicts are those of cells, else of frontiers."
)


#: Cells whose set is published as constraints when it works: those that a person would want to stand on.
_KNOWN_GOOD = ("newest", "metapackage", "as-of")


def advice(
    summary: Summary, components: Components, catalog: Catalog, links: Iterable[Link], days: Sequence[Timeline]
) -> dict[str, str]:
    """File name to content. `catalog` gives declared metadata; `days` are the timelines to tell of."""
    known = advisories(summary, links)
    bounds = findings(summary, known, catalog)
    coming = forecasts(summary, components, catalog)
    records = {advisory.id: osv(advisory, catalog, summary.generated) for advisory in known}
    files = {
        "advisories.json": text(list(records.values())),
        "bounds.json": text([finding.model_dump(mode="json") for finding in bounds]),
        "repair.toml": _repair(bounds, catalog),
        "timeline.json": text([line.model_dump(mode="json") for line in days]),
        "feed.atom": atom(known, summary.generated),
        "feed.json": json_feed(known, summary.generated),
        "ADVICE.md": _page(summary, known, bounds, coming, days),
    }
    files |= {f"advisories/{name}.json": text(record) for name, record in records.items()}
    files |= {f"timeline-{line.python}.svg": strip(line, summary.titles()) + "\n" for line in days}
    sets: dict[tuple[str, str], CellRow] = {}
    for cell in summary.cells:
        if cell.verdict == "works" and cell.policy in _KNOWN_GOOD and not cell.forced:
            sets.setdefault((cell.python, constraints(summary.installed[cell.id])), cell)
    for (python, pins), cell in sets.items():
        title = f"# {cell.label}, Python {python}, seen to work on {cell.seen:%Y-%m-%d} (cell {cell.id})\n"
        files[f"constraints/{cell.id}.txt"] = title + pins
    return files


def _repair(bounds: Sequence[BoundFinding], catalog: Catalog) -> str:
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
    bounds: Sequence[BoundFinding],
    coming: Sequence[ForecastRow],
    days: Sequence[Timeline],
) -> str:
    lines = ["# What to do about it", f"As of {summary.generated:%Y-%m-%d}. {summary.claim}.", ""]
    lines += ["## Known incompatibilities", ""]
    for advisory in known:
        offer = f" Workaround: {advisory.workaround}." if advisory.workaround else ""
        lines.append(
            f"- **[{advisory.id}](advisories/{advisory.id}.json)** {_plain(advisory.summary.removesuffix('.'))}.{offer}"
        )
    lines += ["" if known else "None is known.", "## Days on which the newest releases did not work together", ""]
    lines += [_REPLAY, ""]
    for line in days:
        lines.append(f"- Python {line.python}: {days_words(line)}")
        lines += [f"    - {_plain(break_words(one, summary.titles()))}" for one in line.breaks]
    lines += [f"\n![Python {line.python}: {days_words(line)}](timeline-{line.python}.svg)" for line in days]
    lines += ["", "## Declared bounds that are not what was measured", ""]
    lines += [f"- {_plain(finding.sentence())}" for finding in bounds] or ["None."]
    lines += ["", "## Deprecated today, red tomorrow", ""]
    lines += [f"- {_plain(one.sentence())}" for one in coming] or ["None."]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Text of others, harmless in Markdown."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("`", "'").replace("*", "\\*").replace("_", "\\_")
