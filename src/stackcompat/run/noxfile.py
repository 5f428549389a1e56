"""The nox session that every cell runs in: ``nox -f <this file> -s cell --force-python PATH -- JOB``.

nox makes a new environment in a folder that the executor gives for this job alone, so nothing of the caller is removed.
run/local.py has the command. docs/architecture.md has the one that a person types.
"""

from __future__ import annotations

from pathlib import Path

import nox

from stackcompat.run.job import Job
from stackcompat.run.session import run

nox.options.reuse_venv = "never"


@nox.session(venv_backend="uv")
def cell(session: nox.Session) -> None:
    """Install the lock of one cell into this session's environment, and run its tests there."""
    job = Job.model_validate_json(Path(session.posargs[0]).read_text(encoding="utf-8"))
    result = run(job, Path(session.bin) / "python")
    partial = job.result.with_suffix(".partial")
    partial.write_text(result.to_json(), encoding="utf-8")
    partial.replace(job.result)
