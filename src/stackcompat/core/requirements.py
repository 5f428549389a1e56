"""Requirements, exact pins and versions as text: how they are parsed, written and compared.

The module is built on :mod:`packaging`. Names come out in the normal form of PEP 503.

A *requirement* is any PEP 508 text. A *pin* is a text ``name==version`` without extras, marker or second bound. The
goals and the covering arrays of a plan are made of pins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Annotated

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from pydantic import AfterValidator

__all__ = [
    "PythonText",
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
    "valid_python",
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
        ValueError: The text is no requirement. The message says what is wrong with it.
    """
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f'"{text}" is not a requirement such as "alpha>=0.12,<0.13": {reason}') from None
    requirement.name = canonicalize_name(requirement.name)
    return requirement


def name_of(requirement: str) -> str:
    """The distribution that a requirement is about, in normal form; empty for a text that begins with no name.

    Only the beginning of the text is read. So the rest need not be valid, as in some texts of a resolver's refusal.
    """
    name = _NAME.match(requirement.strip())
    return canonicalize_name(name[0]) if name else ""


def exactly(text: str, version: str) -> str:
    """The requirement `text` with ``==version`` in place of its bounds. Its extras and marker stay."""
    requirement = parse_requirement(text)
    requirement.specifier = SpecifierSet(f"=={version}")
    return str(requirement)


def unbounded(text: str) -> str:
    """The requirement `text` without its bounds. Its extras and marker stay."""
    requirement = parse_requirement(text)
    requirement.specifier = SpecifierSet()
    return str(requirement)


def only_version(requirement: Requirement) -> str:
    """The version that a requirement pins (``==`` or ``===``, without ``*``); empty if it pins none or several.

    Further bounds of the requirement do not matter.
    """
    exact = [s.version for s in requirement.specifier if s.operator in ("==", "===") and not s.version.endswith(".*")]
    return exact[0] if len(exact) == 1 else ""


def exact_pins(requirements: Iterable[str]) -> dict[str, str]:
    """Distribution to version, for those `requirements` that pin a version; see :func:`only_version`."""
    return {name: version for name, version in map(_name_and_version, requirements) if version}


@cache
def _name_and_version(requirement: str) -> tuple[str, str]:
    """The distribution of a requirement, and the version that it pins. The cells of a matrix ask for the same few."""
    parsed = parse_requirement(requirement)
    return parsed.name, only_version(parsed)


def exact_version(specifier: SpecifierSet) -> str:
    """The version of a specifier that is ``==version`` and nothing else; empty for any other."""
    bounds = list(specifier)
    if len(bounds) != 1 or bounds[0].operator != "==" or bounds[0].version.endswith(".*"):
        return ""
    return bounds[0].version


def allows(specifier: str, version: str) -> bool:
    """Whether a specifier such as ``>=1,<2`` allows a version. A pre-release counts like any other version."""
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


def valid_python(text: str) -> str:
    """The text, if it is a Python such as ``3.12``: without a patch.

    Raises:
        ValueError: It is something else.
    """
    if not re.fullmatch(r"3\.[0-9]+", text):
        raise ValueError(f'"{text}" is not a Python such as 3.12')
    return text


def newest_patch(python: str) -> str:
    """A full version that is above every patch of a Python such as ``3.12``: ``3.12.99``."""
    return f"{python}.99"


def marker_environment(python: str) -> dict[str, str]:
    """The variables of markers that a Python such as ``3.12`` decides. This machine decides all others."""
    return {"python_version": python, "python_full_version": newest_patch(python)}


def python_key(python: str) -> tuple[int, ...]:
    """Sort key for Pythons such as ``3.12``."""
    return tuple(int(part) for part in python.split("."))


# ---------------------------------------------------------------------------------------------------------------------
# Versions
# ---------------------------------------------------------------------------------------------------------------------


@cache
def version_key(version: str) -> Version:
    """Sort key for version texts. Each text is parsed once: tables compare the same few versions again and again."""
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


#: The type of a field that holds a requirement, in normal form.
RequirementText = Annotated[str, AfterValidator(_requirement_text)]

#: The type of a field that holds a Python such as ``3.12``.
PythonText = Annotated[str, AfterValidator(valid_python)]

#: The type of a field that holds a version specifier.
SpecifierText = Annotated[str, AfterValidator(_specifier_text)]
