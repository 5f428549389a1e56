"""One cell, from a lock to what its tests did: environment and run, called by a nox session (see noxfile.py here).

The environment holds exactly the lock. What was asked for is compared with what is there before the first test and
after the last one; any difference makes the run ``invalid``. Tests run in a process group of their own, with their
own home, temporary folder and variables, without network where the system allows it, under time and memory limits; a
test that kills the process, hangs or eats the memory loses only itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import datetime as dt
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import psutil
from filelock import FileLock
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from stackcompat.evidence import NO_NETWORK, CellResult, Environment, Isolation, Outcome, TestResult
from stackcompat.lock import Lock, strip_addresses
from stackcompat.matrix import Level, Upstream
from stackcompat.packages import PackageCache
from stackcompat.record import Record, StackcompatError

__all__ = ["Exchange", "Job", "Limits", "OwnTests", "difference", "run"]

_INSIDE = Path(__file__).parent / "inside"
LOG_CHARACTERS = 20_000
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


class OwnTests(Record):
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
    upstream: tuple[OwnTests, ...] = ()
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


def difference(job: Job, observed: Mapping[str, str]) -> str:
    """In one sentence how the environment differs from the lock and the request; empty where it does not."""
    locked = job.lock.versions()
    for name, version in locked.items():
        if name not in observed:
            return f"{name} {version} was locked but is not installed"
        if not _same(observed[name], version):
            return f"{name} {version} was locked but {observed[name]} is installed"
    extra = sorted(observed.keys() - locked.keys())
    if extra:
        return f"{', '.join(extra)} is installed but was not locked"
    overridden = {canonicalize_name(Requirement(text).name) for text in job.forced}
    for text in job.requirements:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if requirement.marker is not None and not requirement.marker.evaluate({"python_version": job.lock.python}):
            continue
        if name not in observed:
            return f"{text} was requested but is not installed"
        wanted = requirement.specifier
        if name not in overridden and not wanted.contains(observed[name], prereleases=True):
            return f"{text} was requested but {name} {observed[name]} is installed"
    for name in job.development:
        if not Version(observed[name]).is_devrelease:
            return f"{name} was to be a development version but is {observed[name]}"
    return ""


def _same(observed: str, locked: str) -> bool:
    try:
        return Version(observed) == Version(locked)
    except InvalidVersion:
        return False


def run(job: Job, python: Path) -> CellResult:
    """Install the job's lock into the environment of `python`, run its tests there, and say what happened."""
    started, began = dt.datetime.now(dt.UTC), time.monotonic()
    cache = PackageCache(job.cache, job.uv)
    lock_file = job.folder / "lock.txt"
    lock_file.write_text(job.lock.text(), encoding="utf-8")

    def result(outcome: Outcome, detail: str = "", **more: Any) -> CellResult:
        values = {"outcome": outcome, "detail": detail, "started": started}
        return CellResult.model_validate(values | {"seconds": round(time.monotonic() - began, 3)} | more)

    with cache.in_use():
        done = cache.sync(lock_file, python, job.index)
        if done.returncode == 0 and cache.compile(job.lock, job.interpreter):
            # The environment was linked before the bytecode was there; a new one has it.
            cache.renew(python, job.interpreter)
            done = cache.sync(lock_file, python, job.index)
    if done.returncode != 0:
        outcome, detail = _install_outcome(done.stderr)
        return result(outcome, detail, log=strip_addresses(done.stderr)[-LOG_CHARACTERS:])
    installed = round(time.monotonic() - began, 3)
    harness = cache.harness(job.lock.python, job.interpreter)
    _adopt_orphans()
    if job.exchange is not None:
        job.exchange.open(job.artifacts)
    session = _Tests(job, python, harness)
    session.run()
    more: dict[str, Any] = {
        "install_seconds": installed,
        "tests": tuple(session.results.values()),
        "isolation": session.isolation,
        "log": strip_addresses(session.log_text()),
    }
    if session.suite_error:
        return result("suite-broken", session.suite_error, **more)
    for when, observed in session.environments:
        if wrong := difference(job, observed):
            return result("invalid", f"at the {when} of the tests, {wrong}", **more)
    if session.foreign:
        return result("invalid", f"loaded from outside the environment: {', '.join(session.foreign[:5])}", **more)
    if not session.environments:
        return result("crashed", "the interpreter ended before it could say anything", **more)
    more["observed"] = Environment(distributions=session.environments[0][1])
    if session.over_time:
        return result("timeout", f"the cell's limit of {job.limits.seconds:.0f} s was reached", **more)
    if session.remaining():
        detail = f"the interpreter ended before {len(session.remaining())} of the tests could begin"
        return result("crashed", detail, **more)
    if job.exchange is not None:
        job.exchange.close(job.artifacts, session.results.values())
    return result("ran", **more)


