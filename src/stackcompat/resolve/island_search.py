"""The search for islands: which newest releases lock together, and what keeps each of the others out.

The search asks a resolver as seldom as it can. It rests on one property: every part of a set that locks also locks. As
in MARCO (Liffiton et al., "Fast, flexible MUS enumeration", Constraints 21, 2016), each step takes a largest set that
holds no known conflict. If the set locks, it is an island. If not, it holds a smallest conflict that was not known.
Pure: the resolver is a function.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from stackcompat.core.errors import StackcompatError
from stackcompat.core.requirements import name_of
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict import links_of
from stackcompat.resolve.islands import Excluded, Island, IslandMember, Islands
from stackcompat.resolve.lock import Resolution

__all__ = ["find_islands"]

_Names = frozenset[str]


@dataclass
class _Search:
    """The state of a search.

    Attributes:
        members: The components, by name.
        lock: The resolver.
        python: The Python of all cells.
        platform: The platform of all cells.
        known: The resolver's answers, by set.
        conflicts: The smallest conflicts found so far: no such set locks, and every part of it does.
        islands: The islands found so far.
    """

    members: Mapping[str, IslandMember]
    lock: Callable[[Cell], Resolution]
    python: str
    platform: str
    known: dict[_Names, Resolution] = field(default_factory=dict)
    conflicts: list[_Names] = field(default_factory=list)
    islands: list[_Names] = field(default_factory=list)


def find_islands(
    members: Collection[IslandMember],
    absent: Iterable[Excluded],
    distributions: Mapping[str, str],
    lock: Callable[[Cell], Resolution],
    *,
    python: str,
    platform: str,
    seen: dt.datetime,
) -> Islands:
    """The islands of `members` on one Python.

    Args:
        members: The components at their newest releases.
        absent: Components without a release for this Python. Every island lists them as excluded.
        distributions: Component to the distribution that has its version.
        lock: The resolver.
        python: The Python.
        platform: The platform.
        seen: The time of the search, for the record.

    Raises:
        StackcompatError: The resolver could not answer. A guess could name a wrong culprit.
    """
    search = _Search({member.name: member for member in members}, lock, python, platform)
    while (candidate := _next_candidate(search)) is not None:
        if _locks(search, candidate):
            search.islands.append(candidate)
        else:
            search.conflicts.append(_smallest_conflict(search, candidate))
    order = list(search.members)
    largest_first = sorted(search.islands, key=lambda names: (-len(names), sorted(map(order.index, names))))
    excluded = tuple(absent)
    return Islands(
        python=python,
        platform=platform,
        seen=seen,
        islands=tuple(_island(search, names, excluded, distributions) for names in largest_first if names),
        asked=len(search.known),
    )


# ---------------------------------------------------------------------------------------------------------------------
# Which sets lock
# ---------------------------------------------------------------------------------------------------------------------


def _next_candidate(search: _Search) -> _Names | None:
    """A largest set that holds no known conflict and is no known island; None if there is none."""
    candidates = _largest_without(frozenset(search.members), search.conflicts)
    return next((names for names in candidates if names not in search.islands), None)


def _largest_without(everything: _Names, conflicts: Iterable[_Names]) -> list[_Names]:
    """The largest subsets of `everything` that hold no whole conflict, biggest first. No subset holds another."""
    largest = [everything]
    for conflict in conflicts:
        parts: set[_Names] = set()
        for names in largest:
            if conflict <= names:
                parts |= {names - {name} for name in conflict}
            else:
                parts.add(names)
        largest = [names for names in parts if not any(names < other for other in parts)]
    return sorted(largest, key=lambda names: (-len(names), sorted(names)))


def _locks(search: _Search, names: _Names) -> bool:
    """Whether `names` lock together. The empty set always does."""
    return not names or _resolution(search, names).outcome == "locked"


def _resolution(search: _Search, names: _Names) -> Resolution:
    """The resolution of all of `names` together. The resolver is asked once for each set."""
    if names not in search.known:
        resolution = search.lock(_cell(search, names))
        if resolution.outcome in ("index-unreachable", "interpreter-missing"):
            raise StackcompatError(f"which newest releases exclude each other is not known: {resolution.detail}")
        search.known[names] = resolution
    return search.known[names]


def _cell(search: _Search, names: _Names) -> Cell:
    """The cell that asks for the newest releases of `names`, all at once."""
    members = [member for name, member in search.members.items() if name in names]
    requirements = sorted({text for member in members for text in member.requirements})
    return Cell(
        python=search.python,
        platform=search.platform,
        requirements=tuple(requirements),
        policy="islands",
        label=", ".join(f"{member.name} {member.version}" for member in members),
    )


# ---------------------------------------------------------------------------------------------------------------------
# Who excludes whom
# ---------------------------------------------------------------------------------------------------------------------


def _smallest_conflict(search: _Search, names: _Names) -> _Names:
    """A smallest conflict in `names`, which do not lock: a part that does not lock, while every part of that does.

    The search begins with the components whose distributions the resolver's account names, if they do not lock.
    """
    accused = names & _accused(search, _resolution(search, names))
    core = accused if accused and accused != names and not _locks(search, accused) else names
    for name in sorted(core):
        if not _locks(search, core - {name}):
            core -= {name}
    return core


def _accused(search: _Search, resolution: Resolution) -> _Names:
    """The components whose distributions the resolver's account of a conflict names."""
    links = links_of(resolution.conflict.chain) if resolution.conflict else []
    distributions = {name_of(text) for link in links for text in link}
    return frozenset(
        name
        for name, member in search.members.items()
        if distributions & {name_of(text) for text in member.requirements}
    )


def _island(search: _Search, names: _Names, absent: tuple[Excluded, ...], distributions: Mapping[str, str]) -> Island:
    """The record of an island."""
    lock = _resolution(search, names).lock
    assert lock is not None
    versions = lock.versions()
    return Island(
        releases={name: member.version for name, member in search.members.items() if name in names},
        beside={
            name: versions[distribution]
            for name, distribution in distributions.items()
            if name not in names and distribution in versions
        },
        excluded=(*absent, *(_excluded(search, name, names) for name in search.members if name not in names)),
        lock_id=lock.id,
    )


def _excluded(search: _Search, name: str, island: _Names) -> Excluded:
    """Why a component is not on an island: the smallest known conflict that it has with the island."""
    conflicts = [core for core in search.conflicts if name in core and core <= island | {name}]
    core = min(conflicts, key=lambda core: (len(core), sorted(core)))
    resolution = _resolution(search, core)
    conflict = resolution.conflict
    return Excluded(
        name=name,
        version=search.members[name].version,
        against=tuple(other for other in search.members if other in core and other != name),
        reason=conflict.sentence if conflict else resolution.detail,
        chain=conflict.chain if conflict else (),
    )
