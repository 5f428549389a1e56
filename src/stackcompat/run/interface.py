"""Where cells run: the seam for other machines. Each kind of machine has an :class:`Executor` of its own."""

from __future__ import annotations

from typing import Protocol

from stackcompat.core.errors import StackcompatError
from stackcompat.evidence.results import CellResult
from stackcompat.run.job import Job

__all__ = ["Executor", "Stopped"]


class Stopped(StackcompatError):
    """The executor was stopped before the job had a result: nothing is known of it."""


class Executor(Protocol):
    """Runs jobs. Which machine it uses is its own affair.

    Attributes:
        workers: How many threads can call `run` at once.
    """

    workers: int

    def run(self, job: Job) -> CellResult:
        """Run a job in a new environment.

        Whatever a cell does is an outcome of the result and never an exception.

        Raises:
            Stopped: The executor was stopped before the job had a result.
        """
        ...

    def stop(self) -> None:
        """End what is running, now. Jobs that come later are not run."""
        ...
