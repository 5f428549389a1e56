"""Takes out of a text what must not be published: addresses, credentials, paths of this machine."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["public", "strip_addresses"]


def strip_addresses(text: str) -> str:
    """`text` without hosts, addresses and credentials, fit for a log that others read."""
    text = re.sub(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>)`,]+", "<address>", text, flags=re.IGNORECASE)
    return text.replace(str(Path.home()), "~")


def public(text: str) -> str:
    """`text` with paths as they are inside a package or a project, and without addresses."""
    text = re.sub(r"/(?:[^\s/\"']+/)*(?:site-packages|python3\.\d+)/", "", strip_addresses(text))
    return re.sub(r"(?<![\w.…])(?:/[^\s/\"':]+){3,}?((?:/[^\s/\"':]+){2})(?![\w/])", r"…\1", text)
