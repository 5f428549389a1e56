"""Another content for a file, whose size and time of content stay as they are."""

from __future__ import annotations

import os
from pathlib import Path


def alter(file: Path, text: str) -> None:
    """Write a text of the same length over a file, in place, and set the time back."""
    before = file.stat()
    assert len(text.encode()) == before.st_size
    assert text != file.read_text()
    with file.open("r+") as opened:
        opened.write(text)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
