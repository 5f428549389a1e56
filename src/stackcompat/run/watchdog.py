"""The watchdog of one process of the tests: it reads the events as they come, and ends the process at its limits."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import psutil

from stackcompat.core.errors import StackcompatError
from stackcompat.run.disk_use import DiskUse
from stackcompat.run.event_file import EventFile, ForeignEventsError
from stackcompat.run.inside.protocol import Event
from stackcompat.run.memory_use import memory_mb

__all__ = [
    "LostTest",
    "ProcessEnd",
    "ProcessLimits",
    "adopt_orphans",
    "busy_seconds",
    "ended_by_system",
    "run_process",
]

#: The seconds between two looks at the events and the time; and the seconds between two looks at the memory. Each look
#: takes CPU time from the tests.
_LOOK_SECONDS, _MEMORY_SECONDS = 0.05, 0.5

#: A test on a busy machine is ended after so many times its limit at the latest.
_MOST_PATIENCE = 4.0

#: The share of a memory from which on it is nearly used up.
_NEARLY = 0.9

#: Linux counts here, among others, the processes that it has ended for lack of memory, whosever limit that was.
_COUNTERS = Path("/proc/vmstat")

#: Linux tells here since when work has waited for a processor (its "pressure stall information").
_PRESSURE = Path("/proc/pressure/cpu")

#: The most processes that run at once, and the most MB that they write to their output: far more than any test needs.
_MOST_RUNNING, _MOST_OUTPUT_MB = 2000, 512


class ProcessLimits(NamedTuple):
    """The limits of a process of the tests.

    Attributes:
        seconds: The wall clock that all tests of the cell can take together.
        deadline: The end of that time, by :func:`time.monotonic`.
        memory_mb: The memory of all processes that the tests start, in MB.
        parent: The id of the process that asked for the cell. When that has ended, nobody needs the result.
        in_sandbox: Whether the processes run in a sandbox, which tells a signal that ended one by a code above 128.
        disk: Counts what all tests of the cell write to the disk; None if that has no limit.
    """

    seconds: float
    deadline: float
    memory_mb: int
    parent: int
    in_sandbox: bool = False
    disk: DiskUse | None = None


class LostTest(NamedTuple):
    """A test that ended its process, or for which the process was ended."""

    test: str
    outcome: Literal["crashed", "timeout", "out-of-memory"]
    reason: str
    seconds: float


class ProcessEnd(NamedTuple):
    """How a process of the tests ended.

    Attributes:
        done: Whether the plugin came to its end.
        over_time: Whether the process was ended because the time of the whole cell was over.
        lost: The tests that ended their process: that of their group, or the whole one.
        foreign_events: Why its events cannot be trusted, if that was found while no test ran; else empty.
    """

    done: bool
    over_time: bool
    lost: list[LostTest]
    foreign_events: str = ""


class _Cut(NamedTuple):
    """Why the watchdog ended a process. `over_time` tells whether the time of the whole cell was over."""

    outcome: Literal["crashed", "timeout", "out-of-memory"]
    reason: str
    over_time: bool = False


class _RunningTest(NamedTuple):
    """The test that runs now.

    Attributes:
        test: The test.
        began: When it began (:func:`time.monotonic`).
        limit: How many seconds it can take, not counting those in which the machine was busy.
        busy: How long the machine had been busy when it began (:func:`busy_seconds`).
    """

    test: str
    began: float
    limit: float
    busy: float

    def overdue(self, now: float, busy: Callable[[], float]) -> str:
        """Why the test is to be ended; empty if it is not.

        Args:
            now: The time by the same clock as `began`.
            busy: Says how long the machine has been busy by now. It is asked only when the limit is over.
        """
        taken = now - self.began
        if taken <= self.limit:
            return ""
        counted = taken - min(busy() - self.busy, taken)
        if counted <= self.limit and taken <= _MOST_PATIENCE * self.limit:
            return ""
        if taken >= 2 * self.limit:
            return f"not finished after {taken:.0f} s on a busy machine"
        return f"not finished after {self.limit:.0f} s"


@dataclass
class _Memory:
    """What is known of the memory while a process runs.

    Attributes:
        limit_mb: The memory that all processes of the tests can use.
        ended_before: How many processes the system had ended for lack of memory when it began.
        used_mb: What the processes used when they were last looked at.
        free: The share of the memory of the machine that was free then.
    """

    limit_mb: float
    ended_before: int | None
    used_mb: float = 0.0
    free: float = 1.0

    def was_short(self) -> bool:
        """Whether a process that was killed can have been killed for lack of memory.

        The system does that, or a program that watches the memory. A system that does not tell is believed to have.
        """
        ended = ended_by_system()
        if ended is None or self.ended_before is None or ended > self.ended_before:
            return True
        return self.used_mb > _NEARLY * self.limit_mb or self.free < 1 - _NEARLY


@dataclass
class _Progress:
    """How far a process is.

    Attributes:
        events: The file of its events.
        running: The test that runs now.
        memory: What is known of the memory.
        lost: The tests that ended the process of their group.
        done: Whether the plugin came to its end.
    """

    events: EventFile
    memory: _Memory
    running: _RunningTest | None = None
    lost: list[LostTest] = field(default_factory=list)
    done: bool = False


def run_process(
    command: Sequence[str],
    *,
    home: Path,
    environment: Mapping[str, str],
    log: Path,
    events: Path,
    limits: ProcessLimits,
    take: Callable[[Event], None],
) -> ProcessEnd:
    """Run one process of the tests to its end. Then end every process that the tests left running.

    Args:
        command: The command that starts the plugin. It is given the secret of its events: the last argument is the
            descriptor from which it reads it.
        home: The folder that the process starts in.
        environment: The variables that it sees.
        log: The file that its output is added to.
        events: The file that the plugin writes its events into.
        limits: The limits of the process.
        take: The function that is called with each event as it comes.

    Raises:
        StackcompatError: The process that asked for this cell has ended.
    """
    others = set(psutil.Process().children())
    secret = secrets.token_bytes(32)
    progress = _Progress(EventFile(events, secret), _Memory(limits.memory_mb, ended_by_system()))
    with open(log, "ab", opener=_not_elsewhere) as output:
        descriptor, pipe = os.pipe()
        os.write(pipe, secret)
        os.close(pipe)
        process = subprocess.Popen(
            [*command, str(descriptor)],
            pass_fds=[descriptor],
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        os.close(descriptor)
        try:
            cut = _watch(process, progress, output.fileno(), limits, others, take)
        finally:
            _end(process, others)
    try:
        _read_events(progress, take)
    except ForeignEventsError as error:
        cut = cut or _Cut("crashed", _FOREIGN.format(error))
    finally:
        progress.events.close()
    foreign = cut.reason if cut is not None and cut.outcome == "crashed" and progress.running is None else ""
    if progress.running is not None and (cut is not None or not progress.done):
        code = process.returncode
        if limits.in_sandbox and code > 128:
            code = 128 - code
        progress.lost.append(_lost(progress.running, cut, code, progress.memory))
    return ProcessEnd(
        done=progress.done,
        over_time=cut is not None and cut.over_time,
        lost=progress.lost,
        foreign_events=foreign,
    )


def _not_elsewhere(path: str, flags: int) -> int:
    """Open a file of the supervising process, and nothing that a link in its place leads to."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


