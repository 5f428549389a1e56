"""The executor for this machine. Each cell is a nox session in a folder of its own, which is removed afterwards."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
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
from stackcompat.run.package_cache import PackageCache, remove_job_folder
from stackcompat.run.session import ENGINE

__all__ = ["LocalExecutor"]

_NOXFILE = Path(__file__).parent / "noxfile.py"


#: The seconds that an environment can take to be made and filled. They are added to the limit of the tests.
INSTALL_SECONDS = 1800.0


#: How the variables begin that nox does not see: what would change it, and the address of the store, which can hold a
#: password.
_NOT_PASSED_ON = ("PYTHON", "NOX", "VIRTUAL_ENV", "STACKCOMPAT_STORE")

#: After so many cells the package cache is measured again. To add up its sizes takes seconds.
_CELLS_PER_MEASUREMENT = 50


class LocalExecutor:
    """Runs each job as ``nox -s cell`` in a process of its own.

    Attributes:
        workers: How many jobs can run at once.
        local_workers: The same, since all work is done on this machine.
    """

    def __init__(self, cache: PackageCache, workers: int) -> None:
        self.workers = self.local_workers = workers
        self._cache = cache
        self._running: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()
        self._stopped = False
        self._done = 0
        cache.remove_leftovers()

    def command(self, job: Job) -> list[str]:
        """The nox command that runs `job`."""
        return [
            *(sys.executable, "-m", "nox", "--noxfile", str(_NOXFILE), "--session", "cell"),
            *("--force-python", str(job.interpreter), "--envdir", str(job.folder / "nox"), "--no-color"),
            *("--error-on-missing-interpreters", "--", str(job.folder / "job.json")),
        ]

    def run(self, job: Job) -> CellResult:
        """See :class:`stackcompat.run.interface.Executor`."""
        with self._cache.occupied(job.folder):
            return self._run(job)

    def _run(self, job: Job) -> CellResult:
        started, began = dt.datetime.now(dt.UTC), time.monotonic()
        job.write()
        self._cache.used = True
        try:
            output, code = self._run_nox(job)
            result = _read_result(job) if code == 0 else None  # else somebody may have ended it after writing another
            if result is not None:
                return result
            if self._stopped:
                raise Stopped("stopped before the cell had a result")
            _end_strays(job.folder)
            log = strip_addresses(output)[-2000:]
            return CellResult(
                outcome="disk-full" if "No space left on device" in log else "crashed",
                detail=f"nox ended with code {code} before the cell had a result: {' '.join(log.split())[-400:]}",
                started=started,
                seconds=round(time.monotonic() - began, 3),
                log=log,
            )
        finally:
            remove_job_folder(job.folder)
            self._trim()

    def _trim(self) -> None:
        """After a cell, keep the package cache within its bound. It is not measured after every cell."""
        with self._guard:
            self._done += 1
            due = self._done % _CELLS_PER_MEASUREMENT == 0
        if not self._stopped and (due or self._cache.crowded):
            self._cache.trim()

    def _run_nox(self, job: Job) -> tuple[str, int | None]:
        """Run nox. Returns its output and its exit code; the code is None if the executor was stopped before."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)}
        environment[ENGINE] = str(os.getpid())
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
            except BaseException:  # whoever asked for the cell in this thread wants no result any more
                _end_trees(process)
                raise
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


def _read_result(job: Job) -> CellResult | None:
    """The result that the session wrote; None if there is none that can be read."""
    try:
        return CellResult.model_validate_json(job.result.read_bytes())
    except (OSError, ValueError):
        return None


def _end_strays(folder: Path) -> None:
    """End what the tests of a cell left running when its session ended: the processes whose home is in its folder."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            home = process.environ().get("HOME", "")
            if home and Path(home).is_relative_to(folder):
                process.kill()


def _end_trees(*processes: subprocess.Popen[bytes]) -> None:
    """End processes and all that they started, and wait until they are gone."""
    for process in processes:
        _kill_tree(process)
    for process in processes:  # this can take long if the disk is busy
        process.wait()


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started.

    All of them are suspended first, since a running one could start others meanwhile. All suspended ones are killed in
    the end, even if a second interrupt comes in between.
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
