"""Cells that are really locked, installed and run: small packages of the index, suites given as source text."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.evidence.results import CellResult, TestResult
from stackcompat.resolve.lock import Lock
from stackcompat.run.job import Job, Limits
from stackcompat.run.local import LocalExecutor
from stackcompat.run.package_cache import PackageCache

#: Two small pure wheels without dependencies; nothing that pytest brings along.
SMALL = ("six", "toolz")


@dataclass
class CellRunner:
    """Runs a suite, given as source text, in a cell of its own."""

    cache: PackageCache
    interpreters: dict[str, Interpreter]
    lock_of: Callable[[tuple[str, ...], str], Lock]
    folder: Path

    def job(self, suite: str, python: str, requirements: tuple[str, ...] = SMALL, **more: object) -> Job:
        """A job over the one test file `suite`."""
        tests = self.folder / "suite"
        tests.mkdir(exist_ok=True)
        (tests / "test_suite.py").write_text(textwrap.dedent(suite), encoding="utf-8")
        fields: dict[str, object] = {
            "folder": self.cache.environments / f"{os.getpid()}-{self.folder.name}",
            "lock": self.lock_of(requirements, python),
            "interpreter": self.interpreters[python].path,
            "requirements": requirements,
            "level": "interop",
            "suite": tests,
            "files": ("test_suite.py",),
            "cache": self.cache.root,
            "uv": self.cache.uv,
            "limits": Limits(seconds=120, memory_mb=2048),
        }
        return Job.model_validate(fields | more)

    def run(self, suite: str, python: str, requirements: tuple[str, ...] = SMALL, **more: object) -> CellResult:
        """Run the suite through nox, as a matrix would."""
        return LocalExecutor(self.cache, 1).run(self.job(suite, python, requirements, **more))


def result_of(result: CellResult, test: str) -> TestResult:
    """The one result of the test function `test`."""
    (found,) = [t for t in result.tests if t.test.split("::")[-1].split("[")[0] == test]
    return found
