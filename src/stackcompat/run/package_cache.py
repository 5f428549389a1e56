"""The tool's own package cache: what uv downloads, with bytecode compiled once per wheel.

uv links a wheel's files out of its cache into an environment, ``__pycache__`` with them if it is there. So after new
wheels arrived they are compiled where they lie, and every later environment starts as fast as a used one. Where the
cache's layout is not what this module knows, nothing is compiled and only speed is lost.

The cache is shared by all checkouts, is never the user's own uv cache, and is bounded in size.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, ReadWriteLock, Timeout
from packaging.utils import canonicalize_name
from platformdirs import user_cache_path

from stackcompat.core.record import StackcompatError, UsageError
from stackcompat.core.redact import strip_addresses
from stackcompat.ecosystem.interpreters import bytecode_tag
from stackcompat.resolve.lock import Lock
from stackcompat.resolve.uv import extra_index, uv_environment

__all__ = ["HARNESS_REQUIREMENTS", "PackageCache", "cache_bound", "default_cache"]

#: What runs the tests inside a cell. It is kept outside the cell's environment, see inside/plugin.py.
HARNESS_REQUIREMENTS = ("pytest>=8.3",)


#: Bytes above which the package cache is emptied: uv takes no single wheel that is missing there for absent.
DEFAULT_BOUND = 40 * 2**30


#: Bytes that stay free on the disk: where fewer are left, packages that hold as many are emptied below their bound.
RESERVE = 4 * 2**30


def default_cache() -> Path:
    """Where the tool keeps what it can make again: ``STACKCOMPAT_CACHE``, or a folder in the user's cache folder."""
    given = os.environ.get("STACKCOMPAT_CACHE", "").strip()
    return Path(given) if given else user_cache_path("stackcompat")


