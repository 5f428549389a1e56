"""The tool's own package cache: what uv downloads, with bytecode compiled once per wheel.

The cache is shared by all checkouts, is never the user's own uv cache, and is bounded in size.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, ReadWriteLock, Timeout
from platformdirs import user_cache_path

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.core.redact import strip_addresses
from stackcompat.ecosystem.interpreters import bytecode_tag
from stackcompat.resolve.lock import Lock
from stackcompat.resolve.uv import extra_index, uv_environment
from stackcompat.run.bytecode import compile_wheels
from stackcompat.run.sources import find_wheel

__all__ = ["HARNESS_REQUIREMENTS", "PackageCache", "cache_bound", "default_cache"]

#: What runs the tests inside a cell. It is kept outside the cell's environment, see inside/plugin.py.
HARNESS_REQUIREMENTS = ("pytest>=8.3",)


#: Bytes. Above them the whole package cache is emptied, since uv does not notice single wheels that are missing there.
DEFAULT_BOUND = 40 * 2**30


#: Bytes that stay free on the disk. Where fewer are left, a cache of this size is emptied below its bound.
RESERVE = 4 * 2**30


def default_cache() -> Path:
    """Where the tool keeps what it can make again: ``STACKCOMPAT_CACHE``, or a folder in the user's cache folder."""
    given = os.environ.get("STACKCOMPAT_CACHE", "").strip()
    return Path(given) if given else user_cache_path("stackcompat")


def cache_bound() -> int:
    """Bytes above which the package cache is emptied: ``STACKCOMPAT_CACHE_GIB``, else the default.

    Raises:
        UsageError: The variable holds no size.
    """
    given = os.environ.get("STACKCOMPAT_CACHE_GIB", "").strip()
    try:
        bound = float(given) * 2**30 if given else DEFAULT_BOUND
    except ValueError:
        bound = math.nan
    if not 0 < bound < math.inf:
        raise UsageError(f'STACKCOMPAT_CACHE_GIB: "{given}" is no size in GiB; allowed is a number above 0, such as 8')
    return int(bound)


class PackageCache:
    """Packages, harnesses and environments below one folder, all on one file system so that files can be linked.

    Attributes:
        root: The folder.
        uv: The path of uv.
        bound: Bytes above which the packages are emptied.
        packages: The cache folder of uv.
        environments: Where the environments of cells are made.
    """

    def __init__(self, root: Path, uv: str, bound: int = DEFAULT_BOUND) -> None:
        self.root = root
        self.uv = uv
        self.bound = bound
        self.packages = root / "uv"
        self.environments = root / "environments"
        for folder in (self.packages, self.environments):
            folder.mkdir(parents=True, exist_ok=True)

    # --- uv ---

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep the packages where they are for as long as uv works with them, in whatever process."""
        with self._users.read_lock():
            yield

    @property
    def _users(self) -> ReadWriteLock:
        # One for each use: threads that share one could not wait for each other.
        return ReadWriteLock(self.root / "users.lock", is_singleton=False)

    def run_uv(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run uv with this cache, in `folder`; it never raises for what uv says."""
        with self.in_use():
            return subprocess.run(
                [self.uv, *arguments],
                env=uv_environment(self.packages),
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
            )

    # --- environments ---

    def sync(self, lock: Path, python: Path, index: str = "") -> subprocess.CompletedProcess[str]:
        """Install exactly the distributions of a lock file.

        Args:
            lock: The lock file.
            python: The interpreter of the environment that they are installed into.
            index: The environment variable with the address of the extra index that some of them come from.
        """
        options = ("--python", str(python), "--require-hashes", *extra_index(index))
        return self.run_uv("pip", "sync", str(lock), *options, folder=lock.parent)

    def renew(self, python: Path, interpreter: Path) -> subprocess.CompletedProcess[str]:
        """Make the environment of `python` anew and empty, for an `interpreter`."""
        environment = python.parent.parent
        options = ("--clear", "--python", str(interpreter))
        return self.run_uv("venv", *options, str(environment), folder=environment.parent)

    def compile(self, lock: Lock, interpreter: Path) -> int:
        """Compile those of the lock's wheels in the cache that lack bytecode for its Python; how many those were."""
        return compile_wheels(lock, interpreter, self.packages, self._compiled / bytecode_tag(lock.python))

    @property
    def _compiled(self) -> Path:
        return self.root / "compiled"

    def harness(self, python: str, interpreter: Path) -> Path:
        """A folder with pytest for a Python such as ``3.12``, made when first asked for.

        Raises:
            StackcompatError: pytest could not be installed.
        """
        folder = self.root / "harness" / bytecode_tag(python)
        with FileLock(f"{folder}.lock"):
            if (folder / "pytest").is_dir():
                return folder
            folder.parent.mkdir(parents=True, exist_ok=True)
            partial = folder.with_name(f"{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            options = ("--target", str(partial), "--python", str(interpreter), "--compile-bytecode")
            done = self.run_uv("pip", "install", *options, *HARNESS_REQUIREMENTS, folder=folder.parent)
            if done.returncode != 0:
                raise StackcompatError(f"pytest for Python {python} could not be installed: {done.stderr[-500:]}")
            shutil.rmtree(folder, ignore_errors=True)
            partial.rename(folder)
            return folder

    # --- single distributions ---

    def wheel(self, source: str, interpreter: Path) -> Path:
        """The wheel for a local source; see :func:`stackcompat.run.sources.find_wheel`."""
        return find_wheel(source, interpreter, self.run_uv, self.root / "built")

    def metadata(self, requirement: str, interpreter: Path, index: str = "") -> str:
        """The core metadata of a release, for an index that does not give it.

        Args:
            requirement: The release as an exact pin.
            interpreter: The interpreter that it is installed for.
            index: As in :meth:`sync`.

        Raises:
            StackcompatError: The release does not install.
        """
        with tempfile.TemporaryDirectory(prefix="stackcompat-metadata-") as folder:
            options = ("--no-deps", "--target", folder, "--python", str(interpreter), *extra_index(index))
            done = self.run_uv("pip", "install", *options, requirement, folder=Path(folder))
            if done.returncode != 0:
                reason = strip_addresses(" ".join(done.stderr.split())[-400:])
                raise StackcompatError(f"{requirement} could not be installed to read its metadata: {reason}")
            metadata = next(Path(folder).glob("*.dist-info/METADATA"))
            return metadata.read_text(encoding="utf-8", errors="replace")

    # --- its size ---

    @property
    def crowded(self) -> bool:
        """Whether the disk that the cache is on is nearly full."""
        return shutil.disk_usage(self.root).free < RESERVE

    def trim(self) -> int:
        """Empty the package cache if it has outgrown its bound, or the disk; the bytes freed.

        Evidence is kept elsewhere. While uv works with the cache, here or in another process, nothing is removed.
        """
        size = _size(self.packages)
        if size <= (min(self.bound, RESERVE) if self.crowded else self.bound):
            return 0
        try:
            with self._users.write_lock(blocking=False):
                shutil.rmtree(self.packages, ignore_errors=True)
                shutil.rmtree(self._compiled, ignore_errors=True)
                self.packages.mkdir(parents=True, exist_ok=True)
        except Timeout:
            return 0
        return size - _size(self.packages)


def _size(folder: Path) -> int:
    """The bytes of all files below a folder."""
    total = 0
    for base, _, files in os.walk(folder):
        for name in files:
            try:
                total += Path(base, name).lstat().st_size
            except FileNotFoundError:
                continue
    return total
