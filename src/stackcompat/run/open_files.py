"""What processes hold open, as Linux tells it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

__all__ = ["open_files"]


def open_files(processes: Iterable[psutil.Process]) -> Iterator[Path]:
    """A path for each descriptor of processes, which is a link to what it is open on; none where no system tells.

    Args:
        processes: The processes. Those that end meanwhile, or belong to another user, hold nothing open.
    """
    for process in processes:
        with contextlib.suppress(OSError):
            yield from Path("/proc", str(process.pid), "fd").iterdir()