def cache_bound() -> int:
    """Bytes above which the package cache is emptied: ``STACKCOMPAT_CACHE_GIB``, else the default. Or UsageError."""
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

    The packages may grow to `bound` bytes.
    """

    def __init__(self, root: Path, uv: str, bound: int = DEFAULT_BOUND) -> None:
        self.root = root
        self.uv = uv
        self.bound = bound
        self.packages = root / "uv"
        self.environments = root / "environments"
        for folder in (self.packages, self.environments):
            folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keeps the packages where they are for as long as uv works with them, in whatever process."""
        with self._users.read_lock():
            yield

    @property
    def _users(self) -> ReadWriteLock:
        # One for each use: threads that share one could not wait for each other.
        return ReadWriteLock(self.root / "users.lock", is_singleton=False)

    def sync(self, lock: Path, python: Path, index: str = "") -> subprocess.CompletedProcess[str]:
        """Install exactly the lock file's distributions into the environment of `python`.

        `index` is the environment variable with the address of the extra index that some of them come from.
        """
        options = ("--python", str(python), "--require-hashes", *extra_index(index))
        return self._uv("pip", "sync", str(lock), *options, folder=lock.parent)

    def renew(self, python: Path, interpreter: Path) -> subprocess.CompletedProcess[str]:
        """Make the environment of `python` anew and empty."""
        environment = python.parent.parent
        return self._uv("venv", "--clear", "--python", str(interpreter), str(environment), folder=environment.parent)

    def _uv(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
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

    def wheel(self, source: str, interpreter: Path) -> Path:
        """The wheel for `source`: a wheel itself, a source folder or sdist, or a git address (see `_clone`).

        Built in a folder of the cache named after what was built. Raises StackcompatError when that fails.
        """
        if source.endswith(".whl"):
            path = Path(source).expanduser().resolve()
            if not path.is_file():
                raise StackcompatError(f"{path.name}: there is no such wheel")
            return path
        with tempfile.TemporaryDirectory(prefix="stackcompat-build-") as folder:
            origin = _clone(source, Path(folder, "source")) if source.startswith("git+") else Path(source).expanduser()
            if not origin.exists():
                raise StackcompatError(f"{source}: there is no such file or folder")
            done = self._uv(
                *("build", "--wheel", "--python", str(interpreter), "--out-dir", str(Path(folder, "built"))),
                str(origin.resolve()),
                folder=Path(folder),
            )
            built = list(Path(folder, "built").glob("*.whl"))
            if done.returncode != 0 or len(built) != 1:
                reason = strip_addresses(" ".join(done.stderr.split())[-400:])
                raise StackcompatError(f"{Path(source).name}: no wheel could be built: {reason}")
            content = hashlib.sha256(built[0].read_bytes()).hexdigest()[:16]
            kept = self.root / "built" / content / built[0].name
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(built[0], kept)
            return kept

    def metadata(self, requirement: str, interpreter: Path, index: str = "") -> str:
        """The core metadata of what `requirement`, an exact pin, installs; `index` as in :meth:`sync`.

        For what an index may not tell about its files. Raises StackcompatError when it does not install.
        """
        with tempfile.TemporaryDirectory(prefix="stackcompat-metadata-") as folder:
            options = ("--no-deps", "--target", folder, "--python", str(interpreter), *extra_index(index))
            done = self._uv("pip", "install", *options, requirement, folder=Path(folder))
            if done.returncode != 0:
                reason = strip_addresses(" ".join(done.stderr.split())[-400:])
                raise StackcompatError(f"{requirement} could not be installed to read its metadata: {reason}")
            found = next(Path(folder).glob("*.dist-info/METADATA"))
            return found.read_text(encoding="utf-8", errors="replace")

    def harness(self, python: str, interpreter: Path) -> Path:
        """A folder with pytest for `python`, made when first asked for."""
        folder = self.root / "harness" / bytecode_tag(python)
        with FileLock(str(folder) + ".lock"):
            if not (folder / "pytest").is_dir():
                folder.parent.mkdir(parents=True, exist_ok=True)
                partial = folder.with_name(folder.name + ".partial")
                shutil.rmtree(partial, ignore_errors=True)
                options = ("--target", str(partial), "--python", str(interpreter), "--compile-bytecode")
                done = self._uv("pip", "install", *options, *HARNESS_REQUIREMENTS, folder=folder.parent)
                if done.returncode != 0:
                    raise StackcompatError(f"pytest for Python {python} could not be installed: {done.stderr[-500:]}")
                shutil.rmtree(folder, ignore_errors=True)
                partial.rename(folder)
        return folder

    def compile(self, lock: Lock, interpreter: Path) -> int:
        """Compile those of the lock's wheels in the cache that lack bytecode for its Python; how many those were."""
        done = self.root / "compiled" / bytecode_tag(lock.python)
        done.mkdir(parents=True, exist_ok=True)
        wanted = {(pin.name, pin.version) for pin in lock.pins}
        pending = [archive for archive in self._archives(wanted) if not (done / archive.name).exists()]
        if not pending:
            return 0
        with FileLock(str(done) + ".lock"):
            pending = [archive for archive in pending if not (done / archive.name).exists()]
            if pending:
                _compile(pending, interpreter)
                for archive in pending:
                    (done / archive.name).touch()
        return len(pending)

    def _archives(self, wanted: set[tuple[str, str]]) -> list[Path]:
        """The unpacked wheels in uv's cache (``archive-v0/<id>/<name>-<version>.dist-info``) that are wanted."""
        found = []
        for archives in self.packages.glob("archive-v*"):
            for archive in archives.iterdir():
                for info in archive.glob("*.dist-info"):
                    name, _, version = info.name.removesuffix(".dist-info").partition("-")
                    if (canonicalize_name(name), version) in wanted:
                        found.append(archive)
        return found

    @property
    def crowded(self) -> bool:
        """Whether the disk that it is on is nearly full."""
        return shutil.disk_usage(self.root).free < RESERVE

    def trim(self) -> int:
        """Empty the package cache once it has outgrown its bound, or the disk; the bytes freed.

        Evidence is kept elsewhere. While uv works with it, here or in another process, it is left for the next time.
        """
        size = _size(self.packages)
        if size <= (min(self.bound, RESERVE) if self.crowded else self.bound):
            return 0
        try:
            with self._users.write_lock(blocking=False):
                shutil.rmtree(self.packages, ignore_errors=True)
                shutil.rmtree(self.root / "compiled", ignore_errors=True)
                self.packages.mkdir(parents=True, exist_ok=True)
        except Timeout:
            return 0
        return size - _size(self.packages)


def _clone(source: str, folder: Path) -> Path:
    """Clone ``git+ADDRESS[@REVISION][#subdirectory=FOLDER]`` into `folder`; where in it the project is."""
    place, _, fragment = source.removeprefix("git+").partition("#")
    address, at, revision = place.rpartition("@")
    # One that stands before the path is that of a user, as in git+ssh://git@host/project.
    if not at or "/" not in address.split("://")[-1]:
        address, revision = place, ""
    commands = [("clone", ["git", "clone", "--quiet", "--", address, str(folder)])]
    if revision:
        commands.append(("checkout", ["git", "-C", str(folder), "checkout", "--quiet", revision, "--"]))
    for what, command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise StackcompatError(f"git {what} failed: {strip_addresses(done.stderr.strip())[-300:]}")
    within = dict(part.partition("=")[::2] for part in fragment.split("&")).get("subdirectory", "")
    project = (folder / within).resolve()
    if not project.is_dir() or not project.is_relative_to(folder.resolve()):
        raise StackcompatError(f"#subdirectory={within}: there is no such folder in the repository")
    return project


def _compile(archives: Sequence[Path], interpreter: Path) -> None:
    folders = [
        str(entry)
        for archive in archives
        for entry in archive.iterdir()
        # uv refuses a __pycache__ among the scripts of a wheel's data folder.
        if not entry.name.endswith((".data", ".dist-info"))
    ]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    subprocess.run(
        [str(interpreter), "-I", "-m", "compileall", "-q", "-j", "0", *folders],
        env=environment,
        capture_output=True,
        check=False,  # a file for another Python, or a template, does not compile and is not imported either
    )


def _size(folder: Path) -> int:
    total = 0
    for base, _, files in os.walk(folder):
        for name in files:
            try:
                total += Path(base, name).lstat().st_size
            except FileNotFoundError:
                continue
    return total
