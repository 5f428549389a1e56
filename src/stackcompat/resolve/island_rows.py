"""Islands as reports show them: numbered, each once for all the Pythons that have it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from stackcompat.core.record import Record
from stackcompat.resolve.islands import Excluded, Island, Islands

__all__ = ["IslandRow", "island_of", "number_islands"]


class IslandRow(Record):
    """An island as reports show it: numbered, and once for all Pythons that have the same.

    Attributes:
        number: Its number, from 1.
        pythons: The Pythons that have this island.
        releases: Its components and their newest releases.
        beside: Other components that its lock holds, in older releases.
        excluded: The components that are kept out, once for each reason. The reasons can differ by Python.
    """

    number: int
    pythons: tuple[str, ...]
    releases: dict[str, str]
    beside: dict[str, str]
    excluded: tuple[Excluded, ...]


def number_islands(of_pythons: Iterable[Islands]) -> tuple[IslandRow, ...]:
    """The different islands of all Pythons, numbered from 1 in the given order."""
    found: dict[tuple[tuple[tuple[str, str], ...], ...], list[tuple[str, Island]]] = {}
    for islands in of_pythons:
        for island in islands.islands:
            content = tuple(tuple(sorted(versions.items())) for versions in (island.releases, island.beside))
            found.setdefault(content, []).append((islands.python, island))
    return tuple(_row(number, entries) for number, entries in enumerate(found.values(), 1))


def _row(number: int, entries: list[tuple[str, Island]]) -> IslandRow:
    """The row of one island. `entries` are the Pythons that have it, each with its record."""
    excluded = {(left.name, left.reason): left for _, island in entries for left in island.excluded}
    _, first = entries[0]
    return IslandRow(
        number=number,
        pythons=tuple(python for python, _ in entries),
        releases=first.releases,
        beside=first.beside,
        excluded=tuple(excluded.values()),
    )


def island_of(names: Collection[str], rows: Iterable[IslandRow]) -> IslandRow | None:
    """The island that fits a user of the components `names` best; None if no island has any of them.

    The island with the most of these components fits best. Of several, the one that has the most at their newest
    releases counts, then the first.
    """

    def closeness(row: IslandRow) -> tuple[int, int, int]:
        held = sum(name in row.releases or name in row.beside for name in names)
        newest = sum(name in row.releases for name in names)
        return held, newest, -row.number

    best = max(rows, key=closeness, default=None)
    return best if best is not None and closeness(best)[0] else None
