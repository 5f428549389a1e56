"""The requirements that releases declare: read from metadata, evaluated for a Python, joined into bounds. Pure.

Releases of a distribution have most lines of their metadata in common, and reports ask for thousands of releases. So
each line is parsed once, and each marker is evaluated once for a Python.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import cache
from typing import NamedTuple

from packaging.markers import Marker
from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from stackcompat.core.requirements import marker_environment, only_version, parse_requirement, version_key
from stackcompat.ecosystem.releases import Catalog

__all__ = ["DeclaredBound", "applies", "bounds_on", "declared_in", "is_metadata_of", "needs", "requirements"]

#: Where the header fields of core metadata end. Below stands a description.
_HEADER_END = re.compile(r"\r?\n\r?\n")

#: A field of the header with a requirement. It can go on in further lines, which begin with a space.
_REQUIREMENT = re.compile(r"^Requires-Dist:.*(?:\n[ \t].*)*", re.MULTILINE | re.IGNORECASE)


#: The fields of the header that say whose metadata it is.
_IDENTITY = re.compile(r"^(Name|Version):[ \t]*(\S+)[ \t]*\r?$", re.MULTILINE)


def declared_in(metadata: str) -> tuple[Requirement, ...]:
    """The requirements in the core metadata of a release. Equal ones are one object, so they must not be changed.

    Old releases have lines that are no requirements. They are left out, as installers do.
    """
    fields = _REQUIREMENT.findall(_HEADER_END.split(metadata, maxsplit=1)[0])  # to parse the others takes long
    found = map(_requirement, parse_email("\n".join(fields))[0].get("requires_dist", []))
    return tuple(requirement for requirement in found if requirement is not None)


def is_metadata_of(metadata: str, name: str, version: str) -> bool:
    """Whether a text is the core metadata of a release, as its fields say.

    Args:
        metadata: The text.
        name: The distribution, in normal form.
        version: The release.
    """
    fields = dict(reversed(_IDENTITY.findall(_HEADER_END.split(metadata, maxsplit=1)[0])))
    try:
        return canonicalize_name(fields["Name"]) == name and version_key(fields["Version"]) == version_key(version)
    except (KeyError, InvalidVersion):
        return False


@cache
def _requirement(line: str) -> Requirement | None:
    """The requirement in a line of metadata; None if it is none."""
    try:
        return Requirement(line)
    except InvalidRequirement:
        return None


def applies(requirement: Requirement, python: str, extras: Iterable[str] = ()) -> bool:
    """Whether the marker of a requirement holds; true without a marker.

    Args:
        requirement: The requirement.
        python: The Python. This machine decides everything else in a marker.
        extras: The extras with which the release is installed.
    """
    return requirement.marker is None or _holds(str(requirement.marker), python, ("", *extras))


@cache
def _holds(marker: str, python: str, extras: tuple[str, ...]) -> bool:
    """Whether a marker holds for a Python with any of the extras."""
    parsed, environment = Marker(marker), marker_environment(python)
    return any(parsed.evaluate(environment | {"extra": extra}) for extra in extras)


def requirements(
    catalog: Catalog, name: str, version: str, python: str, extras: Collection[str] = ()
) -> list[Requirement]:
    """The declared requirements of a release whose markers hold.

    Args:
        catalog: Gives what releases declare.
        name: The distribution. ``python`` has no requirements.
        version: Its release.
        python: The Python for which markers are evaluated.
        extras: The extras with which the release is installed.

    Returns:
        The requirements without their markers, and with names in normal form. They must not be changed.
    """
    if name == "python":
        return []
    return [_plain(str(one)) for one in catalog.requires(name, version) if applies(one, python, extras)]


@cache
def _plain(requirement: str) -> Requirement:
    """A requirement without its marker, and with its name in normal form."""
    plain = parse_requirement(requirement)
    plain.marker = None
    return plain


def needs(
    catalog: Catalog, name: str, version: str, python: str, extras: Collection[str] = ()
) -> dict[str, SpecifierSet]:
    """The bounds that a release declares, by the distribution that is bounded. See :func:`requirements`."""
    found: dict[str, SpecifierSet] = {}
    for requirement in requirements(catalog, name, version, python, extras):
        found[requirement.name] = found.get(requirement.name, SpecifierSet()) & requirement.specifier
    return found


class DeclaredBound(NamedTuple):
    """A bound that a release declares on another distribution.

    Attributes:
        name: The distribution that declares the bound.
        version: The release that declares it.
        specifier: The bound.
    """

    name: str
    version: str
    specifier: SpecifierSet


def bounds_on(
    other: str, catalog: Catalog, name: str, version: str, python: str, extras: Collection[str] = ()
) -> list[DeclaredBound]:
    """The bounds on a distribution that a release brings: its own, and those of the releases that it pins.

    A pinned release can pin further ones. Their bounds count as well.

    Args:
        other: The distribution that is bounded.
        catalog: Gives what releases declare.
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
            bounds.append(DeclaredBound(owner, its_version, bound))
    return bounds
