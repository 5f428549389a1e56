"""Folders and files that travel with a job to another machine: packed, named by their content, unpacked once there.

A parcel is a tar archive of a folder, or of one file. Its name is a digest of the paths, the contents and the
executable bits, so the same tests have the same name wherever and whenever they were checked out.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from filelock import FileLock, Timeout

from stackcompat.core.errors import StackcompatError
from stackcompat.core.files import write_whole
from stackcompat.resolve.lock import Pin
from stackcompat.run.job import Job
from stackcompat.run.manifest import files_of, is_unchanged, manifest

__all__ = ["Parcel", "Parcels", "address", "belongings", "pack", "relocated", "unpack"]

#: Parcels that no cell used for so many seconds are removed.
_KEPT = 14 * 24 * 3600.0


class Parcel(NamedTuple):
    """A packed folder.

    Attributes:
        name: The digest of what is in it.
        content: The archive.
    """

    name: str
    content: bytes


def address(place: Path, *, bytecode: bool = True, follow: bool = True) -> str:
    """The name of the parcel that :func:`pack` makes of a folder or a file, with the same arguments."""
    named = hashlib.sha256()
    for path, name in _entries(place, bytecode=bytecode, follow=follow):
        if path.is_symlink() and not follow:
            content, executable = f"link {path.readlink()}", False
        elif path.is_dir():
            content, executable = "folder", True
        else:
            content, executable = hashlib.sha256(path.read_bytes()).hexdigest(), _is_executable(path)
        named.update(f"{name}\0{content}\0{executable}\n".encode("utf-8", "surrogateescape"))
    return named.hexdigest()[:32]


def pack(place: Path, *, bytecode: bool = True, follow: bool = True) -> Parcel:
    """Pack a folder, or a file, which is then the only one in the parcel. What is neither file nor folder is left out.

    Args:
        place: The folder or the file.
        bytecode: Whether compiled modules are part of it.
        follow: Whether links are packed as what they lead to, wherever that is. Otherwise they stay links, and those
            that lead out of the folder are left out: what tests wrote gives away no file of the machine.
    """
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, name in _entries(place, bytecode=bytecode, follow=follow):
            member = tarfile.TarInfo(name)
            if path.is_symlink() and not follow:
                member.type, member.linkname = tarfile.SYMTYPE, str(path.readlink())
                archive.addfile(member)
                continue
            member.mtime = path.stat().st_mtime_ns / 1e9  # by which an interpreter knows that bytecode fits its source
            if path.is_dir():
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(member)
            else:
                data = path.read_bytes()
                member.size, member.mode = len(data), 0o755 if _is_executable(path) else 0o644
                archive.addfile(member, io.BytesIO(data))
    return Parcel(address(place, bytecode=bytecode, follow=follow), content.getvalue())


def _is_executable(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o100)


def _entries(place: Path, *, bytecode: bool, follow: bool) -> Iterator[tuple[Path, str]]:
    """What is below a folder, sorted, each with its path in the parcel."""
    if place.is_file():
        yield place, place.name
        return
    for folder, folders, files in os.walk(place, followlinks=follow):
        folders[:] = sorted(name for name in folders if bytecode or name != "__pycache__")
        for name in sorted([*folders, *files]):
            path = Path(folder, name)
            if path.is_symlink() and not follow:
                if _stays_within(path, place):
                    yield path, path.relative_to(place).as_posix()
            elif path.is_dir() or path.is_file():
                yield path, path.relative_to(place).as_posix()


def _stays_within(link: Path, place: Path) -> bool:
    """Whether a link is relative and leads to something in a folder."""
    target = link.readlink()
    return not target.is_absolute() and (link.parent / target).resolve().is_relative_to(place.resolve())


def unpack(content: bytes, folder: Path) -> None:
    """Unpack a parcel into a folder, which is made. Nothing of it can come to lie outside.

    Raises:
        StackcompatError: It is no parcel, or something of it would lie outside.
    """
    folder.mkdir(parents=True)
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r") as archive:
            archive.extractall(folder, filter="data")
    except tarfile.TarError as error:
        raise StackcompatError(f"what came from another machine cannot be unpacked: {error}") from None


class Parcels:
    """The parcels that came to this machine, each unpacked once for all cells.

    Args:
        root: The folder that they are kept in.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def open(self, name: str, fetch: Callable[[], bytes]) -> Path:
        """The folder of an unpacked parcel.

        Args:
            name: The name of the parcel.
            fetch: Gives the archive. It is called only if the parcel is not here, or was changed.

        Raises:
            StackcompatError: What was fetched is not what its name says.
        """
        folder = self.root / name
        files = files_of(folder)
        self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not is_unchanged(folder, files):
                partial = self.root / f"{name}.partial"
                shutil.rmtree(partial, ignore_errors=True)
                unpack(fetch(), partial)
                if address(partial, follow=False) != name:
                    shutil.rmtree(partial, ignore_errors=True)
                    raise StackcompatError(f"the parcel {name} arrived damaged")
                shutil.rmtree(folder, ignore_errors=True)
                partial.rename(folder)
                write_whole(files, manifest(folder))
            os.utime(folder)  # those that were not used for long are dropped
        return folder

    def drop_unused(self) -> None:
        """Remove the parcels that no cell used for two weeks."""
        for folder in self.root.glob("*/"):
            lock = folder.with_name(f"{folder.name}.lock")
            # Another process may remove the folder at the same time, or use it: then it is none to drop.
            with suppress(FileNotFoundError, Timeout), FileLock(lock, blocking=False):
                if not folder.is_dir() or time.time() - folder.stat().st_mtime > _KEPT:
                    shutil.rmtree(folder, ignore_errors=True)
                    files_of(folder).unlink(missing_ok=True)
                    lock.unlink(missing_ok=True)


