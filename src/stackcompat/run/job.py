"""A job: everything that a machine needs to run one cell. The lock, the tests and the limits are parts of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from filelock import FileLock

from stackcompat.core.files import remove_tree
from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.components import CompilerCache, ImportedModule, Sweep, Upstream, Wrappers
from stackcompat.evidence.closure import Surface
from stackcompat.evidence.results import TestResult
from stackcompat.evidence.reuse import Condition
from stackcompat.resolve.lock import Lock
from stackcompat.run.hardware import CPU, Hardware

__all__ = ["NO_TESTS", "CellLimits", "Exchange", "IsolationChoice", "Job", "ShippedTests", "own_prefix"]

#: How far a cell shall be closed. ``auto``: as far as the machine can. ``strict``: in a closed sandbox or not at all.
#: ``namespaces``: only the network is cut. ``open``: not at all.
IsolationChoice = Literal["auto", "strict", "namespaces", "open"]

#: A choice of tests that holds no test. An empty choice would mean all tests.
NO_TESTS = ("",)


class CellLimits(Record):
    """The limits of the tests of a cell.

    Attributes:
        seconds: The wall clock of all tests together.
        memory_mb: The memory of all processes together, in MB.
        of_tests: The seconds that one test can take, by the distribution that the test uses.
    """

    seconds: float = 900.0
    memory_mb: int = 8_192
    of_tests: dict[str, float] = {}


class Exchange(Record):
    """How a cell writes or reads artifacts.

    Artifacts are kept in a folder for each writer. An artifact is moved there when the test that wrote it has passed. A
    reader gets a copy of the folder, so that no reader affects another.

    Attributes:
        mode: Whether the cell writes or reads.
        store: The folder of the writer, with a folder for each artifact.
        artifacts: The artifacts that are written or read; all if none is given.
    """

    mode: Literal["write", "read"]
    store: Path
    artifacts: tuple[str, ...] = ()

    def open(self, folder: Path) -> None:
        """Make `folder`, in which the tests find or leave artifacts. For a reader it holds the writer's artifacts."""
        if self.mode == "write":
            folder.mkdir(parents=True)
            return
        with FileLock(f"{self.store}.lock"):
            shutil.copytree(self.store, folder, symlinks=True)  # a link of the writer leads to no file of this machine
            os.utime(self.store)  # folders that were not used for long are dropped

    def close(self, folder: Path, results: Iterable[TestResult]) -> None:
        """Keep the artifacts that tests left in `folder`, if their tests passed. Nothing happens for a reader."""
        if self.mode == "write":
            self.keep(folder, {result.artifact for result in results if result.outcome == "passed"})

    def keep(self, folder: Path, artifacts: Iterable[str]) -> None:
        """Move `artifacts` from `folder` to the store, each in place of an older one.

        Tests named and made them, so only real files and folders directly in `folder` are taken.
        """
        self.store.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.store}.lock"):
            for artifact in artifacts:
                source, place = folder / artifact, self.store / artifact
                if source.parent != folder or artifact in ("", ".", "..") or source.is_symlink() or not source.exists():
                    continue
                if place.is_symlink() or place.is_file():
                    place.unlink()
                remove_tree(place)
                shutil.move(source, place)


def own_prefix(distribution: str) -> str:
    """The beginning of the names of all tests that a distribution ships."""
    return f"upstream/{distribution}/"


class ShippedTests(Record):
    """The tests that an installed release ships, as a cell runs them.

    Attributes:
        distribution: The distribution that ships them.
        chosen: The entry of the component about these tests: which files hold them, and so on.
        folder: The folder with the files of the sdist; None if the tests are installed with the wheel.
        tests: The tests that count; None if all do.
        left_out: The tests that do not count, each with the reason.
    """

    distribution: str
    chosen: Upstream
    folder: Path | None = None
    tests: tuple[str, ...] | None = None
    left_out: dict[str, str] = {}

    @property
    def prefix(self) -> str:
        """The beginning of the names of these tests."""
        return own_prefix(self.distribution)


