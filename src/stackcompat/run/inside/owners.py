"""Which distribution an installed file belongs to."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Collection

from .distributions import canonical

__all__ = ["Owners"]


class Owners:
    """The distributions that source files belong to. The RECORD files are read when an owner is asked for first.

    Args:
        tests: Installed files that are tests and belong to no distribution.
    """

    def __init__(self, tests: Collection[str] = ()) -> None:
        self._tests = {os.path.normpath(path) for path in tests}
        self._by_path: dict[str, str] | None = None

    def owner(self, filename: str) -> str | None:
        """The distribution that installed a file; None for the standard library and for tests."""
        if self._by_path is None:
            self._by_path = _owners_by_path()
        path = os.path.normpath(filename)
        return None if path in self._tests else self._by_path.get(path)


def _owners_by_path() -> dict[str, str]:
    owners = {}
    for distribution in importlib.metadata.distributions():
        name = canonical(distribution.metadata["Name"])
        for path in distribution.files or ():
            if path.suffix in (".py", ".so"):
                owners[os.path.normpath(str(distribution.locate_file(path)))] = name
    return owners
