"""Starts the tests of a cell with the cell's own interpreter: ``python -I plugin.py JOB``.

The job is a JSON file. What it says, and the events that the tests are streamed as, is declared in ``protocol.py``.

pytest comes from a *harness*: a folder outside the environment, so that the environment holds exactly what was locked.
The code of this folder comes from outside as well. It is imported as a package with a name of its own, and the folder
is never on the import path, so that none of its modules hides a module of a library.

A process that a test starts with :mod:`multiprocessing` runs this file again, under another name than ``__main__``.
Nothing happens then.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import PluginJob

__all__ = ["PACKAGE", "start"]

#: The name that the package of this file has inside a cell.
PACKAGE = "stackcompat_inside"


def start(job_file: str) -> int:
    """Run the tests that a job asks for.

    Returns:
        The exit code: 0 whenever every event was written.
    """
    job: PluginJob = json.loads(Path(job_file).read_text(encoding="utf-8"))
    sys.path[:0] = job["helpers"]
    sys.path.append(job["harness"])
    _import_package()
    # The session imports pytest, so the harness is on the import path before.
    exit_code: int = importlib.import_module(f"{PACKAGE}.session").run_session(job)
    return exit_code


def _import_package() -> None:
    """Import the folder of this file as a package."""
    spec = importlib.util.spec_from_file_location(PACKAGE, Path(__file__).with_name("__init__.py"))
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    code = start(sys.argv[1])
    # Every event is written. A library whose threads outlive a failed test must not turn a clear red into a time-out.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
