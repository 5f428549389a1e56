"""Islands: largest sets of newest releases that can be installed together. Records, and the members of a search. Pure.

Some newest releases exclude each other, by exact pins or by ranges that do not meet. So instead of one newest set a
stack can have several, called islands. :mod:`stackcompat.resolve.island_search` finds them.
"""

from __future__ import annotations

import datetime as dt
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
    "Islands",
    "newest_members",
]


class IslandMember(Record):
    """A component at its newest release.

    Attributes:
        name: The component.
        version: Its newest release.
        requirements: Its exact pin, and the companions with which its documentation installs it.
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


#: The kind of these records. For each Python and platform, the islands that were found last count.
ISLANDS = Kind("islands", Islands, key=lambda found: f"{found.python}/{found.platform}", made=lambda found: found.seen)


def newest_members(components: Components, catalog: Catalog, python: str) -> tuple[list[IslandMember], list[Excluded]]:
    """The components that a search for islands starts from.

    A component is left out if it moves with another, is a part of another's distribution, or is not published yet.

    Args:
        components: The components of the ecosystem.
        catalog: Gives the releases.
        python: The Python.

    Returns:
        The components, each at its newest release for `python`; and those that have no release for it.
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
