"""Where cells run. An executor takes a job and gives its result; which machine it used is its own affair."""

from __future__ import annotations

from typing import Protocol

from stackcompat.core.record import StackcompatError
from stackcompat.evidence.results import CellResult
from stackcompat.run.job import Job

__all__ = ["Executor", "Stopped"]


class Stopped(StackcompatError):
    """The executor was told to stop before the job had a result: nothing is known of it."""


class Executor(Protocol):
    """Runs jobs. `run` may be called from as many threads at once as `workers` says."""

    workers: int

    def run(self, job: Job) -> CellResult:
        """Run `job` in a new environment. Never raises for what a cell does, an outcome says it; Stopped after stop."""
        ...

    def stop(self) -> None:
        """End what is running, now."""
        ...
