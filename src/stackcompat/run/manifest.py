"""What the files of a folder looked like when they were fresh, to tell later whether one was changed.

Sizes and times are compared for all files. Contents are compared, by SHA-256, of those that the caller doubts: to read
all of them takes many times as long. Files that come later do not matter in the cache of uv: nothing in it leads to
them. In a folder that tests are run from, they do.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

__all__ = [
    "Doubt",
    "FileState",
    "digest_of",
    "every_file",
    "files_of",
    "first_change",
    "is_unchanged",
    "manifest",
    "read_manifest",
]

#: Whether the content of a file with this state is compared, and not only its size and time.
Doubt: TypeAlias = Callable[[os.stat_result], bool]


class FileState(NamedTuple):
    """What a manifest says of one file: its size, the time of its last change, and the SHA-256 of its content."""

    size: int
    changed_ns: int
    digest: str


def every_file(_: os.stat_result) -> bool:
    """The :data:`Doubt` that no file is spared."""
    return True


def _no_file(_: os.stat_result) -> bool:
    return False


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits.

    Of a link it is that of the path that it leads to. Of what is neither it is empty.

    Raises:
        OSError: It cannot be read.
    """
    kind = path.lstat().st_mode
    if stat.S_ISLNK(kind):
        return hashlib.sha256(os.fsencode(path.readlink())).hexdigest()
    if not stat.S_ISREG(kind):
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def manifest(folder: Path) -> str:
    """The sizes, times and digests of all files and links below a folder, as JSON."""
    found: dict[str, FileState] = {}
    for base, folders, files in os.walk(folder):
        for name in (*files, *(name for name in folders if Path(base, name).is_symlink())):
            path = Path(base, name)
            try:
                state = path.lstat()
                found[str(path.relative_to(folder))] = FileState(state.st_size, state.st_mtime_ns, digest_of(path))
            except FileNotFoundError:  # an interpreter writes bytecode under another name first
                continue
    return json.dumps(found)


def read_manifest(text: str) -> dict[str, FileState] | None:
    """What a text of :func:`manifest` says of each file, by its path; None if it is no such text."""
    try:
        known = json.loads(text)
        return {str(name): FileState(*state) for name, state in known.items()}
    except (ValueError, TypeError, AttributeError):
        return None


def first_change(folder: Path, text: str, *, closed: bool = False, doubt: Doubt = _no_file) -> str:
    """The first file, relative to a folder, that is not as it was; empty if all are.

    Args:
        folder: The folder.
        text: What :func:`manifest` said of it. With another text, the folder counts as changed.
        closed: Whether a file counts as well that was not there, unless it is bytecode.
        doubt: Of which files the content is compared. By default it is that of none.
    """
    known = read_manifest(text)
    if known is None:
        return "."
    for name, fresh in known.items():
        try:
            state = os.lstat(f"{folder}/{name}")  # there are tens of thousands of them: a Path for each takes longer
            if (state.st_size, state.st_mtime_ns) != fresh[:2]:
                return name
            if doubt(state) and digest_of(folder / name) != fresh.digest:
                return name
        except OSError:
            return name
    return _first_new(folder, known) if closed else ""


def files_of(folder: Path) -> Path:
    """The file beside a folder that tests are run from, with what :func:`manifest` said of it."""
    return folder.with_name(f"{folder.name}.files")


def is_unchanged(folder: Path, files: Path) -> bool:
    """Whether a folder that tests are run from is there, and nothing in it is changed, missing or new but bytecode.

    Contents are compared, too: such a folder is small.

    Args:
        folder: The folder.
        files: The file with what :func:`manifest` said of it.
    """
    try:
        text = files.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return folder.is_dir() and not first_change(folder, text, closed=True, doubt=every_file)


def _first_new(folder: Path, known: Mapping[str, object]) -> str:
    """The first file or link of a folder that is not known; empty without one. Interpreters write into __pycache__."""
    for base, folders, files in os.walk(folder):
        links = [name for name in folders if Path(base, name).is_symlink()]
        for name in (*files, *links):
            path = str(Path(base, name).relative_to(folder))
            if path not in known:
                return path
        folders[:] = [name for name in folders if name != "__pycache__"]
    return ""
