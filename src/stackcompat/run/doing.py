"""What cells do at this moment. Their processes write it into a file each, for whoever waits for them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Doing", "doing", "tell"]

#: The file in the folder of a job.
_FILE = "doing"


class Doing(NamedTuple):
    """What a cell does.

    Attributes:
        cell: The id of the cell.
        what: A test, or what is done before the tests.
    """

    cell: str
    what: str


def tell(folder: Path, what: str) -> None:
    """Say what the job in a folder does from now on. If it cannot be written, nobody learns it; that is all."""
    with contextlib.suppress(OSError):
        (folder / _FILE).write_text(what, encoding="utf-8")


def doing(environments: Path, process: int) -> Iterator[Doing]:
    """What the cells do that a process runs, in the order of their names.

    Args:
        environments: The folder with the folders of jobs, each ``PROCESS-CELL-THREAD``.
        process: The id of the process.
    """
    for file in sorted(environments.glob(f"{process}-*-*/{_FILE}")):
        with contextlib.suppress(OSError):  # the cell has ended meanwhile
            what = file.read_text(encoding="utf-8")
            if what:  # it can be between two
                yield Doing(file.parent.name.split("-")[1], what)
