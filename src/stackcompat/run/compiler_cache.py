"""Compiled programs that cells share, so that a compiler of the stack compiles each program only once.

What a compiler makes of a program depends on its own files, on those that call and extend it, and on the machine. Each
combination of these has a folder of its own. No cell works in such a folder: its tests get a copy, and other cells get
what they added only if the cell is trusted. Without the folder only time is lost, so no mistake here ends a cell.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock
from packaging.utils import canonicalize_name

from stackcompat.core.record import digest
from stackcompat.evidence.results import CompilerCacheUse, TestResult
from stackcompat.resolve.lock import Lock
from stackcompat.run.job import Job
from stackcompat.run.package_cache import PackageCache

__all__ = ["OpenCache", "extensions", "may_be_shared", "open_caches", "processor", "programs_key", "with_caches"]

#: The bytes of one folder of programs above which the oldest ones are removed. Each cell copies the folder.
MOST_BYTES = 64 * 2**20

#: The end of the name of a file that is being written.
_PARTIAL = ".partial"

#: The lines of ``/proc/cpuinfo`` that say which instructions a processor has.
_FEATURES = re.compile(
    r"vendor_id|cpu family|model|stepping|flags|Features|CPU (?:implementer|architecture|variant|part)|isa|uarch"
)


@dataclass(frozen=True)
class OpenCache:
    """A compiler's cache that the tests of a cell use.

    Attributes:
        distribution: The distribution that has the compiler.
        shared: The folder with the programs of trusted cells.
        own: The cell's copy of it.
        found: The programs that were copied.
    """

    distribution: str
    shared: Path
    own: Path
    found: frozenset[Path]

    def close(self, *, keep: bool) -> CompilerCacheUse:
        """End the use of the cache.

        Args:
            keep: Whether other cells get the programs that the tests have added.
        """
        added = 0
        if keep:
            with contextlib.suppress(OSError), FileLock(f"{self.shared}.lock"):
                for name in sorted(_files(self.own) - self.found):
                    added += _take_over(self.own / name, self.shared / name)
                _drop_oldest(self.shared)
        return CompilerCacheUse(distribution=self.distribution, found=len(self.found), added=added)

    def give_up(self, why: str) -> None:
        """Let no cell use this folder again, since the compiler's cache fails.

        Args:
            why: How it fails, in a sentence for whoever looks into the folder.
        """
        with contextlib.suppress(OSError):
            self.shared.parent.mkdir(parents=True, exist_ok=True)
            _given_up(self.shared).write_text(f"{why}\n", encoding="utf-8")


def open_caches(job: Job, env_python: Path) -> tuple[OpenCache, ...]:
    """Give the tests of a cell the caches of its compilers. Its lock must be installed.

    Accelerators have compilers of their own, about which nothing is known here; their cells get no cache.

    Args:
        job: The job. The copies of the folders are made in its folder.
        env_python: The Python executable of the environment.
    """
    features = processor()
    if not job.compilers or job.hardware.accelerated or not features:
        return ()
    opened = []
    for distribution, cache in job.compilers.items():
        keyed = {*cache.keyed_by, *extensions(env_python, cache.plugins)}
        machine = [features, *platform.libc_ver(), sorted(job.hardware.variables.items())]
        key = programs_key(job.lock, keyed, machine)
        shared = PackageCache(job.cache, job.uv).programs / f"{distribution}-{key}"
        if key and not _given_up(shared).exists():
            own = job.folder / "compiled" / distribution
            opened.append(OpenCache(distribution, shared, own, _copy(shared, own)))
    return tuple(opened)


def with_caches(job: Job, caches: Iterable[OpenCache]) -> Job:
    """The job, with the variables by which its tests use `caches`."""
    variables = dict(job.variables)
    for cache in caches:
        variables |= job.compilers[cache.distribution].variables(cache.own)
    return job.model_copy(update={"variables": variables})


def may_be_shared(results: Collection[TestResult]) -> bool:
    """Whether the tests of a run show nothing wrong, so that other cells may use the programs that they compiled.

    A test of a feature that most users do without can fail: that is a limit of a release.
    """
    return all(
        result.outcome in ("passed", "not-applicable") or (result.outcome == "failed" and result.feature != "")
        for result in results
    )


# ---------------------------------------------------------------------------------------------------------------------
# What compiled programs depend on
# ---------------------------------------------------------------------------------------------------------------------


def programs_key(lock: Lock, keyed_by: Collection[str], machine: object) -> str:
    """The digest of everything on which compiled programs depend.

    Args:
        lock: The lock.
        keyed_by: The distributions whose files decide what is compiled. Those that the lock has count.
        machine: What is to be known of the machine.

    Returns:
        The digest; empty if the files of one of the distributions are not known.
    """
    pins = [pin for pin in lock.pins if pin.name in keyed_by]
    if not pins or not all(pin.hashes for pin in pins):
        return ""
    files = [[pin.name, pin.version, sorted(pin.hashes)] for pin in pins]
    return digest("programs", 1, files, lock.python, lock.platform, machine)


def processor(root: Path = Path("/")) -> list[str]:
    """Which instructions the processor of this machine has, line by line; nothing if the system does not say it.

    Args:
        root: The root of the file system.
    """
    try:
        text = (root / "proc" / "cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    first = text.strip().split("\n\n")[0]
    return [line for line in first.splitlines() if _FEATURES.fullmatch(line.partition(":")[0].strip())]


def extensions(env_python: Path, plugins: Collection[str]) -> set[str]:
    """The installed distributions that can change a compiler though no test names them.

    These are the ones that run code whenever an interpreter starts, and those that extend the compiler.

    Args:
        env_python: The Python executable of the environment.
        plugins: The groups of entry points, and the namespace packages, by which a distribution extends the compiler.
    """
    found: set[str] = set()
    for site in sorted(env_python.parent.parent.glob("lib/python*/site-packages")):
        starts = {path.name for path in (*site.glob("*.pth"), *site.glob("*customize.py"))}
        entries = starts | {f"{name}/" for name in plugins if (site / name).is_dir()}
        for folder in site.glob("*.dist-info"):
            if _has_entry_point(folder, plugins) or (entries and _has_file(folder, entries)):
                found.add(canonicalize_name(folder.name.partition("-")[0]))
    return found


def _has_entry_point(dist_info: Path, groups: Collection[str]) -> bool:
    """Whether a distribution has an entry point in one of the groups."""
    path = dist_info / "entry_points.txt"
    return path.is_file() and any(f"[{group}]" in path.read_text("utf-8", "replace") for group in groups)


def _has_file(dist_info: Path, entries: Collection[str]) -> bool:
    """Whether a distribution has one of the files, or files in one of the folders (which end with a slash)."""
    record = dist_info / "RECORD"
    paths = record.read_text("utf-8", "replace").splitlines() if record.is_file() else []
    return any(path.strip('"').startswith(tuple(entries)) for path in paths)


# ---------------------------------------------------------------------------------------------------------------------
# Folders of programs
# ---------------------------------------------------------------------------------------------------------------------


def _given_up(shared: Path) -> Path:
    """The file that says why the cache is not used any more."""
    return shared.with_name(f"{shared.name}.off")


def _copy(shared: Path, own: Path) -> frozenset[Path]:
    """Copy the shared programs. Returns which there are."""
    own.mkdir(parents=True)
    if shared.is_dir():
        try:
            with FileLock(f"{shared}.lock"):
                shutil.copytree(
                    shared,
                    own,
                    dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns(f"*{_PARTIAL}"),
                    copy_function=shutil.copyfile,
                )
        except OSError:  # the folder was removed meanwhile, or the disk is full
            shutil.rmtree(own, ignore_errors=True)
            own.mkdir(parents=True, exist_ok=True)
    return frozenset(_files(own))


def _files(folder: Path) -> set[Path]:
    """The files below a folder, relative to it. Links are left out: they can lead anywhere."""
    return {path.relative_to(folder) for path in _walk(folder)}


def _walk(folder: Path) -> Iterator[Path]:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def _take_over(program: Path, target: Path) -> bool:
    """Put a program into the shared folder, whole or not at all. Returns whether it was not there yet."""
    if target.exists():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}{_PARTIAL}")
    shutil.copyfile(program, partial)
    partial.replace(target)
    return True


def _drop_oldest(shared: Path) -> None:
    """Keep a shared folder within its bound."""
    states = sorted(((path.stat(), path) for path in _walk(shared)), key=lambda pair: pair[0].st_mtime)
    size = sum(state.st_size for state, _ in states)
    for state, path in states:
        if size <= MOST_BYTES:
            return
        path.unlink()
        size -= state.st_size
