"""One process of the tests and its limits, with small programs in the place of the plugin."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from stackcompat.core.errors import StackcompatError
from stackcompat.run import watchdog
from stackcompat.run.inside.protocol import Event
from stackcompat.run.watchdog import (
    ProcessEnd,
    ProcessLimits,
    _how_it_ended,
    _RunningTest,
    busy_seconds,
    ended_by_system,
    run_process,
)
from support.processes import ended

#: What every program begins with: `emit` writes an event.
PRELUDE = """
import hashlib, json, os, subprocess, sys, time
secret = os.fdopen(int(sys.argv[2]), "rb").read()
def sealed(line):
    return hashlib.blake2b(line.encode(), key=secret, digest_size=16).hexdigest() + " " + line + "\\n"
def write(text):
    with open(sys.argv[1], "a") as file:
        file.write(text)
def emit(**event):
    write(sealed(json.dumps(event)))
def start(test, limit=60):
    emit(event="start", test=test, limit=limit)
def end(test):
    emit(event="end", test=test, level="interop")
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
    end, events = run(tmp_path, "start('one'); print('said', flush=True); end('one'); emit(event='done')")
    assert end == ProcessEnd(done=True, over_time=False, lost=[])
    assert [event["event"] for event in events] == ["start", "end", "done"]
    assert (tmp_path / "log").read_text() == "said\n"


def test_an_end_between_two_tests_loses_none(tmp_path: Path) -> None:
    end, _ = run(tmp_path, "start('one'); end('one'); os._exit(3)")
    assert end == ProcessEnd(done=False, over_time=False, lost=[])


@pytest.mark.parametrize(
    ("program", "outcome", "reason"),
    [
        ("os._exit(3)", "crashed", "the process exited with code 3 in the middle of the test"),
        ("os.abort()", "crashed", "the process died of SIGABRT"),
        ("os.kill(os.getpid(), 9)", "crashed", "the process died of SIGKILL"),
    ],
)
def test_the_test_that_runs_is_lost_with_its_process(tmp_path: Path, program: str, outcome: str, reason: str) -> None:
    end, _ = run(tmp_path, f"start('one'); {program}")
    (lost,) = end.lost
    assert lost[:3] == ("one", outcome, reason)
    assert not end.done


@pytest.mark.parametrize(
    ("counts", "used", "free"),
    [((3, 4), 0, 1), ((None, None), 0, 1), ((3, 3), 3900, 1), ((3, 3), 0, 0.05)],
    ids=["the system says so", "the system does not say", "near its limit", "the machine is full"],
)
def test_who_is_killed_where_memory_is_short_did_not_end_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counts: tuple[int | None, ...], used: float, free: float
) -> None:
    told = iter(counts)
    monkeypatch.setattr(watchdog, "ended_by_system", lambda: next(told))
    monkeypatch.setattr(watchdog, "memory_mb", lambda *_: used)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=free, total=1))
    end, _ = run(tmp_path, "start('one'); time.sleep(1); os.kill(os.getpid(), 9)")
    assert [lost[:3] for lost in end.lost] == [("one", "out-of-memory", "killed by the system")]


def test_how_many_processes_the_system_ended(tmp_path: Path) -> None:
    file = tmp_path / "vmstat"
    assert ended_by_system(file) is None
    file.write_text("nr_free_pages 1\noom_kill 12\nzswpin 0\n")
    assert ended_by_system(file) == 12
    file.write_text("nr_free_pages 1\n")
    assert ended_by_system(file) is None


def test_a_test_over_its_limit_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "busy_seconds", lambda: 0.0)
    end, _ = run(tmp_path, "start('one', limit=0.5); time.sleep(60)")
    (lost,) = end.lost
    assert lost[:3] == ("one", "timeout", "not finished after 0 s")
    assert 0.5 <= lost.seconds < 30
    assert not end.over_time


