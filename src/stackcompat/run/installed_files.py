"""The files that the distributions of an environment installed, by their RECORD files."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from packaging.utils import canonicalize_name

from stackcompat.ecosystem.overlaps import Overlap, is_module, overlapping
from stackcompat.evidence.closure import Surface
from stackcompat.run.inside.watch import SYSTEM_PROGRAMS, source_of

__all__ = ["InstalledFiles", "owners_of", "read_installed_files", "surface_of"]

#: Modules that every interpreter imports when it starts.
_IMPORTED_AT_START = ("sitecustomize", "usercustomize")

#: The folders that every environment has.
_ALWAYS_THERE = ("bin", "include", "lib", "lib64")

#: A file that Python imports: the name of the module, and the ending.
_MODULE = re.compile(r"([^./]+)(?:\.[\w-]+)*\.(?:py|so|pyd|pyc)")

#: A folder of metadata, which tells of entry points also where it is not that of the distribution.
_METADATA = re.compile(r"[^/]+\.(?:dist-info|egg-info)/entry_points\.txt")

#: What runs in place of the interpreter or of a program that tells of the machine, or says what the interpreter is.
_IN_PLACE = re.compile(rf"(?:\.\./)+(?:bin/(?:python[\d.]*|{'|'.join(sorted(SYSTEM_PROGRAMS))})|pyvenv\.cfg)")


@dataclass(frozen=True)
class InstalledFiles:
    """What the RECORD files of an environment say.

    Attributes:
        site: The folder that the distributions are installed in; None if the environment has none.
        overwritten: The first two distributions of which one has written over the other, in a sentence; empty if every
            module is as the RECORD of each distribution says that has it.
        surfaces: Distribution to its surface. A distribution without RECORD is left out.
        owners: The path of a folder to the one distribution that has files in it; and, in folders that several have
            files in, the path of a file to the distributions that have it.
    """

    site: Path | None
    overwritten: str
    surfaces: dict[str, Surface]
    owners: dict[str, list[str]]


class _Installed(NamedTuple):
    """The files of one distribution, as its RECORD has them: path to digest. `groups` are those of its entry points."""

    name: str
    version: str
    files: dict[str, str]
    groups: list[str]


def read_installed_files(env_python: Path) -> InstalledFiles:
    """Read the RECORD files of an environment.

    Only files that two distributions claim with different contents are looked at themselves.

    Args:
        env_python: The Python executable of the environment.
    """
    prefix = env_python.parent.parent
    folder = next(iter([*prefix.glob("lib/python*/site-packages"), *prefix.glob("Lib/site-packages")]), None)
    if folder is None:
        return InstalledFiles(None, "", {}, {})
    installed = [_read(record) for record in sorted(folder.glob("*.dist-info/RECORD"))]
    modules = {
        f"{one.name} {one.version}": {path: digest for path, digest in one.files.items() if digest and is_module(path)}
        for one in installed
    }
    overlap = next(iter(overlapping(modules)), None)
    return InstalledFiles(
        site=folder,
        overwritten="" if overlap is None else _sentence(overlap, folder),
        surfaces={one.name: surface_of(one.files, one.groups) for one in installed},
        owners=owners_of({one.name: one.files for one in installed}, str(folder)),
    )


def _read(record: Path) -> _Installed:
    """Read one RECORD, and the groups of the entry points that the distribution has."""
    name, _, version = record.parent.name.removesuffix(".dist-info").partition("-")
    site = record.parent.parent
    files = {}
    for line in record.read_text(encoding="utf-8", errors="replace").splitlines():
        path, _, digest = line.strip().rpartition(",")[0].rpartition(",")
        if path:
            files[_within(path.strip('"'), site)] = digest
    groups: list[str] = []
    for path in {f"{record.parent.name}/entry_points.txt", *filter(_METADATA.fullmatch, files)}:
        groups += _groups_in(site / path)
    return _Installed(str(canonicalize_name(name)), version, files, groups)


def _within(path: str, site: Path) -> str:
    """A path of a RECORD. What a wheel puts into the environment can come to lie in site-packages by a detour."""
    if not path.startswith("../"):
        return path
    folder, _, name = path.rpartition("/")
    return f"{os.path.relpath(os.path.realpath(site / folder), os.path.realpath(site))}/{name}".removeprefix("./")


def _groups_in(entry_points: Path) -> list[str]:
    """The groups of a file of entry points, as :mod:`importlib.metadata` reads it. There may be no such file."""
    try:
        text = entry_points.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    lines = map(str.strip, text.splitlines())
    return [line.strip("[]") for line in lines if line.startswith("[") and line.endswith("]")]


def surface_of(files: Iterable[str], groups: Iterable[str] = ()) -> Surface:
    """The surface of a distribution.

    Args:
        files: Its files, relative to site-packages with ``/``.
        groups: The groups in which it has entry points.
    """
    inside: dict[str, set[str]] = {}
    paths = set(files)
    for path in paths:
        folder, _, name = source_of(f"/{path}")[1:].rpartition("/")  # bytecode alone can take the place of a source
        if not folder.endswith("__pycache__"):
            inside.setdefault(folder, set()).add(name)
    modules = {
        folder: {match[1] for name in names if (match := _MODULE.fullmatch(name))} for folder, names in inside.items()
    }
    packages = {folder for folder, names in modules.items() if "__init__" in names}
    roots, shared = set[str](), {""}
    for folder, names in modules.items():
        ancestors = _ancestors(folder)
        package = next((ancestor for ancestor in ancestors if ancestor in packages), None)
        above = ancestors if package is None else ancestors[: ancestors.index(package)]
        shared.update(above)
        if "." not in folder:  # no import names a folder with a dot, such as that of metadata
            loose = {f"{folder}/{name}".lstrip("/") for name in names} if package is None else {package}
            roots |= {path.replace("/", ".") for path in loose}
    at_start = any(name.endswith(".pth") for name in inside.get("", ())) or not roots.isdisjoint(_IMPORTED_AT_START)
    at_start = at_start or any(map(_IN_PLACE.fullmatch, paths))
    return Surface(
        roots=tuple(sorted(roots)),
        entry_points=tuple(sorted(set(groups))),
        folders=tuple(sorted(shared)),
        at_start=at_start,
    )


def _ancestors(folder: str) -> list[str]:
    """A folder and those that it lies in, the outermost first.

    Of the folders around site-packages it is the nearest one, if what lies in it is not in every environment.
    """
    parts = folder.split("/") if folder else []
    around = parts.count("..")
    first = max(around, 1) + (parts[around : around + 1] in ([name] for name in _ALWAYS_THERE) and around > 0)
    return ["/".join(parts[:count]) for count in range(first, len(parts) + 1)]


def owners_of(files: Mapping[str, Iterable[str]], site: str) -> dict[str, list[str]]:
    """The owners of files and folders, see :attr:`InstalledFiles.owners`.

    Args:
        files: The files of each distribution, relative to `site` with ``/``.
        site: The folder that they are installed in.
    """
    names: dict[str, dict[str, list[str]]] = {}  # folder to file to distributions
    for distribution, paths in files.items():
        for path in paths:
            folder, _, name = path.rpartition("/")
            if folder.endswith("__pycache__"):  # a compiled file is taken for its source
                continue
            names.setdefault(folder, {}).setdefault(name, []).append(distribution)
    of_folder: dict[str, set[str]] = {}
    for folder, inside in names.items():
        found = {distribution for owners in inside.values() for distribution in owners}
        for above in ("", *_ancestors(folder)):
            of_folder.setdefault(above, set()).update(found)
    owners: dict[str, list[str]] = {}
    for folder, found in of_folder.items():
        outside = folder.startswith("..")  # the folders there are those of the interpreter
        parent = folder.rpartition("/")[0]
        if len(found) == 1 and folder and not outside and (not parent or len(of_folder[parent]) > 1):
            owners[os.path.normpath(f"{site}/{folder}")] = sorted(found)
        if len(found) > 1 or not folder or outside:
            for name, distributions in names.get(folder, {}).items():
                owners[os.path.normpath(f"{site}/{folder}/{name}")] = sorted(set(distributions))
    return owners


def _sentence(overlap: Overlap, folder: Path) -> str:
    """Which two distributions install a module with different contents, and whose is there."""
    digest = _digest(folder / overlap.path)
    owners = dict(zip(overlap.digests, (overlap.first, overlap.second), strict=True))
    more = f" and {overlap.files - 1} more modules" if overlap.files > 1 else ""
    return (
        f"{overlap.first} and {overlap.second} write over each other's files: both install {overlap.path}{more} with"
        f" other contents, and the file that is there is that of {owners.get(digest, 'neither')};"
        " install only one of the two"
    )


def _digest(path: Path) -> str:
    """The digest of a file as RECORD writes it; empty if there is no such file."""
    if not path.is_file():
        return ""
    digest = hashlib.sha256(path.read_bytes()).digest()
    return f"sha256={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
