"""The bytecode of wheels: compiled once for each wheel, in the cache of uv.

uv keeps wheels unpacked in its cache and links their files into environments. If a wheel has a ``__pycache__``, that is
linked too. So new wheels are compiled in the cache, and every later environment starts as fast as a used one. If a
later uv lays out its cache in another way, nothing is compiled and only speed is lost.

With the bytecode goes a *mark*: what the files of the wheel looked like then, with their digests. When the mark is
made, they are compared with the RECORD of the wheel. The files are compared with the mark before each cell: the sizes
and times of all, the contents of those that somebody else has touched since (:mod:`stackcompat.run.link_times`), and
once a day the contents of all. The time of a mark is that of the last comparison.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import csv
import os
import shutil
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from uuid import uuid4

from filelock import FileLock
from packaging.utils import canonicalize_name

from stackcompat.core.files import write_whole
from stackcompat.resolve.lock import Lock
from stackcompat.run.link_times import Span, touched_since
from stackcompat.run.manifest import every_file, first_change, manifest, read_manifest

__all__ = [
    "FreshWheel",
    "changed_since",
    "changed_wheels",
    "compile_wheels",
    "compiled_wheels",
    "forget_wheels",
    "fresh_wheels",
]


#: The folder next to those of the interpreters with a note for each wheel that was found changed. A note differs from
#: all earlier ones about the same wheel.
CHANGED = "changed"

#: The folder next to it with a note for each wheel whose files were not those of its RECORD: the digest of its mark.
UNLIKE_RECORD = "unlike-record"

_DAY_NS = 24 * 3600 * 10**9


class FreshWheel(NamedTuple):
    """What an unpacked wheel looked like when a cell was installed.

    Attributes:
        folder: The wheel in the cache.
        name: The distribution.
        files: What its mark says of its files; None if it was not compiled for the interpreter, empty if they are not
            those of its RECORD.
        note: The note that an earlier wheel in this folder was found changed; None without one.
    """

    folder: Path
    name: str
    files: str | None
    note: str | None


def compiled_wheels(lock: Lock, packages: Path, done: Path) -> frozenset[Path]:
    """The wheels of a lock that are compiled. See :func:`compile_wheels`."""
    wheels = _unpacked_wheels(packages, {(pin.name, pin.version) for pin in lock.pins})
    return frozenset(wheel for wheel in wheels if (done / wheel.name).exists())


def compile_wheels(lock: Lock, interpreter: Path, packages: Path, done: Path, before: Collection[Path] = ()) -> int:
    """Compile the wheels of a lock that are not compiled yet.

    Args:
        lock: The lock.
        interpreter: The interpreter that the bytecode is for.
        packages: The cache folder of uv.
        done: A folder that has the mark of each wheel that was compiled for this interpreter
            (:mod:`stackcompat.run.manifest`). The mark of a wheel is empty if its files are not those of its RECORD, so
            that it counts as changed. If they are the same after another download, the release has made its RECORD so.
        before: The wheels that were compiled before an environment was linked from the cache.

    Returns:
        How many wheels are not among those. Some may have been compiled by other processes since: in any case, the
        environment can lack their bytecode, which the tests would then write into it.
    """
    done.mkdir(parents=True, exist_ok=True)
    wheels = _unpacked_wheels(packages, {(pin.name, pin.version) for pin in lock.pins})
    new = [wheel for wheel in wheels if wheel not in before]
    if any(not (done / wheel.name).exists() for wheel in new):
        with FileLock(f"{done}.lock"):
            pending = [wheel for wheel in new if not (done / wheel.name).exists()]
            if pending:
                _compile(pending, interpreter)
                for wheel in pending:
                    _mark(wheel, done)
    return len(new)


def _mark(wheel: Path, done: Path) -> None:
    """Make the mark of a wheel."""
    began, text = time.time_ns(), manifest(wheel)
    different = _unlike_record(wheel, text)
    note = done.with_name(UNLIKE_RECORD) / next(wheel.glob("*.dist-info")).name
    if different and _text(note) != different:
        note.parent.mkdir(exist_ok=True)
        write_whole(note, different)
        text = ""
    mark = done / wheel.name
    write_whole(mark, text)  # other cells read it meanwhile
    os.utime(mark, ns=(began, began))


def _unlike_record(wheel: Path, text: str) -> str:
    """The files of a wheel that are not as its RECORD says, each with its digest; empty if all are.

    Args:
        wheel: The wheel in the cache.
        text: What :func:`stackcompat.run.manifest.manifest` says of it.
    """
    record = next(wheel.glob("*.dist-info")) / "RECORD"
    here = read_manifest(text) or {}
    different = []
    try:
        rows = list(csv.reader(record.read_text(encoding="utf-8", errors="replace").splitlines()))
    except (OSError, csv.Error):
        return ""  # uv refuses a wheel without one
    for path, digest in ((row[0], row[1]) for row in rows if len(row) > 1):
        algorithm, _, value = digest.partition("=")
        if algorithm != "sha256" or not value or path.endswith(".pyc"):
            continue  # bytecode that a wheel brings, as numpy 1.26.4 does, is compiled again
        found = here[path].digest if path in here else "missing"
        try:
            named = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()
        except (binascii.Error, ValueError):
            continue
        if found != named:
            different.append(f"{path} {found}")
    return "\n".join(sorted(different))


def fresh_wheels(lock: Lock, packages: Path, done: Path) -> tuple[FreshWheel, ...]:
    """What the wheels of a lock look like by their marks, for a later :func:`changed_since`.

    Args:
        lock: The lock.
        packages: The cache folder of uv.
        done: The folder that :func:`compile_wheels` has made.
    """
    wheels = _unpacked_wheels(packages, {(pin.name, pin.version) for pin in lock.pins})
    notes = done.with_name(CHANGED)
    return tuple(
        FreshWheel(wheel, _distribution(wheel), _text(done / wheel.name), _text(notes / wheel.name)) for wheel in wheels
    )


def changed_since(
    fresh: Sequence[FreshWheel],
    done: Path,
    spans: Sequence[Span] = (),
    as_marked: Mapping[Path, str] = MappingProxyType({}),
) -> dict[str, str]:
    """The wheels that were changed since an environment was linked from them, whoever has noticed it.

    Args:
        fresh: What the wheels looked like then.
        done: The folder that :func:`compile_wheels` has made.
        spans: When links to files of the cache were made or removed.
        as_marked: The wheels that were found now to be as their mark says, with the text of the mark. Their files are
            not compared with that text again.

    Returns:
        Distribution to the first of its files that was changed.
    """
    changed = {}
    for wheel in fresh:
        if _text(done.with_name(CHANGED) / wheel.folder.name) != wheel.note:
            changed[wheel.name] = "a file"
        elif wheel.files is not None and as_marked.get(wheel.folder) != wheel.files and wheel.folder.is_dir():
            file = first_change(
                wheel.folder, wheel.files, doubt=touched_since(_moment(done / wheel.folder.name), spans)
            )
            if file:
                changed[wheel.name] = file
    return changed


def changed_wheels(
    lock: Lock, packages: Path, done: Path, spans: Sequence[Span] = (), *, whole: bool = False
) -> tuple[dict[str, str], dict[Path, str]]:
    """The wheels of a lock whose files in the cache are not as they were when they were compiled.

    Args:
        lock: The lock.
        packages: The cache folder of uv.
        done: The folder that :func:`compile_wheels` has made.
        spans: When links to files of the cache were made or removed.
        whole: Whether the contents of all files are compared, though that was done today.

    Returns:
        Distribution to the first of its files that was changed; and the wheels that are as their mark says, with the
        text of the mark. A note of a changed wheel is left for the cells that run with it now, and its mark is removed.
    """
    changed, as_marked = {}, {}
    for wheel in _unpacked_wheels(packages, {(pin.name, pin.version) for pin in lock.pins}):
        files = _text(done / wheel.name)
        file = "" if files is None else _first_change(wheel, files, done, spans, whole=whole)
        if file:
            name = _distribution(wheel)
            (done / wheel.name).unlink(missing_ok=True)
            changed[name] = file
        elif files is not None:
            as_marked[wheel] = files
    return changed, as_marked


def forget_wheels(packages: Path, compiled: Path, spans: Sequence[Span] = ()) -> None:
    """Remove all marks, before all wheels are removed. Notes of those that were changed stay for the cells that run.

    Args:
        packages: The cache folder of uv.
        compiled: The folder with the folders of :func:`compile_wheels`.
        spans: When links to files of the cache were made or removed.
    """
    for done in compiled.glob("*/"):
        if done.name not in (CHANGED, UNLIKE_RECORD):
            for wheel in packages.glob("archive-v*/*/"):
                files = _text(done / wheel.name)
                if files is not None:
                    _first_change(wheel, files, done, spans)
            shutil.rmtree(done, ignore_errors=True)


def _first_change(wheel: Path, files: str, done: Path, spans: Sequence[Span], *, whole: bool = False) -> str:
    """The first file of a wheel that is not as its mark says; empty without one. A note is left of what was changed.

    Args:
        wheel: The wheel in the cache.
        files: What its mark says.
        done: The folder of the mark.
        spans: When links to files of the cache were made or removed.
        whole: Whether the contents of all files are compared, though that was done today.
    """
    mark = done / wheel.name
    compared, now = _moment(mark), time.time_ns()
    due = whole or compared // _DAY_NS != now // _DAY_NS
    file = first_change(wheel, files, doubt=every_file if due else touched_since(compared, spans))
    if not file:
        with contextlib.suppress(FileNotFoundError):  # another process has found it changed
            os.utime(mark, ns=(now, now))
    elif files:
        note = done.with_name(CHANGED) / wheel.name
        note.parent.mkdir(exist_ok=True)
        write_whole(note, uuid4().hex)
    return file


def _moment(mark: Path) -> int:
    """When the files of a mark were compared last, in nanoseconds since 1970; 0 if it is gone."""
    try:
        return mark.stat().st_mtime_ns
    except OSError:
        return 0


def _text(file: Path) -> str | None:
    """What a mark or a note says; None if there is none."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _distribution(wheel: Path) -> str:
    """The distribution of an unpacked wheel."""
    info = next(wheel.glob("*.dist-info"))
    return str(canonicalize_name(info.name.partition("-")[0]))


def _unpacked_wheels(packages: Path, wanted: Collection[tuple[str, str]]) -> list[Path]:
    """The unpacked wheels of the `wanted` names and versions.

    Each is a folder ``archive-v0/<id>`` that holds a ``<name>-<version>.dist-info``.
    """
    wheels = []
    for archives in packages.glob("archive-v*"):
        for archive in archives.iterdir():
            for info in archive.glob("*.dist-info"):
                name, _, version = info.name.removesuffix(".dist-info").partition("-")
                if (canonicalize_name(name), version) in wanted:
                    wheels.append(archive)
    return wheels


def _compile(wheels: Sequence[Path], interpreter: Path) -> None:
    """Write the bytecode of unpacked wheels next to their sources."""
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
        check=False,  # some files do not compile (for another Python, or templates), and are never imported
    )
