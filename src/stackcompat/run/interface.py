"""The interface to the machines that run cells. Each kind of machine has an :class:`Executor` of its own."""

from __future__ import annotations

from typing import Protocol

from stackcompat.core.errors import StackcompatError
from stackcompat.evidence.results import CellResult
from stackcompat.run.job import Job

__all__ = ["Executor", "Stopped"]


class Stopped(StackcompatError):
    """The executor was stopped before the job had a result, so nothing is known of the cell."""


class Executor(Protocol):
    """Runs jobs on some machine.

    Its attributes are properties here, so that an executor can have more workers when its machines do.
    """

    @property
    def workers(self) -> int:
        """How many threads can call `run` at once."""
        ...

    @property
    def local_workers(self) -> int:
        """How many threads can do other work at once on the machine of the caller, such as to lock cells."""
        ...

    def run(self, job: Job) -> CellResult:
        """Run a job in a new environment.

        Whatever goes wrong in a cell is an outcome in the result, never an exception.

        Raises:
            Stopped: The executor was stopped before the job had a result.
        """
        ...

    def stop(self) -> None:
        """End the jobs that are running, at once. Jobs that come later are not run."""
        ...
