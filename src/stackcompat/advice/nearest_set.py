"""The nearest set that works: one solution for all that is wrong with an environment. Pure.

Every two of its releases were seen to work together on one Python, as deep as any releases of the two components were
(one by one, or in one cell that tested the set), and the set as a whole passes the check. It moves as few distributions
as possible, and these over as few releases as possible. Of two sets equally near, the one that a cell tested as a whole
goes first, then the one with newer releases.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from stackcompat.advice.set_knowledge import SetKnowledge, Versions
from stackcompat.core.record import Record
from stackcompat.core.vocabulary import LEVELS
from stackcompat.table.cells import CellRow

__all__ = ["NearestSet", "PinChange", "nearest_set"]

#: Sets that are looked at before the search gives up. It meets most environments within a hundred.
_BUDGET = 20_000


#: Sets that fit pair by pair and are checked as a whole before the search gives up.
_CHECKS = 200


class PinChange(Record):
    """A component that the nearest working set has in another version: the `installed` one and the `working` one.

    `installed` is empty where the environment names no exact version of it.
    """

    distribution: str
    title: str
    installed: str
    working: str


class NearestSet(Record):
    """The nearest set that works.

    Attributes:
        pins: Distribution to version, all components of the environment.
        moves: The components that change.
        cell: Id of the working cell that tested it as a whole; empty: its pairs were tested one by one.
        python: The Python on which it was tested.
    """

    pins: dict[str, str]
    moves: tuple[PinChange, ...]
    cell: str
    python: str

    def requirements(self) -> tuple[str, ...]:
        """The set as requirements."""
        return tuple(f"{name}=={version}" for name, version in self.pins.items())


@dataclass
class _Search:
    """The question of a search for the nearest set.

    Attributes:
        knowledge: The table.
        installed: Component to its version in the environment; a component without an exact one is not there.
        choices: The releases of each component that the set can have, the nearest first, each with its distance.
        passes: Whether a set passes the check.
    """

    knowledge: SetKnowledge
    installed: Versions
    choices: dict[str, dict[Version, int]]
    passes: Callable[[Versions], bool]


def nearest_set(
    installed: Versions,
    loose: Mapping[str, str],
    knowledge: SetKnowledge,
    passes: Callable[[Versions], bool],
) -> NearestSet | None:
    """The nearest set that works; None if there is none.

    Args:
        installed: Component to its version in the environment.
        loose: The components without an exact version, each with its bounds.
        knowledge: The table on the Python of the environment.
        passes: Whether a set (component to version) passes the check.
    """
    choices = {name: _by_distance(version, name, knowledge) for name, version in installed.items()}
    choices |= {name: _newest_first(bounds, name, knowledge) for name, bounds in loose.items()}
    if not choices or not all(choices.values()):
        return None
    search = _Search(knowledge, installed, choices, passes)
    tested = _nearest_cell(search)
    most = len(installed) if tested is None else _moved(tested, installed)
    for size in range(most + 1):
        pieced = _nearest_with(size, search)
        if pieced is None:
            continue
        if tested is not None and size == most and _cost(tested, search) <= _cost(pieced, search):
            break
        return _result(pieced, search)
    return _result(tested, search) if tested is not None else None


# ---------------------------------------------------------------------------------------------------------------------
# What a component can be moved to
# ---------------------------------------------------------------------------------------------------------------------


def _by_distance(version: Version, name: str, knowledge: SetKnowledge) -> dict[Version, int]:
    """The releases that work somewhere, each with the number of tried releases from `version` to it; nearest first."""
    candidates = [other for other in knowledge.candidates.get(name, {}) if not other.is_prerelease or other == version]
    order = sorted({*knowledge.tried.get(name, {}), version})
    place = {other: number for number, other in enumerate(order)}
    distances = {other: abs(place[other] - place[version]) for other in candidates}
    return dict(sorted(distances.items(), key=lambda item: (item[1], -place[item[0]])))


def _newest_first(bounds: str, name: str, knowledge: SetKnowledge) -> dict[Version, int]:
    allowed = SpecifierSet(bounds)
    candidates = [other for other in knowledge.candidates.get(name, {}) if not other.is_prerelease and other in allowed]
    return {other: number for number, other in enumerate(sorted(candidates, reverse=True))}


# ---------------------------------------------------------------------------------------------------------------------
# Sets
# ---------------------------------------------------------------------------------------------------------------------


def _moved(versions: Versions, installed: Versions) -> int:
    return sum(versions[name] != version for name, version in installed.items())


def _cost(versions: Versions, search: _Search) -> tuple[int, int]:
    """The distance of a set: the number of distributions that move, then the number of releases between."""
    return _moved(versions, search.installed), sum(search.choices[name][version] for name, version in versions.items())


def _fits(first: str, first_version: Version, second: str, second_version: Version, knowledge: SetKnowledge) -> bool:
    """Whether two releases were seen to work together, as deep as any releases of the two components up to interop."""
    if knowledge.leaders.get(first, second) != second or knowledge.leaders.get(second, first) != first:
        return True  # one moves with a third component; the check of the whole set looks at these
    fact = knowledge.fact(first, first_version, second, second_version)
    if fact.broken or fact.state not in ("seen", "met"):
        return False
    return LEVELS.index(fact.level) >= LEVELS.index(knowledge.deepest(first, second))


def _all_fit(versions: Versions, knowledge: SetKnowledge) -> bool:
    return all(_fits(*first, *second, knowledge) for first, second in combinations(versions.items(), 2))


def _nearest_cell(search: _Search) -> dict[str, Version] | None:
    """The set of the working cell that is nearest and passes; None: there is none."""
    sets: dict[tuple[tuple[str, Version], ...], dict[str, Version]] = {}
    for cell in search.knowledge.working:
        held = search.knowledge.versions_in(cell)
        if cell.forced or not search.choices.keys() <= held.keys():
            continue
        versions = {name: held[name] for name in search.choices}
        if all(version in search.choices[name] for name, version in versions.items()) and (
            _all_fit(versions, search.knowledge) or _is_deep(cell, versions, search.knowledge)
        ):
            sets.setdefault(tuple(versions.items()), versions)
    nearest_first = sorted(sets.values(), key=lambda versions: _cost(versions, search))
    return next((versions for versions in nearest_first if search.passes(versions)), None)


def _is_deep(cell: CellRow, versions: Versions, knowledge: SetKnowledge) -> bool:
    """Whether a working cell was tested as deep as any releases of each two of its components.

    What one of its pairs is known for can be less, if the two failed in another cell, beside a third release.
    """
    depth = LEVELS.index(cell.level)
    return all(depth >= LEVELS.index(knowledge.deepest(*pair)) for pair in combinations(versions, 2))


def _nearest_with(size: int, search: _Search) -> dict[str, Version] | None:
    """The nearest set that moves exactly `size` components, fits pair by pair and passes; None: none was found."""
    loose = [name for name in search.choices if name not in search.installed]
    queue: list[tuple[int, int, tuple[str, ...], tuple[Version, ...]]] = []
    domains: dict[tuple[str, ...], dict[str, list[Version]]] = {}
    for moving in combinations(search.installed, size):
        kept = {name: version for name, version in search.installed.items() if name not in moving}
        free = (*moving, *loose)
        if all(version in search.choices[name] for name, version in kept.items()) and _all_fit(kept, search.knowledge):
            domains[free] = {name: _allowed(name, kept, search) for name in free}
            if all(domains[free].values()):
                queue.append((0, len(queue), free, ()))
    looked, checked = len(queue), 0
    heapq.heapify(queue)
    while queue and looked < _BUDGET and checked < _CHECKS:
        cost, _, free, chosen = heapq.heappop(queue)
        if len(chosen) == len(free):
            moved = dict(zip(free, chosen, strict=True))
            versions = {name: moved[name] if name in moved else search.installed[name] for name in search.choices}
            checked += 1
            if search.passes(versions):
                return versions
            continue
        name = free[len(chosen)]
        for version in domains[free][name]:
            if all(_fits(name, version, *other, search.knowledge) for other in zip(free, chosen, strict=False)):
                looked += 1
                heapq.heappush(queue, (cost + search.choices[name][version], looked, free, (*chosen, version)))
    return None


def _allowed(name: str, kept: Versions, search: _Search) -> list[Version]:
    """The other releases of a component that fit all that is kept, the nearest first."""
    return [
        version
        for version in search.choices[name]
        if version != search.installed.get(name)
        and all(_fits(name, version, *other, search.knowledge) for other in kept.items())
    ]


def _result(versions: Versions, search: _Search) -> NearestSet:
    knowledge = search.knowledge
    rows = {row.name: row for row in knowledge.summary.components}
    texts = {name: knowledge.tried[name][version] for name, version in versions.items()}
    cell = knowledge.cell_with(versions)
    return NearestSet(
        pins={rows[name].distribution: text for name, text in texts.items()},
        moves=tuple(
            PinChange(
                distribution=rows[name].distribution,
                title=rows[name].title,
                installed=str(search.installed.get(name, "")),
                working=text,
            )
            for name, text in texts.items()
            if search.installed.get(name) != versions[name]
        ),
        cell=cell.id if cell is not None and not cell.forced else "",
        python=knowledge.python,
    )
