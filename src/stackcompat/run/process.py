"""One process of the tests: its events are read as they come, its limits are enforced from outside."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import psutil

from stackcompat.core.errors import StackcompatError
from stackcompat.run.inside.protocol import Event

__all__ = ["LostTest", "ProcessEnd", "ProcessLimits", "adopt_orphans", "run_process"]

#: Seconds between two looks at the events and the time, and between two looks at the memory.
_LOOK_SECONDS, _MEMORY_SECONDS = 0.02, 0.5


class ProcessLimits(NamedTuple):
    """What a process of the tests is held to.

    Attributes:
        seconds: The wall clock that all tests of the cell may take together.
        deadline: When they are over, by :func:`time.monotonic`.
        memory_mb: The memory of all processes that the tests start, in MB.
        parent: The id of the process that asked for the cell. When it is gone, nobody wants the result.
    """

    seconds: float
    deadline: float
    memory_mb: int
    parent: int


class LostTest(NamedTuple):
    """A test that took its process with it, and how."""

    test: str
    outcome: Literal["crashed", "timeout", "out-of-memory"]
    reason: str
    seconds: float


class ProcessEnd(NamedTuple):
    """How a process of the tests ended.

    Attributes:
        done: Whether the plugin came to its end.
        over_time: Whether the process was ended because the time of the whole cell was over.
        lost: The test that ran at that moment.
    """

    done: bool
    over_time: bool
    lost: LostTest | None


class _Cut(NamedTuple):
    """Why a process was ended from outside, and whether that is the end of the whole cell."""

    outcome: Literal["timeout", "out-of-memory"]
    reason: str
    over_time: bool = False


class _RunningTest(NamedTuple):
    """The test that runs now: when it began (:func:`time.monotonic`) and how many seconds it may take."""

    test: str
    began: float
    limit: float


@dataclass
class _Progress:
    """How far a process is: how many bytes of its events are read, which test runs, whether the plugin is done."""

    events: Path
    offset: int = 0
    running: _RunningTest | None = None
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
    """Run one process of the tests to its end, and end with it whatever the tests left running.

    Args:
        command: Starts the plugin.
        home: The folder that the process starts in.
        environment: The variables that it sees.
        log: The file that its output is added to.
        events: The file that the plugin writes its events into.
        limits: What the process is held to.
        take: Is called with each event as it comes.

    Raises:
        StackcompatError: Whoever asked for this cell has ended.
    """
    others = set(psutil.Process().children())
    progress = _Progress(events)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            cut = _watch(process, progress, limits, others, take)
        finally:
            _end(process, others)
    _read_events(progress, take)
    lost = None
    if progress.running is not None and not progress.done:
        lost = _lost(progress.running, cut, process.returncode)
    return ProcessEnd(done=progress.done, over_time=cut is not None and cut.over_time, lost=lost)


def _watch(
    process: subprocess.Popen[bytes],
    progress: _Progress,
    limits: ProcessLimits,
    others: set[psutil.Process],
    take: Callable[[Event], None],
) -> _Cut | None:
    """Wait until the process ends or passes a limit; which limit, or None if it ended on its own."""
    memory_looked = 0.0
    while process.poll() is None:
        time.sleep(_LOOK_SECONDS)
        if os.getppid() != limits.parent:
            raise StackcompatError("whoever asked for this cell has ended")
        _read_events(progress, take)
        now = time.monotonic()
        running = progress.running
        if running is not None and now - running.began > running.limit:
            return _Cut("timeout", f"not finished after {running.limit:.0f} s")
        if now > limits.deadline:
            return _Cut("timeout", f"the cell's limit of {limits.seconds:.0f} s was reached", over_time=True)
        if now - memory_looked > _MEMORY_SECONDS:
            memory_looked = now
            used = _memory_mb(_started(others))
            if used > limits.memory_mb:
                return _Cut("out-of-memory", f"{used:.0f} MB used of {limits.memory_mb} MB allowed")
    return None


def _read_events(progress: _Progress, take: Callable[[Event], None]) -> None:
    """Take the events that came since the last look; a line that is not whole yet waits for the next one."""
    if not progress.events.exists():
        return
    with progress.events.open("rb") as file:
        file.seek(progress.offset)
        for line in file:
            if not line.endswith(b"\n"):
                break
            progress.offset += len(line)
            event: Event = json.loads(line)
            if event["event"] == "start":
                progress.running = _RunningTest(event["test"], time.monotonic(), float(event["limit"]))
            elif event["event"] == "end":
                progress.running = None
            elif event["event"] == "done":
                progress.done = True
            take(event)


def _lost(running: _RunningTest, cut: _Cut | None, code: int) -> LostTest:
    """What became of the test that ran when the process ended with `code`."""
    seconds = time.monotonic() - running.began
    if cut is not None:
        return LostTest(running.test, cut.outcome, cut.reason, seconds)
    if code == -signal.SIGKILL:
        return LostTest(running.test, "out-of-memory", "killed by the system", seconds)
    return LostTest(running.test, "crashed", _how_it_ended(code), seconds)


def _how_it_ended(code: int) -> str:
    if code < 0:
        return f"the process died of {signal.Signals(-code).name}"
    return f"the process exited with code {code} in the middle of the test"


def _end(process: subprocess.Popen[bytes], others: set[psutil.Process]) -> None:
    """End the process, and whatever the tests left running."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for _ in range(10):  # what is ended may have started more in the meantime
        left = _started(others)
        if not left:
            return
        for other in left:
            with contextlib.suppress(psutil.Error):
                other.kill()
        psutil.wait_procs(left, timeout=5)


def _started(others: set[psutil.Process]) -> list[psutil.Process]:
    """What the tests started, daemons included (see :func:`adopt_orphans`): all below this process but `others`."""
    children = [child for child in psutil.Process().children() if child not in others]
    return children + [process for child in children for process in _offspring(child)]


def _offspring(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def _memory_mb(processes: Iterable[psutil.Process]) -> float:
    """The memory that the processes hold together, in MB."""
    used = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):  # it ended while we looked
            used += process.memory_info().rss
    return used / 2**20


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends (Linux): a daemon cannot hide from being ended."""
    if sys.platform.startswith("linux"):
        set_child_subreaper = 36
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)
