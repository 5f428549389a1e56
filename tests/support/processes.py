"""Whether other processes are still there."""

from __future__ import annotations

import time
from pathlib import Path

import psutil


def ended(pid: int, seconds: float = 10) -> bool:
    """Whether the process `pid` has ended, or does so within `seconds`; one that nobody has collected yet has."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def working_below(folder: Path, seconds: float) -> list[list[str]]:
    """The commands of processes that have `folder` in their arguments and do not end within `seconds`."""
    until = time.monotonic() + seconds
    while True:
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() != psutil.STATUS_ZOMBIE and str(folder) in " ".join(process.cmdline()):
                    found.append(process.cmdline())
            except psutil.Error:
                continue
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.1)
