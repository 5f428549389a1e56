"""Whether the links of a site lead anywhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from support.page import Page

__all__ = ["broken_links"]


def broken_links(folder: Path) -> list[str]:
    """The links of a site that lead to no file of it, or to no element of a page, each with its page.

    Links to other hosts are not followed.

    Args:
        folder: The folder of the site. The pages at its top and those of its newest edition are read.
    """
    parsed = cache(lambda path: Page(path.read_text(encoding="utf-8")))
    broken = []
    for path in (folder / "index.html", folder / "editions.html", *sorted((folder / "latest").rglob("*.html"))):
        page = parsed(path)
        for address in (*page.all("href"), *page.all("src")):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            if not target.is_file() or (parts.fragment and parts.fragment not in parsed(target).all("id")):
                broken.append(f"{path.relative_to(folder)}: {address}")
    return broken
