"""The executor of this machine, with small programs in the place of nox; nox itself is in tests/e2e."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from stackcompat.evidence.results import CellResult
from stackcompat.resolve.lock import Lock
from stackcompat.run.interface import Stopped
from stackcompat.run.job import CellLimits, Job
from stackcompat.run.local import LocalExecutor, _end_trees
from stackcompat.run.package_cache import RESERVE, PackageCache
from support.processes import ended

LOCK = Lock.parse("alpha==1.0", "3.12", "p")


@pytest.fixture
def cache(tmp_path: Path) -> PackageCache:
    return PackageCache(tmp_path / "cache", "uv")


def job(cache: PackageCache, **more: object) -> Job:
    fields: dict[str, object] = {
        "folder": cache.environments / f"{os.getpid()}-job",
        "lock": LOCK,
        "interpreter": Path("/python"),
        "requirements": ("alpha",),
        "level": "interop",
        "suite": Path("/suite"),
        "files": (),
        "cache": cache.root,
        "uv": "uv",
    }
    return Job.model_validate(fields | more)


class Program(LocalExecutor):
    """Runs a Python program instead of nox."""

    def __init__(self, cache: PackageCache, program: str) -> None:
        super().__init__(cache, 1)
        self._program = program

    def command(self, job: Job) -> list[str]:
        return [sys.executable, "-c", self._program]


def test_each_cell_is_a_nox_session_with_the_interpreter_by_path(cache: PackageCache) -> None:
    asked = job(cache)
    command = LocalExecutor(cache, 1).command(asked)
    assert command[:3] == [sys.executable, "-m", "nox"]
    assert command[command.index("--session") + 1] == "cell"
    assert command[command.index("--force-python") + 1] == "/python"
    assert Path(command[command.index("--envdir") + 1]).is_relative_to(asked.folder)
    assert command[-2:] == ["--", str(asked.folder / "job.json")]


@pytest.mark.parametrize(
    ("bound", "left", "gone"), [(10, RESERVE, 50), (2**40, RESERVE, None), (2**40, RESERVE - 1, 1)]
)
def test_the_packages_stay_within_their_bound_while_more_cells_are_run(
    bound: int, left: int, gone: int | None, cache: PackageCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The packages are measured after some cells, or after the first one if the disk is nearly full."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=left))
    monkeypatch.setattr(
        "stackcompat.run.package_cache._size", lambda folder: RESERVE + 1 if any(folder.iterdir()) else 0
    )
    cache.bound = bound
    package = cache.packages / "archive"
    package.mkdir()
    executor = Program(cache, "pass")
    seen = []
    for _ in range(51):
        executor.run(job(cache))
        seen.append(package.exists())
    assert seen.index(False) + 1 == gone if gone else all(seen)


def test_the_result_is_what_the_session_wrote_and_the_folder_is_gone(cache: PackageCache) -> None:
    asked = job(cache)
    program = (
        "import json, datetime; json.load(open('job.json')); open('result.json', 'w').write(json.dumps("
        "{'outcome': 'ran', 'started': '2026-11-22T06:00:00Z', 'seconds': 1.5}))"
    )
    assert Program(cache, program).run(asked) == CellResult.model_validate(
        {"outcome": "ran", "started": "2026-11-22T06:00:00Z", "seconds": 1.5}
    )
    assert not asked.folder.exists()


@pytest.mark.parametrize(
    ("program", "outcome", "words"),
    [
        (
            "import sys; print('went wrong at https://me:pw@x.example/y'); sys.exit(3)",
            "crashed",
            "went wrong at <address>",
        ),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "crashed", "nox ended with code -9"),
        ("print('OSError: [Errno 28] No space left on device')", "disk-full", "No space left"),
    ],
)
def test_a_session_without_a_result_is_infrastructure(
    cache: PackageCache, program: str, outcome: str, words: str
) -> None:
    result = Program(cache, program).run(job(cache))
    assert result.outcome == outcome
    assert words in result.detail
    assert "x.example" not in result.detail + result.log


def test_the_callers_python_settings_do_not_reach_the_session(
    cache: PackageCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "NOXENV", "NOXSESSION", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "1")
    program = "import os; print([n for n in os.environ if n.startswith(('PYTHON', 'NOX', 'VIRTUAL_ENV'))])"
    assert Program(cache, program).run(job(cache)).log == "[]\n"


def test_a_session_over_every_limit_is_ended_with_its_children(
    cache: PackageCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stackcompat.run.local.INSTALL_SECONDS", 2.0)
    program = (
        "import subprocess, time; p = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "print(p.pid, flush=True)\ntime.sleep(600)"
    )
    began = time.monotonic()
    result = Program(cache, program).run(job(cache, limits=CellLimits(seconds=0.1)))
    assert time.monotonic() - began < 60
    assert result.outcome == "crashed"
    assert ended(int(result.log))


def test_a_stop_ends_what_runs_and_nothing_is_said_of_it(cache: PackageCache) -> None:
    executor = Program(cache, "import time; print('here', flush=True); time.sleep(600)")
    asked = job(cache)
    raised: list[BaseException] = []

    def run() -> None:
        try:
            executor.run(asked)
        except BaseException as error:  # noqa: BLE001  (looked at below)
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    log = asked.folder / "nox.log"
    until = time.monotonic() + 60
    while not (log.exists() and log.stat().st_size) and time.monotonic() < until:
        time.sleep(0.02)
    executor.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert [type(error) for error in raised] == [Stopped]
    assert not asked.folder.exists()
    with pytest.raises(Stopped):
        executor.run(asked)


def test_a_second_interrupt_leaves_nobody_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    process = subprocess.Popen(["sleep", "600"])

    def children(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("psutil.Process.children", children)
    with pytest.raises(KeyboardInterrupt):
        _end_trees(process)
    assert ended(process.pid)
    process.wait()


def test_what_killed_runs_left_behind_is_removed_and_what_others_use_is_not(cache: PackageCache) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for name in (f"{gone.pid}-x-1", f"{os.getpid()}-x-1", "not-a-pid"):
        (cache.environments / name / "nox").mkdir(parents=True)
    LocalExecutor(cache, 1)
    assert sorted(path.name for path in cache.environments.iterdir()) == [f"{os.getpid()}-x-1", "not-a-pid"]


WRITES = (
    'open(\'result.json\', \'w\').write(\'{"outcome": "ran", "started": "2026-11-22T06:00:00Z", "seconds": %s}\'); '
)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (WRITES % "1.5" + "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "nox ended with code -9"),
        (WRITES % "null", "nox ended with code 0"),
        ("open('result.json', 'wb').write(b'\\xff')", "nox ended with code 0"),
    ],
    ids=["killed", "no number", "no text"],
)
def test_a_result_counts_only_if_its_session_came_to_its_end(cache: PackageCache, program: str, words: str) -> None:
    """A test could have written one, and ended the session."""
    result = Program(cache, program).run(job(cache))
    assert result.outcome == "crashed"
    assert words in result.detail


def test_what_a_session_that_was_killed_leaves_running_is_ended(cache: PackageCache, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    program = (
        "import os, pathlib, signal, subprocess, sys; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True, "
        "env={'HOME': os.path.join(os.getcwd(), 'home')}); "
        f"pathlib.Path({str(note)!r}).write_text(str(child.pid)); os.kill(os.getpid(), signal.SIGKILL)"
    )
    Program(cache, program).run(job(cache))
    assert ended(int(note.read_text()))


def test_whoever_is_interrupted_while_it_waits_leaves_nothing_running(
    cache: PackageCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task of a cluster is cancelled by an interrupt in the thread that waits for the cell."""
    started: list[int] = []

    def wait(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if not started:
            started.append(process.pid)
            raise KeyboardInterrupt
        return waits(process, timeout)

    waits = subprocess.Popen.wait
    monkeypatch.setattr(subprocess.Popen, "wait", wait)
    asked = job(cache)
    with pytest.raises(KeyboardInterrupt):
        Program(cache, "import time; time.sleep(60)").run(asked)
    assert ended(started[0])
    assert not asked.folder.exists()
