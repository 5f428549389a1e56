"""The content of a file or an environment: exact versions, and every line that gives none. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from stackcompat.core.record import Record
from stackcompat.core.requirements import marker_environment, only_version

__all__ = [
    "WHY_NOT",
    "Entry",
    "Line",
    "LineKind",
    "Listed",
    "collect",
    "is_version",
    "of_file_name",
    "of_requirement",
    "only_python",
    "pinned",
    "where_it_applies",
]

#: Why a line gives no exact version. `loose`: it allows several versions, or does not say which one it takes.
#: `project`: it names a project that is no release, such as one in a folder.
#: `elsewhere`: it is for another Python or machine. `optional`: for an extra, a group or an environment that nobody
#: asked for. `twice`: the file has another version of the same distribution. `option`: it names no distribution.
#: `foreign`: it names something that is no Python distribution, such as a package of the operating system.
#: `extra`: it has an exact version, and extras, which install more. `unread`: it cannot be told what it names.
LineKind = Literal["loose", "project", "elsewhere", "optional", "twice", "option", "foreign", "extra", "unread"]

#: The reason in words for a line that does not apply.
WHY_NOT: dict[LineKind, str] = {
    "elsewhere": "for another Python or machine",
    "optional": "only with an extra or a group",
}


class Line(Record):
    """A line that does not give the exact version of all that it installs on this Python and machine.

    Attributes:
        text: The line as it was written, or the name and version of a package of a lock.
        kind: Why it gives no exact version.
        name: The distribution, in normal form; empty: it names none.
        why: The reason in words.
    """

    text: str
    kind: LineKind
    name: str = ""
    why: str = ""


class Entry(NamedTuple):
    """A line, or a package of a lock: with an exact `version`, or with the `kind` of line that it is.

    Attributes:
        text: The line as it was written.
        name: The distribution; empty: it names none.
        version: Its exact version; empty: it gives none.
        kind: Why it gives no exact version; None: it gives one.
        why: The reason in words.
        bounds: The versions that it allows, where it allows several.
        constraint: Whether it only limits what something else installs.
        extras: Its extras. They install more distributions, whose versions the line does not give.
    """

    text: str
    name: str = ""
    version: str = ""
    kind: LineKind | None = None
    why: str = ""
    bounds: str = ""
    constraint: bool = False
    extras: tuple[str, ...] = ()


class Listed(NamedTuple):
    """The content of a file or an environment.

    Attributes:
        versions: Exact versions, by distribution in normal form.
        lines: The lines without an exact version, in the order of the file.
        loose: The distributions that are named without an exact version, each with its bounds.
        python: The only Python that the file is for, such as ``3.12``; empty: it names none, or several.
        needs: The distributions that each distribution declares to need, as far as the file says so.
    """

    versions: dict[str, str]
    lines: tuple[Line, ...] = ()
    loose: dict[str, str] = {}  # read only
    python: str = ""
    needs: dict[str, frozenset[str]] = {}  # read only


def collect(entries: Iterable[Entry], python: str = "") -> Listed:
    """The content of a file, from its entries.

    A line without an exact version is pinned where another line of the same distribution, a constraint for example,
    gives one. Of two exact versions the newer one counts, and the older one is named.

    Args:
        entries: The entries, in the order of the file.
        python: The only Python that the file is for.
    """
    entries = tuple(entries)
    versions: dict[str, str] = {}
    for entry in entries:
        name: str = canonicalize_name(entry.name)
        if entry.kind is None and (name not in versions or Version(versions[name]) < Version(entry.version)):
            versions[name] = entry.version
    lines: list[Line] = []
    loose: dict[str, str] = {}
    for entry in entries:
        name = canonicalize_name(entry.name) if entry.name else ""
        if entry.kind is None:
            if Version(versions[name]) != Version(entry.version):
                why = f"the file also has {versions[name]}"
                lines.append(Line(text=entry.text, kind="twice", name=name, why=why))
            if entry.extras:
                why = "what its extras install is known from other lines only"
                lines.append(Line(text=entry.text, kind="extra", name=name, why=why))
        elif (
            entry.kind not in ("loose", "project") or name not in versions or not _allowed(entry.bounds, versions[name])
        ):
            lines.append(Line(text=entry.text, kind=entry.kind, name=name, why=entry.why))
            if entry.kind in ("loose", "project") and name and not entry.constraint:
                loose.setdefault(name, entry.bounds)
    still_loose = {name: bounds for name, bounds in loose.items() if name not in versions}
    return Listed(versions, tuple(lines), still_loose, python)


def _allowed(bounds: str, version: str) -> bool:
    try:
        return SpecifierSet(bounds).contains(version, prereleases=True)
    except InvalidSpecifier:
        return False


def pinned(text: str, name: str, version: str) -> Entry:
    """The entry of a package with its version; a version that is none is named as such."""
    if is_version(version):
        return Entry(text, name, version)
    return Entry(text, name, kind="loose", why=f'"{version}" is no version' if version else "no version")


def of_requirement(requirement: Requirement, text: str, python: str | None, extras: Collection[str]) -> Entry:
    """The entry of a requirement.

    Args:
        requirement: The requirement.
        text: How it was written.
        python: The Python that it is for, such as ``3.12``; None: this one.
        extras: The extras that were asked for.
    """
    name = requirement.name
    kind = where_it_applies([str(requirement.marker)] if requirement.marker else [], python, extras)
    if kind is not None:
        return Entry(text, name, kind=kind, why=WHY_NOT[kind])
    version = only_version(requirement)
    if requirement.url:
        version = of_file_name(requirement.url.partition("#")[0].rpartition("/")[2])[1]
        if not version:
            return Entry(text, name, kind="loose", why="an address, no version")
    if version:
        return pinned(text, name, version)._replace(extras=tuple(sorted(requirement.extras)))
    bounds = str(requirement.specifier)
    return Entry(text, name, kind="loose", why="no exact version", bounds=bounds)


def of_file_name(name: str) -> tuple[str, str]:
    """The distribution and the version in the name of a wheel, an sdist or a conda package; empty: it is none."""
    try:
        if name.endswith(".whl"):
            distribution, version, *_ = parse_wheel_filename(name.replace("%2B", "+"))
            return distribution, str(version)
        for ending in (".conda", ".tar.bz2"):
            if name.endswith(ending):
                conda_name, conda_version, _ = name.removesuffix(ending).rsplit("-", 2)
                return conda_name, conda_version
        distribution, version = parse_sdist_filename(name)
    except (InvalidWheelFilename, InvalidSdistFilename, ValueError):
        return "", ""
    return distribution, str(version)


def where_it_applies(
    markers: Iterable[str], python: str | None, extras: Collection[str], *, bare: bool = True
) -> LineKind | None:
    """None where one of the markers holds on a Python and this machine, or there is none; else the kind of line.

    Args:
        markers: Environment markers; one that is not understood holds.
        python: The Python, such as ``3.12``; None: this one.
        extras: The extras that were asked for.
        bare: Whether a marker that holds without any extra is enough.
    """
    markers = list(markers)
    environment = marker_environment(python) if python else {}
    environments = [environment | {"extra": extra} for extra in (*([""] if bare else []), *extras)]
    if not markers or any(_holds(marker, facts) for marker in markers for facts in environments):
        return None
    return "optional" if any("extra" in marker for marker in markers) else "elsewhere"


def _holds(marker: str, environment: dict[str, str]) -> bool:
    try:
        return Marker(marker).evaluate(dict(environment))
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName):
        return True


def only_python(specifier: str) -> str:
    """The only minor version of Python that a specifier such as ``>=3.12,<3.13`` allows; empty if it allows several."""
    try:
        bounds = SpecifierSet(specifier)
    except InvalidSpecifier:
        return ""
    minors = [f"3.{minor}" for minor in range(40) if any(bounds.contains(f"3.{minor}.{patch}") for patch in range(30))]
    return minors[0] if len(minors) == 1 else ""


def is_version(text: str) -> bool:
    """Whether a text is a version."""
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
