"""Islands for reports: their names, the releases that tell them apart, the bounds that keep releases off. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from stackcompat.resolve.island_rows import IslandRow

__all__ = ["KeptOff", "distinguishing_releases", "kept_off", "names_on_islands"]


class KeptOff(NamedTuple):
    """One bound, and the releases (name and version) that it keeps off islands, each with the islands' numbers."""

    reason: str
    releases: dict[tuple[str, str], list[int]]


def names_on_islands(islands: Iterable[IslandRow], order: Iterable[str]) -> list[str]:
    """The names of the distributions on the islands.

    Args:
        islands: The islands.
        order: The order of the names. Names that are not in it come last.
    """
    held = dict.fromkeys(name for island in islands for name in (*island.releases, *island.beside))
    return list(dict.fromkeys([*(name for name in order if name in held), *held]))


def distinguishing_releases(islands: Sequence[IslandRow]) -> dict[int, list[tuple[str, str]]]:
    """By the number of an island, the releases that no other island has. They tell users which island is theirs."""
    numbers: dict[tuple[str, str], list[int]] = {}
    for island in islands:
        for release in island.releases.items():
            numbers.setdefault(release, []).append(island.number)
    distinguishing: dict[int, list[tuple[str, str]]] = {}
    for release, on in numbers.items():
        if len(on) == 1 < len(islands):
            distinguishing.setdefault(on[0], []).append(release)
    return {number: distinguishing[number] for number in sorted(distinguishing)}


def kept_off(islands: Iterable[IslandRow]) -> list[KeptOff]:
    """The bounds that keep newest releases off islands, each once with all of these releases."""
    bounds: dict[str, KeptOff] = {}
    for island in islands:
        for excluded in island.excluded:
            bound = bounds.setdefault(excluded.reason, KeptOff(excluded.reason, {}))
            bound.releases.setdefault((excluded.name, excluded.version), []).append(island.number)
    return list(bounds.values())
