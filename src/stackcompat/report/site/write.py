"""Writes a site: an edition for the day of the table, the newest edition at ``latest/``, and the page that leads there.

An edition is a folder that nothing outside it changes, so one of an older day stays as it was.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from stackcompat.core.files import path_within
from stackcompat.core.redact import masked
from stackcompat.core.text import printable
from stackcompat.report.advice import constraints, derived_advice
from stackcompat.report.badges import badge_pictures, badges
from stackcompat.report.json import compat, schema
from stackcompat.report.json import text as json_text
from stackcompat.report.junit import junit
from stackcompat.report.locks import locks
from stackcompat.report.site.api import api_files, release_file
from stackcompat.report.site.latest import constraints_name, constraints_text, has_constraints, overrides_name
from stackcompat.report.site.model import Published, Site
from stackcompat.report.site.overviews import overviews
from stackcompat.report.site.packages import packages
from stackcompat.report.site.page import LATEST, Page, day_of
from stackcompat.report.site.render import Renderer
from stackcompat.report.site.subjects import subjects
from stackcompat.report.timeline_svg import timeline_svg

__all__ = ["Written", "edition_files", "editions", "site_pages", "write_site"]

#: The most characters of a sentence that a result of the search shows.
_MOST_SHOWN = 120

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Written(NamedTuple):
    """What was written.

    Attributes:
        edition: The folder of the edition.
        pages: The number of its pages.
        files: The number of its files.
        size: Their size together, in bytes.
    """

    edition: Path
    pages: int
    files: int
    size: int


def editions(folder: Path) -> list[str]:
    """The days of the editions in a folder, the newest first."""
    if not folder.is_dir():
        return []
    return sorted((path.name for path in folder.iterdir() if path.is_dir() and _DAY.fullmatch(path.name)), reverse=True)


def site_pages(site: Site) -> Iterator[Page]:
    """All pages of an edition, not yet rendered."""
    yield from overviews(site)
    yield from subjects(site)


def edition_files(site: Site) -> Iterator[tuple[str, str]]:
    """All files of an edition, each with its text, in which nothing is obeyed and no secret is told.

    Raises:
        StackcompatError: A name in the table cannot be part of the name of a file.
    """
    for name, text in _all_files(site):
        path_within(Path(), name)
        yield name, printable(masked(text))


def _all_files(site: Site) -> Iterator[tuple[str, str]]:
    yield from _data(site)  # first, since the text of the table is large, and so is what pages look up
    renderer = Renderer(site)
    for page in overviews(site):
        yield page.path, renderer.render(page)
    for page in subjects(site):
        yield page.path, renderer.render(page)
        if page.release is not None:
            yield release_file(*page.release, site)
    yield from api_files(site)
    assets = files("stackcompat.report.site") / "assets"
    for name in ("site.css", "site.js"):
        yield f"assets/{name}", (assets / name).read_text(encoding="utf-8")
    yield "assets/search.json", _search(site)


def _data(site: Site) -> Iterator[tuple[str, str]]:
    """What other tools take as it is: the table, constraints, locks, badges, what follows from it, pictures."""
    summary = site.summary
    yield "compat.json", compat(summary)
    yield "compat.schema.json", schema()
    for latest in site.latest:
        yield constraints_name(latest.python), constraints_text(latest)
        yield overrides_name(latest.python), constraints(latest.pins)
    for cell in summary.cells:
        if has_constraints(cell, summary):
            yield f"constraints/{cell.id}.txt", constraints(summary.installed[cell.id])
    for name, text in locks(summary).items():
        yield f"locks/{name}", text
    for name, text in (badges(summary) | badge_pictures(summary)).items():
        yield f"badges/{name}", text
    address = site.published.address.rstrip("/")
    page = f"{address}/{LATEST}/advisory/{{}}.html" if address else "advisory/{}.html"
    yield from derived_advice(summary, site.advisories, site.osv_records, page).items()
    yield "junit.xml", junit(summary)
    if site.published.bounds is not None:
        yield "bounds.json", json_text([finding.model_dump(mode="json") for finding in site.published.bounds])
    if site.published.timelines:
        yield "timeline.json", json_text([one.model_dump(mode="json") for one in site.published.timelines])
    for timeline in site.published.timelines:
        yield f"timeline-{timeline.python}.svg", timeline_svg(timeline, site.titles) + "\n"
    if site.published.repair:
        yield "repair.toml", site.published.repair


def _search(site: Site) -> str:
    """What the search field looks through: components with their releases, pairs, advisories, failures.

    An advisory or a failure has its id, the words that a result shows, and the whole error, which is only looked
    through. What the shown words say already does not stand there twice.
    """
    content = {
        "components": [
            {"name": row.name, "title": row.title, "releases": site.releases[row.name][::-1]}
            for row in site.summary.components
        ],
        "pairs": [f"{pair.first}--{pair.second}" for pair in site.summary.pairs],
        "advisories": [
            [advisory.id, *_found_by(advisory.summary, (advisory.signature,))] for advisory in site.advisories
        ],
        "failures": [
            [group.id, *_found_by(site.failure_words(group), (group.signature, f"{group.type}: {group.message}"))]
            for group in site.summary.failures
        ],
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"


def _found_by(sentence: str, errors: Iterable[str]) -> tuple[str, str]:
    """What a result of the search shows of a sentence, and the further words by which it is found."""
    shown = sentence if len(sentence) <= _MOST_SHOWN else f"{sentence[: _MOST_SHOWN - 1]}…"
    further: list[str] = [] if shown == sentence else [sentence]
    for error in errors:
        if not any(error in known for known in (shown, *further)):
            further.append(error)
    return shown, " ".join(further)


def write_site(folder: Path, published: Published, keep: int | None = None) -> Written:
    """Write an edition. One of the same day is replaced; ``latest/`` becomes a copy of the newest edition.

    Args:
        folder: The folder of the site; it is made where it does not exist.
        published: What is published.
        keep: How many editions are kept, the newest ones; the older ones are removed. None: all.
    """
    day = day_of(published.summary)
    days = sorted({day, *editions(folder)}, reverse=True)
    kept = days[:keep]
    site = Site(published)
    fresh = folder / f".{day}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    pages = number = size = 0
    api: list[str] = []

    def contents() -> Iterator[tuple[str, bytes]]:
        for name, text in edition_files(site):
            yield name, text.encode()
            if name.startswith("api/"):
                api.append(name)
        # What was written is read again: it is without secrets, and large.
        published = ((name, (fresh / name).read_text(encoding="utf-8")) for name in api)
        yield from ((f"packages/{name}", content) for name, content in packages(site, published).items())

    folders: set[Path] = set()
    for name, content in contents():
        path = fresh / name
        if path.parent not in folders:
            path.parent.mkdir(parents=True, exist_ok=True)
            folders.add(path.parent)
        path.write_bytes(content)
        pages += name.endswith(".html")
        number, size = number + 1, size + len(content)
    _replace(folder / day, fresh)
    for old in days[len(kept) :]:
        shutil.rmtree(folder / old)
    if day == days[0]:
        copy = folder / f".{LATEST}.new"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder / day, copy, copy_function=_link_or_copy)
        _replace(folder / LATEST, copy)
    (folder / "index.html").write_text(_entrance(site), encoding="utf-8")
    (folder / "editions.html").write_text(_list_of_editions(site, kept), encoding="utf-8")
    (folder / "newest.css").write_text(_newest(days[0]), encoding="utf-8")
    return Written(folder / day, pages, number, size)


def _link_or_copy(source: str, target: str) -> None:
    """Make another link to a file, since none of an edition is written to again; a copy where the disk has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _replace(target: Path, fresh: Path) -> None:
    """Put a folder in the place of another one."""
    if target.exists():
        shutil.rmtree(target)
    fresh.rename(target)


