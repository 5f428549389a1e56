"""One process of the tests and its limits, with small programs in the place of the plugin."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from stackcompat.core.errors import StackcompatError
from stackcompat.run.inside.protocol import Event
from stackcompat.run.process import ProcessEnd, ProcessLimits, _how_it_ended, run_process
from support.processes import ended

#: What every program begins with: `emit` writes an event.
PRELUDE = """
import json, os, subprocess, sys, time
def emit(**event):
    with open(sys.argv[1], "a") as file:
        file.write(json.dumps(event) + "\\n")
def start(test, limit=60):
    emit(event="start", test=test, limit=limit)
"""


def run(folder: Path, program: str, *, seconds: float = 60, memory_mb: int = 4096) -> tuple[ProcessEnd, list[Event]]:
    """Run `program` as the plugin: how it ended, and its events."""
    taken: list[Event] = []
    limits = ProcessLimits(seconds, time.monotonic() + seconds, memory_mb, os.getppid())
    end = run_process(
        [sys.executable, "-I", "-c", PRELUDE + program, str(folder / "events")],
        home=folder,
        environment=os.environ,
        log=folder / "log",
        events=folder / "events",
        limits=limits,
        take=taken.append,
    )
    return end, taken


def test_a_process_that_comes_to_its_end(tmp_path: Path) -> None:
    end, events = run(tmp_path, "start('one'); print('said', flush=True); emit(event='end'); emit(event='done')")
    assert end == ProcessEnd(done=True, over_time=False, lost=None)
    assert [event["event"] for event in events] == ["start", "end", "done"]
    assert (tmp_path / "log").read_text() == "said\n"


def test_an_end_between_two_tests_loses_none(tmp_path: Path) -> None:
    end, _ = run(tmp_path, "start('one'); emit(event='end'); os._exit(3)")
    assert end == ProcessEnd(done=False, over_time=False, lost=None)


@pytest.mark.parametrize(
    ("program", "outcome", "reason"),
    [
        ("os._exit(3)", "crashed", "the process exited with code 3 in the middle of the test"),
        ("os.abort()", "crashed", "the process died of SIGABRT"),
        ("os.kill(os.getpid(), 9)", "out-of-memory", "killed by the system"),
    ],
)
def test_the_test_that_runs_is_lost_with_its_process(tmp_path: Path, program: str, outcome: str, reason: str) -> None:
    end, _ = run(tmp_path, f"start('one'); {program}")
    assert end.lost is not None
    assert end.lost[:3] == ("one", outcome, reason)
    assert not end.done


def test_a_test_over_its_limit_is_ended(tmp_path: Path) -> None:
    end, _ = run(tmp_path, "start('one', limit=0.5); time.sleep(60)")
    assert end.lost is not None
    assert end.lost[:3] == ("one", "timeout", "not finished after 0 s")
    assert 0.5 <= end.lost.seconds < 30
    assert not end.over_time


def test_a_cell_over_its_limit_is_ended_whatever_runs(tmp_path: Path) -> None:
    end, _ = run(tmp_path, "start('one'); time.sleep(60)", seconds=2)
    assert end.over_time
    assert end.lost is not None
    assert end.lost[:3] == ("one", "timeout", "the cell's limit of 2 s was reached")
    (tmp_path / "events").unlink()
    assert run(tmp_path, "time.sleep(60)", seconds=1)[0] == ProcessEnd(done=False, over_time=True, lost=None)


def test_memory_counts_for_all_processes_of_the_tests(tmp_path: Path) -> None:
    eats = "held = bytearray(400 * 2**20); import time; time.sleep(60)"
    program = f"start('one'); subprocess.run([sys.executable, '-c', {eats!r}])"
    end, _ = run(tmp_path, program, memory_mb=300)
    assert end.lost is not None
    assert end.lost.outcome == "out-of-memory"
    assert end.lost.reason.endswith("MB used of 300 MB allowed")


def test_what_the_tests_leave_running_is_ended(tmp_path: Path) -> None:
    program = (
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        "print(child.pid, flush=True); emit(event='done')"
    )
    run(tmp_path, program)
    assert ended(int((tmp_path / "log").read_text()))


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    program = (
        "file = open(sys.argv[1], 'a'); file.write('{\"event\": '); file.flush(); time.sleep(0.3); "
        "file.write('\"done\"}\\n'); file.flush()"
    )
    end, events = run(tmp_path, program)
    assert (end.done, events) == (True, [{"event": "done"}])


def test_who_asked_has_ended(tmp_path: Path) -> None:
    limits = ProcessLimits(60, time.monotonic() + 60, 4096, parent=-1)
    with pytest.raises(StackcompatError, match="whoever asked for this cell has ended"):
        run_process(
            [sys.executable, "-c", "import time; time.sleep(600)"],
            home=tmp_path,
            environment=os.environ,
            log=tmp_path / "log",
            events=tmp_path / "events",
            limits=limits,
            take=lambda _: None,
        )


@pytest.mark.parametrize(
    ("code", "words"),
    [(-11, "died of SIGSEGV"), (-6, "died of SIGABRT"), (3, "exited with code 3"), (0, "exited with code 0")],
)
def test_how_a_process_ended_is_said(code: int, words: str) -> None:
    assert words in _how_it_ended(code)
