"""The distributions in a cell's environment: their names, versions and modules."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import PurePath

from .sweep import outermost

__all__ = [
    "canonical",
    "declared_requirements",
    "has_module",
    "installed_files",
    "installed_versions",
    "outermost_modules",
    "plugins_of",
]

#: The names of modules that distributions install although they are no part of the library.
_NOT_LIBRARY = ("test", "tests", "testing", "docs", "doc", "examples", "example", "benchmarks", "scripts", "setup")


def canonical(name: str) -> str:
    """The normalised form of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_versions(path: list[str]) -> dict[str, str]:
    """The version of every distribution in the folders of `path`, by normalised name.

    If a distribution is there more than once, its versions are joined by "and".
    """
    versions: dict[str, set[str]] = {}
    for distribution in importlib.metadata.distributions(path=path):
        name = distribution.metadata["Name"]
        if name:
            versions.setdefault(canonical(name), set()).add(distribution.version or "unknown")
    return {name: " and ".join(sorted(several)) for name, several in versions.items()}


def installed_files(distribution: str) -> list[importlib.metadata.PackagePath]:
    """The files of an installed distribution, as its metadata lists them."""
    return list(importlib.metadata.distribution(distribution).files or ())


def plugins_of(distribution: str) -> list[str]:
    """The modules of an installed distribution that are plugins of pytest. Only pytest can load them."""
    points = importlib.metadata.distribution(distribution).entry_points
    return sorted({point.value.partition(":")[0].strip() for point in points if point.group == "pytest11"})


def outermost_modules(distribution: str) -> list[str]:
    """The outermost packages and modules that a distribution installs. Private ones and tests are left out."""
    names = {_module_name(path) for path in importlib.metadata.distribution(distribution).files or ()}
    return outermost({name for name in names if name and _is_library(name)})


def declared_requirements(distribution: str) -> list[str]:
    """The normalised names of the distributions that an installed one requires, but for those of its extras."""
    lines = importlib.metadata.requires(distribution) or ()
    names = (re.match(r"[\w.-]+", line.strip()) for line in lines if "extra ==" not in line)
    return [canonical(match[0]) for match in names if match is not None]


def has_module(distribution: importlib.metadata.Distribution, module: str) -> bool:
    """Whether a distribution installs a module or package, by the lists of files and modules in its metadata.

    Args:
        distribution: The distribution.
        module: The dotted name.
    """
    names = {_module_name(path) or _extension_name(path) for path in distribution.files or ()}
    # An editable installation lists no file of the library, but builds by setuptools list its outermost modules.
    names.update((distribution.read_text("top_level.txt") or "").split())
    return any(f"{name}.".startswith(f"{module}.") for name in names)


def _extension_name(path: PurePath) -> str:
    """The name by which an installed extension module is imported; empty if the file is none."""
    if path.suffix not in (".so", ".pyd") or not all(folder.isidentifier() for folder in path.parts[:-1]):
        return ""
    return ".".join((*path.parts[:-1], path.name.split(".")[0]))


def _module_name(path: PurePath) -> str:
    """The name by which an installed file is imported; empty if the file is no module."""
    folders = path.parts[:-1]
    if path.suffix != ".py" or not all(folder.isidentifier() for folder in folders):
        return ""
    return ".".join(folders if path.name == "__init__.py" else (*folders, path.stem))


def _is_library(module: str) -> bool:
    return not any(part.startswith("_") or part in _NOT_LIBRARY for part in module.split("."))
