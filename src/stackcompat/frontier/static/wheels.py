"""The names of releases, read from their wheels and kept: the forecast's readings, one file a release.

A module is read when it is first needed, and what was read stays in the folder, so the wheel of a release is
downloaded again only for a module that nobody needed before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path

from packaging.utils import canonicalize_name

from stackcompat.core.record import digest
from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.frontier.static.reader import module_name, read_module
from stackcompat.frontier.static.source import parser
from stackcompat.frontier.static.usage import ModuleNames, NameTable

__all__ = ["WheelNames"]

#: The Python files of a release by path, from its name and version.
Sources = Callable[[str, str], Mapping[str, bytes]]


class WheelNames:
    """Readings in `folder`. `sources` gives the files of a wheel where one has to be read.

    What is written in a newer syntax than that of the Python that runs this is left to the interpreter `newer`.
    """

    def __init__(self, folder: Path, sources: Sources, newer: Interpreter | None = None) -> None:
        # What an older reader made of a source is not what this one would.
        self._folder = folder / f"{_READER}-{newer.python if newer else 'own'}"
        self._parse = parser(newer)
        self._sources = cache(sources)
        self._names: dict[tuple[str, str], tuple[NameTable, dict[str, str], int]] = {}

    def of(self, name: str, version: str) -> NameTable:
        """The names of a release; without any module where there is no wheel to read."""
        key = canonicalize_name(name), version
        if key not in self._names:
            path = self._path(*key)
            if path.exists():
                kept = json.loads(path.read_text(encoding="utf-8"))
                files: dict[str, str] = kept["files"]
                modules = {module: ModuleNames.model_validate(found) for module, found in kept["modules"].items()}
            else:
                files = {module: path for path in self._sources(*key) if (module := module_name(path))}
                modules = {}
            names = NameTable(dict.fromkeys(files) | modules, partial(self._read, key, files))
            self._names[key] = names, files, len(modules)
        return self._names[key][0]

    def _read(self, key: tuple[str, str], files: Mapping[str, str], module: str) -> ModuleNames:
        return read_module(self._sources(*key)[files[module]], files[module], self._parse)

    def keep(self) -> None:
        """Write down what was read since."""
        for key, (names, files, before) in self._names.items():
            modules = {module: found.model_dump() for module, found in names.modules.items() if found is not None}
            if files and len(modules) > before:
                path = self._path(*key)
                path.parent.mkdir(parents=True, exist_ok=True)
                partial_file = path.with_suffix(".partial")
                partial_file.write_text(json.dumps({"files": files, "modules": modules}), encoding="utf-8")
                partial_file.replace(path)

    def _path(self, name: str, version: str) -> Path:
        return self._folder / f"{name}-{version}.json"


_READER = digest(*(Path(of.__code__.co_filename).read_text(encoding="utf-8") for of in (read_module, parser)), length=8)
