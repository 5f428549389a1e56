"""What a search moves: units of distributions, and the releases that each unit can have. Pure.

A unit is a distribution with those that follow its releases (``moves-with`` in the components file), such as a library
and its native half. They move together. The unit has the name of the distribution that leads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from stackcompat.blame.probe import RedCell
from stackcompat.core.requirements import name_of
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.releases import Catalog, Release
from stackcompat.verdict.missing import modules_named
from stackcompat.verdict.ownership import names_distribution, owner_of

__all__ = ["ReleaseLine", "Units", "find_units", "pinned"]


class ReleaseLine(NamedTuple):
    """The releases of a unit in the order of their uploads.

    Attributes:
        pins: For each place on the line, the version of every distribution of the unit.
        versions: For each place on the line, the version of the distribution that leads.
        red_place: The place of the release that the red cell has.
    """

    pins: tuple[dict[str, str], ...]
    versions: tuple[str, ...]
    red_place: int

    def place(self, version: str | None) -> int | None:
        """The place of `version`; None where it is not on the line."""
        return self.versions.index(version) if version in self.versions else None


@dataclass(frozen=True)
class Units:
    """The units of a red cell.

    Attributes:
        red: The red cell.
        catalog: Where releases are looked up.
        groups: The distributions of each unit, by its name; the one that leads comes first.
        named: The units that the failure names: up its traceback, then in its message.
        used: The units that the failing test uses.
        roots: The distributions that the cell asks for.
    """

    red: RedCell
    catalog: Catalog
    groups: Mapping[str, tuple[str, ...]]
    named: tuple[str, ...]
    used: tuple[str, ...]
    roots: tuple[str, ...]
    _lines: dict[str, ReleaseLine] = field(default_factory=dict, init=False, repr=False, compare=False)

    def unit_of(self, name: str) -> str:
        """The unit of the distribution `name`."""
        return _unit(self.groups, name)

    def names(self, unit: str) -> tuple[str, ...]:
        """The distributions of `unit`, the one that leads first."""
        return self.groups.get(unit, (unit,))

    def red_pins(self, units: Iterable[str]) -> dict[str, str]:
        """The versions that the distributions of `units` have in the red cell."""
        return {name: self.red.versions[name] for unit in units for name in self.names(unit)}

    def line(self, unit: str) -> ReleaseLine:
        """The releases of `unit` that can be tried."""
        if unit not in self._lines:
            self._lines[unit] = _line(unit, self.names(unit), self.red, self.catalog)
        return self._lines[unit]

    def ordered(self, units: Iterable[str]) -> list[str]:
        """`units`, most suspect first."""
        suspects = (*self.named, *self.used, *self.roots)
        rank = {unit: suspects.index(unit) for unit in suspects}
        return sorted(units, key=lambda unit: (rank.get(unit, len(rank)), unit))

    def differing(self, versions: Mapping[str, str]) -> list[str]:
        """The units in which `versions` differ from the red cell, most suspect first."""
        red = self.red.versions
        names = [name for name in {**versions, **red} if versions.get(name) != red.get(name)]
        return self.ordered({self.unit_of(name) for name in names})

    def mix(self, versions: Mapping[str, str], units: Iterable[str]) -> dict[str, str]:
        """`versions` with `units` as they are in the red cell."""
        mixed = dict(versions)
        for unit in units:
            for name in self.names(unit):
                mixed.pop(name, None)
                if name in self.red.versions:
                    mixed[name] = self.red.versions[name]
        return mixed

    def display_name(self, unit: str) -> str:
        """The distribution that stands for `unit` in a report: the one that leads, unless the failure names another."""
        message = self.red.failure.message
        named = [name for name in self.names(unit) if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", message)]
        return named[0] if named and unit not in named else unit


def find_units(red: RedCell, catalog: Catalog, components: Components) -> Units:
    """Find the units of the cell `red`.

    Args:
        red: The red cell.
        catalog: Where releases are looked up.
        components: Tells which distribution owns a module, and which distributions move together.
    """
    groups = _groups(red, catalog, components)
    asked_for = [name_of(text) for text in red.requirements]
    return Units(
        red=red,
        catalog=catalog,
        groups=groups,
        named=tuple(dict.fromkeys(_unit(groups, name) for name in _named(red, components))),
        used=tuple(dict.fromkeys(_unit(groups, name) for name in red.test.components if name in red.versions)),
        roots=tuple(name for name in dict.fromkeys(asked_for) if name in red.versions),
    )


def pinned(red: RedCell) -> list[str]:
    """The distributions that the cell `red` asks for by their exact version."""
    exact: list[str] = []
    for requirement in map(Requirement, red.requirements):
        name = canonicalize_name(requirement.name)
        if name in red.versions and any(clause.operator in ("==", "===") for clause in requirement.specifier):
            exact.append(name)
    return exact


def _unit(groups: Mapping[str, tuple[str, ...]], name: str) -> str:
    return next((unit for unit, names in groups.items() if name in names), name)


def _groups(red: RedCell, catalog: Catalog, components: Components) -> dict[str, tuple[str, ...]]:
    """The distributions of each unit. A follower with another release than its leader is a unit of its own."""
    versions = red.versions
    groups = {name: [name] for name in versions}
    for component in components.components:
        follower = component.distribution
        leader = component.moves_with and components[component.moves_with].distribution
        if not leader or leader not in versions or follower not in versions:
            continue
        twin = catalog.project(follower).find(versions[leader])
        if twin is None or Version(versions[follower]) == twin.parsed:
            groups[leader].append(follower)
            groups.pop(follower, None)
    return {name: tuple(names) for name, names in groups.items()}


def _named(red: RedCell, components: Components) -> list[str]:
    """The distributions that the failure names: up its traceback, then in its message."""
    failure, installed = red.failure, red.versions
    traced = [name for name in reversed(failure.packages) if name in installed]
    owners = [owner_of(module, installed, components) for module in modules_named(failure.message)]
    mentioned = [name for name in installed if len(name) > 2 and names_distribution(failure.message, name)]
    return [name for name in (*traced, *owners, *mentioned) if name]


def _line(unit: str, names: tuple[str, ...], red: RedCell, catalog: Catalog) -> ReleaseLine:
    """The releases of `unit`, whose distributions are `names`, that can be tried in place of the one in `red`."""
    version = red.versions.get(unit, "")
    project = catalog.project(unit)
    red_release = project.find(version) if version else None
    as_in_red = {name: red.versions.get(name, "") for name in names}
    if red_release is None:  # the release is from a file or another index, so older and newer ones are unknown
        return ReleaseLine(pins=(as_in_red,), versions=(version,), red_place=0)
    releases = [
        release for release in project.releases if release is red_release or _may_be_tried(release, red_release, red)
    ]
    releases.sort(key=lambda release: (release.uploaded, release.parsed))
    versions = tuple(release.version for release in releases)
    return ReleaseLine(
        pins=tuple(
            as_in_red if release is red_release else _pins(unit, names, release, catalog) for release in releases
        ),
        versions=versions,
        red_place=versions.index(red_release.version),
    )


def _may_be_tried(release: Release, red_release: Release, red: RedCell) -> bool:
    """Whether an installer could take `release` in place of `red_release`, on the Python and at the time of `red`."""
    prereleases = red_release.parsed.is_prerelease
    return release.can_be_taken(python=red.python, before=red.until, prereleases=prereleases)


def _pins(unit: str, names: tuple[str, ...], release: Release, catalog: Catalog) -> dict[str, str]:
    """The versions of `unit` at `release` of its leader: of each follower, the newest that is not newer than that."""
    pins = {unit: release.version}
    for follower in names[1:]:
        others = catalog.project(follower).releases
        fitting = [other for other in others if other.parsed <= release.parsed and not other.yanked]
        if fitting:
            pins[follower] = fitting[-1].version
    return pins
