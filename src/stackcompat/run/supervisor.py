"""Starts the tests of a cell in a process of their own and enforces their limits.

A test that kills its process, hangs or eats the memory loses only itself: the rest goes on in a new process.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

from stackcompat.core.record import StackcompatError
from stackcompat.evidence.results import Isolation, TestResult
from stackcompat.run.job import NO_TESTS, Job, ShippedTests
from stackcompat.run.sandbox import INSIDE, PLUGIN, clean_environment, network_can_be_cut

__all__ = ["LOG_CHARACTERS", "Supervisor", "adopt_orphans"]

LOG_CHARACTERS = 20_000


class Supervisor:
    """Runs the suite to its end, starting a new process where a test took the old one with it."""

    def __init__(self, job: Job, python: Path, harness: Path) -> None:
        self.job = job
        self.results: dict[str, TestResult] = {}
        self.environments: list[tuple[str, dict[str, str]]] = []
        self.foreign: list[str] = []
        self.suite_error = ""
        self.over_time = False
        self.owner = os.getppid()
        self.python = python
        self._harness = harness
        self._pending: dict[str, dict[str, Any]] = {}
        self.numbers = itertools.count()
        self.log = job.folder / "log.txt"
        self._fenced = network_can_be_cut()
        self.isolation = Isolation(
            network="loopback only" if self._fenced else "open",
            memory_limit_mb=job.limits.memory_mb,
            time_limit_s=job.limits.seconds,
        )

    def log_text(self) -> str:
        """The last part of what the tests printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-LOG_CHARACTERS:] if self.log.exists() else ""

    def run(self) -> None:
        """Run until every test has an outcome; each start of a process makes progress by at least one test."""
        deadline = time.monotonic() + self.job.limits.seconds
        own = {test for each in self.job.upstream for test in self.job.tests if test.startswith(each.prefix)}
        tests = tuple(test for test in self.job.tests if test not in own)
        if tests or (self.job.files and not own) or not self.job.upstream:
            self._run_suite(tests, deadline)
        for each in self.job.upstream:
            if not self.suite_error and not self.over_time:
                self._run_own(each, deadline)

    def _run_suite(self, tests: tuple[str, ...], deadline: float) -> None:
        for _ in range(1000):
            finished = _Process(self, tests, deadline).run()
            remaining = self.remaining()
            together = tuple(test for test in remaining if not self._pending[test]["alone"])
            # Where the last test took the process with it, one more start reads back what that left of the environment.
            due = together or remaining[:1] or NO_TESTS
            if self.suite_error or self.over_time or due == tests or (finished and not remaining):
                return
            tests = due

    def _run_own(self, own: ShippedTests, deadline: float) -> None:
        """Run the tests that a release ships; what did not begin within their time box did not apply."""
        if own.distribution in self.blocked():
            reason = f"{own.distribution} cannot be imported ({self.blocked()[own.distribution]})"
            self.set_aside(own, own.prefix, "blocked", reason)
            return
        asked = self.job.tests
        for test, reason in own.left_out.items():
            if not asked or test in asked:
                self.set_aside(own, test, "not-applicable", reason)
        counted = own.tests if own.tests is not None else asked
        tests = tuple(test for test in counted if test.startswith(own.prefix) and (not asked or test in asked))
        if not tests and (asked or own.tests is not None):
            return
        until = time.time() + own.chosen.seconds
        due = tests
        for _ in range(1000):
            before = len(self.results)
            finished = _Process(self, due, deadline, own, until).run()
            if self.over_time or (finished and not self.remaining()) or len(self.results) == before:
                break
            # A file that took the process with it when it was loaded is left out from then on.
            due = self.remaining() or tests
        for test in {*tests, *self.remaining()} - self.results.keys():
            self.set_aside(own, test, "not-applicable", "was not reached")

    def set_aside(self, own: ShippedTests, test: str, outcome: str, reason: str) -> None:
        """Record a test of a release's own that is not run."""
        fields = {"test": test, "level": "upstream", "components": (own.distribution,)}
        self.results[test] = TestResult.model_validate(fields | {"outcome": outcome, "reason": reason})

    def remaining(self) -> tuple[str, ...]:
        """The tests without an outcome."""
        return tuple(test for test in self._pending if test not in self.results)

    def command(self, job_file: Path) -> list[str]:
        """How the probe is started inside the fence."""
        probe = [str(self.python), "-I", "-X", "faulthandler", str(PLUGIN), str(job_file)]
        return [sys.executable, "-I", "-S", str(INSIDE / "fence.py"), *probe] if self._fenced else probe

    def probe_job(
        self, events: Path, tests: Iterable[str], own: ShippedTests | None = None, until: float = 0.0
    ) -> dict[str, object]:
        """What the probe is told: to run the smoke tests, or those that a release ships and that begin `until` then."""
        return {
            "events": str(events),
            "tests": list(tests),
            "imports": [list(pair) for pair in self.job.imports],
            "guesses": list(self.job.guesses),
            "level": self.job.level,
            "thorough": self.job.thorough,
            "suite": str(self.job.suite),
            "files": list(self.job.files),
            "limits": self.job.limits.of_tests,
            "blocked": self.blocked(),
            "helpers": [str(self.job.helpers)] if self.job.helpers else [],
            "temporary": [str(self.job.folder / "home" / "tmp")],
            "exchange": self._exchange(),
            "upstream": self._upstream(own, until) if own is not None else None,
            "harness": str(self._harness),
        }

    def blocked(self) -> dict[str, str]:
        """The distributions that an import test found wanting, each with that test."""
        red = (result for result in self.results.values() if result.outcome in ("failed", "crashed"))
        return {name: test.test for test in red if test.level == "import" for name in test.components}

    def _exchange(self) -> dict[str, object] | None:
        asked = self.job.exchange
        if asked is None:
            return None
        return {"mode": asked.mode, "artifacts": list(asked.artifacts), "folder": str(self.job.artifacts)}

    def _upstream(self, own: ShippedTests, until: float) -> dict[str, object]:
        lost = [name for name, result in self.results.items() if result.outcome not in ("passed", "not-applicable")]
        folder = ""
        if own.folder is not None:
            copy = self.job.folder / "upstream" / own.distribution
            if not copy.exists():  # so that nothing that a test leaves is there for another cell
                shutil.copytree(own.folder, copy)
            folder = str(copy)
        return {
            "distribution": own.distribution,
            "folder": folder,
            "files": list(own.chosen.tests),
            "without": list(own.chosen.without),
            "lost": lost,
            "until": until,
        }

    def take(self, event: dict[str, Any]) -> None:
        """Take one event of the probe into account."""
        match event["event"]:
            case "environment":
                self.environments.append((event["when"], event["distributions"]))
            case "collected":
                for test in event["tests"]:
                    self._pending.setdefault(test["test"], test)
            case "broken-suite":
                self.suite_error = f"{event['where']}: {event['message']}"
            case "end":
                fields = {name: value for name, value in event.items() if name != "event"}
                self.results[event["test"]] = TestResult.model_validate(fields)
            case "done":
                self.foreign.extend(event["foreign"])

    def lose(self, test: str, outcome: str, reason: str, seconds: float) -> None:
        """Record a test that took its process with it."""
        known = self._pending.get(test, {"level": "interop", "components": []})
        for own in self.job.upstream:  # a file of them is not announced before it is loaded
            if test.startswith(own.prefix):
                known = {"level": "upstream", "components": [own.distribution]}
        self.results[test] = TestResult.model_validate(
            {
                "test": test,
                "level": known["level"],
                "components": tuple(known["components"]),
                "artifact": known.get("artifact", ""),
                "feature": known.get("feature", ""),
                "outcome": outcome,
                "reason": reason,
                "seconds": round(seconds, 3),
                "failure": {"type": "ProcessEnded", "message": reason} if outcome == "crashed" else None,
            }
        )


