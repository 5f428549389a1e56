"""Requirements, exact pins and versions as text: parsed, written and compared in one place.

Built on :mod:`packaging`. Names come out in the normal form of PEP 503.

A *pin* is a text ``name==version`` and nothing else: no extras, no marker, no second bound. The plan, the goals and the
covering arrays are made of pins. A *requirement* is any PEP 508 text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from pydantic import AfterValidator

__all__ = [
    "RequirementText",
    "SpecifierText",
    "allows",
    "exact_pins",
    "exact_version",
    "exactly",
    "marker_environment",
    "name_of",
    "newest_patch",
    "only_version",
    "parse_requirement",
    "python_key",
    "split_pin",
    "unbounded",
    "version_key",
]

#: The name with which a requirement begins (PEP 508).
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


# ---------------------------------------------------------------------------------------------------------------------
# Requirements
# ---------------------------------------------------------------------------------------------------------------------


def parse_requirement(text: str) -> Requirement:
    """Parse a PEP 508 requirement.

    Returns:
        The requirement, its name in normal form.

    Raises:
        ValueError: The text is no requirement; the message says what is wrong in words to act on.
    """
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f'"{text}" is not a requirement such as "alpha>=0.12,<0.13": {reason}') from None
    requirement.name = canonicalize_name(requirement.name)
    return requirement


def name_of(requirement: str) -> str:
    """The distribution that a requirement is about, in normal form.

    Only the beginning of the text is read, so the texts of a resolver's refusal are read as well, which are not all
    valid requirements. The name of a text that begins with none is empty.
    """
    name = _NAME.match(requirement.strip())
    return canonicalize_name(name[0]) if name else ""


def exactly(text: str, version: str) -> str:
    """The requirement `text` on exactly `version`, extras kept."""
    requirement = parse_requirement(text)
    requirement.specifier = SpecifierSet(f"=={version}")
    return str(requirement)


def unbounded(text: str) -> str:
    """The requirement `text` without its bounds, extras and marker kept."""
    requirement = parse_requirement(text)
    requirement.specifier = SpecifierSet()
    return str(requirement)


def only_version(requirement: Requirement) -> str:
    """The one version that a requirement allows (``==`` or ``===``, without ``*``); empty if it allows several."""
    exact = [s.version for s in requirement.specifier if s.operator in ("==", "===") and not s.version.endswith(".*")]
    return exact[0] if len(exact) == 1 else ""


def exact_pins(requirements: Iterable[str]) -> dict[str, str]:
    """The requirements that allow one version only, distribution to version."""
    versions = {parsed.name: only_version(parsed) for parsed in map(parse_requirement, requirements)}
    return {name: version for name, version in versions.items() if version}


def exact_version(specifier: SpecifierSet) -> str:
    """The version of a specifier that is ``==version`` and nothing else; empty for any other."""
    bounds = list(specifier)
    if len(bounds) != 1 or bounds[0].operator != "==" or bounds[0].version.endswith(".*"):
        return ""
    return bounds[0].version


def allows(specifier: str, version: str) -> bool:
    """Whether a specifier such as ``>=1,<2`` allows a version; pre-releases count as any other version."""
    return SpecifierSet(specifier).contains(version, prereleases=True)


# ---------------------------------------------------------------------------------------------------------------------
# Pins
# ---------------------------------------------------------------------------------------------------------------------


def split_pin(text: str) -> tuple[str, str]:
    """Name and version of a pin; the version of a bare name is empty."""
    name, _, version = text.partition("==")
    return name, version


# ---------------------------------------------------------------------------------------------------------------------
# Pythons
# ---------------------------------------------------------------------------------------------------------------------


def newest_patch(python: str) -> str:
    """A full version above every patch of a Python such as ``3.12``."""
    return f"{python}.99"


def marker_environment(python: str) -> dict[str, str]:
    """What markers are evaluated with for a Python such as ``3.12``: for the rest, the machine decides."""
    return {"python_version": python, "python_full_version": newest_patch(python)}


def python_key(python: str) -> tuple[int, ...]:
    """Sort key for Pythons such as ``3.12``."""
    return tuple(int(part) for part in python.split("."))


# ---------------------------------------------------------------------------------------------------------------------
# Versions
# ---------------------------------------------------------------------------------------------------------------------


def version_key(version: str) -> Version:
    """Sort key for version texts."""
    return Version(version)


# ---------------------------------------------------------------------------------------------------------------------
# Fields of records
# ---------------------------------------------------------------------------------------------------------------------


def _requirement_text(text: str) -> str:
    return str(parse_requirement(text))


def _specifier_text(text: str) -> str:
    try:
        return str(SpecifierSet(text))
    except InvalidSpecifier:
        raise ValueError(f'"{text}" is not a version specifier such as ">=0.12,<0.13"') from None


#: A field that holds a requirement, in normal form.
RequirementText = Annotated[str, AfterValidator(_requirement_text)]

#: A field that holds a version specifier.
SpecifierText = Annotated[str, AfterValidator(_specifier_text)]
