"""The published table and its machine-readable twins: one summary in, files out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stackcompat.report.badges import badges
from stackcompat.report.gate import gate_schema
from stackcompat.report.html import html
from stackcompat.report.json import compat, schema
from stackcompat.report.junit import junit
from stackcompat.report.locks import locks
from stackcompat.report.markdown import markdown
from stackcompat.report.model import Summary
from stackcompat.report.summary import summarise

__all__ = ["Summary", "summarise", "write"]


#: What there is one of for each of many things.
_MANY = ("badges/*.json", "locks/*.txt", "advisories/*.json", "constraints/*.txt")


def write(destination: Path, summary: Summary, more: Mapping[str, str] | None = None) -> list[Path]:
    """Write every report into the folder `destination`, which is made if need be; the files, in order of name.

    `more` are files beside them, name to content. Badges, locks, advisories and constraints of an earlier summary that
    this one does not have are removed, so that the folder is always that of one summary.
    """
    files = {
        "COMPATIBILITY.md": markdown(summary),
        "compat.json": compat(summary),
        "compat.schema.json": schema(),
        "gate.schema.json": gate_schema(),
        "index.html": html(summary),
        "junit.xml": junit(summary),
    }
    files |= {f"badges/{name}": text for name, text in badges(summary).items()}
    files |= {f"locks/{name}": text for name, text in locks(summary).items()}
    files |= more or {}
    for stale in (path for pattern in _MANY for path in destination.glob(pattern)):
        if stale.relative_to(destination).as_posix() not in files:
            stale.unlink()
    written = []
    for name, text in sorted(files.items()):
        path = destination / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
