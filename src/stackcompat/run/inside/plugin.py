"""Starts the tests of a cell with the cell's own interpreter: ``python -I plugin.py JOB [DESCRIPTOR]``.

The job is a JSON file. ``protocol.py`` declares its content, and the events that the tests stream. From the descriptor
the secret is read that the events are sealed with.

pytest comes from a *harness*, a folder outside the environment. So the environment holds exactly what was locked. The
code of this folder comes from outside as well. It is imported as a package with a name of its own. The folder is never
on the import path, so none of its modules hides a module of a library.

If a test starts a process with :mod:`multiprocessing`, that process imports this file again, under another name than
``__main__``. Then nothing is run.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import PluginJob

__all__ = ["PACKAGE", "start"]

#: The name of this package inside a cell.
PACKAGE = "stackcompat_inside"


#: The modules that the tests run with. Those of the environment with the same names are for the tests alone.
_OF_HARNESS = ("pytest", "_pytest", "pluggy", "iniconfig", PACKAGE)

_FINDERS: tuple[object, ...] = (
    importlib.machinery.BuiltinImporter,
    importlib.machinery.FrozenImporter,
    importlib.machinery.PathFinder,
)


def start(job_file: str, secret: bytes = b"") -> int:
    """Run the tests that a job asks for.

    Args:
        job_file: The file of the job.
        secret: The secret that the events are sealed with; empty for events without a seal.

    Returns:
        The exit code: 0 if every event was written.
    """
    job: PluginJob = json.loads(Path(job_file).read_text(encoding="utf-8"))
    # The harness comes first, so that pytest loads nothing of the environment for itself. It is hidden from the tests.
    sys.path[:0] = [job["harness"], *job["helpers"]]
    # Code of the environment can have run at the start of the interpreter. What it has loaded under these names is not
    # what the tests run with, and its finders find nothing of it.
    for name in list(sys.modules):
        if name.partition(".")[0] in _OF_HARNESS:
            del sys.modules[name]
    finders = sys.meta_path[:]
    sys.meta_path[:] = [finder for finder in finders if finder in _FINDERS]
    try:
        _import_package()
        # The session imports pytest, so the harness must be on the import path by now.
        session = importlib.import_module(f"{PACKAGE}.session")
    finally:
        sys.meta_path[:] = finders
    exit_code: int = session.run_session(job, secret)
    return exit_code


def _read_secret(descriptor: int) -> bytes:
    """Read the secret and close the pipe that it comes from."""
    with os.fdopen(descriptor, "rb") as pipe:
        return pipe.read()


def _import_package() -> None:
    """Import the folder of this file as a package."""
    spec = importlib.util.spec_from_file_location(PACKAGE, Path(__file__).with_name("__init__.py"))
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    code = start(sys.argv[1], _read_secret(int(sys.argv[2])) if len(sys.argv) > 2 else b"")
    # Every event is written by now. Threads of a library can outlive a failed test: the process ends without waiting
    # for them, so that a failure does not become a time-out.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
