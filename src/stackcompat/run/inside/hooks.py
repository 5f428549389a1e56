"""The hooks of pytest: each class follows one part of a session and streams what happens there.

pytest calls a hook with those of its arguments that the hook names.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from _pytest.outcomes import Exit
from _pytest.runner import runtestprotocol

from .applicability import Conditions, why_not_run
from .distributions import installed_versions
from .events import EventStream
from .failures import describe_failure
from .import_path import foreign_modules, hide_harness
from .interface import DescribedTest, TestSource
from .progress import Progress, end_event
from .smoke_tests import MARKS, modules_to_import
from .warning_counts import WarningCounter

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import CollectedTest, PluginJob

__all__ = ["BrokenSuiteHooks", "CollectionHooks", "ConfigurationHooks", "EnvironmentHooks", "RunHooks"]


class ConfigurationHooks:
    """Declares the marks of smoke tests, and what smoke tests read from pytest's `config`.

    Args:
        job: What the process is asked for.
    """

    def __init__(self, job: PluginJob) -> None:
        self._job = job

    def pytest_configure(self, config: pytest.Config) -> None:
        """The options are read, nothing is collected yet."""
        for mark in MARKS:
            config.addinivalue_line("markers", mark)
        config.stackcompat_imports = modules_to_import(self._job)  # type: ignore[attr-defined]
        config.stackcompat_exchange = self._job["exchange"]  # type: ignore[attr-defined]


class CollectionHooks:
    """Chooses the tests that run.

    Args:
        tests: The tests of the process.
        stream: Takes the events.

    Attributes:
        reached: Whether pytest got as far as to know the tests.
    """

    def __init__(self, tests: TestSource, stream: EventStream) -> None:
        self._tests = tests
        self._stream = stream
        self.reached = False

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """All tests are found. Those that stay in the list run."""
        self.reached = True
        chosen = self._tests.choose(items)
        described = [self._tests.describe(item) for item in chosen]
        self._stream.emit({"event": "collected", "tests": [_collected(test) for test in described]})
        if len(chosen) > 1:  # the supervising process asks again for each test that needs a process of its own
            chosen = [item for item, test in zip(chosen, described, strict=True) if not test.alone]
        items[:] = chosen


def _collected(described: DescribedTest) -> CollectedTest:
    return {
        "test": described.test,
        "level": described.level,
        "components": described.components,
        "artifact": described.artifact,
        "feature": described.feature,
        "limit": described.limit,
        "alone": described.alone,
    }


class BrokenSuiteHooks:
    """Says which file of the suite cannot be loaded.

    Args:
        stream: Takes the events.
    """

    def __init__(self, stream: EventStream) -> None:
        self._stream = stream

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file, or a class in it, is loaded or cannot be."""
        if report.failed:
            message = str(report.longrepr)[-3000:]
            self._stream.emit({"event": "broken-suite", "where": report.nodeid, "message": message})


class RunHooks:
    """Runs each test, and streams its start and its end whatever happens in between.

    Args:
        tests: The tests of the process.
        conditions: What decides whether a test runs.
        stream: Takes the events.
    """

    def __init__(self, tests: TestSource, conditions: Conditions, stream: EventStream) -> None:
        self._tests = tests
        self._conditions = conditions
        self._stream = stream
        self._progress = Progress(began=0.0)

    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run a test in place of pytest.

        Args:
            item: The test.
            nextitem: The test that comes next. What it needs as well stays set up.
        """
        described = self._tests.describe(item)
        self._stream.emit({"event": "start", "test": described.test, "limit": described.limit})
        self._progress = progress = Progress(began=time.perf_counter())
        warning_counter = WarningCounter(self._tests.owners)
        not_run = why_not_run(described, self._conditions)
        if not_run is not None:
            outcome, progress.skipped = not_run
            _tear_down(item, nextitem)
        else:
            self._run(item, nextitem, warning_counter)
            outcome = progress.outcome()
        if outcome == "failed" and described.level == "import":
            for name in described.components:
                self._conditions.blocked.setdefault(name, item.nodeid)
        self._stream.emit(end_event(described, progress, outcome, warning_counter.counts()))
        return True

    def _run(self, item: pytest.Item, nextitem: pytest.Item | None, warning_counter: WarningCounter) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = warning_counter.count
            try:
                runtestprotocol(item, nextitem=nextitem, log=False)
            except (KeyboardInterrupt, Exit) as error:
                # pytest takes these as a wish to stop everything. Here they are what the test did.
                self._progress.failure = describe_failure(error, self._tests.owners)
                _tear_down(item, nextitem)

    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        """A phase of the test is over. The first failure of all phases is kept, and the reason of a skip."""
        if call.excinfo is None:
            return
        error, progress = call.excinfo.value, self._progress
        if type(error).__name__ == "Skipped":
            progress.skipped = str(error)
        elif progress.failure is None:
            failure = describe_failure(error, self._tests.owners)
            failure["phase"] = call.when
            excuse = self._tests.excuse(error, failure)
            if excuse:
                progress.skipped = excuse
            else:
                progress.failure = failure


def _tear_down(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Tear down what the next test does not share. Otherwise pytest refuses to set that test up."""
    item.session._setupstate.teardown_exact(nextitem)  # noqa: SLF001  (pytest has no public name for it)


class EnvironmentHooks:
    """Keeps the harness out of reach of the tests, and says what is installed and loaded at their end.

    Args:
        job: What the process is asked for.
        root: The folder of the tests.
        path: The import path before the first test, without the harness.
        stream: Takes the events.
    """

    def __init__(self, job: PluginJob, root: str, path: list[str], stream: EventStream) -> None:
        self._job = job
        self._root = root
        self._path = path
        self._stream = stream

    def pytest_sessionstart(self) -> None:
        """Everything of pytest is loaded, and nothing is collected yet."""
        hide_harness(self._job["harness"])

    def pytest_sessionfinish(self) -> None:
        """The last test is over."""
        self._stream.emit({"event": "environment", "when": "end", "distributions": installed_versions(self._path)})
        allowed = [sys.prefix, sys.base_prefix, self._job["harness"], self._root, str(Path(__file__).parent)]
        allowed += self._job["helpers"]
        allowed += self._job["temporary"]  # code that a library generates as it runs
        allowed += [entry for entry in sys.path if "lib-dynload" in entry]
        self._stream.emit({"event": "done", "foreign": foreign_modules(allowed)})
