"""Cells on this machine: each one is a nox session in a folder of its own, which is removed afterwards."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

from stackcompat.core.redact import strip_addresses
from stackcompat.evidence.results import CellResult
from stackcompat.run.interface import Stopped
from stackcompat.run.job import Job
from stackcompat.run.package_cache import PackageCache

__all__ = ["LocalExecutor"]

_NOXFILE = Path(__file__).parent / "noxfile.py"


#: Seconds that making and filling an environment can take, in addition to the limit of the tests.
INSTALL_SECONDS = 1800.0


#: The packages are measured once in so many cells, since adding up their sizes takes seconds.
_CELLS_PER_MEASUREMENT = 50


class LocalExecutor:
    """Runs each job as ``nox -s cell`` in a process of its own.

    Attributes:
        workers: How many jobs can run at once.
    """

    def __init__(self, cache: PackageCache, workers: int) -> None:
        self.workers = workers
        self._cache = cache
        self._running: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()
        self._stopped = False
        self._done = 0
        _remove_leftovers(cache.environments)

    def command(self, job: Job) -> list[str]:
        """The nox command that runs `job`."""
        return [
            *(sys.executable, "-m", "nox", "--noxfile", str(_NOXFILE), "--session", "cell"),
            *("--force-python", str(job.interpreter), "--envdir", str(job.folder / "nox"), "--no-color"),
            *("--error-on-missing-interpreters", "--", str(job.folder / "job.json")),
        ]

    def run(self, job: Job) -> CellResult:
        """See :class:`stackcompat.run.interface.Executor`."""
        started, began = dt.datetime.now(dt.UTC), time.monotonic()
        job.write()
        try:
            output, code = self._run_nox(job)
            if job.result.exists():
                return CellResult.model_validate_json(job.result.read_text(encoding="utf-8"))
            if self._stopped:
                raise Stopped("stopped before the cell had a result")
            log = strip_addresses(output)[-2000:]
            return CellResult(
                outcome="disk-full" if "No space left on device" in log else "crashed",
                detail=f"nox ended with code {code} before the cell had a result: {' '.join(log.split())[-400:]}",
                started=started,
                seconds=round(time.monotonic() - began, 3),
                log=log,
            )
        finally:
            shutil.rmtree(job.folder, ignore_errors=True)
            self._trim()

    def _trim(self) -> None:
        """Keep the packages within their bound while more cells are run."""
        with self._guard:
            self._done += 1
            due = self._done % _CELLS_PER_MEASUREMENT == 0
        if not self._stopped and (due or self._cache.crowded):
            self._cache.trim()

    def _run_nox(self, job: Job) -> tuple[str, int | None]:
        """The output of nox and its exit code; no code if the executor was stopped before."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NOX", "VIRTUAL_ENV"))
        }
        with (job.folder / "nox.log").open("w+b") as log:
            with self._guard:
                if self._stopped:
                    return "", None
                process = subprocess.Popen(
                    self.command(job),
                    cwd=job.folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                self._running.add(process)
            try:
                process.wait(timeout=job.limits.seconds + INSTALL_SECONDS)
            except subprocess.TimeoutExpired:
                _end_trees(process)
            finally:
                with self._guard:
                    self._running.discard(process)
            log.seek(0)
            return log.read().decode("utf-8", errors="replace"), process.returncode

    def stop(self) -> None:
        """See :class:`stackcompat.run.interface.Executor`."""
        with self._guard:
            self._stopped = True
            running = list(self._running)
        _end_trees(*running)


def _end_trees(*processes: subprocess.Popen[bytes]) -> None:
    """End processes and all below them."""
    for process in processes:
        _kill_tree(process)
    for process in processes:  # may take long where the disk is busy
        process.wait()


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all below it.

    Each of them is suspended first, since a process that runs could start another one meanwhile. Whatever is suspended
    is killed in the end, even if a second interrupt comes in between.
    """
    tree: set[psutil.Process] = set()
    try:
        with contextlib.suppress(psutil.NoSuchProcess):
            top = psutil.Process(process.pid)
            top.suspend()
            while new := set(top.children(recursive=True)) - tree:
                tree |= new
                for child in new:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        child.suspend()
    finally:
        process.kill()
        for child in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


def _remove_leftovers(environments: Path) -> None:
    """Remove the folders of processes that are gone: a folder is named after the process that made it."""
    for folder in environments.iterdir():
        pid = folder.name.partition("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)
