"""The hooks of pytest. Each class follows one part of a session and streams its events.

A hook names only the arguments that it needs. pytest passes these.
"""

from __future__ import annotations

import contextlib
import os
import sys
import unittest
import warnings
from collections.abc import Generator, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from time import perf_counter  # a library can put another function in its place
from typing import TYPE_CHECKING

import pytest
from _pytest.outcomes import Exit
from _pytest.runner import runtestprotocol

from .applicability import Conditions, unimportable_module, why_not_run
from .distributions import installed_versions
from .events import EventStream
from .failures import describe_failure
from .import_path import can_import, foreign_modules, hide_harness
from .integrity import Integrity
from .interface import DescribedTest, TestSource
from .progress import Progress, end_event
from .smoke_tests import MARKS, ModuleToImport, SweptModule
from .undeclared import undeclared_distribution
from .warning_counts import WarningCounter
from .watch import ClosureStream, Watcher

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import CollectedTest, FailureSeen, PluginJob

__all__ = [
    "NO_PLUGINS",
    "BrokenSuiteHooks",
    "CollectionHooks",
    "ConfigurationHooks",
    "EnvironmentHooks",
    "RunHooks",
    "allowed_folders",
]


_getpid, _end_process = os.getpid, os._exit

#: The variable by which pytest loads no plugins of installed distributions.
NO_PLUGINS = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"


class ConfigurationHooks:
    """Declares the marks of smoke tests, and sets the values that smoke tests read from pytest's `config`.

    Args:
        job: The job of the process.
        modules: The modules that one smoke test imports.
        swept: The modules that another one imports, all of some distributions.
    """

    def __init__(
        self, job: PluginJob, modules: Iterable[ModuleToImport] = (), swept: Iterable[SweptModule] = ()
    ) -> None:
        self._job = job
        self._modules = modules
        self._swept = swept

    def pytest_configure(self, config: pytest.Config) -> None:
        """Called when pytest has read its options and has collected nothing yet."""
        os.environ.pop(NO_PLUGINS, None)  # what tests start shall not inherit it
        for mark in MARKS:
            config.addinivalue_line("markers", mark)
        imports = [(entry.distribution, entry.module, entry.declared) for entry in self._modules]
        config.stackcompat_imports = imports  # type: ignore[attr-defined]
        config.stackcompat_sweep = list(self._swept)  # type: ignore[attr-defined]
        config.stackcompat_exchange = self._job["exchange"]  # type: ignore[attr-defined]


class CollectionHooks:
    """Chooses the tests that run.

    Args:
        tests: The tests of the process.
        job: The job of the process.
        conditions: The conditions that decide whether a test runs. Imports that are known to fail are added.
        stream: The stream of events.

    Attributes:
        reached: Whether pytest has collected the tests.
    """

    def __init__(self, tests: TestSource, job: PluginJob, conditions: Conditions, stream: EventStream) -> None:
        self._tests = tests
        self._job = job
        self._conditions = conditions
        self._stream = stream
        self.reached = False

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Called when all tests are collected. The tests that stay in the list run."""
        self.reached = True
        strange = self._tests.strangers(items)
        if strange:
            self._stream.emit({"event": "foreign", "modules": strange})
        chosen = self._tests.choose(items)
        described = [self._tests.describe(item) for item in chosen]
        self._stream.emit({"event": "collected", "tests": [_collected(test) for test in described]})
        known = self._job["unimportable_tests"]
        self._conditions.unimportable.extend(
            unimportable_module(test, known[test.test]) for test in described if test.test in known
        )
        # The supervising process starts a process for each test that needs its own, and one for each environment.
        items[:] = [
            item
            for item, test in zip(chosen, described, strict=True)
            if test.test not in self._job["skip"]
            and test.environment == self._job["environment"]
            and (len(chosen) == 1 or not test.alone)
        ]


def _collected(described: DescribedTest) -> CollectedTest:
    return {
        "test": described.test,
        "level": described.level,
        "components": described.components,
        "artifact": described.artifact,
        "feature": described.feature,
        "limit": described.limit,
        "alone": described.alone,
        "environment": described.environment,
        "module": described.module,
        "main": described.main,
        "swept": described.swept,
    }


class BrokenSuiteHooks:
    """Streams which file of the suite cannot be loaded.

    Args:
        stream: The stream of events.
    """

    def __init__(self, stream: EventStream) -> None:
        self._stream = stream

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Called when a file, or a class in it, was loaded or could not be loaded."""
        if report.failed:
            message = str(report.longrepr)[-3000:]
            self._stream.emit({"event": "broken-suite", "where": report.nodeid, "message": message})


