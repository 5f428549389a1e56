"""``badges/``: a badge for each component, each pair and the whole, for shields.io's endpoint badge and as a picture.

See https://shields.io/badges/endpoint-badge for the fields.
"""

from __future__ import annotations

import json

from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import LEVELS, Level, Verdict, worst
from stackcompat.report.badge_svg import badge_svg
from stackcompat.report.release_text import where_it_holds
from stackcompat.table.summary import Summary
from stackcompat.table.today import Today, states
from stackcompat.table.vocabulary import sign

__all__ = ["badge_pictures", "badges"]


def badge_pictures(summary: Summary) -> dict[str, str]:
    """The same badges as pictures; file name to content: ``newest.svg``, ``COMPONENT.svg`` and so on."""
    facts = {name.removesuffix(".json"): json.loads(content) for name, content in badges(summary).items()}
    return {f"{name}.svg": badge_svg(one["label"], one["message"], one["color"]) for name, one in facts.items()}


def badges(summary: Summary) -> dict[str, str]:
    """File name to content: ``newest.json``, ``COMPONENT.json``, ``COMPONENT--COMPONENT.json``."""
    files = {"newest.json": _newest(summary)}
    titles = summary.titles()
    for row in summary.components:
        detail = row.newest if row.verdict != "untested" else ""
        detail += _depth(row.verdict, row.level)
        files[f"{row.name}.json"] = _badge(row.title, row.verdict, detail)
    for pair in summary.pairs:
        label = f"{titles[pair.first]} {pair.first_version} + {titles[pair.second]} {pair.second_version}"
        files[f"{pair.first}--{pair.second}.json"] = _badge(
            label, pair.verdict, f"{_depth(pair.verdict, pair.level)} {where_it_holds(pair)}"
        )
    return files


def _newest(summary: Summary) -> str:
    """The newest releases on each Python: the worst state first, then the other Pythons, each with its state."""
    verdict = worst(cell.verdict for cell in summary.today)
    pythons = states(summary.today)
    main = "works" if verdict == "works" and "works" in pythons else next(iter(states(_of(verdict, summary))), "")
    others = [f"{python}: {state}" for state in pythons for python in pythons[state] if state != main]
    levels = [cell.level for cell in _of(verdict, summary) if cell.level is not None]
    depth = _depth(verdict, min(levels, key=LEVELS.index)) if levels else ""
    message = " ".join(filter(None, (sign(verdict).glyph, main or sign(verdict).word)))
    message += f"{depth} on Python {and_list(pythons[main])}" if main else ""
    return _endpoint("newest releases together", "; ".join([message, *others]), sign(verdict).badge)


def _of(verdict: Verdict, summary: Summary) -> list[Today]:
    return [cell for cell in summary.today if cell.verdict == verdict]


def _depth(verdict: Verdict, level: Level) -> str:
    """How deep something that works was tried, with a space in front; empty for any other verdict."""
    return f" up to {level}" if verdict == "works" else ""


def _badge(label: str, verdict: Verdict, detail: str) -> str:
    mark = sign(verdict)
    return _endpoint(label, f"{mark.glyph} {mark.word} {detail.strip()}".rstrip(), mark.badge)


def _endpoint(label: str, message: str, color: str) -> str:
    return json.dumps({"schemaVersion": 1, "label": label, "message": message, "color": color}) + "\n"
