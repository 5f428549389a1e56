"""The distributions in a cell's environment: their names, versions and modules."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import PurePath

__all__ = ["canonical", "installed_versions", "outermost_modules"]

#: Modules that a distribution installs beside its library.
_NOT_LIBRARY = ("test", "tests", "testing", "docs", "doc", "examples", "example", "benchmarks", "scripts", "setup")


def canonical(name: str) -> str:
    """The normalised form of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_versions(path: list[str]) -> dict[str, str]:
    """The version of every distribution in the folders of `path`, by normalised name.

    The versions of a distribution that is there more than once are joined by "and".
    """
    versions: dict[str, set[str]] = {}
    for distribution in importlib.metadata.distributions(path=path):
        name = distribution.metadata["Name"]
        if name:
            versions.setdefault(canonical(name), set()).add(distribution.version or "unknown")
    return {name: " and ".join(sorted(several)) for name, several in versions.items()}


def outermost_modules(distribution: str) -> list[str]:
    """The outermost packages and modules that a distribution installs. Private modules are left out."""
    names = {_module_name(path) for path in importlib.metadata.distribution(distribution).files or ()}
    modules = {name for name in names if name and _is_library(name)}
    outermost = [name for name in modules if not any(name.startswith(f"{other}.") for other in modules)]
    fewest_dots = min((name.count(".") for name in outermost), default=0)
    return sorted(name for name in outermost if name.count(".") == fewest_dots)


def _module_name(path: PurePath) -> str:
    """The name under which an installed file is imported; empty if it is no module."""
    folders = path.parts[:-1]
    if path.suffix != ".py" or not all(folder.isidentifier() for folder in folders):
        return ""
    return ".".join(folders if path.name == "__init__.py" else (*folders, path.stem))


def _is_library(module: str) -> bool:
    return not any(part.startswith("_") or part in _NOT_LIBRARY for part in module.split("."))