# ---------------------------------------------------------------------------------------------------------------------
# What of a job travels
# ---------------------------------------------------------------------------------------------------------------------


def belongings(job: Job) -> tuple[Path, ...]:
    """The folders and files of this machine that the tests of a job read, each once.

    They are the smoke tests with their helpers, pytest, the tests that releases ship, wheels that are on no index, and
    the artifacts of the writer.
    """
    found = [job.suite, job.helpers, job.harness, *(own.folder for own in job.upstream)]
    found += [_wheel(pin) for pin in job.lock.pins]
    if job.exchange is not None and job.exchange.mode == "read":
        found.append(job.exchange.store)
    return tuple(dict.fromkeys(path for path in found if path is not None))


def relocated(job: Job, places: Mapping[Path, Path]) -> Job:
    """The job, with what belongs to it found in other places.

    Args:
        job: The job.
        places: For each of its :func:`belongings` the folder that has its content.
    """

    def moved(pin: Pin) -> Pin:
        wheel = _wheel(pin)
        return pin if wheel is None else pin.model_copy(update={"source": (places[wheel] / wheel.name).as_uri()})

    update: dict[str, object] = {
        "suite": places[job.suite],
        "helpers": places[job.helpers] if job.helpers is not None else None,
        "harness": places[job.harness] if job.harness is not None else None,
        "upstream": tuple(
            own.model_copy(update={"folder": places[own.folder]}) if own.folder is not None else own
            for own in job.upstream
        ),
        "lock": job.lock.model_copy(update={"pins": tuple(map(moved, job.lock.pins))}),
    }
    if job.exchange is not None and job.exchange.mode == "read":
        update["exchange"] = job.exchange.model_copy(update={"store": places[job.exchange.store]})
    return job.model_copy(update=update)


def _wheel(pin: Pin) -> Path | None:
    """The file of a pin that comes from this machine; None for all others."""
    if not pin.source.startswith("file:"):
        return None
    return Path(url2pathname(urlsplit(pin.source).path))