@pytest.mark.parametrize(
    ("taken", "busy", "words"),
    [
        (60, 0, ""),
        (61, 0, "not finished after 60 s"),
        (100, 50, ""),
        (111, 50, "not finished after 60 s"),
        (239, 235, ""),
        (241, 235, "not finished after 241 s on a busy machine"),
        (241, 999, "not finished after 241 s on a busy machine"),
    ],
)
def test_the_time_in_which_the_machine_was_busy_does_not_count(taken: float, busy: float, words: str) -> None:
    running = _RunningTest("one", began=1000, limit=60, busy=7)
    assert running.overdue(1000 + taken, lambda: 7 + busy) == words


def test_how_long_the_machine_was_busy(tmp_path: Path) -> None:
    file = tmp_path / "cpu"
    assert busy_seconds(file) == 0
    file.write_text("some avg10=2.12 avg60=9.83 avg300=48.48 total=4298023554\nfull avg10=0.00 total=7\n")
    assert busy_seconds(file) == pytest.approx(4298.023554)
    file.write_text("full avg10=0.00 total=7\n")
    assert busy_seconds(file) == 0


def test_a_cell_over_its_limit_is_ended_whatever_runs(tmp_path: Path) -> None:
    end, _ = run(tmp_path, "start('one'); time.sleep(60)", seconds=2)
    assert end.over_time
    (lost,) = end.lost
    assert lost[:3] == ("one", "timeout", "the cell's limit of 2 s was reached")
    (tmp_path / "events").unlink()
    assert run(tmp_path, "time.sleep(60)", seconds=1)[0] == ProcessEnd(done=False, over_time=True, lost=[])


def test_the_tests_that_groups_lost_are_told_as_well(tmp_path: Path) -> None:
    program = "start('one'); emit(event='lost', test='one', code=-11); start('two');"
    program += " emit(event='lost', test='two', code=-9); start('three'); os._exit(3)"
    end, _ = run(tmp_path, program)
    assert [lost[:3] for lost in end.lost] == [
        ("one", "crashed", "the process died of SIGSEGV"),
        ("two", "crashed", "the process died of SIGKILL"),
        ("three", "crashed", "the process exited with code 3 in the middle of the test"),
    ]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells what processes share")
def test_memory_that_forked_processes_share_counts_once(tmp_path: Path) -> None:
    program = "start('one'); held = bytearray(300 * 2**20); children = [os.fork() for _ in range(2)];"
    program += " time.sleep(2); [os.waitpid(child, 0) for child in children if 0 not in children];"
    program += " 0 in children or (end('one'), emit(event='done'))"
    end, _ = run(tmp_path, program, memory_mb=600)
    assert end == ProcessEnd(done=True, over_time=False, lost=[])


def test_memory_counts_for_all_processes_of_the_tests(tmp_path: Path) -> None:
    eats = "held = bytearray(400 * 2**20); import time; time.sleep(60)"
    program = f"start('one'); subprocess.run([sys.executable, '-c', {eats!r}])"
    end, _ = run(tmp_path, program, memory_mb=300)
    (lost,) = end.lost
    assert lost.outcome == "out-of-memory"
    assert lost.reason.endswith("MB used of 300 MB allowed")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has such files")
@pytest.mark.parametrize("touched", ["written", "mapped"])
def test_memory_that_only_a_descriptor_holds_counts_once(tmp_path: Path, touched: str) -> None:
    program = "import mmap; start('one'); file = os.memfd_create('x'); os.truncate(file, 300 * 2**20);"
    program += {
        "written": "[os.write(file, bytes(2**20)) for _ in range(300)];",
        "mapped": "held = mmap.mmap(file, 0); [held.write(bytes(2**20)) for _ in range(300)];",
    }[touched]
    program += " time.sleep(2); end('one'); emit(event='done')"
    end, _ = run(tmp_path, program, memory_mb=200)
    assert [(lost.test, lost.outcome) for lost in end.lost] == [("one", "out-of-memory")]
    (tmp_path / "events").unlink()
    assert run(tmp_path, program, memory_mb=500)[0] == ProcessEnd(done=True, over_time=False, lost=[])


