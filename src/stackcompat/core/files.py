"""Files that a person names, read without surprises, and files that are written whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import select
import shutil
import stat
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from stackcompat.core.errors import StackcompatError

__all__ = ["path_within", "read_given", "remove_tree", "write_all", "write_whole"]

#: The most bytes of a file that a person names. The largest locks that are known have 60 MB.
LARGEST = 2**28


#: The seconds that the writer of a pipe may take.
PATIENCE = 60.0


_PIECE = 2**20

#: How deep a folder may be below the one that is removed: so many names are not longer than a path may be.
_DEEPEST = 12


def read_given(path: Path, *, most: int = LARGEST) -> bytes:
    """The content of a file, or of a pipe that somebody writes into, such as that of a shell's ``<(pip freeze)``.

    Args:
        path: The file.
        most: The most bytes that it may have.

    Raises:
        OSError: It cannot be read. It is a folder or a device, it is too large, nobody writes into the pipe, its name
            cannot be one.
    """
    try:
        # Without this flag, opening a pipe waits for somebody who writes.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except ValueError:  # a name with a NUL
        raise OSError(errno.EINVAL, "no file can be called so", str(path)) from None
    with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123  (a descriptor is no path)
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise OSError(errno.EINVAL, "it is neither a file nor a pipe", str(path))
        return _read(file, path, most, waits=stat.S_ISFIFO(mode))


def _read(file: io.FileIO, path: Path, most: int, *, waits: bool) -> bytes:
    """All of an open file; of a pipe, what its writer sends until it is closed."""
    content = io.BytesIO()
    until = time.monotonic() + PATIENCE
    while content.tell() <= most:
        piece = file.read(_PIECE)  # None: there is nothing in the pipe yet
        if piece == b"":
            return content.getvalue()
        content.write(piece or b"")
        if waits and piece is None and not select.select([file], [], [], max(0.0, until - time.monotonic()))[0]:
            raise OSError(errno.ETIMEDOUT, f"nobody wrote into the pipe for {PATIENCE:.0f} s", str(path))
    raise OSError(errno.EFBIG, f"it has more than {most // 2**20} MiB", str(path))


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file in one step: a reader finds it as it was, or whole, even after a stop or on a full disk.

    What is there and is no plain file, such as a pipe or a link, is written into as it is.

    Args:
        path: The file. Its folder must be there.
        content: Its content; text is written in UTF-8.

    Raises:
        OSError: It cannot be written. It is as it was then.
    """
    data = content.encode() if isinstance(content, str) else content
    if path.is_symlink() or (path.exists() and not path.is_file()):
        path.write_bytes(data)
        return
    partial = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


def path_within(folder: Path, name: str) -> Path:
    """The path of a file in a folder.

    Args:
        folder: The folder.
        name: The path of the file within it, with ``/`` between its parts.

    Raises:
        StackcompatError: It leads out of the folder, or cannot be a path.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not name.isprintable() or "\\" in name:
        raise StackcompatError(f"{name!r} cannot be the name of a file in {folder}; nothing was written")
    return folder / name


def write_all(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write files into a folder: all of them, or none if the disk is full.

    Args:
        folder: The folder; it is made where it does not exist.
        files: The path of each within the folder, with ``/`` between its parts, and its text.

    Returns:
        The files, in the order of their names.

    Raises:
        StackcompatError: A path leads out of the folder, or cannot be one.
        OSError: They cannot be written. What was there is as it was then.
    """
    for name in files:
        path_within(folder, name)
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".partial-{os.getpid()}"
    try:
        for name, text in files.items():
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            (aside / name).write_text(text, encoding="utf-8")
        for name in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        for name in files:
            (aside / name).replace(folder / name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return [folder / name for name in sorted(files)]


def remove_tree(folder: Path) -> None:
    """Remove a folder as far as possible, whatever a stranger made in it: folders without end, or that cannot be read.

    Args:
        folder: The folder. It need not be there.
    """
    for _ in range(2):
        with suppress(RecursionError):
            shutil.rmtree(folder, ignore_errors=True)
        if not folder.is_dir():
            return
        _flatten(folder)


def _flatten(folder: Path) -> None:
    """Make all folders in a folder such that they can be looked into, and move those up that are deep in it."""
    due, moved = [(str(folder), 0)], 0
    while due:
        path, depth = due.pop()
        with suppress(OSError):
            os.chmod(path, 0o700)  # noqa: PTH101  (paths are texts here)
            with os.scandir(path) as entries:
                below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
            for each in below:
                if depth < _DEEPEST:
                    due.append((each, depth + 1))
                    continue
                moved += 1
                place = str(folder / f"deep-{os.getpid()}-{moved}")
                with suppress(OSError):
                    os.chmod(each, 0o700)  # noqa: PTH101
                    os.rename(each, place)  # noqa: PTH104
                    due.append((place, 1))