def _install_outcome(stderr: str) -> tuple[Outcome, str]:
    """Tell a lock that does not install from a machine or an index that fails."""
    words = " ".join(strip_addresses(stderr).split())[:600]
    # What is said in the middle of a long log counts.
    if re.search(NO_NETWORK, stderr, re.IGNORECASE):
        return "index-unreachable", f"a host from which a build fetches something is out of reach: {words}"
    if "No space left on device" in stderr:
        return "disk-full", words
    if re.search(r"error sending request|dns error|timed out|connect error|response body|HTTP status", words):
        return "index-unreachable", words
    if re.search(r"archive-v\d+/.*No such file or directory", words):
        return "crashed", f"packages vanished from the cache while they were installed: {words}"
    if re.search(r"Hash mismatch|Failed to extract archive", words):
        return "uninstallable", words
    # What was locked is not there any more; a source that does not build is.
    if re.search(r"Failed to (fetch|download(?! and build))|No solution found", words):
        return "index-unreachable", words
    if re.search(r"no wheels? (are|is|with)? ?.*(platform|compatible)|not compatible with the current platform", words):
        return "no-wheel-for-platform", words
    return "uninstallable", words


def clean_environment(home: Path, python: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that the tests see: an allow-list of the caller's, and a home and temporary folder of their own."""
    allowed = re.compile(r"LANG|LC_\w+|TZ|OPENBLAS_\w+|NVPL_\w+|OMP_\w+|MKL_\w+|LD_LIBRARY_PATH|CUDA_\w+|SSL_CERT_\w+")
    kept = {name: value for name, value in environ.items() if allowed.fullmatch(name)}
    temporary = home / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return kept | {
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "PATH": os.pathsep.join([str(python.parent), "/usr/bin", "/bin"]),
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def network_can_be_cut() -> bool:
    """Whether this system lets us take the network away from a process."""
    if not sys.platform.startswith("linux"):
        return False
    check = [sys.executable, "-I", "-S", str(_INSIDE / "fence.py"), "--check"]
    return subprocess.run(check, capture_output=True, check=False).returncode == 0


class _Tests:
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

    def _run_own(self, own: OwnTests, deadline: float) -> None:
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

    def set_aside(self, own: OwnTests, test: str, outcome: str, reason: str) -> None:
        """Record a test of a release's own that is not run."""
        fields = {"test": test, "level": "upstream", "components": (own.distribution,)}
        self.results[test] = TestResult.model_validate(fields | {"outcome": outcome, "reason": reason})

    def remaining(self) -> tuple[str, ...]:
        """The tests without an outcome."""
        return tuple(test for test in self._pending if test not in self.results)

    def command(self, job_file: Path) -> list[str]:
        """How the probe is started inside the fence."""
        probe = [str(self.python), "-I", "-X", "faulthandler", str(_INSIDE / "probe.py"), str(job_file)]
        return [sys.executable, "-I", "-S", str(_INSIDE / "fence.py"), *probe] if self._fenced else probe

    def probe_job(
        self, events: Path, tests: Iterable[str], own: OwnTests | None = None, until: float = 0.0
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

    def _upstream(self, own: OwnTests, until: float) -> dict[str, object]:
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
        tests: _Tests,
        wanted: tuple[str, ...],
        deadline: float,
        own: OwnTests | None = None,
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
        """What the tests started, daemons included (see :func:`_adopt_orphans`)."""
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


def _adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends (Linux): a daemon cannot hide from being ended."""
    if sys.platform.startswith("linux"):
        set_child_subreaper = 36
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)
