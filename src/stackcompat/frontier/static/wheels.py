"""The names of releases, read from their wheels and kept in a folder, one file for each release.

A module is read when it is first needed, and the reading stays in the folder. So the wheel of a release is downloaded
again only for a module that was never needed before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from packaging.utils import canonicalize_name

from stackcompat.core.record import digest
from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.frontier.static.names import ModuleNames, NameTable
from stackcompat.frontier.static.reader import module_name, read_module
from stackcompat.frontier.static.source import parser

__all__ = ["WheelNames"]

#: Gives the Python files of a release by path, from its name and version.
Sources = Callable[[str, str], Mapping[str, bytes]]

#: A name in normal form, and a version.
_Release = tuple[str, str]


class _Kept(NamedTuple):
    """What is known of one release.

    Attributes:
        table: Its names.
        files: The path of each module's file in the wheel.
        read_before: How many of its modules the folder had when it was loaded.
    """

    table: NameTable
    files: Mapping[str, str]
    read_before: int


class WheelNames:
    """Gives the names of releases, and keeps them in a folder."""

    def __init__(self, folder: Path, sources: Sources, newer: Interpreter | None = None) -> None:
        """Start from what the folder has.

        Args:
            folder: Where readings are kept.
            sources: Gives the files of a wheel.
            newer: A newer Python, which parses source that is too new for the Python that runs this.
        """
        # Another version of the reader can read a source differently.
        self._folder = folder / f"{_reader_digest()}-{newer.python if newer else 'own'}"
        self._parse = parser(newer)
        self._sources = cache(sources)
        self._kept: dict[_Release, _Kept] = {}

    def of(self, name: str, version: str) -> NameTable:
        """The names of a release; without any module if there is no wheel to read."""
        release = canonicalize_name(name), version
        if release not in self._kept:
            self._kept[release] = self._load(release)
        return self._kept[release].table

    def keep(self) -> None:
        """Write what was read into the folder."""
        for release, kept in self._kept.items():
            modules = {name: names.model_dump() for name, names in kept.table.modules.items() if names is not None}
            if kept.files and len(modules) > kept.read_before:
                path = self._path(release)
                path.parent.mkdir(parents=True, exist_ok=True)
                partial_file = path.with_suffix(".partial")
                partial_file.write_text(json.dumps({"files": kept.files, "modules": modules}), encoding="utf-8")
                partial_file.replace(path)

    def _load(self, release: _Release) -> _Kept:
        path = self._path(release)
        modules: dict[str, ModuleNames] = {}
        if path.exists():
            content = json.loads(path.read_text(encoding="utf-8"))
            files: dict[str, str] = content["files"]
            modules = {module: ModuleNames.model_validate(names) for module, names in content["modules"].items()}
        else:
            files = {module: file for file in self._sources(*release) if (module := module_name(file))}
        table = NameTable(dict.fromkeys(files) | modules, partial(self._read, release, files))
        return _Kept(table, files, len(modules))

    def _read(self, release: _Release, files: Mapping[str, str], module: str) -> ModuleNames:
        return read_module(self._sources(*release)[files[module]], files[module], self._parse)

    def _path(self, release: _Release) -> Path:
        name, version = release
        return self._folder / f"{name}-{version}.json"


@cache
def _reader_digest() -> str:
    """A digest of the modules that read source: all of this package."""
    return digest(*(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py"))), length=8)
