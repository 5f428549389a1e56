"""A page of the site before it is rendered, and lists that are cut into pages. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote

from stackcompat.table.summary import Summary

__all__ = ["LATEST", "PER_PAGE", "Page", "Part", "address_of", "day_of", "file_of", "link_to", "parts"]

#: The folder of a site that always has the newest edition.
LATEST = "latest"

#: How many rows a list has on one page. A page stays small enough for a phone, whatever the table has.
PER_PAGE = 100


class Page(NamedTuple):
    """One page.

    Attributes:
        path: Its file, relative to the edition.
        template: The name of its template, without suffix.
        title: Its title and heading.
        data: Gives what its template shows. It is called when the page is rendered, so that listing pages is cheap.
        release: The component and the release that it is about; None: it is about something else.
    """

    path: str
    template: str
    title: str
    data: Callable[[], Mapping[str, Any]]
    release: tuple[str, str] | None = None


class Part(NamedTuple):
    """A part of a long list, on a page of its own.

    Attributes:
        path: Its file.
        number: Its number, from 1.
        of: The number of parts.
        items: Its items.
        paths: The files of all parts.
        total: The number of items of all parts.
    """

    path: str
    number: int
    of: int
    items: Sequence[Any]
    paths: tuple[str, ...]
    total: int


def parts(path: str, items: Sequence[Any], per_page: int = PER_PAGE) -> Iterator[Part]:
    """A list in parts; one empty part if it is empty.

    Args:
        path: The file of the first part. The others have their number before the suffix.
        items: The items.
        per_page: How many items a part has.
    """
    chunks = [items[start : start + per_page] for start in range(0, len(items), per_page)] or [items]
    stem, _, suffix = path.rpartition(".")
    paths = tuple(path if number == 1 else f"{stem}-{number}.{suffix}" for number in range(1, len(chunks) + 1))
    for number, (chunk, its) in enumerate(zip(chunks, paths, strict=True), 1):
        yield Part(its, number, len(chunks), chunk, paths, len(items))


def day_of(summary: Summary) -> str:
    """The day of a table, which names its edition."""
    return f"{summary.generated:%Y-%m-%d}"


@cache
def file_of(*names: str) -> str:
    """The file of a page, relative to the edition: the kind of page, then the names of what it is about.

    A name can have spaces. What would lead into another folder is quoted.
    """
    kind, *rest = names
    return f"{kind}/{quote('--'.join(rest), safe=' .-_~!+')}.html"


def address_of(file: str) -> str:
    """The address of a file, as a link has it."""
    return quote(file, safe="/.-_~!+")


@cache
def link_to(*names: str) -> str:
    """The address of a page, relative to the edition, from the names that :func:`file_of` takes."""
    return address_of(file_of(*names))
