"""Jobs that write and read artifacts, and the folders in which the artifacts are kept.

Artifacts outlive the environment that wrote them. They are in the cache, in one folder for each writer, which is named
after the key of the writer's evidence. Missing artifacts are written again.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from stackcompat.core.record import digest
from stackcompat.core.vocabulary import Level
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.runner import JobTransform, Runner
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock
from stackcompat.run.job import Exchange, Job

__all__ = ["LEVEL", "Reading", "Writing", "artifact_store", "drop_unread"]

#: The level of the tests that write and read artifacts.
LEVEL: Level = "exchange"


#: Artifacts that were neither written nor read for so many seconds are removed.
_KEPT = 30 * 24 * 3600.0


class Writing(JobTransform):
    """Makes jobs that write artifacts.

    Attributes:
        artifacts: The only artifacts that are written; empty means all artifacts.
    """

    def __init__(self, artifacts: Iterable[str] = ()) -> None:
        self.artifacts = tuple(sorted(artifacts))

    def key(self, key: str, cell: Cell, lock: Lock, level: Level, tests: tuple[str, ...], runner: Runner) -> str:  # noqa: ARG002
        """The key of the evidence on writing."""
        return digest("write", key, self.artifacts)

    def job(self, job: Job, planned: PlannedCell, runner: Runner) -> Job:
        """The job, changed so that it writes artifacts to the folder of the writer."""
        store = artifact_store(planned.key, runner)
        return job.model_copy(update={"exchange": Exchange(mode="write", store=store, artifacts=self.artifacts)})


class Reading(JobTransform):
    """Makes jobs that read the artifacts of one writer.

    Attributes:
        write_key: The key of the evidence on writing.
        artifacts: The only artifacts that are read; empty means all artifacts.
    """

    def __init__(self, write_key: str, artifacts: Iterable[str] = ()) -> None:
        self.write_key = write_key
        self.artifacts = tuple(artifacts)

    @property
    def reads(self) -> str:
        """The key of the evidence on writing."""
        return self.write_key

    def key(self, key: str, cell: Cell, lock: Lock, level: Level, tests: tuple[str, ...], runner: Runner) -> str:  # noqa: ARG002
        """The key of the evidence on reading the artifacts of this writer."""
        return digest("read", key, self.write_key)

    def job(self, job: Job, planned: PlannedCell, runner: Runner) -> Job:  # noqa: ARG002
        """The job, changed so that it reads artifacts from the folder of the writer."""
        store = artifact_store(self.write_key, runner)
        return job.model_copy(update={"exchange": Exchange(mode="read", store=store, artifacts=self.artifacts)})


def artifact_store(write_key: str, runner: Runner) -> Path:
    """The folder with the artifacts of a writer.

    Args:
        write_key: The key of the evidence on writing.
        runner: Has the cache.
    """
    return _artifacts(runner) / write_key


def drop_unread(runner: Runner) -> None:
    """Remove the artifacts that were neither written nor read for 30 days."""
    _artifacts(runner).mkdir(parents=True, exist_ok=True)
    for folder in _artifacts(runner).glob("*/"):
        if time.time() - folder.stat().st_mtime > _KEPT:
            shutil.rmtree(folder, ignore_errors=True)
            Path(f"{folder}.lock").unlink(missing_ok=True)


def _artifacts(runner: Runner) -> Path:
    return runner.cache.root / "artifacts"
