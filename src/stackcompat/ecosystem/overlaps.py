"""Distributions that install the same file with different contents. Pure.

Only one of them has its file afterwards; the other one is not the release that its version says. Nothing in their
metadata forbids to install both.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import PurePosixPath

from stackcompat.core.record import Record

__all__ = ["Overlap", "is_module", "overlapping"]

#: Outermost folders that distributions install by mistake, and that no library imports.
_NO_LIBRARY = frozenset(("test", "tests", "testing", "docs", "doc", "examples", "example", "benchmarks", "scripts"))

#: The endings of files that Python imports.
_IMPORTED = (".py", ".so", ".pyd")


class Overlap(Record):
    """Two distributions that install one file with different contents.

    Attributes:
        first: The distribution that comes first in the alphabet.
        second: The other distribution.
        path: One of the files, as RECORD names it.
        digests: The digest of that file in each of the two, as RECORD has it.
        files: How many files they install with different contents.
    """

    first: str
    second: str
    path: str
    digests: tuple[str, str]
    files: int


def overlapping(records: Mapping[str, Mapping[str, str]]) -> tuple[Overlap, ...]:
    """The distributions that write over each other's modules, two by two.

    Files that are no modules do not count. Modules called ``__init__`` alone do not count either: distributions of one
    namespace each bring one.

    Args:
        records: The RECORD of each distribution: path to digest.
    """
    owners: dict[str, list[str]] = {}
    for distribution in sorted(records):
        for path in filter(is_module, records[distribution]):
            owners.setdefault(path, []).append(distribution)
    shared: dict[tuple[str, str], list[str]] = {}
    for path, distributions in owners.items():
        for first, second in combinations(distributions, 2):
            if records[first][path] != records[second][path]:
                shared.setdefault((first, second), []).append(path)
    overlaps = []
    for (first, second), paths in sorted(shared.items()):
        path = next((path for path in sorted(paths) if PurePosixPath(path).stem != "__init__"), "")
        if path:
            digests = records[first][path], records[second][path]
            overlaps.append(Overlap(first=first, second=second, path=path, digests=digests, files=len(paths)))
    return tuple(overlaps)


def is_module(path: str) -> bool:
    """Whether a file is a module that a library can import."""
    outermost = path.partition("/")[0]
    return path.endswith(_IMPORTED) and outermost not in _NO_LIBRARY and outermost != ".."
