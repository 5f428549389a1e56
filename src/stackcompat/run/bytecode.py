"""Bytecode, compiled once per wheel where uv keeps the wheel unpacked.

uv links a wheel's files out of its cache into an environment, ``__pycache__`` with them if it is there. So new wheels
are compiled where they lie, and every later environment starts as fast as a used one. Where the layout of the cache is
not the one that this module knows, nothing is compiled and only speed is lost.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Sequence
from pathlib import Path

from filelock import FileLock
from packaging.utils import canonicalize_name

from stackcompat.resolve.lock import Lock

__all__ = ["compile_wheels"]


def compile_wheels(lock: Lock, interpreter: Path, packages: Path, done: Path) -> int:
    """Compile those of a lock's wheels that were not compiled before.

    Args:
        lock: The distributions that are wanted.
        interpreter: The interpreter that the bytecode is for.
        packages: The cache folder of uv.
        done: A folder with a mark for each wheel that was compiled for this interpreter.

    Returns:
        How many wheels were compiled.
    """
    done.mkdir(parents=True, exist_ok=True)
    wheels = _unpacked_wheels(packages, {(pin.name, pin.version) for pin in lock.pins})
    if all((done / wheel.name).exists() for wheel in wheels):
        return 0
    with FileLock(f"{done}.lock"):
        pending = [wheel for wheel in wheels if not (done / wheel.name).exists()]
        if pending:
            _compile(pending, interpreter)
            for wheel in pending:
                (done / wheel.name).touch()
    return len(pending)


def _unpacked_wheels(packages: Path, wanted: Collection[tuple[str, str]]) -> list[Path]:
    """The folders ``archive-v0/<id>`` that hold a ``<name>-<version>.dist-info`` of a `wanted` name and version."""
    wheels = []
    for archives in packages.glob("archive-v*"):
        for archive in archives.iterdir():
            for info in archive.glob("*.dist-info"):
                name, _, version = info.name.removesuffix(".dist-info").partition("-")
                if (canonicalize_name(name), version) in wanted:
                    wheels.append(archive)
    return wheels


def _compile(wheels: Sequence[Path], interpreter: Path) -> None:
    """Write the bytecode of unpacked wheels beside their sources."""
    folders = [
        str(entry)
        for wheel in wheels
        for entry in wheel.iterdir()
        # uv refuses a __pycache__ among the scripts of a wheel's data folder.
        if not entry.name.endswith((".data", ".dist-info"))
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run(
        [str(interpreter), "-I", "-m", "compileall", "-q", "-j", "0", *folders],
        env=environment,
        capture_output=True,
        check=False,  # a file for another Python, or a template, does not compile and is not imported either
    )
