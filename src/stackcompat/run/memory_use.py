"""How much memory the processes of the tests hold together."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

from stackcompat.run.open_files import open_files

__all__ = ["memory_mb"]

#: The part of a process in memory that it shares with others, as Linux has it in ``smaps_rollup``.
_SHARED = re.compile(r"^Pss_Shmem:\s+(\d+) kB", re.MULTILINE)


def memory_mb(processes: Iterable[psutil.Process], enough: float) -> float:
    """The memory that processes hold together, in MB. A figure up to `enough` can be too large.

    Files in memory that have no name (``memfd_create``) count as well where Linux tells of them. A process holds them
    by their descriptor alone, so that they are not part of its own size.

    Processes that were forked share most of their memory. To count it once takes long, so that it is done only where it
    decides.

    Args:
        processes: The processes. Those that end meanwhile count as nothing.
        enough: The limit, in MB, up to which a rough figure does.
    """
    processes = list(processes)
    files = _nameless_mb(processes)
    rough = files + _sum_mb(processes, lambda process: process.memory_info().rss)
    if rough <= enough or not sys.platform.startswith("linux"):
        return rough
    shared = _sum_mb(processes, _shared)  # of these files, the part that is mapped as well
    return _sum_mb(processes, lambda process: process.memory_full_info().pss) + max(0.0, files - shared)


def _sum_mb(processes: Iterable[psutil.Process], memory: Callable[[psutil.Process], int]) -> float:
    used = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):  # the process can have ended meanwhile
            used += memory(process)
    return used / 2**20


def _shared(process: psutil.Process) -> int:
    """The bytes of memory for sharing that a process has mapped, each divided by the number of its users."""
    try:
        found = _SHARED.search(Path("/proc", str(process.pid), "smaps_rollup").read_text(encoding="ascii"))
    except OSError:
        return 0
    return int(found[1]) * 2**10 if found is not None else 0


def _nameless_mb(processes: Iterable[psutil.Process]) -> float:
    """The MB of the files in memory that processes hold open and that have no name."""
    found = {}
    for file in open_files(processes):
        with contextlib.suppress(OSError):  # it can have been closed meanwhile
            if str(file.readlink()).startswith("/memfd:"):
                seen = file.stat()
                found[seen.st_dev, seen.st_ino] = seen.st_blocks * 512
    return sum(found.values()) / 2**20
