"""The installed distributions that stand in for others: they have another name and the same modules.

A test names the distributions that it uses, and applies where their modules can be imported. `tensorflow-cpu` and
`tf-nightly` have the modules of `tensorflow`, and a fork has those of its original.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Mapping, Sequence

from packaging.specifiers import SpecifierSet

from .distributions import canonical, has_module, installed_versions

__all__ = ["StandIns"]


class StandIns:
    """Finds the installed distribution that has the modules of another.

    Args:
        path: The folders of the environment.
        modules: For a distribution, pairs of a module and the versions that have it. For any other distribution, its
            one module is taken to be called like it.

    Attributes:
        versions: The version of every installed distribution.
    """

    def __init__(self, path: Sequence[str], modules: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self._path = list(path)
        self._modules = modules
        self.versions = installed_versions(self._path)
        self._found: dict[str, str | None] = {}

    def installed(self, name: str) -> str | None:
        """The installed distribution that a test uses if it asks for `name`; None if there is none.

        It is the distribution of that name, or else the first one that has all its modules.
        """
        name = canonical(name)
        if name in self.versions:
            return name
        if name not in self._found:
            self._found[name] = self._stand_in(name)
        return self._found[name]

    def _stand_in(self, name: str) -> str | None:
        modules = self._modules.get(name) or ((name.replace("-", "_"), ""),)
        # Most often nothing has the modules. That is seen at once, without reading the lists of all installed files.
        if not any(_can_be_found(module.split(".")[0]) for module, _ in modules):
            return None
        distributions = importlib.metadata.distributions(path=self._path)
        return min((canonical(d.metadata["Name"]) for d in distributions if _has_modules(d, modules)), default=None)


def _has_modules(distribution: importlib.metadata.Distribution, modules: Sequence[Sequence[str]]) -> bool:
    """Whether a distribution has all modules that its version should have, and at least one."""
    version = distribution.version
    expected = [name for name, versions in modules if SpecifierSet(versions).contains(version, prereleases=True)]
    return bool(expected and distribution.metadata["Name"]) and all(has_module(distribution, m) for m in expected)


def _can_be_found(package: str) -> bool:
    """Whether an outermost package or module is on the import path. It is not imported."""
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return True