class _Process:
    """One process of the suite, watched: events are read as they come, limits are enforced from outside."""

    def __init__(
        self,
        tests: Supervisor,
        wanted: tuple[str, ...],
        deadline: float,
        own: ShippedTests | None = None,
        until: float = 0.0,
    ) -> None:
        self._tests = tests
        self._deadline = deadline
        folder, number = tests.job.folder, next(tests.numbers)
        self._events = folder / f"events-{number}.jsonl"
        self._job_file = folder / f"probe-{number}.json"
        self._job_file.write_text(json.dumps(tests.probe_job(self._events, wanted, own, until)), encoding="utf-8")
        self._others = set(psutil.Process().children())
        self._offset = 0
        self._running: tuple[str, float, float] | None = None
        self._done = False

    def run(self) -> bool:
        """Run to the end of the process; whether the probe said it was done."""
        home = self._tests.job.folder / "home"
        environment = clean_environment(home, self._tests.python)
        with self._tests.log.open("ab") as log:
            process = subprocess.Popen(
                self._tests.command(self._job_file),
                cwd=home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                lost = self._watch(process)
            finally:
                self._end(process)
        self._read()
        if self._running and not self._done:
            test, began, _ = self._running
            outcome, reason = lost or ("crashed", _how_it_ended(process.returncode))
            if process.returncode == -signal.SIGKILL and lost is None:
                outcome, reason = "out-of-memory", "killed by the system"
            self._tests.lose(test, outcome, reason, time.monotonic() - began)
        return self._done

    def _watch(self, process: subprocess.Popen[bytes]) -> tuple[str, str] | None:
        """Wait for the end; why the process was ended, if it was not its own."""
        memory_checked = 0.0
        while process.poll() is None:
            time.sleep(0.02)
            if os.getppid() != self._tests.owner:
                raise StackcompatError("whoever asked for this cell has ended")
            self._read()
            now = time.monotonic()
            if self._running and now - self._running[1] > self._running[2]:
                return "timeout", f"not finished after {self._running[2]:.0f} s"
            if now > self._deadline:
                self._tests.over_time = True
                return "timeout", f"the cell's limit of {self._tests.job.limits.seconds:.0f} s was reached"
            if now - memory_checked > 0.5:
                memory_checked = now
                used = self._memory_mb()
                if used > self._tests.job.limits.memory_mb:
                    limit = self._tests.job.limits.memory_mb
                    return "out-of-memory", f"{used:.0f} MB used of {limit} MB allowed"
        return None

    def _tree(self) -> list[psutil.Process]:
        """What the tests started, daemons included (see :func:`adopt_orphans`)."""
        mine = [child for child in psutil.Process().children() if child not in self._others]
        return mine + [process for child in mine for process in _offspring(child)]

    def _memory_mb(self) -> float:
        used = 0
        for process in self._tree():
            with contextlib.suppress(psutil.Error):  # it ended while we looked
                used += process.memory_info().rss
        return used / 2**20

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End the process, and whatever the tests left running."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for _ in range(10):  # what is ended may have started more in the meantime
            left = self._tree()
            if not left:
                return
            for other in left:
                with contextlib.suppress(psutil.Error):
                    other.kill()
            psutil.wait_procs(left, timeout=5)

    def _read(self) -> None:
        if not self._events.exists():
            return
        with self._events.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                event = json.loads(line)
                if event["event"] == "start":
                    self._running = (event["test"], time.monotonic(), float(event["limit"]))
                elif event["event"] == "end":
                    self._running = None
                elif event["event"] == "done":
                    self._done = True
                self._tests.take(event)


def _how_it_ended(code: int | None) -> str:
    if code is not None and code < 0:
        return f"the process died of {signal.Signals(-code).name}"
    return f"the process exited with code {code} in the middle of the test"


def _offspring(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends (Linux): a daemon cannot hide from being ended."""
    if sys.platform.startswith("linux"):
        set_child_subreaper = 36
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)
