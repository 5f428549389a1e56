"""What releases declare to need: requirements with their markers, as bounds by distribution. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from stackcompat.core.requirements import marker_environment, only_version, parse_requirement
from stackcompat.ecosystem.releases import Catalog

__all__ = ["Bound", "applies", "bounds_on", "declared_in", "needs", "requirements"]


def declared_in(metadata: str) -> tuple[Requirement, ...]:
    """What the core metadata of a release declares to need.

    Lines that are no requirement are left out: old releases have some, and installers leave them out as well.
    """
    found = []
    for line in parse_email(metadata)[0].get("requires_dist", []):
        try:
            found.append(Requirement(line))
        except InvalidRequirement:
            continue
    return tuple(found)


def applies(requirement: Requirement, python: str, extras: Iterable[str] = ()) -> bool:
    """Whether the marker of a requirement holds.

    Args:
        requirement: The requirement.
        python: The Python; for everything else in a marker, this machine decides.
        extras: The extras with which the release is installed.
    """
    environment = marker_environment(python)
    marker = requirement.marker
    return marker is None or any(marker.evaluate(environment | {"extra": extra}) for extra in ("", *extras))


def requirements(
    catalog: Catalog, name: str, version: str, python: str, extras: Collection[str] = ()
) -> list[Requirement]:
    """What a release needs, as far as markers hold.

    Args:
        catalog: Tells what the release declares.
        name: The distribution; ``python`` needs nothing.
        version: Its release.
        python: The Python for which markers are evaluated.
        extras: The extras with which it is installed.

    Returns:
        Requirements without markers, their names in normal form.
    """
    if name == "python":
        return []
    found = []
    for declared in catalog.requires(name, version):
        if applies(declared, python, extras):
            requirement = parse_requirement(str(declared))
            requirement.marker = None
            found.append(requirement)
    return found


def needs(
    catalog: Catalog, name: str, version: str, python: str, extras: Collection[str] = ()
) -> dict[str, SpecifierSet]:
    """The bounds that a release declares, by distribution; see :func:`requirements` for the arguments."""
    found: dict[str, SpecifierSet] = {}
    for requirement in requirements(catalog, name, version, python, extras):
        found[requirement.name] = found.get(requirement.name, SpecifierSet()) & requirement.specifier
    return found


class Bound(NamedTuple):
    """What a release declares of another distribution.

    Attributes:
        name: The distribution that declares it.
        version: Its release.
        specifier: The bound.
    """

    name: str
    version: str
    specifier: SpecifierSet


def bounds_on(
    other: str, catalog: Catalog, name: str, version: str, python: str, extras: Collection[str] = ()
) -> list[Bound]:
    """The bounds on a distribution that come with a release: its own, and those of releases that it requires exactly.

    Args:
        other: The distribution that is bounded.
        catalog: Tells what releases declare.
        name: The distribution that brings the bounds.
        version: Its release.
        python: The Python for which markers are evaluated.
        extras: The extras with which the release is installed.
    """
    bounds = []
    waiting = [(name, version, frozenset(extras))]
    seen = set(waiting)
    while waiting:
        owner, its_version, its_extras = waiting.pop(0)
        bound = SpecifierSet()
        for requirement in requirements(catalog, owner, its_version, python, its_extras):
            if requirement.name == other:
                bound &= requirement.specifier
            pinned = only_version(requirement)
            brought = (requirement.name, pinned, frozenset(requirement.extras))
            if pinned and brought not in seen:
                seen.add(brought)
                waiting.append(brought)
        if bound:
            bounds.append(Bound(owner, its_version, bound))
    return bounds
