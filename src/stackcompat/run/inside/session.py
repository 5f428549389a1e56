"""One session of pytest inside a cell: which tests it runs, with which options and hooks."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from .applicability import Conditions
from .distributions import declared_requirements, installed_versions
from .events import EventStream
from .forks import GroupHooks
from .hooks import (
    NO_PLUGINS,
    BrokenSuiteHooks,
    CollectionHooks,
    ConfigurationHooks,
    EnvironmentHooks,
    RunHooks,
    allowed_folders,
)
from .own_tests import OwnFileHooks, OwnTests
from .smoke_tests import SmokeTests
from .stand_ins import StandIns
from .watch import Watcher

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import OwnTestsJob, PluginJob

    from .interface import TestSource

__all__ = ["run_session"]

#: The exit codes of pytest with which every event was written.
_COMPLETE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


def run_session(job: PluginJob, secret: bytes = b"") -> int:
    """Run the tests that a job asks for and stream what happens.

    Args:
        job: The job of the process.
        secret: The secret that the events are sealed with; empty for events without a seal.

    Returns:
        The exit code: 0 if every event was written.
    """
    # This is the import path before any test. Some libraries later put copies of others on it, which are not installed.
    path = [entry for entry in sys.path if entry != job["harness"]]
    stream = EventStream(job["events"], secret)
    versions = installed_versions(path)
    stream.emit({"event": "environment", "when": "start", "distributions": versions})
    own = job["upstream"]
    tests, file_hooks = _sources(job, path, stream)
    conditions = Conditions(versions, list(job["unimportable"]), None if own is None else own["until"])
    collection = CollectionHooks(tests, job, conditions, stream)
    watcher = Watcher(job["watch"], versions) if job["watch"] is not None else None
    runs = RunHooks(tests, conditions, job["distributions"], stream, watcher)
    hooks: list[object] = [
        ConfigurationHooks(job, tests.modules, tests.swept)
        if isinstance(tests, SmokeTests)
        else ConfigurationHooks(job),
        collection,
        file_hooks,
        runs,
        EnvironmentHooks(job, tests, path, stream, watcher),
    ]
    if watcher is not None and isinstance(tests, SmokeTests):
        hooks.append(_groups(job, tests, conditions, runs, watcher, stream))
    # Tests run in their own folder. For installed tests that is the environment, where they must leave nothing.
    if own is None or own["folder"]:
        os.chdir(tests.root)
    # Without a path pytest would collect the whole folder, so an empty choice is a pattern that ignores every file.
    paths = tests.paths() or ["--ignore-glob=*"]
    if own is None:  # the plugins of installed distributions are for the tests that releases ship
        os.environ[NO_PLUGINS] = "1"
    code = pytest.main([*_options(tests.root, own), *paths], plugins=hooks)
    if code in _COMPLETE:
        return 0
    if not collection.reached:  # a conftest that cannot be loaded keeps every test from running
        message = f"pytest ended with code {int(code)} before it had found any test; see the log"
        stream.emit({"event": "broken-suite", "where": "the suite", "message": message})
    return int(code)


def _sources(
    job: PluginJob, path: list[str], stream: EventStream
) -> tuple[TestSource, BrokenSuiteHooks | OwnFileHooks]:
    """The tests that a job is about, and the hooks that follow how their files are loaded."""
    own = job["upstream"]
    if own is None:
        return SmokeTests(job, StandIns(path, job["modules"])), BrokenSuiteHooks(stream)
    tests = OwnTests(job, own)
    return tests, OwnFileHooks(tests, stream)


def _groups(
    job: PluginJob,
    tests: SmokeTests,
    conditions: Conditions,
    runs: RunHooks,
    watcher: Watcher,
    stream: EventStream,
) -> GroupHooks:
    """The hooks that run smoke tests in groups. A group imports the main modules of its components beforehand."""
    modules = {
        entry.distribution: entry.module
        for entry in reversed(tests.modules)
        if entry.main and entry.environment == job["environment"]
    }
    components = dict.fromkeys(
        entry.distribution for entry in tests.modules if entry.distribution in conditions.versions
    )
    requirements = {name: declared_requirements(name) for name in components}
    return GroupHooks(tests, modules, requirements, conditions, runs, watcher, allowed_folders(job, tests.root), stream)


def _options(root: str, own: OwnTestsJob | None) -> list[str]:
    """The options of pytest for tests in the folder `root`."""
    options = ["-q", "--color=no", "-p", "no:cacheprovider", "-p", "no:warnings", "-p", "no:faulthandler"]
    # pytest must not read files above the folder: a checkout has other tests there, with their own settings and
    # fixtures.
    options += ["-o", "addopts=", "--rootdir", root, "--confcutdir", root, "-c", os.devnull]
    if own is not None:
        # Installed tests are modules of their package, so their folder must not be put on the import path.
        options += ["--import-mode=importlib", "-o", "consider_namespace_packages=true"]
        options += ["--continue-on-collection-errors"]
    return options