#: Why a process was ended whose tests wrote among its events.
_FOREIGN = "what the tests report cannot be trusted: {}"


def _watch(
    process: subprocess.Popen[bytes],
    progress: _Progress,
    output: int,
    limits: ProcessLimits,
    others: set[psutil.Process],
    take: Callable[[Event], None],
) -> _Cut | None:
    """Wait until the process ends or reaches a limit. Returns the limit; None if the process ended on its own."""
    memory_looked = 0.0
    while process.poll() is None:
        time.sleep(_LOOK_SECONDS)
        if os.getppid() != limits.parent:
            raise StackcompatError("the process that asked for this cell has ended")
        try:
            _read_events(progress, take)
        except ForeignEventsError as error:
            return _Cut("crashed", _FOREIGN.format(error))
        now = time.monotonic()
        running = progress.running
        overdue = running.overdue(now, busy_seconds) if running is not None else ""
        if overdue:
            return _Cut("timeout", overdue)
        if now > limits.deadline:
            return _Cut("timeout", f"the cell's limit of {limits.seconds:.0f} s was reached", over_time=True)
        if now - memory_looked > _MEMORY_SECONDS:
            memory_looked = now
            started = _started(others)
            if len(started) > _MOST_RUNNING:
                return _Cut("out-of-memory", f"more than {_MOST_RUNNING} processes at once")
            if os.fstat(output).st_size > _MOST_OUTPUT_MB * 2**20:
                return _Cut("out-of-memory", f"more than {_MOST_OUTPUT_MB} MB of output")
            written = limits.disk.too_much(started) if limits.disk is not None else ""
            if written:
                return _Cut("out-of-memory", written)
            used = memory_mb(started, limits.memory_mb)
            if used > limits.memory_mb:
                return _Cut("out-of-memory", f"{used:.0f} MB used of {limits.memory_mb} MB allowed")
            machine = psutil.virtual_memory()
            progress.memory.used_mb, progress.memory.free = used, machine.available / machine.total
    return None


