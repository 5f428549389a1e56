"""The smoke tests, read without running them: which files matter to an environment, and their digest.

A test file can need distributions that are not installed here, so files are read and never imported. The ``uses`` marks
of a test say what it exercises. A file matters to an environment if one of its tests can apply there. No other file is
collected there, or is part of the key of evidence. So a new test of one component leaves the evidence on others valid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from functools import cached_property
from pathlib import Path

from stackcompat.core.record import Record, digest
from stackcompat.ecosystem.kept import keep, read_kept
from stackcompat.ecosystem.suite_file import READING, SuiteFile, SurprisingTest, read_suite_file

__all__ = ["Suite"]


class _ReadFiles(Record):
    """What was read out of the files of a folder.

    Attributes:
        reading: The value of `READING` at that time.
        files: The files.
    """

    reading: int
    files: tuple[SuiteFile, ...]


class Suite:
    """The smoke tests in one folder.

    Every method raises UsageError for a file that is not Python.

    Args:
        folder: The folder.
        plugin: The code that runs the tests inside a cell. It decides their outcomes as much as they do.
        helpers: The folder of another suite. The tests can import its modules, but for its test files.
        cache: A folder for what was read out of the files, since to parse them takes longer than all else that is asked
            here. Without one, each suite reads its files.
    """

    def __init__(self, folder: Path, plugin: bytes, helpers: Path | None = None, cache: Path | None = None) -> None:
        self.folder = folder.resolve()
        self.plugin = plugin
        self.helpers = helpers.resolve() if helpers is not None else None
        self.cache = cache

    @cached_property
    def _files(self) -> dict[str, SuiteFile]:
        """The files of the suite, by their paths within it."""
        read = self._read(self.folder, self.folder.rglob("*.py"))
        return {path.relative_to(self.folder).as_posix(): file for path, file in read.items()}

    @cached_property
    def _borrowed(self) -> dict[str, SuiteFile]:
        """The modules of the other suite that this one can import, by file name."""
        if self.helpers is None:
            return {}
        paths = [path for path in self.helpers.glob("*.py") if not path.name.startswith(("test_", "conftest"))]
        return {path.name: file for path, file in self._read(self.helpers, paths).items()}

    def _read(self, folder: Path, paths: Iterable[Path]) -> dict[Path, SuiteFile]:
        """The files of a folder, sorted by their paths. Those that are kept in the cache are not parsed."""
        if self.cache is None:
            return {path: read_suite_file(path) for path in sorted(paths)}
        kept = self.cache / f"{digest('suite', str(self.folder), str(folder))}.json"
        before = read_kept(kept, _ReadFiles)
        known = {file.digest: file for file in before.files} if before and before.reading == READING else {}
        files = {path: read_suite_file(path, known) for path in sorted(paths)}
        if any(file.digest not in known for file in files.values()):
            keep(kept, _ReadFiles(reading=READING, files=tuple(files.values())).to_json())
        return files

    @property
    def _known(self) -> dict[str, SuiteFile]:
        return self._borrowed | self._files

    def artifacts(self) -> tuple[str, ...]:
        """The artifacts that the tests write, each once, in the order of files and tests."""
        return tuple(dict.fromkeys(artifact for file in self._files.values() for artifact in file.artifacts))

    def surprises(self) -> tuple[tuple[str, SurprisingTest], ...]:
        """The tests that hold what surprises people, each with the path of its file."""
        return tuple((path, test) for path, file in self._files.items() for test in file.surprises)

    def files(self, distributions: Collection[str] | None, *, thorough: bool = True) -> tuple[str, ...]:
        """The test files that matter to an environment.

        Args:
            distributions: What tests can use there; None if that is not known, so that every file can matter.
            thorough: Whether thorough tests are wanted.

        Returns:
            Their paths within the suite.
        """
        return tuple(
            path
            for path, file in self._files.items()
            if _filename(path).startswith("test_") and file.matters(distributions, thorough=thorough)
        )

    def digest(self, distributions: Collection[str] | None, *, thorough: bool = True) -> str:
        """Content address of all code that decides the outcomes of the tests in an environment.

        Args:
            distributions: What tests can use there; None if that is not known.
            thorough: Whether thorough tests are wanted.
        """
        return self._digest_of(self.files(distributions, thorough=thorough))

    def digests(self, paths: Iterable[str]) -> dict[str, str]:
        """For each test file, the content address of all code that decides the outcomes of its tests.

        Args:
            paths: The paths of the test files within the suite.
        """
        return {path: self._digest_of([path]) for path in paths}

    def _digest_of(self, tests: Collection[str]) -> str:
        """Content address of some test files and of all code that they share with others."""
        content = hashlib.sha256(self.plugin)
        shared = [path for path in self._files if _filename(path) == "conftest.py"]
        for path in sorted(self._with_imports([*tests, *shared])):
            content.update(f"{path} {self._known[path].digest}\n".encode())
        return content.hexdigest()[:16]

    def _with_imports(self, paths: Collection[str]) -> set[str]:
        """`paths`, and the files that they import, directly or not, from the suite and its helpers."""
        found: set[str] = set()
        waiting = list(paths)
        while waiting:
            path = waiting.pop()
            if path not in found and path in self._known:
                found.add(path)
                # A test imports modules of its own folder, and those beside the outermost conftest.py.
                folder = path.rpartition("/")[0]
                for module in self._known[path].imports:
                    waiting += [f"{folder}/{module}.py", f"{module}.py"]
        return found


def _filename(path: str) -> str:
    return path.rsplit("/", 1)[-1]
