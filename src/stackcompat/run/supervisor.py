"""The tests of a cell, run in as many processes as are needed.

If a test kills its process, hangs, or uses up the memory, only this test is lost. The others go on in a new process.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from stackcompat.ecosystem.components import ImportedModule, Sweep
from stackcompat.evidence.closure import Closure
from stackcompat.evidence.results import Isolation, TestResult
from stackcompat.evidence.sweep import whole_of
from stackcompat.run.disk_use import DiskUse
from stackcompat.run.doing import tell
from stackcompat.run.inside.protocol import (
    ArtifactJob,
    CollectedTest,
    Event,
    ImportJob,
    OwnTestsJob,
    PluginJob,
    SweepJob,
    UnimportableModule,
    WatchJob,
)
from stackcompat.run.installed_files import InstalledFiles
from stackcompat.run.isolation import Sandbox
from stackcompat.run.job import NO_TESTS, Job, ShippedTests
from stackcompat.run.sandbox import INSIDE, PLUGIN, clean_environment, network_can_be_cut
from stackcompat.run.watchdog import LostTest, ProcessLimits, run_process

__all__ = ["LOG_CHARACTERS", "CellObservations", "supervise"]

#: How many characters of the log are kept, from its end.
LOG_CHARACTERS = 20_000

#: The number of processes after which no more are started. Each process gets at least one test done.
_MOST_PROCESSES = 1000


@dataclass
class CellObservations:
    """The observations of the tests of a cell so far.

    Attributes:
        isolation: How the tests are isolated.
        skip: The tests that are not to run, since their results are known.
        results: The tests that have an outcome, by name.
        known_unimportable: Those of `skip` that showed that a module cannot be imported, as in the job.
        closures: What tests were seen to depend on, by the name that the events have for it.
        collected: The tests that pytest found, by name.
        was_collected: Whether pytest came as far as to collect the tests, in any process.
        environments: The installed distributions at the start and at the end of each process.
        foreign: Modules that were loaded from outside the environment.
        foreign_events: Why events cannot be trusted, if that was found while no test ran; else empty.
        suite_error: What is wrong with the suite itself; empty if nothing is.
        over_time: Whether the time of the cell ran out before the tests were done.
        processes: How many processes were started.
        log: The end of the output of the tests.
        doing: The test that runs now; of a sweep, the test that stands for all of it.
    """

    isolation: Isolation
    skip: frozenset[str] = frozenset()
    known_unimportable: dict[str, str] = field(default_factory=dict)
    results: dict[str, TestResult] = field(default_factory=dict)
    closures: dict[str, Closure] = field(default_factory=dict)
    collected: dict[str, CollectedTest] = field(default_factory=dict)
    was_collected: bool = False
    environments: list[tuple[Literal["start", "end"], dict[str, str]]] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    foreign_events: str = ""
    suite_error: str = ""
    over_time: bool = False
    processes: int = 0
    log: str = ""
    doing: str = ""

    def remaining(self) -> tuple[str, ...]:
        """The tests without an outcome that are to run."""
        return tuple(test for test in self.collected if test not in self.results and test not in self.skip)

    def in_order(self) -> tuple[TestResult, ...]:
        """The results in the order of the tests.

        Those that ask for environment variables come after the others, and those that need a process of their own last.
        """
        order: dict[str, tuple[bool, int, int]] = {}
        environments: list[dict[str, str]] = [{}]
        for place, (name, test) in enumerate(self.collected.items()):
            if test["environment"] not in environments:
                environments.append(test["environment"])
            together = 0 if test["alone"] else environments.index(test["environment"])
            order[name] = (test["alone"], together, place)
        last = (True, 0, len(order))
        return tuple(sorted(self.results.values(), key=lambda result: order.get(result.test, last)))

    def unimportable(self) -> list[UnimportableModule]:
        """The modules that cannot be imported, as tests showed here or are known to show."""
        limits = self.known_unimportable | {
            result.test: result.reason if result.feature and result.failure and result.failure.undeclared else ""
            for result in self.results.values()
            if result.level == "import" and result.outcome in ("failed", "crashed") and result.modules is None
        }
        return [
            {
                "distributions": self.collected[test]["components"],
                "module": self.collected[test]["module"],
                "main": self.collected[test]["main"],
                "test": test,
                "limit": limit,
            }
            for test, limit in limits.items()
            if test in self.collected
        ]


@dataclass(frozen=True)
class _Supervision:
    """The settings that stay the same while the tests of a cell run.

    Attributes:
        job: The job.
        env_python: The Python executable of the environment.
        harness: The folder with pytest.
        fenced: Whether the network is cut, outside a sandbox.
        limits: The limits of each process.
        installed: The files of the environment; None if it is not watched.
        sandbox: The sandbox of the cell; None if it has none.
    """

    job: Job
    env_python: Path
    harness: Path
    fenced: bool
    limits: ProcessLimits
    installed: InstalledFiles | None
    sandbox: Sandbox | None


def supervise(
    job: Job,
    env_python: Path,
    harness: Path,
    installed: InstalledFiles | None = None,
    sandbox: Sandbox | None = None,
    parent: int | None = None,
) -> CellObservations:
    """Run the tests of a job until each has an outcome, the time of the cell is over, or the suite is broken.

    Args:
        job: The job. The log and the files between the processes are in its folder.
        env_python: The Python executable of the environment.
        harness: The folder with pytest.
        installed: The files of the environment, so that it can be watched what each test depends on; None for tests
            that run without being watched.
        sandbox: The sandbox of the cell. None: its network is cut where the system and the job allow it, and no more.
        parent: The process that asked for the cell; None: the one that has started this one.
    """
    fenced = sandbox is None and job.isolation != "open" and network_can_be_cut()
    limits = ProcessLimits(
        seconds=job.limits.seconds,
        deadline=time.monotonic() + job.limits.seconds,
        memory_mb=job.limits.memory_mb,
        parent=os.getppid() if parent is None else parent,
        in_sandbox=sandbox is not None,
        disk=DiskUse(job.folder, linked=env_python.parent.parent),
    )
    supervision = _Supervision(job, env_python, harness, fenced, limits, installed, sandbox)
    observations = CellObservations(
        Isolation(
            network="loopback only" if fenced or sandbox is not None else "open",
            sandbox="bubblewrap" if sandbox is not None else "none",
            memory_limit_mb=limits.memory_mb,
            time_limit_s=limits.seconds,
        ),
        skip=frozenset(job.skip),
        known_unimportable=job.unimportable,
    )
    own = {test for shipped in job.upstream for test in job.tests if test.startswith(shipped.prefix)}
    tests = tuple(test for test in job.tests if test not in own)
    if tests or (job.files and not own) or not job.upstream:
        _run_suite(tests, supervision, observations)
    for shipped in job.upstream:
        if not observations.suite_error and not observations.over_time:
            _run_own_tests(shipped, supervision, observations)
    observations.log = _end_of(_log_file(job))
    return observations


def _end_of(log: Path) -> str:
    """The end of the log. A link in its place is not followed, and it is never read as a whole."""
    try:
        descriptor = os.open(log, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return ""
        file.seek(max(0, os.fstat(descriptor).st_size - 4 * LOG_CHARACTERS))
        return file.read(4 * LOG_CHARACTERS).decode("utf-8", errors="replace")[-LOG_CHARACTERS:]


def _log_file(job: Job) -> Path:
    return job.folder / "log.txt"


# ---------------------------------------------------------------------------------------------------------------------
# The smoke tests
# ---------------------------------------------------------------------------------------------------------------------


def _run_suite(tests: tuple[str, ...], supervision: _Supervision, observations: CellObservations) -> None:
    """Run `tests` of the suite, or all if there are none.

    Tests that ask for environment variables share a process with those that ask for the same ones. Tests that need a
    process of their own come last, one by one. So do all that are left once a process has got none of its tests done:
    what is imported for several of them can break it, and then it shows in each of them.
    """
    environment: dict[str, str] = {}
    one_by_one = False
    for _ in range(_MOST_PROCESSES):
        plugin_job = _plugin_job(tests, supervision, observations)
        plugin_job["environment"] = environment
        finished = _run_tests(plugin_job, supervision, observations)
        if not observations.was_collected:  # nothing is known of the tests, so that none is left over
            return
        remaining = observations.remaining()
        due, due_environment = _next_tests(observations)
        stuck = (due, due_environment) == (tests, environment) or (one_by_one and due[:1] == tests)
        ended = observations.suite_error or observations.over_time
        if ended or (stuck and len(tests) <= 1) or (finished and not remaining):
            return
        one_by_one = one_by_one or stuck
        tests, environment = due[:1] if one_by_one else due, due_environment


def _next_tests(observations: CellObservations) -> tuple[tuple[str, ...], dict[str, str]]:
    """The tests of the next process, and the environment variables that they ask for.

    If no test is left because the last one ended its process, one more process without tests looks at the environment
    that it left.
    """
    remaining = observations.remaining()
    if not remaining:
        return NO_TESTS, {}
    collected = observations.collected
    first = next((test for test in remaining if not collected[test]["alone"]), remaining[0])
    environment = collected[first]["environment"]
    if collected[first]["alone"]:
        return (first,), environment
    together = [
        test for test in remaining if not collected[test]["alone"] and collected[test]["environment"] == environment
    ]
    return tuple(together), environment


# ---------------------------------------------------------------------------------------------------------------------
# The tests that a release ships
# ---------------------------------------------------------------------------------------------------------------------


def _run_own_tests(shipped: ShippedTests, supervision: _Supervision, observations: CellObservations) -> None:
    """Run the tests that a release ships. A test that did not begin within their time box is not applicable."""
    shown = [
        broken["test"]
        for broken in observations.unimportable()
        if broken["main"] and shipped.distribution in broken["distributions"]
    ]
    if shown:
        reason = f"{shipped.distribution} cannot be imported ({shown[0]})"
        _set_aside(shipped.prefix, shipped, "blocked", reason, observations)
        return
    asked = supervision.job.tests
    for test, reason in shipped.left_out.items():
        if not asked or test in asked:
            _set_aside(test, shipped, "not-applicable", reason, observations)
    counted = shipped.tests if shipped.tests is not None else asked
    tests = tuple(test for test in counted if test.startswith(shipped.prefix) and (not asked or test in asked))
    if not tests and (asked or shipped.tests is not None):
        return
    until = time.time() + shipped.chosen.seconds
    due = tests
    for _ in range(_MOST_PROCESSES):
        before = len(observations.results)
        plugin_job = _plugin_job(due, supervision, observations)
        plugin_job["watch"] = None
        plugin_job["upstream"] = _own_tests_job(shipped, until, supervision, observations)
        finished = _run_tests(plugin_job, supervision, observations)
        if observations.over_time or (finished and not observations.remaining()) or len(observations.results) == before:
            break
        # A file that ended the process when it was loaded is left out of the next one.
        due = observations.remaining() or tests
    for test in {*tests, *observations.remaining()} - observations.results.keys():
        _set_aside(test, shipped, "not-applicable", "was not reached", observations)


def _set_aside(
    test: str,
    shipped: ShippedTests,
    outcome: Literal["blocked", "not-applicable"],
    reason: str,
    observations: CellObservations,
) -> None:
    """Record the outcome of a test of a release that is not run."""
    observations.results[test] = TestResult(
        test=test, level="upstream", components=(shipped.distribution,), outcome=outcome, reason=reason
    )


# ---------------------------------------------------------------------------------------------------------------------
# One process
# ---------------------------------------------------------------------------------------------------------------------


def _run_tests(plugin_job: PluginJob, supervision: _Supervision, observations: CellObservations) -> bool:
    """Run one process of the tests and record its events. Returns whether the plugin came to its end."""
    job = supervision.job
    job_file = job.folder / f"plugin-{observations.processes}.json"
    job_file.write_text(json.dumps(plugin_job), encoding="utf-8")
    events = Path(plugin_job["events"])
    events.touch()
    observations.processes += 1
    home = job.folder / "home"
    ended = run_process(
        _command(job_file, events, supervision),
        home=home,
        environment=clean_environment(home, supervision.env_python, job.hardware)
        | job.variables
        | plugin_job["environment"],
        log=_log_file(job),
        events=events,
        limits=supervision.limits,
        take=lambda event: _record(event, observations, job.folder),
    )
    observations.over_time = observations.over_time or ended.over_time
    observations.foreign_events = observations.foreign_events or ended.foreign_events
    for lost in ended.lost:
        _record_lost(lost, job, observations)
    return ended.done


def _command(job_file: Path, events: Path, supervision: _Supervision) -> list[str]:
    """The command that starts the plugin: in the sandbox, or behind the fence that cuts the network, or as it is."""
    plugin = [str(supervision.env_python), "-I", "-X", "faulthandler", str(PLUGIN), str(job_file)]
    if supervision.sandbox is not None:
        job = supervision.job
        kept = [
            folder for folder in (job.artifacts, job.folder / "compiled", job.folder / "upstream") if folder.is_dir()
        ]
        return supervision.sandbox.command(plugin, readable=[job_file], writable=[events, *kept])
    return [sys.executable, "-I", "-S", str(INSIDE / "fence.py"), *plugin] if supervision.fenced else plugin


def _plugin_job(tests: tuple[str, ...], supervision: _Supervision, observations: CellObservations) -> PluginJob:
    """The job of one process of the plugin: `tests` of the suite, or all if there are none."""
    job = supervision.job
    return {
        "events": str(job.folder / f"events-{observations.processes}.jsonl"),
        "tests": list(tests),
        "skip": list(job.skip),
        "unimportable_tests": dict(job.unimportable),
        "imports": [_import_job(entry) for entry in job.imports],
        "guesses": list(job.guesses),
        "sweeps": [_sweep_job(sweep) for sweep in job.sweeps],
        "modules": {name: [list(pair) for pair in pairs] for name, pairs in job.modules.items()},
        "distributions": job.distributions,
        "level": job.level,
        "thorough": job.thorough,
        "suite": str(job.suite),
        "files": list(job.files),
        "limits": job.limits.of_tests,
        "environment": {},
        "unimportable": observations.unimportable(),
        "helpers": [str(job.helpers)] if job.helpers else [],
        "temporary": [str(job.folder / "home" / "tmp")],
        "exchange": _artifact_job(job),
        "upstream": None,
        "wrappers": {"classes": list(job.wrappers.classes), "lines": list(job.wrappers.lines)},
        "harness": str(supervision.harness),
        "watch": _watch_job(supervision),
    }


def _watch_job(supervision: _Supervision) -> WatchJob | None:
    """The environment as the plugin watches it. Tests that write or read artifacts depend on more than it."""
    installed = supervision.installed
    if installed is None or installed.site is None or supervision.job.exchange or not sys.platform.startswith("linux"):
        return None
    prefix = supervision.env_python.parent.parent
    return {
        "prefix": str(prefix),
        "site": str(installed.site),
        "owners": installed.owners,
        "looks_for": {module: list(patterns) for module, patterns in supervision.job.looks_for.items()},
    }


def _import_job(entry: ImportedModule) -> ImportJob:
    """A module that must be importable, for the plugin."""
    return {
        "distribution": entry.distribution,
        "module": entry.module,
        "requires": list(entry.requires),
        "optional": entry.optional,
        "environment": entry.environment,
    }


def _sweep_job(sweep: Sweep) -> SweepJob:
    """A distribution all of whose modules are imported, for the plugin."""
    return {"distribution": sweep.distribution, "without": list(sweep.without)}


def _artifact_job(job: Job) -> ArtifactJob | None:
    """How the plugin writes or reads artifacts; None if it does not."""
    exchange = job.exchange
    if exchange is None:
        return None
    return {"mode": exchange.mode, "artifacts": list(exchange.artifacts), "folder": str(job.artifacts)}


def _own_tests_job(
    shipped: ShippedTests, until: float, supervision: _Supervision, observations: CellObservations
) -> OwnTestsJob:
    """The tests of a release that the plugin runs in place of the suite. No test begins after the time `until`."""
    folder = ""
    if shipped.folder is not None:
        copy = supervision.job.folder / "upstream" / shipped.distribution
        if not copy.exists():  # other cells must not find what a test of this one leaves in the folder
            shutil.copytree(shipped.folder, copy)
        folder = str(copy)
    return {
        "distribution": shipped.distribution,
        "folder": folder,
        "files": list(shipped.chosen.tests),
        "without": list(shipped.chosen.without),
        "lost": [n for n, result in observations.results.items() if result.outcome not in ("passed", "not-applicable")],
        "until": until,
    }


def _record(event: Event, observations: CellObservations, folder: Path) -> None:
    """Record one event of the plugin."""
    match event["event"]:
        case "environment":
            observations.environments.append((event["when"], event["distributions"]))
        case "collected":
            observations.was_collected = True
            for test in event["tests"]:
                observations.collected.setdefault(test["test"], test)
        case "broken-suite":
            observations.suite_error = f"{event['where']}: {event['message']}"
        case "end":
            if event["level"] != "upstream" and event["test"] not in observations.collected:
                raise ValueError(f"{event['test']} ended, and was not collected")
            fields = {name: value for name, value in event.items() if name not in ("event", "closure")}
            closure = None if event["closure"] is None else list(observations.closures).index(event["closure"])
            observations.results[event["test"]] = TestResult.model_validate({**fields, "closure": closure})
        case "closure":
            observations.closures.setdefault(event["closure"], Closure.model_validate(event["seen"]))
        case "foreign":
            observations.foreign.extend(event["modules"])
        case "done":
            observations.foreign.extend(event["foreign"])
        case "start":
            _tell_start(event["test"], observations, folder)
        case "lost":  # only the watchdog needs this event
            pass


def _tell_start(test: str, observations: CellObservations, folder: Path) -> None:
    """Say which test runs now. A sweep imports hundreds of modules, and is told as one test."""
    known = observations.collected.get(test)
    what = whole_of(test, known["components"][0]) if known is not None and known["swept"] else test
    if what != observations.doing:
        observations.doing = what
        tell(folder, what)


def _record_lost(lost: LostTest, job: Job, observations: CellObservations) -> None:
    """Record the outcome of a test that ended its process."""
    known = observations.collected.get(lost.test)
    result = {
        "test": lost.test,
        "level": known["level"] if known else "interop",
        "components": known["components"] if known else [],
        "artifact": known["artifact"] if known else "",
        "feature": known["feature"] if known else "",
        "outcome": lost.outcome,
        "reason": lost.reason,
        "seconds": round(lost.seconds, 3),
        "failure": {"type": "ProcessEnded", "message": lost.reason} if lost.outcome == "crashed" else None,
        "modules": [known["module"]] if known and known["swept"] else None,
    }
    for shipped in job.upstream:  # a file of own tests is loaded before it is among the collected tests
        if lost.test.startswith(shipped.prefix):
            result |= {"level": "upstream", "components": [shipped.distribution], "artifact": "", "feature": ""}
    observations.results[lost.test] = TestResult.model_validate(result)
