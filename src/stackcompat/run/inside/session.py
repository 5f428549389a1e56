"""One session of pytest inside a cell: which tests it runs, with which options and hooks."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from .applicability import Conditions
from .distributions import installed_versions
from .events import EventStream
from .hooks import BrokenSuiteHooks, CollectionHooks, ConfigurationHooks, EnvironmentHooks, RunHooks
from .own_tests import OwnFileHooks, OwnTests
from .smoke_tests import SmokeTests

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import OwnTestsJob, PluginJob

    from .interface import TestSource

__all__ = ["run_session"]

#: The exit codes of pytest with which every event was written.
_COMPLETE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


def run_session(job: PluginJob) -> int:
    """Run the tests that a job asks for and stream what happens.

    Returns:
        The exit code: 0 whenever every event was written.
    """
    # The import path before any test. A library that puts the copies it carries on the path later installs nothing.
    path = [entry for entry in sys.path if entry != job["harness"]]
    stream = EventStream(job["events"])
    versions = installed_versions(path)
    stream.emit({"event": "environment", "when": "start", "distributions": versions})
    own = job["upstream"]
    tests: TestSource
    file_hooks: BrokenSuiteHooks | OwnFileHooks
    if own is None:
        tests, file_hooks = SmokeTests(job), BrokenSuiteHooks(stream)
    else:
        tests = OwnTests(job, own)
        file_hooks = OwnFileHooks(tests, stream)
    conditions = Conditions(versions, dict(job["blocked"]), None if own is None else own["until"])
    collection = CollectionHooks(tests, stream)
    hooks = [
        ConfigurationHooks(job),
        collection,
        file_hooks,
        RunHooks(tests, conditions, stream),
        EnvironmentHooks(job, tests.root, path, stream),
    ]
    if own is None or own["folder"]:  # the folder of installed tests is the environment, where they must leave nothing
        os.chdir(tests.root)
    code = pytest.main([*_options(tests.root, own), *(tests.paths() or ["--ignore-glob=*"])], plugins=hooks)
    if code in _COMPLETE:
        return 0
    if not collection.reached:  # a conftest that cannot be loaded keeps every test from running
        message = f"pytest ended with code {int(code)} before it had found any test; see the log"
        stream.emit({"event": "broken-suite", "where": "the suite", "message": message})
    return int(code)


def _options(root: str, own: OwnTestsJob | None) -> list[str]:
    """The options of pytest for tests in the folder `root`."""
    options = ["-q", "--color=no", "-p", "no:cacheprovider", "-p", "no:warnings", "-p", "no:faulthandler"]
    # Nothing above the folder takes part: a checkout has other tests there, with settings and fixtures of their own.
    options += ["-o", "addopts=", "--rootdir", root, "--confcutdir", root, "-c", os.devnull]
    if own is not None:
        # An installed test is a module of its package, and not a file of a folder on the import path.
        options += ["--import-mode=importlib", "-o", "consider_namespace_packages=true"]
        options += ["--continue-on-collection-errors"]
    return options
