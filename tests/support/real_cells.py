"""Cells that are really locked, installed and run: small packages of the index, suites given as source text."""

from __future__ import annotations

import compileall
import importlib.util
import os
import shutil
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv

from stackcompat.ecosystem.interpreters import Interpreter, bytecode_tag, find_interpreters, this_platform
from stackcompat.evidence.results import CellResult, TestResult
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock
from stackcompat.resolve.resolver import Resolver
from stackcompat.run.isolation import find_means
from stackcompat.run.job import CellLimits, Job
from stackcompat.run.local import LocalExecutor
from stackcompat.run.manifest import manifest
from stackcompat.run.package_cache import PackageCache

#: The Python of this process.
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

#: Levels of isolation to try the same at, the sandbox where there is one.
SANDBOX = pytest.mark.skipif(not find_means().bubblewrap, reason="no bubblewrap that works")
LEVELS = [pytest.param("auto", marks=SANDBOX), "namespaces"]

#: A suite about the package alpha. Its first test must not pass, whatever alpha does.
ALPHA_SUITE = """
    import pytest
    pytestmark = pytest.mark.uses("alpha")

    @pytest.mark.limit(20)
    def test_must_not_pass():
        import alpha
        assert alpha.answer() == 42

    def test_other():
        import alpha
        assert alpha.answer() == 41
"""

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
            "limits": CellLimits(seconds=120, memory_mb=2048),
        }
        return Job.model_validate(fields | more)

    def run(self, suite: str, python: str, requirements: tuple[str, ...] = SMALL, **more: object) -> CellResult:
        """Run the suite through nox, as a matrix would."""
        return LocalExecutor(self.cache, 1).run(self.job(suite, python, requirements, **more))


def result_of(result: CellResult, test: str) -> TestResult:
    """The one result of the test function `test`."""
    (found,) = [t for t in result.tests if t.test.split("::")[-1].split("[")[0] == test]
    return found


#: What pytest consists of. It is copied from this environment, since nothing here asks a real index.
_OF_PYTEST = ("pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments")


def copied_harness(cache: PackageCache, python: str) -> None:
    """Make the harness of a Python from the pytest of this environment."""
    folder = cache.root / "harness" / bytecode_tag(python)
    for name in _OF_PYTEST:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        if spec.submodule_search_locations is None:
            shutil.copy(origin, folder)
        else:
            shutil.copytree(origin.parent, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(folder, quiet=2)  # the tests cannot write there, and would compile it in each process
    folder.with_name(f"{folder.name}.files").write_text(manifest(folder))


def made_up_cells(folder: Path, python: str) -> CellRunner:
    """Runs cells with wheels of the index that uv is told of, and with the pytest of this environment.

    Args:
        folder: An empty folder for the package cache and the suites.
        python: The Python, of which this interpreter is one.
    """
    cache = PackageCache(folder / "cache", uv.find_uv_bin())
    interpreters = find_interpreters([python])
    copied_harness(cache, python)

    def lock_of(requirements: tuple[str, ...], python: str) -> Lock:
        cell = Cell(python=python, platform=this_platform(), requirements=requirements)
        paths = {name: found.path for name, found in interpreters.items()}
        lock = Resolver(cache.packages, paths, cache.uv, cache.wheel).resolve(cell).lock
        assert lock is not None
        return lock

    (folder / "cells").mkdir()
    return CellRunner(cache, interpreters, lock_of, folder / "cells")
