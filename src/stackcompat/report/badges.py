"""``badges/``: one file for each component, each pair and the whole, as shields.io's endpoint badge reads them.

See https://shields.io/badges/endpoint-badge for the fields.
"""

from __future__ import annotations

import json

from stackcompat.core.text import and_list
from stackcompat.core.vocabulary import Verdict, worst
from stackcompat.report.text import where_it_holds
from stackcompat.table.summary import Summary
from stackcompat.table.vocabulary import sign

__all__ = ["badges"]


def badges(summary: Summary) -> dict[str, str]:
    """File name to content: ``newest.json``, ``COMPONENT.json``, ``COMPONENT--COMPONENT.json``."""
    files = {"newest.json": _newest(summary)}
    titles = summary.titles()
    for row in summary.components:
        detail = row.newest if row.verdict != "untested" else ""
        files[f"{row.name}.json"] = _badge(row.title, row.verdict, detail)
    for pair in summary.pairs:
        label = f"{titles[pair.first]} {pair.first_version} + {titles[pair.second]} {pair.second_version}"
        files[f"{pair.first}--{pair.second}.json"] = _badge(label, pair.verdict, where_it_holds(pair))
    return files


def _newest(summary: Summary) -> str:
    verdict = worst(cell.verdict for cell in summary.today)
    where = and_list([cell.python for cell in summary.today if cell.verdict == verdict])
    return _badge("newest releases together", verdict, f"on Python {where}" if where else "")


def _badge(label: str, verdict: Verdict, detail: str) -> str:
    mark = sign(verdict)
    message = f"{mark.glyph} {mark.word} {detail}".rstrip()
    return json.dumps({"schemaVersion": 1, "label": label, "message": message, "color": mark.badge}) + "\n"