def test_what_the_tests_leave_running_is_ended(tmp_path: Path) -> None:
    program = (
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        "print(child.pid, flush=True); emit(event='done')"
    )
    run(tmp_path, program)
    assert ended(int((tmp_path / "log").read_text()))


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    program = "line = sealed(json.dumps({'event': 'done'})); write(line[:40]); time.sleep(0.3); write(line[40:])"
    end, events = run(tmp_path, program)
    assert (end.done, events) == (True, [{"event": "done"}])


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("write(json.dumps({'event': 'end', 'outcome': 'passed'}) + '\\n')", "a line is not sealed"),
        ("write(hashlib.blake2b(b'{}', digest_size=16).hexdigest() + ' {}\\n')", "a line is not sealed"),
        ("write('\\xff\\n')", "a line is not sealed"),
        ("write(sealed('[' * 200_000))", "a line cannot be read"),
        ("write(sealed('[]'))", "a line is no event"),
        ("end('two')", "the end of a test is told that does not run: two"),
        ("emit(event='start')", "an event has wrong values (KeyError)"),
        ('write(sealed(\'{"event": "start", "test": "two", "limit": 1e999}\'))', "1e999 is no finite number"),
        ("emit(event='start', test='two', limit=float('nan'))", "NaN is no finite number"),
    ],
)
def test_what_no_plugin_writes_ends_the_process_and_counts_against_the_test_that_ran(
    tmp_path: Path, line: str, why: str
) -> None:
    end, events = run(tmp_path, f"start('one'); {line}; emit(event='done'); time.sleep(60)")
    (lost,) = end.lost
    assert lost[:2] == ("one", "crashed")
    assert lost.reason.startswith("what the tests report cannot be trusted: ")
    assert why in lost.reason
    assert [event["event"] for event in events] == ["start"]
    (tmp_path / "events").unlink()
    end, _ = run(tmp_path, f"{line}; emit(event='done'); time.sleep(60)")
    assert end.lost == []
    assert why in end.foreign_events


def test_an_endless_line_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackcompat.run.event_file.MOST_BYTES", 2**20)
    end, _ = run(tmp_path, "start('one'); [write('x' * 2**20) for _ in range(4)]; time.sleep(60)")
    assert "an event is longer than 1 MB" in end.lost[0].reason


def test_a_file_that_is_put_in_the_place_of_the_events_is_not_read(tmp_path: Path) -> None:
    program = "start('one', limit=2); os.unlink(sys.argv[1]); os.mkfifo(sys.argv[1]); time.sleep(60)"
    (lost,) = run(tmp_path, program)[0].lost
    assert (lost.test, lost.outcome) == ("one", "timeout")


def test_output_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackcompat.run.watchdog._MOST_OUTPUT_MB", 1)
    end, _ = run(tmp_path, "start('one')\nwhile True: os.write(1, b'x' * 2**16); time.sleep(0.01)")
    assert (end.lost[0].outcome, end.lost[0].reason) == ("out-of-memory", "more than 1 MB of output")


def test_too_many_processes_are_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackcompat.run.watchdog._MOST_RUNNING", 5)
    end, _ = run(tmp_path, "start('one'); [os.fork() for _ in range(3)]; time.sleep(60)")
    assert end.lost[0].reason == "more than 5 processes at once"


def test_a_link_in_the_place_of_the_log_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "log").symlink_to("precious")
    with pytest.raises(OSError, match="symbolic links"):
        run(tmp_path, "print('lost')")
    assert (tmp_path / "precious").read_text() == "kept"


def test_who_asked_has_ended(tmp_path: Path) -> None:
    limits = ProcessLimits(60, time.monotonic() + 60, 4096, parent=-1)
    with pytest.raises(StackcompatError, match="the process that asked for this cell has ended"):
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