def busy_seconds(pressure: Path = _PRESSURE) -> float:
    """For how many seconds since the machine started some work has waited for a processor; 0 if that is not known.

    A test that is slow only because others have the processors does not hang.

    Args:
        pressure: The file in which Linux tells it.
    """
    try:
        match = re.search(r"^some .*total=(\d+)", pressure.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return 0.0
    return int(match[1]) / 1e6 if match is not None else 0.0


def _read_events(progress: _Progress, take: Callable[[Event], None]) -> None:
    """Read the events since the last look.

    Raises:
        ForeignEventsError: Something is among them that no plugin writes.
    """
    for event in progress.events.read():
        try:
            if event["event"] == "start":
                progress.running = _RunningTest(event["test"], time.monotonic(), float(event["limit"]), busy_seconds())
            elif event["event"] == "end":
                running = progress.running.test if progress.running is not None else ""
                if running != event["test"] and event["level"] != "upstream":
                    raise ForeignEventsError(f"the end of a test is told that does not run: {event['test']}")
                progress.running = None
            elif event["event"] == "lost" and progress.running is not None:
                progress.lost.append(_lost(progress.running, None, event["code"], progress.memory))
                progress.running = None
            elif event["event"] == "done":
                progress.done = True
            take(event)
        except (ValueError, KeyError, TypeError) as error:  # those of pydantic are ValueErrors
            raise ForeignEventsError(f"an event has wrong values ({type(error).__name__})") from None


def ended_by_system(counters: Path = _COUNTERS) -> int | None:
    """How many processes the system has ended for lack of memory since it started; None if it does not tell.

    Args:
        counters: The file in which Linux counts them.
    """
    try:
        match = re.search(r"^oom_kill (\d+)$", counters.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(match[1]) if match is not None else None


def _lost(running: _RunningTest, cut: _Cut | None, code: int, memory: _Memory) -> LostTest:
    """The outcome of the test that ran when the process ended with the exit code `code`."""
    seconds = time.monotonic() - running.began
    if cut is not None:
        return LostTest(running.test, cut.outcome, cut.reason, seconds)
    if code == -signal.SIGKILL and memory.was_short():
        return LostTest(running.test, "out-of-memory", "killed by the system", seconds)
    return LostTest(running.test, "crashed", _how_it_ended(code), seconds)


def _how_it_ended(code: int) -> str:
    if -code in set(signal.Signals):
        return f"the process died of {signal.Signals(-code).name}"
    return f"the process exited with code {code} in the middle of the test"


def _end(process: subprocess.Popen[bytes], others: set[psutil.Process]) -> None:
    """End the process, and every process that the tests left running."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for _ in range(10):  # a process can have started others before it was ended
        left = _started(others)
        if not left:
            return
        for other in left:
            with contextlib.suppress(psutil.Error):
                other.kill()
        psutil.wait_procs(left, timeout=5)


def _started(others: set[psutil.Process]) -> list[psutil.Process]:
    """The processes that the tests started: all below this one but `others`. Daemons too, see :func:`adopt_orphans`."""
    if not others:  # as a rule; psutil reads all processes of the machine each time that it is asked
        return psutil.Process().children(recursive=True)
    children = [child for child in psutil.Process().children() if child not in others]
    return children + [process for child in children for process in _offspring(child)]


def _offspring(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def adopt_orphans() -> None:
    """On Linux, become the parent of every descendant whose own parent ends.

    So a daemon of a test can still be found and ended.
    """
    if sys.platform.startswith("linux"):
        set_child_subreaper = 36
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)