class RunHooks:
    """Runs each test, and streams its start and its end.

    Args:
        tests: The tests of the process.
        conditions: The conditions that decide whether a test runs.
        distributions: Module to the distribution that has it.
        stream: The stream of events.
        watcher: The watcher of the process; None if it is not watched.
    """

    def __init__(
        self,
        tests: TestSource,
        conditions: Conditions,
        distributions: Mapping[str, str],
        stream: EventStream,
        watcher: Watcher | None = None,
    ) -> None:
        self._tests = tests
        self._conditions = conditions
        self._distributions = distributions
        self._stream = stream
        self._watcher = watcher
        self._closures = ClosureStream(watcher, stream)
        self._progress = Progress(began=0.0)
        self._raised: BaseException | None = None
        self._integrity = Integrity()

    def pytest_collection_finish(self) -> None:
        """Called when the tests that run are chosen. What was loaded until then can decide which tests there are."""
        self._closures.current(())

    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run a test in place of pytest.

        Args:
            item: The test.
            nextitem: The next test. Fixtures that it shares stay set up.
        """
        described = self._tests.describe(item)
        self._stream.emit({"event": "start", "test": described.test, "limit": described.limit})
        self._progress = progress = Progress(began=perf_counter())
        warning_counter = WarningCounter(self._tests.owners)
        not_run = why_not_run(described, self._conditions, lambda: self._tests.imported_modules(item))
        if not_run is not None:
            outcome, progress.skipped = not_run
            closure = None  # it depends on the versions of all that it uses
            _tear_down(item, nextitem)
        else:
            process = _getpid()
            self._run(item, nextitem, warning_counter)
            if _getpid() != process:  # a process that the test has forked: the result is that of the test's own
                _end_process(0)
            self._check_integrity()
            outcome = progress.outcome()
            closure = self._closures.current(described.components)
        if described.swept:
            if described.module and outcome != "passed":
                self._conditions.unswept.append(described.module)
        elif outcome == "failed" and described.level == "import":
            described = self._note_unimportable(described)
        self._stream.emit(end_event(described, progress, outcome, warning_counter.counts(), closure))
        return True

    def import_swept(self, described: DescribedTest) -> bool:
        """Import a module of a sweep in this process, without pytest, and stream that it could be imported.

        Args:
            described: The test of the module.

        Returns:
            Whether it could be imported. If not, only its start was streamed.
        """
        self._stream.emit({"event": "start", "test": described.test, "limit": described.limit})
        self._progress = progress = Progress(began=perf_counter())
        process = _getpid()
        imported = can_import(described.module)
        if _getpid() != process:
            _end_process(0)
        self._check_integrity()
        if not imported or described.module not in sys.modules or progress.failure is not None:
            return False
        closure = self._closures.current(described.components)
        self._stream.emit(end_event(described, progress, "passed", [], closure))
        return True

    def _check_integrity(self) -> None:
        """Let the test fail if it has run with another harness than it should have."""
        changed = self._integrity.changed()
        if changed:
            message = f"{changed} runs the tests, and was changed by what they run"
            self._progress.failure = {"type": "HarnessChanged", "message": message, "phase": "call"}

    def _aside(self) -> contextlib.AbstractContextManager[object]:
        """For as long as it is open, what this process looks at does not count as the test's."""
        return contextlib.nullcontext() if self._watcher is None else self._watcher.paused()

    def _note_unimportable(self, described: DescribedTest) -> DescribedTest:
        """Note that a module cannot be imported, so that tests that need it are not run.

        An optional module that fails for want of an undeclared distribution is a limit of the release.

        Args:
            described: The test of the import, which failed.

        Returns:
            The test. If it showed a limit, it is a test of that one feature.
        """
        failure = self._progress.failure
        assert failure is not None
        with self._aside():
            failure["undeclared"] = undeclared = undeclared_distribution(failure, self._distributions)
        limit = ""
        whole = {name for broken in self._conditions.unimportable if broken["main"] for name in broken["distributions"]}
        if described.optional and undeclared and whole.isdisjoint(described.components):
            release = f"{failure['package']} {self._conditions.versions.get(failure['package'], '')}"
            limit = f"{described.module} needs {undeclared}, which {release} does not declare: install {undeclared}"
            described = replace(described, feature=described.module)
            self._progress.skipped = limit
        self._conditions.unimportable.append(unimportable_module(described, limit))
        return described

    def _run(self, item: pytest.Item, nextitem: pytest.Item | None, warning_counter: WarningCounter) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = warning_counter.count
            try:
                runtestprotocol(item, nextitem=nextitem, log=False)
            except (KeyboardInterrupt, Exit) as error:
                # For pytest these errors mean to stop everything. Here the test raised them, so they are its failure.
                self._progress.failure = self._describe(error)
                _tear_down(item, nextitem)

    @pytest.hookimpl(wrapper=True, specname="pytest_runtest_makereport")
    def pytest_note_raised(self, call: pytest.CallInfo[None]) -> Generator[None, object, object]:
        """Called before pytest puts a skip of its own, with another traceback, in the place of one of unittest."""
        self._raised = None if call.excinfo is None else call.excinfo.value
        return (yield)

    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        """Called at the end of a phase of a test. The first failure of all phases is kept, and the reason of a skip."""
        if call.excinfo is None:
            return
        error, progress = call.excinfo.value, self._progress
        skip = self._raised if isinstance(self._raised, unittest.SkipTest) else error
        if isinstance(error, pytest.skip.Exception) and self._tests.may_skip(skip):
            progress.skipped = str(error)
        elif progress.failure is None:
            failure = self._describe(error)
            failure["phase"] = call.when
            excuse = self._tests.excuse(error, failure)
            if excuse:
                progress.skipped = excuse
            else:
                progress.failure = failure

    def _describe(self, error: BaseException) -> FailureSeen:
        with self._aside():
            return describe_failure(error, self._tests.owners, self._tests.wrappers, self._tests.has)


