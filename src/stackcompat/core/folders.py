"""The folder in which the tool keeps what it can make again, and paths as people read them."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

__all__ = ["default_cache", "from_here"]


def default_cache() -> Path:
    """The folder for everything that the tool can make again.

    That is ``STACKCOMPAT_CACHE``, or else a folder in the user's cache folder.
    """
    given = os.environ.get("STACKCOMPAT_CACHE", "").strip()
    return Path(given) if given else user_cache_path("stackcompat")


def from_here(path: Path) -> str:
    """A path as it is written in this folder; the whole path if it lies on another drive, as on Windows."""
    try:
        return os.path.relpath(path)
    except ValueError:
        return str(path)
