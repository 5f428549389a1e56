"""What a cell's process is told to do: the lock, the tests, the limits."""

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

#: A choice of tests that fits none; no tests at all means every test.
NO_TESTS = ("",)


class Limits(Record):
    """How much a cell may take: seconds of wall clock for all tests together, MB for all processes.

    `of_tests` are the seconds that one test may take, by the distribution that it exercises.
    """

    seconds: float = 900.0
    memory_mb: int = 8_192
    of_tests: dict[str, float] = {}


class Exchange(Record):
    """What a cell does with artifacts: ``write`` them into `store`, or ``read`` those that lie there.

    Each artifact is a folder of that name in `store`. `artifacts` are those that are meant, all if none. A reader gets
    a copy, so that no reader sways another, and a writer's artifact is in the store once its test has passed.
    """

    mode: Literal["write", "read"]
    store: Path
    artifacts: tuple[str, ...] = ()

    def open(self, folder: Path) -> None:
        """Make `folder`, in which the tests find or leave the artifacts."""
        if self.mode == "write":
            folder.mkdir(parents=True)
            return
        with FileLock(f"{self.store}.lock"):
            shutil.copytree(self.store, folder)
            os.utime(self.store)  # so that what is read is kept

    def close(self, folder: Path, results: Iterable[TestResult]) -> None:
        """Keep in the store what tests that passed left in `folder`."""
        if self.mode == "read":
            return
        self.store.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.store}.lock"):
            for artifact in {result.artifact for result in results if result.outcome == "passed"}:
                shutil.rmtree(self.store / artifact, ignore_errors=True)
                shutil.move(folder / artifact, self.store / artifact)


def own_prefix(distribution: str) -> str:
    """How the names of the tests that `distribution` ships begin."""
    return f"upstream/{distribution}/"


class ShippedTests(Record):
    """Tests that an installed release ships: those that its component's data has `chosen`, of them `tests` (None: all).

    `folder` is where those of an sdist are. `left_out` are the tests that say nothing here, each with the reason.
    """

    distribution: str
    chosen: Upstream
    folder: Path | None = None
    tests: tuple[str, ...] | None = None
    left_out: dict[str, str] = {}

    @property
    def prefix(self) -> str:
        """How the names of these tests begin."""
        return own_prefix(self.distribution)


class Job(Record):
    """Everything that a nox session needs to run one cell. Lives as ``job.json`` in `folder`, results beside it.

    `helpers` is a folder besides the suite's whose modules the tests may import.
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
        """Write the job into its folder; the path of the file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "job.json"
        path.write_text(self.to_json(), encoding="utf-8")
        return path

    @property
    def result(self) -> Path:
        """Where the result will stand."""
        return self.folder / "result.json"

    @property
    def artifacts(self) -> Path:
        """Where the tests find or leave artifacts."""
        return self.folder / "artifacts"
