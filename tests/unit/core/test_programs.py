"""Programs whose answer is waited for."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stackcompat.core.programs import ask_program, end_programs

ASLEEP = [sys.executable, "-S", "-c", "print('here', flush=True); import time; time.sleep(60)"]


def test_what_a_program_answers(tmp_path: Path) -> None:
    code = "import os; os.write(1, f'{os.getcwd()} {os.environ[\"A\"]}\\n'.encode() + b'\\xff'); raise SystemExit(7)"
    done = ask_program([sys.executable, "-S", "-c", code], folder=tmp_path, environment={"A": "b"})
    assert (done.returncode, done.stdout, done.stderr) == (7, f"{tmp_path} b\n\ufffd", "")


def test_one_that_takes_too_long_is_ended() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        ask_program(ASLEEP, seconds=0.2)


def test_one_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        ask_program(["/no/such/program"])


def test_all_are_ended_when_the_command_is() -> None:
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(ask_program(ASLEEP).returncode)) for _ in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        end_programs()
        threads[0].join(0.01)
    assert codes == [-9, -9]
