"""Locks in TOML: uv.lock, poetry.lock, pdm.lock and pylock.toml. Pure.

A package is read if it belongs to the project itself, or to an extra or a group that was asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from packaging.markers import Marker
from packaging.pylock import Package, Pylock, PylockValidationError
from packaging.utils import canonicalize_name

from stackcompat.advice.document import Asked, items, listed, needs_of_document, table
from stackcompat.advice.listing import WHY_NOT, Entry, LineKind, of_file_name, pinned, where_it_applies
from stackcompat.core.errors import UsageError
from stackcompat.core.requirements import marker_environment

__all__ = ["lock_entries", "pylock_entries"]


def lock_entries(document: Mapping[str, Any], asked: Asked) -> Iterator[Entry]:
    """The packages of a uv.lock, a poetry.lock or a pdm.lock.

    Args:
        document: The file.
        asked: The parts of it that are read.

    Raises:
        UsageError: The file is a lock of Rust, which has the same tables.
    """
    packages = items(document.get("package"))
    if any(isinstance(package.get("source"), str) for package in packages):
        raise UsageError("it is a lock, but not of Python distributions")
    roots = _roots(document, packages)
    if roots:
        yield from _uv_entries(packages, roots, asked)
        return
    wanted = _wanted_extras(document, asked)
    for package in packages:
        yield _entry(package, _kind(package, asked, wanted))


def _entry(package: Mapping[str, Any], kind: LineKind | None) -> Entry:
    name, version = str(package.get("name", "")), str(package.get("version", ""))
    text = f"{name} {version}".strip()
    if kind is not None:
        return Entry(text, name, kind=kind, why=WHY_NOT[kind])
    place = _not_the_index(package)
    return (
        Entry(text, name, kind="project", why=f"from {place}, so it is no release")
        if place
        else pinned(text, name, version)
    )


#: What uv, poetry and pdm call the places of a package that is not taken from an index.
_PLACES = {
    "git": "git",
    "url": "an address",
    "path": "a file",
    "file": "a file",
    "directory": "a folder",
    "editable": "a folder",
    "virtual": "a folder",
}


def _not_the_index(package: Mapping[str, Any]) -> str:
    """Where a package comes from that is not from an index, in words. What has its version need not be that release."""
    source = table(package, "source")
    kind = source.get("type")  # so does poetry say it; uv has a key for each kind, and pdm has them on the package
    named = {kind} if isinstance(kind, str) else source.keys() if source else package.keys()
    return next((words for key, words in _PLACES.items() if key in named), "")


# ---------------------------------------------------------------------------------------------------------------------
# uv.lock: what the projects of the workspace need
# ---------------------------------------------------------------------------------------------------------------------


def _roots(document: Mapping[str, Any], packages: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The projects that a uv.lock is for. It has none if it is for a script, or for groups alone."""
    manifest = table(document, "manifest")
    if "requirements" in manifest or "dependency-groups" in manifest:
        return []
    members = listed(manifest.get("members"))
    here = {"virtual": ".", "editable": "."}.items()
    return [
        package
        for package in packages
        if package.get("name") in members or any(item in here for item in table(package, "source").items())
    ]


def _uv_entries(packages: list[Mapping[str, Any]], roots: list[Mapping[str, Any]], asked: Asked) -> Iterator[Entry]:
    extras = {extra for root in roots for extra in table(root, "optional-dependencies")}
    groups = {group for root in roots for group in table(root, "dev-dependencies")}
    read = _reached(packages, roots, asked)
    there = _reached(packages, roots, Asked(asked.python, tuple(extras), tuple(groups)))
    for place, package in enumerate(packages):
        yield _entry(package, None if place in read else "optional" if place in there else "elsewhere")


def _reached(packages: list[Mapping[str, Any]], roots: Iterable[Mapping[str, Any]], asked: Asked) -> set[int]:
    """The places of the packages that the projects need, on one Python and this machine."""
    places: dict[str, list[int]] = {}
    for place, package in enumerate(packages):
        places.setdefault(str(package.get("name")), []).append(place)
    seen: set[tuple[int, str]] = set()
    todo: list[Mapping[str, Any]] = []

    def visit(place: int, extra: str) -> None:
        if (place, extra) not in seen:
            seen.add((place, extra))
            parts = table(packages[place], "optional-dependencies")
            todo.extend(items(parts.get(extra) if extra else packages[place].get("dependencies")))

    extras = {*map(canonicalize_name, asked.extras)}
    switches: list[str] = []  # how uv names, in markers, the extras and groups that conflict with each other
    for root in roots:
        name = str(root.get("name"))
        switches += [f"extra-{len(name)}-{name}-{extra}" for extra in extras]
        switches += [f"group-{len(name)}-{name}-{group}" for group in asked.groups]
        for extra in ("", *extras):
            visit(packages.index(root), extra)
        for group in asked.groups:
            todo += items(table(root, "dev-dependencies").get(group))
    while todo:
        need = todo.pop()
        marker = need.get("marker")
        markers = [marker] if isinstance(marker, str) else []
        if where_it_applies(markers, asked.python, switches or ("",), bare=False) is None:
            for place in places.get(str(need.get("name")), []):
                if _is_meant(need, packages[place]):
                    for extra in ("", *map(str, listed(need.get("extra")))):
                        visit(place, extra)
    return {place for place, _ in seen}


