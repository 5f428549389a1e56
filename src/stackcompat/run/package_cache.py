"""The tool's own package cache: the downloads of uv, with their bytecode.

All ecosystems share the cache. It is not the user's own cache of uv, and it is bounded in size.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from filelock import FileLock, ReadWriteLock, Timeout

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.core.files import remove_tree, write_whole
from stackcompat.core.programs import ask_program
from stackcompat.core.redact import strip_addresses
from stackcompat.ecosystem.interpreters import bytecode_tag
from stackcompat.resolve.lock import Lock
from stackcompat.resolve.uv import extra_index, uv_environment
from stackcompat.run.build_sandbox import BuildSandbox
from stackcompat.run.bytecode import (
    FreshWheel,
    changed_since,
    changed_wheels,
    compile_wheels,
    compiled_wheels,
    forget_wheels,
    fresh_wheels,
)
from stackcompat.run.link_times import linking, read_spans
from stackcompat.run.sources import find_wheel

__all__ = ["CONTENTS", "RESERVE", "PackageCache", "cache_bound", "free_bytes", "measure", "remove_job_folder"]

#: The folders in the cache of the tool, each with what is in it. Nothing else in the cache is ever removed.
CONTENTS = {
    "uv": "packages as uv downloaded and unpacked them, with their bytecode",
    "compiled": "marks of the wheels whose bytecode is there",
    "environments": "environments of cells that run now",
    "programs": "compiled programs that cells share",
    "built": "wheels of local sources",
    "harness": "pytest, which runs the tests of cells",
    "parcels": "tests and wheels that came from another machine",
    "index": "answers of the package index",
    "names": "modules of wheels, as frontiers read them",
    "suites": "what was read out of the smoke tests",
    "upstream": "tests that releases ship",
    "artifacts": "artifacts that cells wrote for others",
    "templates": "compiled templates of the page",
}

#: The size in bytes above which the package cache is emptied. It is emptied as a whole, since uv does not notice that
#: single wheels are missing in its cache.
DEFAULT_BOUND = 40 * 2**30


#: The bytes that must stay free on the disk. If fewer are free, a cache above this size is emptied though it is within
#: its bound.
RESERVE = 4 * 2**30

#: A cache that took up less than half of its bound is not measured again for so many seconds.
_MEASURED_SECONDS = 3600


def cache_bound() -> int:
    """The size in bytes above which the package cache is emptied: ``STACKCOMPAT_CACHE_GIB``, or else the default.

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
    """A folder with packages, harnesses and environments. It is one file system, so that files can be linked.

    Attributes:
        root: The folder.
        uv: The path of uv.
        bound: The size in bytes above which the packages are removed.
        packages: The cache folder of uv.
        environments: The folder in which the environments of cells are made.
        programs: The folder with the compiled programs that cells share.
        used: Whether this process, or one that it started, has worked with the packages, so that they can be more.
    """

    def __init__(self, root: Path, uv: str, bound: int = DEFAULT_BOUND) -> None:
        self.root = root
        self.uv = uv
        self.bound = bound
        self.packages = root / "uv"
        self.environments = root / "environments"
        self.programs = root / "programs"
        self.used = False
        self._make_folders()

    def _make_folders(self) -> None:
        for folder in (self.packages, self.environments, self.programs):
            folder.mkdir(parents=True, exist_ok=True)

    # --- uv ---

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """A context in which no process removes the packages. It is held while uv works with them."""
        self.used = True
        with self._users.read_lock():
            yield

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """A context in which no process clears the cache. A command that runs cells holds it until it ends."""
        with self._commands.read_lock():
            yield

    # Each use has a lock object of its own, since threads that share one could not wait for each other.

    @property
    def _users(self) -> ReadWriteLock:
        return ReadWriteLock(self.root / "users.lock", is_singleton=False)

    @property
    def _commands(self) -> ReadWriteLock:
        return ReadWriteLock(self.root / "commands.lock", is_singleton=False)

    def run_uv(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run uv with this cache, in `folder`. It raises nothing, whatever the exit code of uv is."""
        with self.in_use(), linking(self.root):
            return ask_program([self.uv, *arguments], folder=folder, environment=uv_environment(self.packages))

    # --- environments ---

    def sync(
        self,
        lock: Path,
        env_python: Path,
        index: str = "",
        *,
        copied: bool = False,
        build: bool = False,
        closed: BuildSandbox | None = None,
        sources: Iterable[str] = (),
    ) -> subprocess.CompletedProcess[str]:
        """Install exactly the distributions of a lock file into an environment.

        Args:
            lock: The lock file.
            env_python: The Python executable of the environment.
            index: The environment variable with the address of the extra index that some of them come from.
            copied: Whether files are copied from the cache, so that what happens to them does not happen to it.
            build: Whether source distributions are built where the lock has no wheel. That runs code of the releases.
            closed: The sandbox in which that is done; None: it is done outside. In it, files are copied.
            sources: Where the distributions come from that are on no index.
        """
        options = ("--python", str(env_python), "--require-hashes", *extra_index(index))
        if copied or closed is not None:
            options += ("--link-mode", "copy")
        if not build:
            options += ("--no-build",)
        if closed is not None:
            return self._sync_closed(lock, env_python, options, closed, sources)
        return self.run_uv("pip", "sync", str(lock), *options, folder=lock.parent)

    def _sync_closed(
        self, lock: Path, env_python: Path, options: Sequence[str], closed: BuildSandbox, sources: Iterable[str]
    ) -> subprocess.CompletedProcess[str]:
        """Let uv install in a sandbox, in which it sees of the folder of the job only the lock and the environment."""
        with tempfile.TemporaryDirectory(prefix="install-", dir=lock.parent) as name, self.in_use(), linking(self.root):
            folder = Path(name)
            shutil.copy(lock, folder)
            command, environment = closed.command(
                [self.uv, "pip", "sync", lock.name, *options],
                uv_environment(self.packages),
                folder=folder,
                python=env_python,
                sources=sources,
                writable=[env_python.parent.parent],
            )
            return ask_program(command, folder=folder, environment=environment)

    def renew(self, env_python: Path, interpreter: Path) -> subprocess.CompletedProcess[str]:
        """Make an environment again: empty, and from `interpreter`.

        Args:
            env_python: The Python executable of the environment.
            interpreter: The interpreter that the environment is made from.
        """
        environment = env_python.parent.parent
        options = ("--clear", "--python", str(interpreter))
        return self.run_uv("venv", *options, str(environment), folder=environment.parent)

    def with_bytecode(self, lock: Lock) -> frozenset[Path]:
        """The wheels of a lock that have bytecode in the cache for its Python."""
        return compiled_wheels(lock, self.packages, self._marks(lock))

    def compile(self, lock: Lock, interpreter: Path, before: Collection[Path] = ()) -> int:
        """Compile the wheels of a lock that have no bytecode in the cache for its Python.

        Args:
            lock: The lock.
            interpreter: An interpreter of its Python.
            before: The wheels that had bytecode before an environment was linked (:meth:`with_bytecode`).

        Returns:
            How many wheels of the lock had none then.
        """
        compiled = compile_wheels(lock, interpreter, self.packages, self._marks(lock), before)
        self.used = self.used or compiled > 0
        return compiled

    def wheels(self, lock: Lock) -> tuple[FreshWheel, ...]:
        """What the wheels of a lock look like by their marks, for a later :meth:`heal`."""
        return fresh_wheels(lock, self.packages, self._marks(lock))

    def heal(self, lock: Lock, fresh: Sequence[FreshWheel] = (), *, whole: bool = False) -> dict[str, str]:
        """Remove the packages of a lock from the cache that are not as they were when they were fresh.

        They are downloaded again when they are installed next. So neither damage of the disk nor a test that could
        reach the cache changes what a later cell runs.

        Args:
            lock: The lock.
            fresh: What the wheels looked like when an environment was linked from them. With it, those count as well
                that were changed since and that another process has removed for that.
            whole: Whether the contents of all files are compared, though that was done today.

        Returns:
            Distribution to the first of its files that was changed.
        """
        spans = read_spans(self.root)
        changed, as_marked = changed_wheels(lock, self.packages, self._marks(lock), spans, whole=whole)
        since = changed_since(fresh, self._marks(lock), spans, as_marked)
        if changed:
            with self._users.write_lock():
                command = [self.uv, "cache", "clean", *changed]
                environment = uv_environment(self.packages)
                subprocess.run(command, env=environment, capture_output=True, check=False, stdin=subprocess.DEVNULL)
        return since | changed

    @property
    def _compiled(self) -> Path:
        return self.root / "compiled"

    def _marks(self, lock: Lock) -> Path:
        """The folder with the marks for the Python of a lock. Those without digests were in folders of other names."""
        return self._compiled / f"{bytecode_tag(lock.python)}-sha256"

    # --- single distributions ---

    def wheel(self, source: str, interpreter: Path) -> Path:
        """The wheel for a local source. See :func:`stackcompat.run.sources.find_wheel`."""
        return find_wheel(source, interpreter, self.run_uv, self.root / "built")

    def metadata(self, requirement: str, interpreter: Path, index: str = "") -> str:
        """The core metadata of a release on an index that does not give it. The release is installed to read it.

        Args:
            requirement: The release as an exact pin.
            interpreter: The interpreter that the release is installed for.
            index: The environment variable with the address of an extra index; empty for no extra index.

        Raises:
            StackcompatError: The release does not install.
        """
        with tempfile.TemporaryDirectory(prefix="stackcompat-metadata-") as folder:
            options = ("--no-deps", "--no-build", "--target", folder, "--python", str(interpreter), *extra_index(index))
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

    def trim(self, *, anew: bool = False) -> int:
        """Empty the package cache if it is above its bound, or if the disk is nearly full. Returns the freed bytes.

        It takes seconds to measure a large cache. So one that was not used, and can be no larger, is not measured, nor
        one that took up less than half of its bound within the last hour. Compiled programs count and are removed, too.
        Nothing is removed while uv works with the cache, in this process or another. Evidence is kept elsewhere.

        Args:
            anew: Whether it is measured in any case.
        """
        crowded = self.crowded
        if not (anew or crowded or (self.used and self._may_be_large())):
            return 0
        size = _size(self.packages) + _size(self.programs)
        with contextlib.suppress(OSError):
            write_whole(self._measured, str(size))
        if size <= (min(self.bound, RESERVE) if crowded else self.bound):
            return 0
        try:
            with self._users.write_lock(blocking=False):
                forget_wheels(self.packages, self._compiled, read_spans(self.root))
                shutil.rmtree(self.packages, ignore_errors=True)
                shutil.rmtree(self.programs, ignore_errors=True)
                self._make_folders()
        except Timeout:
            return 0
        return size - _size(self.packages) - _size(self.programs)

    @property
    def _measured(self) -> Path:
        """The file with the size of the packages and programs when they were measured last."""
        return self.root / "measured.txt"

    def _may_be_large(self) -> bool:
        """Whether the packages can be above the bound by now, by what they were when they were measured last."""
        try:
            age = time.time() - self._measured.stat().st_mtime
            size = int(self._measured.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return True
        return not 0 <= age < _MEASURED_SECONDS or size > self.bound / 2

    @contextmanager
    def occupied(self, folder: Path) -> Iterator[None]:
        """A context in which no process takes the folder of a job for a leftover.

        The lock also holds against engines that see other processes than this one, as those of other containers do.

        Args:
            folder: The folder, among the environments.
        """
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock_of(folder)
        with FileLock(lock):
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)

    def remove_leftovers(self) -> bool:
        """Remove the environments that ended processes left. Returns whether those of running processes are left."""
        running = False
        for folder in self.environments.iterdir():
            pid = folder.name.partition("-")[0]  # as the job names it: after the process that made it
            if folder.suffix == ".lock":
                continue
            if pid.isdigit() and not psutil.pid_exists(int(pid)) and _remove_unless_occupied(folder):
                continue
            running = True
        return running

    def clear(self) -> bool:
        """Remove all that is in the cache, but nothing while a command runs cells. Returns whether it was removed."""
        try:
            with self._commands.write_lock(blocking=False), self._users.write_lock(blocking=False):
                if self.remove_leftovers():
                    return False
                for name in CONTENTS:
                    remove_tree(self.root / name)
                self._make_folders()
        except Timeout:
            return False
        return True


def remove_job_folder(folder: Path) -> None:
    """Remove the folder of a job among the environments, as far as possible.

    An overlay leaves a folder in it that only root opens.
    """
    with contextlib.suppress(OSError):
        (folder / "layer" / "work" / "work").chmod(0o700)
    with linking(folder.parent.parent):
        remove_tree(folder)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _remove_unless_occupied(folder: Path) -> bool:
    """Remove the folder of a job unless its engine runs. Returns whether it was removed."""
    try:
        with FileLock(_lock_of(folder), blocking=False):
            remove_job_folder(folder)
            _lock_of(folder).unlink(missing_ok=True)
    except Timeout:
        return False
    return True


def measure(root: Path) -> dict[str, int]:
    """The bytes of each of the :data:`CONTENTS` of a cache.

    A file that has several names counts once, for the first of its folders: environments are linked from the packages.

    Args:
        root: The folder of the cache. It need not be there.
    """
    seen: set[tuple[int, int]] = set()
    return {name: _size(root / name, seen) for name in CONTENTS}


def free_bytes(folder: Path) -> int:
    """The free bytes on the disk of a folder, which need not be there yet."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(there).free


def _size(folder: Path, seen: set[tuple[int, int]] | None = None) -> int:
    """The bytes of all files below a folder.

    Args:
        folder: The folder.
        seen: The device and number of files that do not count. Those of the folder are added. None: all names count.
    """
    total = 0
    for base, _, files in os.walk(folder):
        for name in files:
            try:
                status = Path(base, name).lstat()
            except FileNotFoundError:
                continue
            file = (status.st_dev, status.st_ino)
            if seen is None or file not in seen:
                total += status.st_size
            if seen is not None:
                seen.add(file)
    return total
