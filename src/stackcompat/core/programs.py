"""Programs whose answer is waited for, such as uv. They end with the command that started them."""

from __future__ import annotations

import atexit
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from stackcompat.core.threads import within

__all__ = ["ask_program", "end_programs"]

_running: set[subprocess.Popen[str]] = set()


_guard = threading.Lock()


def ask_program(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program without input and wait for its end.

    Args:
        command: The program and its arguments.
        folder: Where it runs; here if None.
        environment: Its variables; those of this process if None.
        seconds: How long it may take; as long as it likes if None.

    Returns:
        What it wrote, and its exit code. What is no text is replaced.

    Raises:
        OSError: It cannot be started.
        subprocess.TimeoutExpired: It took longer, and was ended.
    """
    # An interrupt comes to the main thread. If it came there while the program is started, nobody would end it.
    return within(None, lambda: _ask(command, folder, environment, seconds))


def _ask(
    command: Sequence[str], folder: Path | None, environment: Mapping[str, str] | None, seconds: float | None
) -> subprocess.CompletedProcess[str]:
    with _guard:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        _running.add(process)
    try:
        with process:
            try:
                output, errors = process.communicate(timeout=seconds)
            except BaseException:
                _end(process)
                raise
    finally:
        with _guard:
            _running.discard(process)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


@atexit.register
def end_programs() -> None:
    """End all programs that somebody waits for in another thread."""
    with _guard:
        for process in _running:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """End a program and those that it has started, as uv starts a build."""
    with suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.Error):
                child.kill()
    with suppress(OSError):
        process.kill()
