"""Writes the published table and its machine-readable twins: one summary in, files out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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

#: The files of which there is one for each of many things in the table.
_OF_TABLE = ("badges/*.json", "locks/*.txt")


#: The files of which there is one for each of many things in the advice.
_OF_ADVICE = ("advisories/*.json", "constraints/*.txt", "timeline-*.svg")


def write(
    destination: Path, summary: Summary, advice: Mapping[str, str] | None = None, timelines: Sequence[Timeline] = ()
) -> list[Path]:
    """Write every report.

    Badges, locks, advisories, constraints and pictures of an earlier summary that this one does not have are removed,
    so that the folder is always that of one summary.

    Args:
        destination: The folder; it is made where it does not exist.
        summary: The table.
        advice: The files of the advice, name to content; None: those of an earlier summary stay as they are.
        timelines: The days that the page shows.

    Returns:
        The files, in the order of their names.
    """
    files = {
        "COMPATIBILITY.md": markdown(summary),
        "compat.json": compat(summary),
        "compat.schema.json": schema(),
        "gate.schema.json": gate_schema(),
        "index.html": html(summary, timelines),
        "junit.xml": junit(summary),
    }
    files |= {f"badges/{name}": text for name, text in badges(summary).items()}
    files |= {f"locks/{name}": text for name, text in locks(summary).items()}
    files |= advice or {}
    _remove_stale(destination, files, _OF_TABLE if advice is None else (*_OF_TABLE, *_OF_ADVICE))
    written = []
    for name, text in sorted(files.items()):
        path = destination / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _remove_stale(destination: Path, files: Mapping[str, str], patterns: Iterable[str]) -> None:
    """Remove what fits one of the patterns and is not among the files to write."""
    for path in [path for pattern in patterns for path in destination.glob(pattern)]:
        if path.relative_to(destination).as_posix() not in files:
            path.unlink()
