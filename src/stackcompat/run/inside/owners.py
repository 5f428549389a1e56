"""The owners of installed files: the distributions that installed them."""

from __future__ import annotations

import csv
import importlib.metadata
import os
from collections.abc import Collection, Iterator
from typing import Any

from .distributions import canonical

__all__ = ["Owners"]


class Owners:
    """The distributions that installed files belong to. Their lists of files are read at the first question.

    Args:
        tests: Installed test files. They count as files without an owner.
    """

    def __init__(self, tests: Collection[str] = ()) -> None:
        self._tests = {os.path.normpath(path) for path in tests}
        self._by_path: dict[str, str] | None = None

    def read(self) -> dict[str, str]:
        """Read the lists of files if they were not read. A process that is forked afterwards has them."""
        if self._by_path is None:
            self._by_path = _owners_by_path()
        return self._by_path

    def owner(self, filename: str) -> str | None:
        """The distribution that installed a file; None for the standard library and for tests."""
        path = os.path.normpath(filename)
        return None if path in self._tests else self.read().get(path)


def _owners_by_path() -> dict[str, str]:
    owners = {}
    for distribution in importlib.metadata.distributions():
        metadata: Any = distribution.metadata  # None where a folder of metadata has no file of that kind
        name = canonical((metadata and metadata["Name"]) or "")
        folder = str(distribution.locate_file(""))
        for path in _files(distribution):
            if path.endswith((".py", ".so")):
                owners[os.path.normpath(f"{folder}/{path}")] = name
    return owners


def _files(distribution: importlib.metadata.Distribution) -> Iterator[str]:
    """The files of a distribution, relative to the folder that it is installed in.

    RECORD is read here, since the library makes objects of all files and asks for each whether it is there.
    """
    record = distribution.read_text("RECORD")
    if record is None:
        yield from map(str, distribution.files or ())
    else:
        yield from (row[0] for row in csv.reader(record.splitlines()) if row)
