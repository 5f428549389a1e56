"""Writes the published table and its machine-readable twins: one summary in, files out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from stackcompat.advice.timeline import Timeline
from stackcompat.report.badges import badges
from stackcompat.report.gate import gate_schema
from stackcompat.report.html import html
from stackcompat.report.json import compat, schema
from stackcompat.report.junit import junit
from stackcompat.report.locks import locks
from stackcompat.report.markdown import markdown
from stackcompat.table.summary import Summary

__all__ = ["write"]

#: What there is one of for each of many things: in the table, and in what follows from it.
_MANY = ("badges/*.json", "locks/*.txt")


_MORE = ("advisories/*.json", "constraints/*.txt", "timeline-*.svg")


def write(
    destination: Path, summary: Summary, more: Mapping[str, str] | None = None, days: Sequence[Timeline] = ()
) -> list[Path]:
    """Write every report into the folder `destination`, which is made if need be; the files, in order of name.

    `more` are files beside them, name to content; `days` are timelines that the page shows. Badges, locks, advisories,
    constraints and pictures of an earlier summary that this one does not have are removed, so that the folder is always
    that of one summary. With None for `more` those of an earlier one are left as they are.
    """
    files = {
        "COMPATIBILITY.md": markdown(summary),
        "compat.json": compat(summary),
        "compat.schema.json": schema(),
        "gate.schema.json": gate_schema(),
        "index.html": html(summary, days),
        "junit.xml": junit(summary),
    }
    files |= {f"badges/{name}": text for name, text in badges(summary).items()}
    files |= {f"locks/{name}": text for name, text in locks(summary).items()}
    files |= more or {}
    patterns = _MANY if more is None else (*_MANY, *_MORE)
    for stale in (path for pattern in patterns for path in destination.glob(pattern)):
        if stale.relative_to(destination).as_posix() not in files:
            stale.unlink()
    written = []
    for name, text in sorted(files.items()):
        path = destination / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
