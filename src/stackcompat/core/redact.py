"""Addresses, credentials and paths of this machine, taken out of texts that are published."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["public", "strip_addresses"]


def strip_addresses(text: str) -> str:
    """`text` without hosts, addresses, credentials and the path of the home folder: fit for a log that others read."""
    text = re.sub(r"\b[a-z][a-z0-9+.-]*://[^\s'\"<>)`,]+", "<address>", text, flags=re.IGNORECASE)
    return text.replace(str(Path.home()), "~")


def public(text: str) -> str:
    """`text` without addresses, and with paths as they are inside a package or a project: fit for a report."""
    text = re.sub(r"/(?:[^\s/\"']+/)*(?:site-packages|python3\.\d+)/", "", strip_addresses(text))
    return re.sub(r"(?<![\w.…])(?:/[^\s/\"':]+){3,}?((?:/[^\s/\"':]+){2})(?![\w/])", r"…\1", text)
