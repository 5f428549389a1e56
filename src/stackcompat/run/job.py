"""A job: everything that a machine needs to run one cell, with the lock, the tests and the limits."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from filelock import FileLock

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.components import Upstream
from stackcompat.evidence.results import TestResult
from stackcompat.resolve.lock import Lock

__all__ = ["NO_TESTS", "Exchange", "Job", "Limits", "ShippedTests", "own_prefix"]

#: A choice of tests that fits no test. An empty choice would mean every test.
NO_TESTS = ("",)


class Limits(Record):
    """How much a cell can take.

    Attributes:
        seconds: Wall clock for all tests together.
        memory_mb: Memory of all processes together, in MB.
        of_tests: The seconds that one test can take, by the distribution that it uses.
    """

    seconds: float = 900.0
    memory_mb: int = 8_192
    of_tests: dict[str, float] = {}


class Exchange(Record):
    """What a cell does with artifacts.

    A reader gets a copy, so that no reader affects another. An artifact is in the store once the writer's test has
    passed.

    Attributes:
        mode: ``write`` or ``read``.
        store: The writer's folder, with a folder for each artifact.
        artifacts: The only artifacts that are meant; all if there are none.
    """

    mode: Literal["write", "read"]
    store: Path
    artifacts: tuple[str, ...] = ()

    def open(self, folder: Path) -> None:
        """Make the folder in which the tests find or leave the artifacts."""
        if self.mode == "write":
            folder.mkdir(parents=True)
            return
        with FileLock(f"{self.store}.lock"):
            shutil.copytree(self.store, folder)
            os.utime(self.store)  # so that an artifact that is read is not dropped

    def close(self, folder: Path, results: Iterable[TestResult]) -> None:
        """Move into the store what tests left in `folder`, if they passed."""
        if self.mode == "read":
            return
        self.store.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.store}.lock"):
            for artifact in {result.artifact for result in results if result.outcome == "passed"}:
                shutil.rmtree(self.store / artifact, ignore_errors=True)
                shutil.move(folder / artifact, self.store / artifact)


def own_prefix(distribution: str) -> str:
    """What the names of all tests begin with that a distribution ships."""
    return f"upstream/{distribution}/"


class ShippedTests(Record):
    """The tests that an installed release ships, as far as they count here.

    Attributes:
        distribution: The distribution that ships them.
        chosen: Which of its files hold tests, as the component says.
        folder: Where the files of its sdist are; None where the tests are installed.
        tests: The only tests that count; None where all do.
        left_out: The tests that do not count, each with the reason.
    """

    distribution: str
    chosen: Upstream
    folder: Path | None = None
    tests: tuple[str, ...] | None = None
    left_out: dict[str, str] = {}

    @property
    def prefix(self) -> str:
        """What the names of these tests begin with."""
        return own_prefix(self.distribution)


class Job(Record):
    """Everything that is needed to run one cell.

    Attributes:
        folder: Takes ``job.json``, the environment, the log and the result.
        lock: What is installed.
        interpreter: The interpreter that the environment is made from.
        requirements: What was asked for, to compare the environment with.
        forced: Requirements that override what metadata says.
        development: Distributions that must come out as development versions.
        index: The environment variable with the address of an extra index; empty for none.
        imports: Pairs of a distribution and a module of it that must be importable.
        guesses: Distributions whose modules are not known.
        level: The deepest level of the tests that run.
        thorough: Whether the tests marked ``thorough`` run, too.
        tests: The only tests that run; all if there are none.
        suite: The folder of the tests.
        files: The files in it that can apply to what is installed.
        helpers: Another folder whose modules the tests can import.
        exchange: What is done with artifacts.
        upstream: The tests that installed releases ship.
        cache: The folder of the package cache.
        uv: The path of uv.
        limits: How much the cell can take.
    """

    folder: Path
    lock: Lock
    interpreter: Path
    requirements: tuple[str, ...]
    forced: tuple[str, ...] = ()
    development: tuple[str, ...] = ()
    index: str = ""
    imports: tuple[tuple[str, str], ...] = ()
    guesses: tuple[str, ...] = ()
    level: Level
    thorough: bool = True
    tests: tuple[str, ...] = ()
    suite: Path
    files: tuple[str, ...]
    helpers: Path | None = None
    exchange: Exchange | None = None
    upstream: tuple[ShippedTests, ...] = ()
    cache: Path
    uv: str
    limits: Limits = Limits()

    def write(self) -> Path:
        """Write the job into its folder, and return the path of the file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "job.json"
        path.write_text(self.to_json(), encoding="utf-8")
        return path

    @property
    def result(self) -> Path:
        """The file that will hold the result."""
        return self.folder / "result.json"

    @property
    def artifacts(self) -> Path:
        """The folder in which the tests find or leave artifacts."""
        return self.folder / "artifacts"
