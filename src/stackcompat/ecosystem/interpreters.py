"""The Python interpreters of this machine, wherever they are: on PATH, pyenv's, uv's, conda's, asdf's."""

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

__all__ = ["Interpreter", "bytecode_tag", "find_interpreters", "how_to_get", "this_platform"]

_NAME = re.compile(r"python3\.\d+")


class Interpreter(Record):
    """A CPython. `python` is major.minor, `version` with the patch."""

    python: str
    version: str
    path: Path

    @property
    def label(self) -> str:
        """What evidence is bound to: implementation and full version."""
        return f"cpython-{self.version}"


def this_platform() -> str:
    """System and architecture, such as ``linux-x86_64``."""
    return f"{_platform.system().lower()}-{_platform.machine().lower()}"


def how_to_get(python: str) -> str:
    """One sentence for a person whose machine lacks `python`."""
    return f"Python {python} was not found; get it with `uv python install {python}` or `pyenv install {python}`"


def _candidates() -> Iterator[PythonVersion]:
    # Only executables named after their minor are asked for their version: asking each shim, link and Python 2 that a
    # machine has costs seconds.
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
    given = [os.environ.get("CONDA_PREFIX", ""), os.environ.get("MAMBA_ROOT_PREFIX", "")]
    usual = [Path.home() / name for name in ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba")]
    return [home for home in [*(Path(path) for path in given if path), *usual] if home.is_dir()]


def find_interpreters(pythons: Iterable[str] | None = None) -> dict[str, Interpreter]:
    """The newest installed patch of each of `pythons` (of all, if None), by major.minor, newest minor first."""
    wanted = None if pythons is None else set(pythons)
    best: dict[str, Interpreter] = {}
    asked: set[Path] = set()
    for candidate in _candidates():
        minor = candidate.executable.name.removeprefix("python")
        real = candidate.executable.resolve()
        if (wanted is not None and minor not in wanted) or real in asked:
            continue
        asked.add(real)
        if not candidate.is_valid() or candidate.implementation.lower() != "cpython" or candidate.freethreaded:
            continue
        version = candidate.version
        if version.is_prerelease:
            continue
        known = best.get(minor)
        if known is None or tuple(version.release) > tuple(int(part) for part in known.version.split(".")):
            best[minor] = Interpreter(python=minor, version=str(version), path=real)
    return dict(sorted(best.items(), key=lambda item: python_key(item[0]), reverse=True))


def bytecode_tag(python: str) -> str:
    """The tag in the names of bytecode files that `python` writes, such as ``cpython-312``."""
    return f"cpython-{python.replace('.', '')}"
