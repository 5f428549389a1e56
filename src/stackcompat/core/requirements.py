"""Requirements, exact pins and versions as text: parsed, written and compared in one place.

Built on :mod:`packaging`; names are always in the normal form of PEP 503.
"""

from __future__ import annotations

from typing import Annotated

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from pydantic import AfterValidator

__all__ = [
    "RequirementText",
    "SpecifierText",
    "exactly",
    "only_version",
    "parse_requirement",
    "python_key",
    "version_key",
]


def parse_requirement(text: str) -> Requirement:
    """Parse a PEP 508 requirement, its name in normal form; ValueError says what is wrong in words to act on."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f'"{text}" is not a requirement such as "alpha>=0.12,<0.13": {reason}') from None
    requirement.name = canonicalize_name(requirement.name)
    return requirement


def exactly(text: str, version: str) -> str:
    """The requirement `text` on exactly `version`, extras kept."""
    requirement: Requirement = parse_requirement(text)
    requirement.specifier = SpecifierSet(f"=={version}")
    return str(requirement)


def only_version(requirement: Requirement) -> str:
    """The one version that a requirement allows, if it names one; else empty."""
    exact = [s.version for s in requirement.specifier if s.operator == "==" and not s.version.endswith(".*")]
    return exact[0] if len(exact) == 1 else ""


def _requirement_text(text: str) -> str:
    return str(parse_requirement(text))


def _specifier_text(text: str) -> str:
    try:
        return str(SpecifierSet(text))
    except InvalidSpecifier:
        raise ValueError(f'"{text}" is not a version specifier such as ">=0.12,<0.13"') from None


RequirementText = Annotated[str, AfterValidator(_requirement_text)]


SpecifierText = Annotated[str, AfterValidator(_specifier_text)]


def python_key(python: str) -> tuple[int, ...]:
    """Sort key for Pythons such as ``3.12``."""
    return tuple(int(part) for part in python.split("."))


def version_key(version: str) -> Version:
    """Sort key for version texts."""
    return Version(version)
