"""The tests of a cell, run in as many processes as it takes.

A test that kills its process, hangs or eats the memory loses only itself: the rest goes on in a new process.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from stackcompat.evidence.results import Isolation, TestResult
from stackcompat.run.inside.protocol import ArtifactJob, CollectedTest, Event, OwnTestsJob, PluginJob
from stackcompat.run.job import NO_TESTS, Job, ShippedTests
from stackcompat.run.process import LostTest, ProcessLimits, run_process
from stackcompat.run.sandbox import INSIDE, PLUGIN, clean_environment, network_can_be_cut

__all__ = ["LOG_CHARACTERS", "Observations", "supervise"]

#: How much of the log is kept, in characters from its end.
LOG_CHARACTERS = 20_000

#: Processes after which a suite is left as it is. Each one makes progress by at least one test.
_MOST_PROCESSES = 1000


@dataclass
class Observations:
    """What the tests of a cell showed so far.

    Attributes:
        isolation: The fence that the tests run behind.
        results: The tests that have an outcome, by name.
        collected: The tests that pytest found, by name.
        environments: What was installed at the start and at the end of each process.
        foreign: Modules that were loaded from outside of the environment.
        suite_error: What is wrong with the suite itself; empty if nothing is.
        over_time: Whether the time of the cell was over before the tests were.
        processes: How many processes were started.
        log: The last part of what the tests printed.
    """

    isolation: Isolation
    results: dict[str, TestResult] = field(default_factory=dict)
    collected: dict[str, CollectedTest] = field(default_factory=dict)
    environments: list[tuple[Literal["start", "end"], dict[str, str]]] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    suite_error: str = ""
    over_time: bool = False
    processes: int = 0
    log: str = ""

    def remaining(self) -> tuple[str, ...]:
        """The tests without an outcome."""
        return tuple(test for test in self.collected if test not in self.results)

    def blocked(self) -> dict[str, str]:
        """The distributions that cannot be imported, each with the test that showed it."""
        red = (result for result in self.results.values() if result.outcome in ("failed", "crashed"))
        return {name: result.test for result in red if result.level == "import" for name in result.components}


@dataclass(frozen=True)
class _Supervision:
    """What stays the same while the tests of a cell run.

    Attributes:
        job: What is to be run.
        python: The interpreter of the environment.
        harness: The folder with pytest.
        fenced: Whether the network is cut.
        limits: What each process is held to.
    """

    job: Job
    python: Path
    harness: Path
    fenced: bool
    limits: ProcessLimits


def supervise(job: Job, python: Path, harness: Path) -> Observations:
    """Run the tests of a job until each has an outcome, the time of the cell is over, or the suite is broken.

    Args:
        job: What is to be run. Its folder takes the log and the files that pass between the processes.
        python: The interpreter of the environment.
        harness: The folder with pytest.
    """
    fenced = network_can_be_cut()
    limits = ProcessLimits(
        seconds=job.limits.seconds,
        deadline=time.monotonic() + job.limits.seconds,
        memory_mb=job.limits.memory_mb,
        parent=os.getppid(),
    )
    supervision = _Supervision(job, python, harness, fenced, limits)
    observations = Observations(
        Isolation(
            network="loopback only" if fenced else "open",
            memory_limit_mb=limits.memory_mb,
            time_limit_s=limits.seconds,
        )
    )
    own = {test for shipped in job.upstream for test in job.tests if test.startswith(shipped.prefix)}
    tests = tuple(test for test in job.tests if test not in own)
    if tests or (job.files and not own) or not job.upstream:
        _run_suite(tests, supervision, observations)
    for shipped in job.upstream:
        if not observations.suite_error and not observations.over_time:
            _run_own_tests(shipped, supervision, observations)
    log = _log_file(job)
    observations.log = log.read_text(encoding="utf-8", errors="replace")[-LOG_CHARACTERS:] if log.exists() else ""
    return observations


def _log_file(job: Job) -> Path:
    return job.folder / "log.txt"


# ---------------------------------------------------------------------------------------------------------------------
# The smoke tests
# ---------------------------------------------------------------------------------------------------------------------


def _run_suite(tests: tuple[str, ...], supervision: _Supervision, observations: Observations) -> None:
    """Run `tests` of the suite, all if there are none; those that need a process of their own come last, one by one."""
    for _ in range(_MOST_PROCESSES):
        finished = _run_tests(_plugin_job(tests, supervision, observations), supervision, observations)
        remaining = observations.remaining()
        together = tuple(test for test in remaining if not observations.collected[test]["alone"])
        # Where the last test took the process with it, one more start reads back what that left of the environment.
        due = together or remaining[:1] or NO_TESTS
        ended = observations.suite_error or observations.over_time
        if ended or due == tests or (finished and not remaining):
            return
        tests = due


# ---------------------------------------------------------------------------------------------------------------------
# The tests that a release ships
# ---------------------------------------------------------------------------------------------------------------------


def _run_own_tests(shipped: ShippedTests, supervision: _Supervision, observations: Observations) -> None:
    """Run the tests that a release ships; what did not begin within their time box did not apply."""
    unimportable = observations.blocked()
    if shipped.distribution in unimportable:
        reason = f"{shipped.distribution} cannot be imported ({unimportable[shipped.distribution]})"
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
        plugin_job["upstream"] = _own_tests_job(shipped, until, supervision, observations)
        finished = _run_tests(plugin_job, supervision, observations)
        if observations.over_time or (finished and not observations.remaining()) or len(observations.results) == before:
            break
        # A file that took the process with it when it was loaded is left out from then on.
        due = observations.remaining() or tests
    for test in {*tests, *observations.remaining()} - observations.results.keys():
        _set_aside(test, shipped, "not-applicable", "was not reached", observations)


def _set_aside(
    test: str,
    shipped: ShippedTests,
    outcome: Literal["blocked", "not-applicable"],
    reason: str,
    observations: Observations,
) -> None:
    """Record a test of a release that is not run."""
    observations.results[test] = TestResult(
        test=test, level="upstream", components=(shipped.distribution,), outcome=outcome, reason=reason
    )


# ---------------------------------------------------------------------------------------------------------------------
# One process
# ---------------------------------------------------------------------------------------------------------------------


def _run_tests(plugin_job: PluginJob, supervision: _Supervision, observations: Observations) -> bool:
    """Run one process of the tests and record what it showed; whether the plugin came to its end."""
    job = supervision.job
    job_file = job.folder / f"plugin-{observations.processes}.json"
    job_file.write_text(json.dumps(plugin_job), encoding="utf-8")
    observations.processes += 1
    home = job.folder / "home"
    ended = run_process(
        _command(job_file, supervision),
        home=home,
        environment=clean_environment(home, supervision.python),
        log=_log_file(job),
        events=Path(plugin_job["events"]),
        limits=supervision.limits,
        take=lambda event: _record(event, observations),
    )
    observations.over_time = observations.over_time or ended.over_time
    if ended.lost is not None:
        _record_lost(ended.lost, job, observations)
    return ended.done


def _command(job_file: Path, supervision: _Supervision) -> list[str]:
    """How the plugin is started, behind the fence where the system has one."""
    plugin = [str(supervision.python), "-I", "-X", "faulthandler", str(PLUGIN), str(job_file)]
    return [sys.executable, "-I", "-S", str(INSIDE / "fence.py"), *plugin] if supervision.fenced else plugin


def _plugin_job(tests: tuple[str, ...], supervision: _Supervision, observations: Observations) -> PluginJob:
    """What the plugin is asked for: `tests` of the suite, all if there are none."""
    job = supervision.job
    return {
        "events": str(job.folder / f"events-{observations.processes}.jsonl"),
        "tests": list(tests),
        "imports": [list(pair) for pair in job.imports],
        "guesses": list(job.guesses),
        "level": job.level,
        "thorough": job.thorough,
        "suite": str(job.suite),
        "files": list(job.files),
        "limits": job.limits.of_tests,
        "blocked": observations.blocked(),
        "helpers": [str(job.helpers)] if job.helpers else [],
        "temporary": [str(job.folder / "home" / "tmp")],
        "exchange": _artifact_job(job),
        "upstream": None,
        "harness": str(supervision.harness),
    }


def _artifact_job(job: Job) -> ArtifactJob | None:
    """What the plugin does with artifacts."""
    exchange = job.exchange
    if exchange is None:
        return None
    return {"mode": exchange.mode, "artifacts": list(exchange.artifacts), "folder": str(job.artifacts)}


def _own_tests_job(
    shipped: ShippedTests, until: float, supervision: _Supervision, observations: Observations
) -> OwnTestsJob:
    """The tests of a release that the plugin runs in place of the suite; none of them begins after `until`."""
    folder = ""
    if shipped.folder is not None:
        copy = supervision.job.folder / "upstream" / shipped.distribution
        if not copy.exists():  # so that nothing that a test leaves is there for another cell
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


def _record(event: Event, observations: Observations) -> None:
    """Take one event of the plugin into account."""
    match event["event"]:
        case "environment":
            observations.environments.append((event["when"], event["distributions"]))
        case "collected":
            for test in event["tests"]:
                observations.collected.setdefault(test["test"], test)
        case "broken-suite":
            observations.suite_error = f"{event['where']}: {event['message']}"
        case "end":
            fields = {name: value for name, value in event.items() if name != "event"}
            observations.results[event["test"]] = TestResult.model_validate(fields)
        case "done":
            observations.foreign.extend(event["foreign"])
        case "start":  # only whoever watches the process wants to know
            pass


def _record_lost(lost: LostTest, job: Job, observations: Observations) -> None:
    """Record a test that took its process with it."""
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
    }
    for shipped in job.upstream:  # a file of them is not announced before it is loaded
        if lost.test.startswith(shipped.prefix):
            result |= {"level": "upstream", "components": [shipped.distribution], "artifact": "", "feature": ""}
    observations.results[lost.test] = TestResult.model_validate(result)
