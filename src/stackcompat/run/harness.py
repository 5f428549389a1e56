"""The harness: pytest in a folder of the package cache. It runs the tests of a cell from outside its environment."""

from __future__ import annotations

import shutil
from pathlib import Path

from filelock import FileLock

from stackcompat.core.errors import StackcompatError
from stackcompat.core.files import write_whole
from stackcompat.ecosystem.interpreters import bytecode_tag
from stackcompat.run.manifest import files_of, is_unchanged, manifest
from stackcompat.run.package_cache import PackageCache

__all__ = ["HARNESS_REQUIREMENTS", "install_harness"]

#: The distributions of the harness.
HARNESS_REQUIREMENTS = ("pytest>=8.3",)


def install_harness(cache: PackageCache, python: str, interpreter: Path) -> Path:
    """The folder of the harness for one Python. It is made when it is asked for first, and when it was changed.

    Args:
        cache: The package cache, in whose folder the harness lies.
        python: The Python, such as ``3.12``.
        interpreter: An interpreter of this Python.

    Raises:
        StackcompatError: pytest could not be installed.
    """
    folder = cache.root / "harness" / bytecode_tag(python)
    files = files_of(folder)
    with FileLock(f"{folder}.lock"):
        if (folder / "pytest").is_dir() and is_unchanged(folder, files):
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        options = ("--target", str(partial), "--python", str(interpreter), "--compile-bytecode")
        done = cache.run_uv("pip", "install", *options, *HARNESS_REQUIREMENTS, folder=folder.parent)
        if done.returncode != 0:
            raise StackcompatError(f"pytest for Python {python} could not be installed: {done.stderr[-500:]}")
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
        write_whole(files, manifest(folder))
        return folder
