"""Writes the reports of one summary into a folder: all of them, or those that a repository keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from stackcompat.advice.timeline import Timeline
from stackcompat.core.files import write_all
from stackcompat.core.redact import masked
from stackcompat.core.text import printable
from stackcompat.report.badges import badge_pictures, badges
from stackcompat.report.gate_schema import gate_schema
from stackcompat.report.html import html
from stackcompat.report.json import compat, schema
from stackcompat.report.junit import junit
from stackcompat.report.links import BESIDE, NOWHERE, Links
from stackcompat.report.locks import locks
from stackcompat.report.markdown import markdown
from stackcompat.table.summary import Summary

__all__ = ["write", "write_kept"]

#: Files of which a table has many. An earlier table can have left some that this one does not have.
_OF_TABLE = ("badges/*.json", "badges/*.svg", "locks/*.txt")


#: Files of which the advice has many.
_OF_ADVICE = ("advisories/*.json", "osv/*.json", "constraints/*.txt", "timeline-*.svg")


#: What :func:`write` writes and a repository does not keep, because it follows from the table.
_ELSEWHERE = (
    "index.html",
    "junit.xml",
    "badges/*.json",
    "badges/*.svg",
    "advisories.json",
    "advisories/*.json",
    "osv/*.json",
    "feed.atom",
    "feed.json",
    "renovate.json",
    "dependabot.yml",
    "timeline-*.svg",
)


def write(
    destination: Path, summary: Summary, advice: Mapping[str, str] | None = None, timelines: Sequence[Timeline] = ()
) -> list[Path]:
    """Write every report, with the table on one page.

    Nothing in them is obeyed by a terminal or a browser, and no secret is told. Badges, locks, advisories, constraints
    and pictures of an earlier summary that this one does not have are removed, so that the folder is always that of one
    summary. On a full disk the earlier reports stay as they are.

    Args:
        destination: The folder; it is made where it does not exist.
        summary: The table.
        advice: The files of the advice, name to content. None: the files from an earlier summary stay as they are.
        timelines: The timelines that the page shows.

    Returns:
        The files, in the order of their names.

    Raises:
        StackcompatError: A name in the table cannot be part of the name of a file.
        OSError: They cannot be written.
    """
    files = _kept(summary, BESIDE) | {"index.html": html(summary, timelines), "junit.xml": junit(summary)}
    files |= {f"badges/{name}": text for name, text in (badges(summary) | badge_pictures(summary)).items()}
    files |= advice or {}
    written = write_all(destination, _harmless(files))
    _remove_stale(destination, files, _OF_TABLE if advice is None else (*_OF_TABLE, *_OF_ADVICE))
    return written


def write_kept(
    destination: Path, summary: Summary, advice: Mapping[str, str] | None = None, links: Links = NOWHERE
) -> list[Path]:
    """Write what a repository keeps of a table: its pages for people, the table, its schemas and locks, the advice.

    All other reports follow from these, and a site has them; what :func:`write` has left of them is removed.

    Args:
        destination: The folder; it is made where it does not exist.
        summary: The table.
        advice: The files of the advice that are kept, name to content. None: those from an earlier summary stay.
        links: Where the pages can lead.

    Returns:
        The files, in the order of their names.

    Raises:
        StackcompatError: A name in the table cannot be part of the name of a file.
        OSError: They cannot be written.
    """
    files = _kept(summary, links) | dict(advice or {})
    written = write_all(destination, _harmless(files))
    kept = ("locks/*.txt",) if advice is None else ("locks/*.txt", "constraints/*.txt")
    _remove_stale(destination, files, (*kept, *_ELSEWHERE))
    for folder in ("badges", "advisories", "osv"):
        if (destination / folder).is_dir() and not any((destination / folder).iterdir()):
            (destination / folder).rmdir()
    return written


def _kept(summary: Summary, links: Links) -> dict[str, str]:
    """What is written in every case, name to content."""
    files = {
        "COMPATIBILITY.md": markdown(summary, links),
        "compat.json": compat(summary),
        "compat.schema.json": schema(),
        "gate.schema.json": gate_schema(),
    }
    return files | {f"locks/{name}": text for name, text in locks(summary).items()}


def _harmless(files: Mapping[str, str]) -> dict[str, str]:
    """The same files; nothing in them is obeyed by a terminal or a browser, and no secret is told."""
    return {name: printable(masked(text)) for name, text in files.items()}


def _remove_stale(destination: Path, files: Mapping[str, str], patterns: Iterable[str]) -> None:
    """Remove every file that fits one of the patterns and is not among `files`, which were written."""
    for path in [path for pattern in patterns for path in destination.glob(pattern)]:
        if path.relative_to(destination).as_posix() not in files:
            path.unlink()
