"""Chosen files of a source archive, unpacked into a folder."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from stackcompat.core.errors import StackcompatError

__all__ = ["unpack"]


def unpack(archive: bytes, patterns: Sequence[str], folder: Path) -> tuple[str, ...]:
    """Write chosen files of a source archive into a folder.

    Links are left out, and so are files whose path leads out of the folder.

    Args:
        archive: The content of the archive.
        patterns: Patterns of the paths of the files. The outermost folder, which holds all of an sdist, is no part of
            a path.
        folder: The folder to write into.

    Returns:
        The paths of the written files within the folder, sorted.

    Raises:
        StackcompatError: The content is no archive.
    """
    found = []
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as members:
            for member in members:
                path = PurePosixPath(*PurePosixPath(member.name).parts[1:])
                fits = any(fnmatchcase(str(path), pattern) for pattern in patterns)
                content = members.extractfile(member) if fits and member.isfile() else None
                if content is None or path.is_absolute() or ".." in path.parts:
                    continue
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content.read())
                found.append(str(path))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise StackcompatError(f"a source archive cannot be read: {type(error).__name__}") from None
    return tuple(sorted(found))
