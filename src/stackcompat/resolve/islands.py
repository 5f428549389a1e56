"""Which newest releases can live together: the largest sets that lock, and what keeps each of the others out.

Some newest releases exclude each other, by exact pins or by ranges that do not meet, so a stack may have no newest set
but several: islands. The search asks a resolver as seldom as it can. It rests on one property, that a part of what
locks also locks, and alternates between the two halves of what is unknown, as MARCO does (Liffiton et al., "Fast,
flexible MUS enumeration", Constraints 21, 2016): a largest set that holds none of the known conflicts either locks, and
is an island, or holds a smallest conflict that was not known. Pure: the resolver is a function.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping

from stackcompat.core.record import Kind, Record, StackcompatError
from stackcompat.core.requirements import exactly, name_of
from stackcompat.ecosystem.components import Components, own
from stackcompat.ecosystem.releases import Catalog
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Resolution

__all__ = [
    "ISLANDS",
    "Excluded",
    "Island",
    "IslandMember",
    "IslandRow",
    "Islands",
    "find_islands",
    "island_of",
    "newest_members",
    "number_islands",
]


class IslandMember(Record):
    """A component at its newest release, and the requirements that install it: its exact pin, and companions."""

    name: str
    version: str
    requirements: tuple[str, ...]


class Excluded(Record):
    """A component whose newest release is not on an island.

    `against` are the components on it that, together, it cannot be with (none: it cannot be installed at all), `reason`
    is the bound in a sentence, `chain` the bounds that it rests on. `version` is empty where no release is to be had.
    """

    name: str
    version: str
    against: tuple[str, ...] = ()
    reason: str
    chain: tuple[str, ...] = ()


class Island(Record):
    """A largest set of newest releases that locks together.

    `releases` are its components and their newest versions, `beside` other components that its lock holds at older
    ones, `excluded` those whose newest releases are kept out.
    """

    releases: dict[str, str]
    beside: dict[str, str]
    excluded: tuple[Excluded, ...]
    lock_id: str


class Islands(Record):
    """The islands of one Python and platform, largest first; `asked` is how many sets a resolver was asked about."""

    python: str
    platform: str
    seen: dt.datetime
    islands: tuple[Island, ...]
    asked: int


#: Of each Python and platform the islands that were found last count.
ISLANDS = Kind("islands", Islands, key=lambda one: f"{one.python}/{one.platform}", made=lambda one: one.seen)


class IslandRow(Record):
    """An island as reports show it: numbered, and once for all the Pythons that have the very same.

    `excluded` are, for each reason, who is left out by it; another Python may have another reason.
    """

    number: int
    pythons: tuple[str, ...]
    releases: dict[str, str]
    beside: dict[str, str]
    excluded: tuple[Excluded, ...]


def number_islands(archipelagos: Iterable[Islands]) -> tuple[IslandRow, ...]:
    """The distinct islands of all Pythons, numbered from 1 in the order of `archipelagos`."""
    found: dict[tuple[tuple[tuple[str, str], ...], ...], list[tuple[str, Island]]] = {}
    for archipelago in archipelagos:
        for island in archipelago.islands:
            same = tuple(tuple(sorted(held.items())) for held in (island.releases, island.beside))
            found.setdefault(same, []).append((archipelago.python, island))
    return tuple(
        IslandRow(
            number=number,
            pythons=tuple(python for python, _ in entries),
            releases=entries[0][1].releases,
            beside=entries[0][1].beside,
            excluded=tuple({(one.name, one.reason): one for _, island in entries for one in island.excluded}.values()),
        )
        for number, entries in enumerate(found.values(), 1)
    )


def island_of(names: Collection[str], shores: Iterable[IslandRow]) -> IslandRow | None:
    """Which of `shores` a user of the components `names` is on: it has most of them, and most at their newest."""
    held = [
        (sum(n in {**one.releases, **one.beside} for n in names), sum(n in one.releases for n in names), one)
        for one in shores
    ]
    best = max(held, key=lambda entry: (entry[0], entry[1], -entry[2].number), default=None)
    return best[2] if best is not None and best[0] else None


_Set = frozenset[str]


def newest_members(components: Components, catalog: Catalog, python: str) -> tuple[list[IslandMember], list[Excluded]]:
    """The components at the newest releases that installers take on `python`, and those that have none for it.

    A component that moves with another, or is a part of it, or is not published (yet), is none of either.
    """
    members, absent = [], []
    for component in own(components):
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
        given = [
            exactly(text, release.version) if name_of(text) == name else text for text in component.install or (name,)
        ]
        members.append(IslandMember(name=component.name, version=release.version, requirements=tuple(given)))
    return members, absent


def _cell(members: Iterable[IslandMember], python: str, platform: str) -> Cell:
    """The cell that asks for the newest releases of `members`, all at once."""
    chosen = list(members)
    requirements = sorted({text for member in chosen for text in member.requirements})
    return Cell(
        python=python,
        platform=platform,
        requirements=tuple(requirements),
        policy="islands",
        label=", ".join(f"{member.name} {member.version}" for member in chosen),
    )


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
    """The islands of `members` on `python`; `absent` have no release there, and are left out of each.

    `distributions` maps every component to the distribution that has its version. Raises StackcompatError where the
    resolver cannot tell, since a guess would name a culprit that is none.
    """
    search = _IslandSearch({member.name: member for member in members}, lock, python, platform)
    everything = frozenset(search.members)
    conflicts: list[_Set] = []
    found: list[_Set] = []
    while True:
        due = next((s for s in _largest_without(everything, conflicts) if s not in found), None)
        if due is None:
            break
        if search.locks(due):
            found.append(due)
        else:
            conflicts.append(search.smallest_conflict(due))
    order = list(search.members)
    found.sort(key=lambda names: (-len(names), sorted(map(order.index, names))))
    return Islands(
        python=python,
        platform=platform,
        seen=seen,
        islands=tuple(search.island(names, conflicts, absent, distributions) for names in found if names),
        asked=len(search.known),
    )


def _largest_without(everything: _Set, conflicts: Iterable[_Set]) -> list[_Set]:
    """The largest subsets of `everything` that hold none of `conflicts` wholly (none holds another), biggest first."""
    sets = [everything]
    for conflict in conflicts:
        parts: set[_Set] = set()
        for one in sets:
            parts |= {one - {name} for name in conflict} if conflict <= one else {one}
        sets = [one for one in parts if not any(one < other for other in parts)]
    return sorted(sets, key=lambda one: (-len(one), sorted(one)))


class _IslandSearch:
    """What is known of which sets lock, and how to learn more."""

    def __init__(
        self, members: Mapping[str, IslandMember], lock: Callable[[Cell], Resolution], python: str, platform: str
    ) -> None:
        self.members = members
        self.known: dict[_Set, Resolution] = {}
        self._lock = lock
        self._python = python
        self._platform = platform

    def resolution(self, names: _Set) -> Resolution:
        """What becomes of asking for all of `names`."""
        if names not in self.known:
            members = [member for name, member in self.members.items() if name in names]
            found = self._lock(_cell(members, self._python, self._platform))
            if found.outcome in ("index-unreachable", "interpreter-missing"):
                raise StackcompatError(f"which newest releases exclude each other is not known: {found.detail}")
            self.known[names] = found
        return self.known[names]

    def locks(self, names: _Set) -> bool:
        """Whether `names` can be locked together; nothing always can."""
        return not names or self.resolution(names).outcome == "locked"

    def smallest_conflict(self, names: _Set) -> _Set:
        """A part of `names`, which do not lock, that does not lock while each smaller part of it does.

        The resolver's own account says where to look first: those whose distributions it names.
        """
        accused = names & self._named(self.resolution(names))
        core = accused if accused and accused != names and not self.locks(accused) else names
        for name in sorted(core):
            if not self.locks(core - {name}):
                core -= {name}
        return core

    def _named(self, resolution: Resolution) -> _Set:
        chain = resolution.conflict.chain if resolution.conflict else ()
        said = [text for link in chain for text in link.removesuffix(" is requested").split(" depends on ")]
        distributions = {name_of(text) for text in said}
        return frozenset(
            name
            for name, member in self.members.items()
            if distributions & {name_of(text) for text in member.requirements}
        )

    def island(
        self, names: _Set, conflicts: Iterable[_Set], absent: Iterable[Excluded], distributions: Mapping[str, str]
    ) -> Island:
        """The record of an island, its neighbours and those left out."""
        lock = self.resolution(names).lock
        assert lock is not None
        versions = lock.versions()
        excluded = [*absent]
        for name in self.members:
            if name not in names:
                cores = [core for core in conflicts if name in core and core <= names | {name}]
                core = min(cores, key=lambda core: (len(core), sorted(core)))
                excluded.append(self._excluded(name, core))
        return Island(
            releases={name: member.version for name, member in self.members.items() if name in names},
            beside={
                name: versions[distribution]
                for name, distribution in distributions.items()
                if name not in names and distribution in versions
            },
            excluded=tuple(excluded),
            lock_id=lock.id,
        )

    def _excluded(self, name: str, core: _Set) -> Excluded:
        resolution = self.resolution(core)
        conflict = resolution.conflict
        return Excluded(
            name=name,
            version=self.members[name].version,
            against=tuple(other for other in self.members if other in core and other != name),
            reason=conflict.sentence if conflict else resolution.detail,
            chain=conflict.chain if conflict else (),
        )