_HEAD = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
)


def _entrance(site: Site) -> str:
    """The page at the top: it leads to the newest edition, and a question in its address to the selector."""
    name = escape(site.name)
    return (
        f"{_HEAD}<title>{name}: versions that work together</title>\n"
        f'<script>location.replace("{LATEST}/" + (location.search ? "selector.html" + location.search : "index.html"))'
        f'</script>\n<noscript><meta http-equiv="refresh" content="0; url={LATEST}/index.html"></noscript></head>\n'
        f'<body><main><h1>{name}</h1><p><a href="{LATEST}/index.html">Versions that work together</a></p>'
        '<p><a href="editions.html">Earlier editions</a></p></main></body></html>\n'
    )


def _newest(day: str) -> str:
    """The style that shows on pages of all other editions that there is a newer one.

    It is no part of an edition, since an edition does not change, and pages need no script for it.
    """
    return f'body:not([data-edition="{day}"]) .newer[hidden] {{ display: block !important; }}\n'


def _list_of_editions(site: Site, days: list[str]) -> str:
    """The page at the top that leads to every edition. It is no part of one, since an edition does not change."""
    links = "".join(f'<li><a href="{day}/index.html">{day}</a></li>' for day in days)
    title = f"{escape(site.name)}: all editions"
    return (
        f'{_HEAD}<title>{title}</title><link rel="stylesheet" href="{LATEST}/assets/site.css"></head>\n'
        f'<body><main><h1>{title}</h1><p><a href="{LATEST}/index.html">The newest</a></p><ul>{links}</ul></main>'
        "</body></html>\n"
    )
