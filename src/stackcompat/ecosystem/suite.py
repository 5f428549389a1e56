"""The smoke tests as the engine sees them without running any: which files matter to an environment, and their digest.

Files are read, never imported: a test file can need what is not installed here. The ``uses`` marks of a test say what
it exercises. A file is neither collected in an environment nor part of the address of its evidence if none of its tests
can apply there. So a new test of one component leaves the evidence on all others as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from functools import cached_property
from pathlib import Path

from stackcompat.ecosystem.suite_file import SuiteFile, read_file

__all__ = ["Suite"]


class Suite:
    """The smoke tests in one folder.

    Every method raises UsageError for a file that is not Python.

    Args:
        folder: The folder.
        plugin: The code that runs the tests inside a cell; it decides their outcome as much as they do.
        helpers: The folder of another suite, whose modules (but for its tests) this one can import.
    """

    def __init__(self, folder: Path, plugin: bytes, helpers: Path | None = None) -> None:
        self.folder = folder.resolve()
        self.plugin = plugin
        self.helpers = helpers.resolve() if helpers is not None else None

    @cached_property
    def _files(self) -> dict[str, SuiteFile]:
        """The files of the suite, by path within it."""
        return {path.relative_to(self.folder).as_posix(): read_file(path) for path in sorted(self.folder.rglob("*.py"))}

    @cached_property
    def _borrowed(self) -> dict[str, SuiteFile]:
        """The modules of the other suite, by name."""
        paths = sorted(self.helpers.glob("*.py")) if self.helpers is not None else []
        return {path.name: read_file(path) for path in paths if not path.name.startswith(("test_", "conftest"))}

    @property
    def _known(self) -> dict[str, SuiteFile]:
        return self._borrowed | self._files

    def artifacts(self) -> tuple[str, ...]:
        """The artifacts that the tests write, in the order of files and tests."""
        return tuple(dict.fromkeys(artifact for file in self._files.values() for artifact in file.artifacts))

    def files(self, distributions: Collection[str], *, thorough: bool = True) -> tuple[str, ...]:
        """The test files that matter in an environment.

        Args:
            distributions: What is installed there.
            thorough: Whether thorough tests are wanted.

        Returns:
            Paths within the suite.
        """
        return tuple(
            path
            for path, file in self._files.items()
            if _filename(path).startswith("test_") and file.matters(distributions, thorough=thorough)
        )

    def digest(self, distributions: Collection[str], *, thorough: bool = True) -> str:
        """Content address of everything that decides what the tests do in an environment.

        Args:
            distributions: What is installed there.
            thorough: Whether thorough tests are wanted.
        """
        content = hashlib.sha256(self.plugin)
        tests = self.files(distributions, thorough=thorough)
        shared = [path for path in self._files if _filename(path) == "conftest.py"]
        for path in sorted(self._with_imports([*tests, *shared])):
            content.update(f"{path} {self._known[path].digest}\n".encode())
        return content.hexdigest()[:16]

    def _with_imports(self, paths: Collection[str]) -> set[str]:
        """`paths`, and the files of the suite and of its helpers that they import, directly or not."""
        found: set[str] = set()
        waiting = list(paths)
        while waiting:
            path = waiting.pop()
            if path not in found and path in self._known:
                found.add(path)
                waiting += [f"{module}.py" for module in self._known[path].imports]
        return found


def _filename(path: str) -> str:
    return path.rsplit("/", 1)[-1]
