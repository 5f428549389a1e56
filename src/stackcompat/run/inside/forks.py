"""Runs the groups of tests, each in a process of its own that is forked where its imports are loaded already."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .applicability import Conditions, unimportable_module, why_not_run
from .events import EventStream
from .groups import WORTH, bases_of, blas_threads, path_of, places, split
from .import_path import can_import, foreign_modules

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from .hooks import RunHooks
    from .interface import DescribedTest
    from .smoke_tests import SmokeTests
    from .watch import Watcher

__all__ = ["GroupHooks"]

#: The exit code of a process in which the harness itself failed.
_FAILED = 96


@dataclass(frozen=True, eq=False)
class _Test:
    """A test, and the components that are imported for it."""

    item: pytest.Item
    described: DescribedTest
    path: tuple[str, ...]


class GroupHooks:
    """Runs the collected tests in groups.

    Args:
        tests: The tests of the process.
        modules: Component to the module that is imported for it.
        requirements: Component to the distributions that it declares to require.
        conditions: The conditions that decide whether a test runs.
        runs: Runs each test in this process.
        watcher: The watcher of this process.
        allowed: The folders from which code can be loaded.
        stream: The stream of events.
    """

    def __init__(
        self,
        tests: SmokeTests,
        modules: Mapping[str, str],
        requirements: Mapping[str, list[str]],
        conditions: Conditions,
        runs: RunHooks,
        watcher: Watcher,
        allowed: list[str],
        stream: EventStream,
    ) -> None:
        self._tests = tests
        self._modules = modules
        self._bases = bases_of(requirements)
        self._order = places(requirements)
        self._conditions = conditions
        self._runs = runs
        self._watcher = watcher
        self._allowed = allowed
        self._stream = stream

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run all tests in place of pytest, unless files of the suite cannot be loaded."""
        if session.testsfailed:
            return None
        described = [(item, self._tests.describe(item)) for item in session.items]
        tests = [_Test(item, test, self._path(test)) for item, test in described]
        if len(tests) == 1 and not tests[0].described.swept:  # what it imports breaks no process but its own
            self._run_apart(tests, frozenset())
        else:
            self._run_groups(tests, frozenset(), frozenset())
        return True

    def _path(self, described: DescribedTest) -> tuple[str, ...]:
        known = [name for name in described.components if name in self._order]
        return path_of(known, self._bases, self._order)

    def _run_groups(self, tests: list[_Test], loaded: frozenset[str], unfit: frozenset[str]) -> None:
        """Run tests in forks of this process, one of which imports a further component and is forked again.

        Args:
            tests: The tests.
            loaded: The components that are imported in this process.
            unfit: The components that cannot be imported beforehand.
        """
        while tests := self._settle(tests):
            paths = {test: tuple(name for name in test.path if name not in loaded | unfit) for test in tests}
            others = [test for test in tests if not test.described.swept]
            # Whether other tests run depends on which modules can be imported.
            at_once = any(test.described.level == "import" for test in others if not paths[test])
            worth = self._tests.chosen * WORTH
            groups, following = split((paths[test] for test in others), self._order, worth, at_once=at_once)
            if not loaded:  # tests that use no component start nothing that others could share
                groups = tuple((path,) for together in groups for path in together)
            for together in groups:
                apart = [test for path in together for test in others if paths[test] == path]
                beside = [test for test in tests if test.described.swept and (paths[test],) == together != ((),)]
                tests = [test for test in tests if test not in apart and test not in beside]
                if beside:  # one import serves the tests of a component and its sweep
                    work = partial(self._go_on, together[0][0], [*apart, *beside], loaded, unfit)
                    left = self._fork(work, [*apart, *beside])
                    apart = [test for test in left if not test.described.swept]
                    tests += [test for test in left if test.described.swept]
                self._run_apart(apart, loaded | unfit)
            sweeps: dict[str, list[_Test]] = {}
            for test in tests:
                if test.described.swept:
                    sweeps.setdefault(test.described.components[0], []).append(test)
            if following is None and len(sweeps) > 1:
                following = split((paths[swept[0]] for swept in sweeps.values()), self._order).following
            for swept in sweeps.values():
                path = paths[swept[0]]
                if following not in path:  # a process that imports more serves it no better
                    self._sweep(swept, path)
                    tests = [test for test in tests if test not in swept]
            if following is None:
                return
            tests = self._settle(tests)
            tests = self._fork(partial(self._go_on, following, tests, loaded, unfit), tests)
            unfit |= {following}  # what is left could not run beside it

    def _go_on(self, name: str, tests: list[_Test], loaded: frozenset[str], unfit: frozenset[str]) -> int:
        """Import a component in this process, by the tests of its import if there are any, and run tests in forks.

        Nothing more runs after a failed import, which can leave modules half loaded. A process with threads is not
        forked: it runs the tests itself.
        """
        loaded |= {name}
        main = [
            test
            for test in tests
            if test.described.level == "import" and test.described.main and (loaded | unfit).issuperset(test.path)
        ]
        broken = len(self._conditions.unimportable)
        self._run(main)
        if len(self._conditions.unimportable) > broken or not (main or self._import(name)):
            return 0
        others = [test for test in tests if test not in main]
        if _has_threads():
            others = [test for test in others if not test.described.swept]
            return self._run_all(self._settle(others), loaded | unfit)
        self._run_groups(others, loaded, unfit)
        return 0

    def _settle(self, tests: list[_Test]) -> list[_Test]:
        """Note the outcome of the tests that are not run. Returns the others."""
        due = []
        for test in tests:
            imported = partial(self._tests.imported_modules, test.item)
            if why_not_run(test.described, self._conditions, imported) is None:
                due.append(test)
            else:
                self._run([test])
        return due

    def _run_apart(self, tests: list[_Test], loaded: frozenset[str]) -> None:
        """Run tests in a process of their own. After one that ends the process the others go on in a new one."""
        while tests := self._settle(tests):
            left = self._fork(partial(self._run_all, tests, loaded), tests)
            if len(left) == len(tests):  # what the supervising process makes of them is its matter
                return
            tests = left

    def _sweep(self, tests: list[_Test], names: tuple[str, ...]) -> None:
        """Import the modules of distributions in forks of a process that has imported what they build on.

        Args:
            tests: The tests of the modules, each package before what is in it.
            names: The components that are imported in that process beforehand. Where that fails, or leaves threads
                that do not survive a fork, each fork imports what it needs.
        """
        if names:
            tests = self._fork(partial(self._sweep_beside, tests, names), tests)
        self._import_in_forks(tests)

    def _sweep_beside(self, tests: list[_Test], names: tuple[str, ...]) -> int:
        if all(map(self._import, names)) and not _has_threads():
            self._import_in_forks(tests)
        return 0

    def _import_in_forks(self, tests: list[_Test]) -> None:
        """Import module after module in a fork of this process, and go on in another after one that fails there.

        A module can fail because of those that were imported before it. So one that fails is tried again in a fork
        that has imported none, and only that counts.
        """
        while tests := self._settle(tests):
            left = self._fork(partial(self._import_one_by_one, tests), tests, again=True)
            if len(left) == len(tests):  # what the supervising process makes of them is its matter
                return
            tests = left

    def _import_one_by_one(self, tests: list[_Test]) -> int:
        """Import modules in this process until one fails. Of the first one that is told, the others are left."""
        for place, test in enumerate(tests):
            module = test.described.module
            if place and module:
                # One that is asked for by name is told more of, by its test, as the first of another fork.
                if self._tests.is_asked_for(test.described.test) or not self._runs.import_swept(test.described):
                    break
            else:
                self._run([test])
                if module and (module not in sys.modules or module in self._conditions.unswept):
                    break
        return 0

    def _run_all(self, tests: list[_Test], loaded: frozenset[str]) -> int:
        """Run tests in this process, in their order, each when the components that it uses are imported.

        The rest is left to another process after a failed import, which can leave modules half loaded, and after the
        tests of a file that made this process depend on the whole lock.
        """
        broken = len(self._conditions.unimportable)
        for place, test in enumerate(tests):
            if test.described.level != "import":
                for name in test.path:
                    if name not in loaded:
                        loaded |= {name}  # if it cannot be imported, the test will show it
                        self._import(name)
            following = tests[place + 1 : place + 2]
            other_file = bool(following) and _file(following[0]) != _file(test)
            self._run([test], following)
            if len(self._conditions.unimportable) > broken or (other_file and self._watcher.whole):
                break
        return 0

    def _run(self, tests: Sequence[_Test], after: Sequence[_Test] = ()) -> None:
        """Run tests in this process. What the first test of `after` shares with them stays set up."""
        for test, following in zip(tests, [*tests[1:], *after[:1], None], strict=False):
            following_item = None if following is None else following.item
            test.item.config.hook.pytest_runtest_protocol(item=test.item, nextitem=following_item)

    def _import(self, name: str) -> bool:
        """Import a component in this process. Returns whether it could be."""
        module = self._modules.get(name)
        if module is None:
            return True
        return can_import(module)  # if it cannot be, a test that needs the component will show it

    def _fork(self, work: Callable[[], int], tests: list[_Test], *, again: bool = False) -> list[_Test]:
        """Do `work`, which runs `tests`, in a process that is forked from this one, and wait for its end.

        Args:
            work: What is done. It returns the exit code.
            tests: The tests.
            again: Whether a test in which the process ended has no outcome yet, unless it is the first.

        Returns:
            The tests without an outcome.
        """
        offset = self._stream.size()
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            # Libraries and Python warn of forks beside threads. There are no threads but those of BLAS.
            warnings.simplefilter("ignore")
            with self._watcher.paused():
                pid = os.fork()
        if pid == 0:
            self._end_with(work)
        _, status = os.waitpid(pid, 0)
        return self._take(tests, offset, os.waitstatus_to_exitcode(status), again=again)

    def _end_with(self, work: Callable[[], int]) -> None:
        """Do `work` and end this process with its exit code, without waiting for threads of libraries."""
        code = _FAILED
        try:
            code = work()
            foreign = foreign_modules(self._allowed)
            if foreign:
                self._stream.emit({"event": "foreign", "modules": foreign})
        except BaseException:  # noqa: BLE001  (nothing may return into the code of the other process)
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _take(self, tests: list[_Test], offset: int, code: int, *, again: bool) -> list[_Test]:
        """Read what a forked process did, note the test that it died in, and which modules cannot be imported.

        Args:
            tests: The tests that the process was to run.
            offset: Where its events begin.
            code: Its exit code.
            again: As for :meth:`_fork`.

        Returns:
            The tests without an outcome.
        """
        described = {test.described.test: test.described for test in tests}
        done: set[str] = set()
        running = ""
        for event in self._stream.since(offset):
            if event["event"] == "start":
                running = event["test"]
            elif event["event"] == "end":
                running = ""
                done.add(event["test"])
                if event["modules"] is not None:
                    self._conditions.unswept.extend(event["modules"] if event["outcome"] != "passed" else ())
                elif event["level"] == "import" and event["outcome"] == "failed":
                    undeclared = (event["failure"] or {}).get("undeclared")
                    limit = event["reason"] if event["feature"] and undeclared else ""
                    self._conditions.unimportable.append(unimportable_module(described[event["test"]], limit))
            elif event["event"] == "lost":
                running = ""
                self._note_lost(described[event["test"]], done)
        if running and again and running != tests[0].described.test:
            return [test for test in tests if test.described.test not in done]
        if running:
            self._stream.emit({"event": "lost", "test": running, "code": code})
            self._note_lost(described[running], done)
        elif code == _FAILED:
            raise RuntimeError("a process of tests failed outside of any test; its traceback is in the log")
        return [test for test in tests if test.described.test not in done]

    def _note_lost(self, described: DescribedTest, done: set[str]) -> None:
        done.add(described.test)
        if described.swept:
            self._conditions.unswept.append(described.module)
        elif described.level == "import":
            self._conditions.unimportable.append(unimportable_module(described, ""))


def _file(test: _Test) -> str:
    return test.described.test.partition("::")[0]


def _has_threads() -> bool:
    """Whether this process has threads that do not survive a fork."""
    process = Path("/proc/self")
    maps = (process / "maps").read_text(encoding="utf-8", errors="replace")
    allowed = 1 + blas_threads(maps, len(os.sched_getaffinity(0)))
    return len(list((process / "task").iterdir())) > allowed
