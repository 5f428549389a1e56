"""Islands: largest sets of newest releases that can live together; as records, and as rows of a report. Pure.

Some newest releases exclude each other, by exact pins or by ranges that do not meet, so a stack can have no newest set
but several: islands. :mod:`stackcompat.resolve.island_search` finds them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Kind, Record
from stackcompat.core.requirements import exactly, name_of
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog

__all__ = [
    "ISLANDS",
    "Excluded",
    "Island",
    "IslandMember",
    "IslandRow",
    "Islands",
    "island_of",
    "newest_members",
    "number_islands",
]


class IslandMember(Record):
    """A component at its newest release.

    Attributes:
        name: The component.
        version: Its newest release.
        requirements: What installs it: its exact pin, and the companions with which its documentation installs it.
    """

    name: str
    version: str
    requirements: tuple[str, ...]


class Excluded(Record):
    """A component whose newest release is not on an island."""

    name: Annotated[str, Field(description="The component.")]
    version: Annotated[str, Field(description="Its newest release; empty if no release can be installed.")]
    against: Annotated[
        tuple[str, ...],
        Field(description="The components of the island that together keep it out; none: it installs nowhere."),
    ] = ()
    reason: Annotated[str, Field(description="The bound that keeps it out, in a sentence.")]
    chain: Annotated[tuple[str, ...], Field(description="The bounds that the reason rests on.")] = ()


class Island(Record):
    """A largest set of newest releases that locks together."""

    releases: Annotated[dict[str, str], Field(description="Its components and their newest releases.")]
    beside: Annotated[dict[str, str], Field(description="Other components that its lock holds, in older releases.")]
    excluded: Annotated[tuple[Excluded, ...], Field(description="Components whose newest releases are kept out.")]
    lock_id: Annotated[str, Field(description="The lock that shows it.")]


class Islands(Record):
    """The islands of one Python and platform."""

    python: str
    platform: str
    seen: Annotated[dt.datetime, Field(description="When they were found.")]
    islands: Annotated[tuple[Island, ...], Field(description="Largest first.")]
    asked: Annotated[int, Field(description="How many sets a resolver was asked about.")]


#: Of each Python and platform the islands that were found last count.
ISLANDS = Kind("islands", Islands, key=lambda found: f"{found.python}/{found.platform}", made=lambda found: found.seen)


# ---------------------------------------------------------------------------------------------------------------------
# Rows
# ---------------------------------------------------------------------------------------------------------------------


class IslandRow(Record):
    """An island as reports show it: numbered, and once for all the Pythons that have the very same.

    Attributes:
        number: Its number, from 1.
        pythons: The Pythons that have it.
        releases: Its components and their newest releases.
        beside: Other components that its lock holds, in older releases.
        excluded: The components that are kept out, once for each reason: another Python can have another reason.
    """

    number: int
    pythons: tuple[str, ...]
    releases: dict[str, str]
    beside: dict[str, str]
    excluded: tuple[Excluded, ...]


def number_islands(of_pythons: Iterable[Islands]) -> tuple[IslandRow, ...]:
    """The distinct islands of all Pythons, numbered from 1 in the given order."""
    found: dict[tuple[tuple[tuple[str, str], ...], ...], list[tuple[str, Island]]] = {}
    for islands in of_pythons:
        for island in islands.islands:
            content = tuple(tuple(sorted(versions.items())) for versions in (island.releases, island.beside))
            found.setdefault(content, []).append((islands.python, island))
    return tuple(_row(number, entries) for number, entries in enumerate(found.values(), 1))


def _row(number: int, entries: list[tuple[str, Island]]) -> IslandRow:
    """The row of an island from all the Pythons that have it."""
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
    """The island that a user of the components `names` is on; None if no island has any of them.

    It is the one that has most of them; of several, the one that has most at their newest; then the first.
    """

    def closeness(row: IslandRow) -> tuple[int, int, int]:
        held = sum(name in row.releases or name in row.beside for name in names)
        newest = sum(name in row.releases for name in names)
        return held, newest, -row.number

    best = max(rows, key=closeness, default=None)
    return best if best is not None and closeness(best)[0] else None


# ---------------------------------------------------------------------------------------------------------------------
# Members
# ---------------------------------------------------------------------------------------------------------------------


def newest_members(components: Components, catalog: Catalog, python: str) -> tuple[list[IslandMember], list[Excluded]]:
    """The components at the newest releases that installers take on `python`, and those that have none for it.

    A component is neither if it moves with another, is a part of another, or is not published (yet).

    Args:
        components: The components of the ecosystem.
        catalog: Tells the releases.
        python: The Python.
    """
    members, absent = [], []
    for component in components.with_own_distribution():
        name = component.distribution
        if component.moves_with:
            continue
        project = catalog.project(name)
        newest = project.newest()
        if newest is None or component.reserves(newest.version):
            continue
        release = project.newest(python=python)
        if release is None:
            reason = f"{name} {newest.version} requires Python {newest.requires_python}"
            absent.append(Excluded(name=component.name, version=newest.version, reason=reason))
            continue
        requirements = tuple(
            exactly(text, release.version) if name_of(text) == name else text for text in component.install or (name,)
        )
        members.append(IslandMember(name=component.name, version=release.version, requirements=requirements))
    return members, absent