def _tear_down(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Tear down the fixtures that the next test does not share. Without this, pytest refuses to set up that test."""
    item.session._setupstate.teardown_exact(nextitem)  # noqa: SLF001  (pytest has no public name for it)


def allowed_folders(job: PluginJob, root: str) -> list[str]:
    """The folders from which code can be loaded.

    Args:
        job: The job of the process.
        root: The folder of the tests.
    """
    allowed = [sys.prefix, sys.base_prefix, job["harness"], root, str(Path(__file__).parent)]
    allowed += job["helpers"]
    allowed += job["temporary"]  # code that a library generates as it runs
    return allowed + [entry for entry in sys.path if "lib-dynload" in entry]


class EnvironmentHooks:
    """Hides the harness from the tests, and at their end streams what is installed and which modules are foreign.

    Args:
        job: The job of the process.
        tests: The tests of the process.
        path: The import path before the first test, without the harness.
        stream: The stream of events.
        watcher: The watcher of the process, which begins with the tests; None if it is not watched.
    """

    def __init__(
        self, job: PluginJob, tests: TestSource, path: list[str], stream: EventStream, watcher: Watcher | None = None
    ) -> None:
        self._job = job
        self._tests = tests
        self._path = path
        self._stream = stream
        self._watcher = watcher

    def pytest_sessionstart(self) -> None:
        """Called when pytest is loaded and has collected nothing yet."""
        hide_harness(self._job["harness"])
        if self._watcher is not None:
            self._tests.owners.read()  # once for all groups, when the harness is hidden and nothing counts yet
            self._watcher.start()

    def pytest_sessionfinish(self) -> None:
        """Called after the last test."""
        self._stream.emit({"event": "environment", "when": "end", "distributions": installed_versions(self._path)})
        self._stream.emit({"event": "done", "foreign": foreign_modules(allowed_folders(self._job, self._tests.root))})
