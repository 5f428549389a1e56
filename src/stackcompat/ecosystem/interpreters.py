"""The Python interpreters of this machine: on PATH, and those of pyenv, uv, conda and asdf."""

from __future__ import annotations

import os
import platform as _platform
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from findpython import PythonVersion
from findpython.providers import ALL_PROVIDERS

from stackcompat.core.record import Record
from stackcompat.core.requirements import python_key

__all__ = [
    "OLDEST_PYTHON",
    "USUAL_PYTHON",
    "Interpreter",
    "bytecode_tag",
    "find_interpreters",
    "how_to_get",
    "is_too_old",
    "this_platform",
]

#: The oldest Python whose syntax the smoke tests have.
OLDEST_PYTHON = "3.10"

#: The Python that is named where one has to be, and this machine has none that can run the smoke tests.
USUAL_PYTHON = "3.12"

_NAME = re.compile(r"python3\.\d+")


class Interpreter(Record):
    """An installed CPython.

    Attributes:
        python: Major and minor, such as ``3.12``.
        version: Its full version.
        path: The path of its executable.
    """

    python: str
    version: str
    path: Path

    @property
    def label(self) -> str:
        """Implementation and full version, such as ``cpython-3.12.4``. Both are in the key of evidence."""
        return f"cpython-{self.version}"


def this_platform() -> str:
    """System and architecture, such as ``linux-x86_64``."""
    return f"{_platform.system().lower()}-{_platform.machine().lower()}"


def is_too_old(python: str) -> bool:
    """Whether a Python such as ``3.9`` cannot run the smoke tests."""
    return python_key(python) < python_key(OLDEST_PYTHON)


def how_to_get(python: str) -> str:
    """How a person gets a Python that this machine lacks, in one sentence; or why nothing can be run on it."""
    if is_too_old(python):
        return f"the smoke tests need Python {OLDEST_PYTHON} or newer, so nothing can be run on Python {python}"
    return f"Python {python} was not found; get it with `uv python install {python}` or `pyenv install {python}`"


def _candidates() -> Iterator[PythonVersion]:
    """Executables that look like interpreters by their names. None of them is started.

    Only names such as ``python3.12`` count. It would take seconds to start each shim, link and Python 2 of a machine.
    """
    for kind in ALL_PROVIDERS.values():
        provider = kind.create()
        for found in provider.find_pythons() if provider else ():
            if _NAME.fullmatch(found.executable.name) and "shims" not in found.executable.parts:
                yield found
    for home in _conda_homes():
        for executable in [*home.glob("bin/python3.*"), *home.glob("envs/*/bin/python3.*")]:
            if _NAME.fullmatch(executable.name):
                yield PythonVersion(executable)


def _conda_homes() -> list[Path]:
    """The folders in which conda keeps environments."""
    given = [os.environ.get("CONDA_PREFIX", ""), os.environ.get("MAMBA_ROOT_PREFIX", "")]
    usual = [Path.home() / name for name in ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba")]
    return [home for home in [*(Path(path) for path in given if path), *usual] if home.is_dir()]


def find_interpreters(pythons: Iterable[str] | None = None) -> dict[str, Interpreter]:
    """The newest installed patch of each Python that can run the smoke tests, newest minor first.

    Args:
        pythons: The Pythons to look for, such as ``3.12``; all if None.

    Returns:
        Python to interpreter.
    """
    wanted = None if pythons is None else set(pythons)
    newest: dict[str, Interpreter] = {}
    asked: set[Path] = set()
    for candidate in _candidates():
        python = candidate.executable.name.removeprefix("python")
        path = candidate.executable.resolve()
        if (wanted is not None and python not in wanted) or path in asked or is_too_old(python):
            continue
        asked.add(path)
        if not _is_final_cpython(candidate):
            continue
        interpreter = Interpreter(python=python, version=str(candidate.version), path=path)
        known = newest.get(python)
        if known is None or python_key(interpreter.version) > python_key(known.version):
            newest[python] = interpreter
    return dict(sorted(newest.items(), key=lambda entry: python_key(entry[0]), reverse=True))


def _is_final_cpython(candidate: PythonVersion) -> bool:
    """Whether an executable is a final release of CPython, and not of its free-threaded build."""
    if not candidate.is_valid() or candidate.implementation.lower() != "cpython" or candidate.freethreaded:
        return False
    return not candidate.version.is_prerelease


def bytecode_tag(python: str) -> str:
    """The tag in the names of the bytecode files of a Python, such as ``cpython-312``."""
    return f"cpython-{python.replace('.', '')}"