class Job(Record):
    """Everything that is needed to run one cell.

    Attributes:
        folder: The folder for ``job.json``, the environment, the log and the result.
        lock: The lock to install.
        interpreter: The interpreter that the environment is made from.
        requirements: The requirements of the cell. The environment is compared with them.
        forced: Requirements that force what metadata forbids.
        development: Distributions that must come out as development versions.
        index: The environment variable with the address of an extra index; empty for no extra index.
        imports: The modules that must be importable.
        guesses: Distributions whose modules are not known, so that they are guessed.
        sweeps: The distributions all of whose public modules are imported.
        modules: The modules of distributions that are not installed, each with the versions that have it. An installed
            distribution that has them stands in for such a one.
        distributions: Module to the distribution that has it, to name what an import lacks.
        level: The deepest level of the tests that run.
        thorough: Whether the tests marked ``thorough`` run, too.
        tests: The tests that run; all if none is given.
        skip: Tests whose results are known. They are collected and described, but not run.
        conditions: Under which conditions the results of those of `skip` are known for which it is not certain.
        unimportable: Those of `skip` that showed that a module cannot be imported. For each the reason of its result,
            if that is a limit of the release; empty for a break.
        suite: The folder of the tests.
        files: The test files in it that can apply to the lock.
        helpers: Another folder whose modules the tests can import.
        harness: The folder with pytest; None if the machine has one of its own.
        exchange: How artifacts are written or read; None if they are not.
        upstream: The tests that installed releases ship.
        wrappers: What libraries put around the error that identifies a failure.
        looks_for: Module to patterns of the names of the distributions for which its code looks through all of them.
        hardware: The hardware that the tests find.
        cache: The folder of the package cache.
        uv: The path of uv.
        limits: The limits of the tests.
        isolation: How far the cell shall be closed.
        build: Whether source distributions are built where the lock has no wheel.
        compilers: The caches of compilers that the tests can use, by the distribution that has the compiler.
        leaves_programs: Whether programs that the tests compile are kept for other cells.
        doubted: Tests that failed with the caches. If there are any, the tests run without, and those of them that pass
            run once more with the caches.
        variables: Further variables that the tests see.
    """

    folder: Path
    lock: Lock
    interpreter: Path
    requirements: tuple[str, ...]
    forced: tuple[str, ...] = ()
    development: tuple[str, ...] = ()
    index: str = ""
    imports: tuple[ImportedModule, ...] = ()
    guesses: tuple[str, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    modules: dict[str, tuple[tuple[str, str], ...]] = {}
    distributions: dict[str, str] = {}
    level: Level
    thorough: bool = True
    tests: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    unimportable: dict[str, str] = {}
    suite: Path
    files: tuple[str, ...]
    helpers: Path | None = None
    harness: Path | None = None
    exchange: Exchange | None = None
    upstream: tuple[ShippedTests, ...] = ()
    wrappers: Wrappers = Wrappers()
    looks_for: dict[str, tuple[str, ...]] = {}
    hardware: Hardware = CPU
    cache: Path
    uv: str
    limits: CellLimits = CellLimits()
    isolation: IsolationChoice = "auto"
    build: bool = False
    compilers: dict[str, CompilerCache] = {}
    leaves_programs: bool = False
    doubted: tuple[str, ...] = ()
    variables: dict[str, str] = {}

    def write(self) -> Path:
        """Write the job into its folder. Returns the path of the file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "job.json"
        path.write_text(self.to_json(), encoding="utf-8")
        return path

    def settled(self, surfaces: Mapping[str, Surface]) -> Job:
        """The job without conditions: the tests whose condition is not met run.

        Args:
            surfaces: Distribution to its surface, as they were found in the environment.
        """
        run = {test for one in self.conditions if not one.is_met(self.lock, surfaces) for test in one.tests}
        skip = tuple(test for test in self.skip if test not in run)
        known = {test: limit for test, limit in self.unimportable.items() if test not in run}
        return self.model_copy(update={"skip": skip, "conditions": (), "unimportable": known})

    @property
    def result(self) -> Path:
        """The file for the result."""
        return self.folder / "result.json"

    @property
    def artifacts(self) -> Path:
        """The folder in which the tests find or leave artifacts."""
        return self.folder / "artifacts"