def _is_meant(need: Mapping[str, Any], package: Mapping[str, Any]) -> bool:
    """Whether a dependency is on this one of several packages of the same name."""
    return all(key not in need or need[key] == package.get(key) for key in ("version", "source"))


# ---------------------------------------------------------------------------------------------------------------------
# poetry.lock, pdm.lock: each package names its groups
# ---------------------------------------------------------------------------------------------------------------------


def _wanted_extras(document: Mapping[str, Any], asked: Asked) -> set[str]:
    """The distributions that the extras of a poetry.lock need, if they were asked for."""
    needs = needs_of_document(document)
    extras = {canonicalize_name(extra): names for extra, names in table(document, "extras").items()}
    todo = [str(name) for extra in asked.extras for name in listed(extras.get(canonicalize_name(extra)))]
    wanted: set[str] = set()
    while todo:
        name = canonicalize_name(todo.pop().partition(" ")[0])
        if name not in wanted:
            wanted.add(name)
            todo += needs.get(name, ())
    return wanted


def _kind(package: Mapping[str, Any], asked: Asked, wanted: Collection[str]) -> LineKind | None:
    """None where a package is read; else the kind of line that it is."""
    groups = listed(package.get("groups")) or [package[key] for key in ("category",) if key in package]
    read = {"main", "default", *map(canonicalize_name, (*asked.groups, *asked.extras))}
    ours = [str(group) for group in groups if canonicalize_name(str(group)) in read]
    if groups and not ours:
        return "optional"
    if "groups" not in package and package.get("optional") is True:
        return None if canonicalize_name(str(package.get("name", ""))) in wanted else "optional"
    markers: list[object] = [package.get("marker"), *listed(package.get("resolution-markers"))]
    by_group = package.get("markers")
    if isinstance(by_group, Mapping):  # a group without a marker takes the package everywhere
        markers += [by_group[group] for group in ours] if by_group.keys() >= {*ours} else []
    else:
        markers.append(by_group)
    return where_it_applies([marker for marker in markers if isinstance(marker, str)], asked.python, asked.extras)


# ---------------------------------------------------------------------------------------------------------------------
# pylock.toml
# ---------------------------------------------------------------------------------------------------------------------


def pylock_entries(document: Mapping[str, Any], asked: Asked) -> Iterator[Entry]:
    """The packages of a pylock.toml.

    Args:
        document: The file.
        asked: The parts of it that are read.

    Raises:
        UsageError: The file breaks the rules for such a lock.
    """
    try:
        lock = Pylock.from_dict(document)
    except PylockValidationError as error:
        raise UsageError(f"it is no pylock.toml: {error}") from None
    python = marker_environment(asked.python) if asked.python else {}
    read = {*(lock.default_groups or ()), *map(canonicalize_name, asked.groups)}
    every = {*(lock.default_groups or ()), *(lock.dependency_groups or ())}
    chosen = python | {"extras": {*map(canonicalize_name, asked.extras)}, "dependency_groups": read}
    anything = python | {"extras": {*(lock.extras or ())}, "dependency_groups": every}
    for package in lock.packages:
        entry = _of_pylock(package)
        if not _holds(package.marker, chosen):
            kind: LineKind = "optional" if _holds(package.marker, anything) else "elsewhere"
            entry = Entry(entry.text, entry.name, kind=kind, why=WHY_NOT[kind])
        yield entry


def _of_pylock(package: Package) -> Entry:
    name = str(package.name)
    if package.vcs is not None:
        return Entry(name, name, kind="project", why=f"from {package.vcs.type}, so it is no release")
    if package.version is not None:
        return pinned(f"{name} {package.version}", name, str(package.version))
    if package.directory is not None:
        return Entry(name, name, kind="project", why="a project in a folder, no version")
    archive = package.archive.url or package.archive.path or "" if package.archive else ""
    version = of_file_name(archive.partition("#")[0].rpartition("/")[2])[1]
    return pinned(name, name, version) if version else Entry(name, name, kind="loose", why="an address, no version")


def _holds(marker: Marker | None, environment: Mapping[str, Any]) -> bool:
    return marker is None or marker.evaluate(dict(environment), context="lock_file")
