"""What the tests of a cell write to the disk, so that none of them can fill it."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from stackcompat.run.open_files import open_files

__all__ = ["MOST_FILES", "MOST_MB", "DiskUse"]

#: The most MB and the most files that the tests of a cell write to the disk: far more than any test needs.
MOST_MB, MOST_FILES = 8192, 1_000_000

#: The seconds by which the time that a system gives a file can be behind its clock.
_TICK = 0.02

#: How deep folders are looked into. The paths of deeper ones become too long to be asked for.
_DEEPEST = 200


class DiskUse:
    """What the tests of a cell have written so far. It is counted only if the disk has lost as much as they may write.

    Args:
        folder: The folder of the cell. All that its tests can write to a disk is in it, if they are in a sandbox.
        linked: The folder in it whose files can be links to the package cache. These are not counted.
        most_mb: The most MB that they can write.
        most_files: The most files that they can write.
    """

    def __init__(self, folder: Path, linked: Path, most_mb: int = MOST_MB, most_files: int = MOST_FILES) -> None:
        self._folder, self._linked = folder, linked
        self._most_bytes, self._most_files = most_mb * 2**20, most_files
        self._since = time.time() - _TICK
        self._size, free, files = _free(folder)
        self._least_free, self._least_files = free - self._most_bytes, files - most_files

    def too_much(self, processes: Iterable[psutil.Process] = ()) -> str:
        """That the tests have written too much, in words; empty if they have not.

        Args:
            processes: The processes of the tests, which can hold files open that have no name any more.
        """
        size, free, files = _free(self._folder)
        if size != self._size or (free >= self._least_free and files >= self._least_files):
            return ""
        written, number = self._written(processes)
        if written > self._most_bytes:
            return f"more than {self._most_bytes // 2**20} MB written to the disk"
        if number > self._most_files:
            return f"more than {self._most_files} files written to the disk"
        # Others have filled the disk. What the tests may still write is what it can lose until the next count.
        self._least_free = free - (self._most_bytes - written)
        self._least_files = files - (self._most_files - number)
        return ""

    def _written(self, processes: Iterable[psutil.Process]) -> tuple[int, int]:
        """The bytes and the number of files that were written since the beginning."""
        found = {(seen.st_dev, seen.st_ino): seen.st_blocks * 512 for seen in self._changed()}
        found |= {(seen.st_dev, seen.st_ino): seen.st_blocks * 512 for seen in self._nameless(processes)}
        return sum(found.values()), len(found)

    def _changed(self) -> Iterable[os.stat_result]:
        """The files and folders in the folder that were made or changed since the beginning."""
        linked = str(self._linked)
        due = [(str(self._folder), 0)]
        while due:
            folder, depth = due.pop()
            can_be_linked = folder == linked or folder.startswith(f"{linked}{os.sep}")
            try:
                entries = os.scandir(folder)
            except OSError:  # it is gone again, or too deep
                continue
            with entries:
                for entry in entries:
                    with contextlib.suppress(OSError):
                        seen = entry.stat(follow_symlinks=False)
                        if stat.S_ISDIR(seen.st_mode):
                            if depth < _DEEPEST:
                                due.append((entry.path, depth + 1))
                        elif seen.st_nlink > 1 and can_be_linked:
                            continue
                        if seen.st_ctime >= self._since:
                            yield seen

    def _nameless(self, processes: Iterable[psutil.Process]) -> Iterable[os.stat_result]:
        """The files on the disk of the folder that processes hold open and that have no name."""
        for file in open_files(processes):
            with contextlib.suppress(OSError):
                seen = file.stat()
                if stat.S_ISREG(seen.st_mode) and seen.st_nlink == 0 and _free(file)[0] == self._size:
                    yield seen


def _free(path: Path) -> tuple[int, int, int]:
    """The size of the disk of a path, how much of it is free, and how many files it can still hold."""
    disk = os.statvfs(path)
    return disk.f_blocks * disk.f_frsize, disk.f_bfree * disk.f_frsize, disk.f_ffree
