"""The tests that a release ships. They run in place of the smoke tests, and each of their files is a test as well.

The test of a file passes if the file can be loaded. Marks in these files are those of their authors: they are not read,
except for ``alone``.
"""

from __future__ import annotations

import fnmatch
import importlib.metadata
import os
import traceback
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from .events import EventStream
from .failures import describe_failure
from .interface import DEFAULT_LIMIT, DescribedTest
from .owners import Owners
from .progress import Progress, end_event

if TYPE_CHECKING:
    from collections.abc import Collection

    from stackcompat.run.inside.protocol import FailureSeen, OwnTestsJob, PluginJob

__all__ = ["OwnFileHooks", "OwnTests"]


class OwnTests:
    """The tests that a release ships.

    Args:
        job: The job of the process.
        own: The part of the job about these tests.
    """

    def __init__(self, job: PluginJob, own: OwnTestsJob) -> None:
        self._own = own
        self._asked = set(job["tests"])
        self._limit = float(job["limits"].get(own["distribution"], DEFAULT_LIMIT))
        self._uses = (Requirement(own["distribution"]),)
        self._prefix = f"upstream/{own['distribution']}/"
        self.root = own["folder"] or _environment_folder(own["distribution"])
        self._files = _test_files(own, self.root)
        self._paths = {str(Path(self.root, file)) for file in self._files}
        self.owners = Owners(self._paths)
        self.wrappers = job["wrappers"]

    def has(self, path: str) -> bool:
        """Whether the file with this path is one of the tests."""
        return os.path.normpath(path) in self._paths

    def paths(self) -> list[str]:
        """The files that pytest collects, in the order of the patterns that name them.

        So files that are named first are loaded first, while the time box is not over yet.
        """
        asked = {test.split("::")[0] for test in self._asked}
        lost = set(self._own["lost"])
        names = {file: self._prefix + file for file in self._files}
        return [
            str(Path(self.root, file))
            for file, name in names.items()
            if (not asked or name in asked) and name not in lost
        ]

    def choose(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """The tests among `items` that the job asks for and does not leave out, in the order of pytest."""
        return [
            item
            for item in items
            if (not self._asked or self._prefix + item.nodeid in self._asked)
            and not any(fnmatch.fnmatchcase(item.nodeid, pattern) for pattern in self._own["without"])
        ]

    def strangers(self, items: list[pytest.Item]) -> list[str]:  # noqa: ARG002  (see interface.TestSource)
        """Empty: a release may load its own tests as it likes."""
        return []

    def describe(self, item: pytest.Item) -> DescribedTest:
        """Describe a test of the release."""
        return self._describe(item.nodeid, alone=item.get_closest_marker("alone") is not None)

    def describe_file(self, file: str) -> DescribedTest:
        """Describe the test of a file: whether it can be loaded."""
        return self._describe(file, alone=False)

    def _describe(self, name: str, *, alone: bool) -> DescribedTest:
        return DescribedTest(
            test=self._prefix + name,
            level="upstream",
            uses=self._uses,
            components=[self._own["distribution"]],
            artifact="",
            feature="",
            limit=self._limit,
            alone=alone,
        )

    def imported_modules(self, item: pytest.Item) -> Collection[str]:  # noqa: ARG002  (see interface.TestSource)
        """Empty: only the main module of the release keeps its own tests from running."""
        return ()

    def excuse(self, error: BaseException, failure: FailureSeen) -> str:
        """Why an error says nothing about the release; empty if it counts as a failure.

        An error is excused if the test itself raised it and no code of the release ran below the test. Most often the
        test uses something that another library has dropped. A failed assertion always counts.

        Args:
            error: The error that was raised.
            failure: Its description.
        """
        found_something_wrong = isinstance(error, AssertionError) or type(error).__name__ == "Failed"
        if found_something_wrong or self._release_runs_below_test(error):
            return ""
        return f"the test itself fails: {failure['type']}: {failure['message']}"

    def may_skip(self, error: BaseException) -> bool:  # noqa: ARG002  (see interface.TestSource)
        """Always: what a release ships for its tests can skip them."""
        return True

    def _release_runs_below_test(self, error: BaseException) -> bool:
        """Whether code of the release ran below the last frame of a test when `error` was raised."""
        below = False
        for frame, _ in traceback.walk_tb(error.__traceback__):
            filename = os.path.normpath(frame.f_code.co_filename)
            if filename in self._paths:
                below = False
            elif self.owners.owner(filename) == self._own["distribution"]:
                below = True
        return below


def _environment_folder(distribution: str) -> str:
    """The folder that a distribution is installed in."""
    return os.path.normpath(str(importlib.metadata.distribution(distribution).locate_file("")))


def _test_files(own: OwnTestsJob, root: str) -> list[str]:
    """The files of tests, relative to `root`, in the order of the patterns that name them."""
    if own["folder"]:
        files = sorted(os.path.relpath(path, root) for path in Path(root).rglob("*.py"))
    else:
        files = sorted(str(path) for path in importlib.metadata.distribution(own["distribution"]).files or ())
    named = [file for pattern in own["files"] for file in fnmatch.filter(files, pattern) if file.endswith(".py")]
    return list(dict.fromkeys(named))


class OwnFileHooks:
    """Streams the loading of the test files as tests of their own.

    Args:
        tests: The tests of the release.
        stream: The stream of events.
    """

    def __init__(self, tests: OwnTests, stream: EventStream) -> None:
        self._tests = tests
        self._stream = stream
        self._progress = Progress(began=0.0)

    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        """Called before a file is loaded."""
        if isinstance(collector, pytest.Module):
            self._progress = Progress(began=perf_counter())
            described = self._tests.describe_file(collector.nodeid)
            self._stream.emit({"event": "start", "test": described.test, "limit": described.limit})

    def pytest_exception_interact(
        self, call: pytest.CallInfo[object], report: pytest.CollectReport | pytest.TestReport
    ) -> None:
        """Called with the error of a file that cannot be loaded. The error is kept, or its excuse."""
        if report.when != "collect":
            return
        assert call.excinfo is not None
        error = call.excinfo.value.__cause__ or call.excinfo.value
        failure = describe_failure(error, self._tests.owners, self._tests.wrappers, self._tests.has)
        failure["phase"] = "collect"
        excuse = self._tests.excuse(error, failure)
        if excuse:
            self._progress.failure, self._progress.skipped = None, excuse
        else:
            self._progress.failure = failure

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Called when a file was loaded or could not be. A class that cannot be collected is a failure of its file."""
        file, _, inner = report.nodeid.partition("::")
        if not file.endswith(".py") or (inner and not report.failed):
            return
        if report.skipped:
            assert isinstance(report.longrepr, tuple)
            self._progress.skipped = str(report.longrepr[2])
        described = self._tests.describe_file(file)
        self._stream.emit(end_event(described, self._progress, self._progress.outcome(), []))
