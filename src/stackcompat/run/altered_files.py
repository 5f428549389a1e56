"""Which files of an environment were altered while its tests ran.

Few files are read for that. Where the environment has a layer for what tests change, only that layer is looked at. Else
the contents are compared of those files whose time of state (``ctime``) is another one than before the tests: no
ordinary program can set that time back, as it can the time of content.

A release may write into data that it installed, as it may anywhere. What counts is another content of code, and of any
file whose size and time were kept, which nothing does by accident.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from stackcompat.run.bytecode import FreshWheel
from stackcompat.run.manifest import FileState, digest_of, read_manifest

__all__ = ["Alteration", "Before", "first_alteration", "keep_times", "look"]

#: The endings of files whose content is code.
_CODE = (".py", ".pyc", ".so", ".pyd", ".pth")

#: What the upper layer of an overlay says of a folder that stands for the whole of the one below.
_OPAQUE = "user.overlay.opaque"


class Before(NamedTuple):
    """The files of an environment before the tests.

    Attributes:
        site: The folder that the distributions are installed in.
        states: The number and the time of state of each file, by its path in `site`; empty if there is a layer.
        layer: The folder in which the layer has what was changed in `site`; None without a layer.
    """

    site: Path
    states: Mapping[str, tuple[int, int]]
    layer: Path | None


class Alteration(NamedTuple):
    """A file that was altered while the tests ran.

    Attributes:
        distribution: The distribution that has installed it.
        file: Its path, as RECORD has it.
        hidden: Whether its size and the time of its content are as they were.
    """

    distribution: str
    file: str
    hidden: bool

    def __str__(self) -> str:
        kept = ", and its size and time were kept" if self.hidden else ""
        return (
            f"{self.file} of {self.distribution} was altered while the tests ran{kept}, so that it is not known what"
            " they tested"
        )


def keep_times(site: Path, wheels: Iterable[FreshWheel]) -> None:
    """Give the files of an environment that were copied from the package cache the times that they have there.

    By these Python knows that bytecode is that of its source. Else tests would compile it anew.

    Args:
        site: The folder that the distributions are installed in.
        wheels: What is known of the files of the wheels that are installed in it.
    """
    by_name: dict[str, list[dict[str, FileState]]] = {}
    for wheel in wheels:
        by_name.setdefault(wheel.name, []).append(read_manifest(wheel.files or "") or {})
    for ways in by_name.values():
        files = ways[0] if len(ways) == 1 else next((way for way in ways if _has_bytecode_of(site, way)), {})
        for path, fresh in files.items():
            with suppress(OSError):  # some are installed elsewhere
                os.utime(site / path, ns=(fresh.changed_ns, fresh.changed_ns), follow_symlinks=False)


def _has_bytecode_of(site: Path, files: Mapping[str, FileState]) -> bool:
    """Whether the bytecode of a distribution in an environment was copied from this wheel, of several in the cache.

    Args:
        site: The folder that the distribution is installed in.
        files: What the files of the wheel look like.
    """
    bytecode = [path for path in files if path.endswith(".pyc")]
    try:
        return all(digest_of(site / path) == files[path].digest for path in bytecode)
    except OSError:
        return False


def look(site: Path, environment: Path, layer: Path | None) -> Before:
    """Look at the files of an environment before its tests.

    Args:
        site: The folder that the distributions are installed in.
        environment: The folder of the environment, in which `site` is.
        layer: The folder of the layer over the environment (:mod:`stackcompat.run.layer`); None without one.
    """
    if layer is not None:
        return Before(site, {}, layer / "upper" / site.relative_to(environment))
    return Before(site, dict(_states(site)), None)


def _states(site: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """The number and the time of state of each file and link in a folder. What cannot be looked into has none."""
    start = len(str(site)) + 1
    folders = [str(site)]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    state = entry.stat(follow_symlinks=False)
                    yield entry.path[start:], (state.st_ino, state.st_ctime_ns)


def first_alteration(before: Before, wheels: Sequence[FreshWheel]) -> Alteration | None:
    """The first file that was altered since; None if none was.

    Args:
        before: What the environment looked like before the tests.
        wheels: What is known of the files of the wheels that are installed in it.
    """
    place = before.layer or before.site
    paths = _in_layer(before.layer) if before.layer is not None else _touched(before)
    candidates = set(paths)
    if not candidates:
        return None
    for name, files in _files_by_distribution(wheels).items():
        for path in sorted(_below(candidates, files)):
            ways = [_altered(place / path, path, fresh) for fresh in files[path]]
            if all(ways):
                return Alteration(name, path, hidden="hidden" in ways)
    return None


def _files_by_distribution(wheels: Iterable[FreshWheel]) -> dict[str, dict[str, list[FileState]]]:
    """What each file of each distribution looked like when it was fresh.

    The cache has a wheel more than once if several processes downloaded it at the same moment. The bytecode in each
    names the folder in which it was compiled, and an environment can be linked from any of them.
    """
    distributions: dict[str, dict[str, list[FileState]]] = {}
    for wheel in wheels:
        files = distributions.setdefault(wheel.name, {})
        for path, fresh in (read_manifest(wheel.files or "") or {}).items():
            files.setdefault(path, []).append(fresh)
    return distributions


def _touched(before: Before) -> Iterator[str]:
    """The files whose state is another one than before, and those that are gone."""
    now = dict(_states(before.site))
    for path, state in before.states.items():
        if now.get(path) != state:
            yield path


def _in_layer(layer: Path) -> Iterator[str]:
    """What the layer has in place of what is below it; of a folder that stands for the whole one, the folder too."""
    for base, folders, files in os.walk(layer):
        for name in files:
            yield str(Path(base, name).relative_to(layer))
        for name in folders:
            if _stands_for_whole(f"{base}/{name}"):
                yield str(Path(base, name).relative_to(layer))


def _stands_for_whole(folder: str) -> bool:
    """Whether a folder of a layer, or a link to one, stands for the whole one below. One that is too deep does not."""
    try:
        return os.path.islink(folder) or os.getxattr(folder, _OPAQUE, follow_symlinks=False) == b"y"  # noqa: PTH114
    except OSError:
        return False


def _below(candidates: set[str], files: Iterable[str]) -> Iterator[str]:
    """The files that are among the candidates, or in a folder that is."""
    known: dict[str, bool] = {"": False}

    def is_below(path: str) -> bool:  # there are tens of thousands of files in a few thousand folders
        folder = path.rpartition("/")[0]
        if folder not in known:
            known[folder] = folder in candidates or is_below(folder)
        return known[folder]

    return (path for path in files if path in candidates or is_below(path))


def _altered(file: Path, path: str, fresh: FileState) -> str | None:
    """How a file was altered: ``hidden``, ``openly`` or not at all (None).

    Args:
        file: The file, as the tests left it.
        path: Its path in the environment.
        fresh: What it was like when it was fresh.
    """
    is_code = path.endswith(_CODE)
    try:
        state = file.lstat()
        gone = stat.S_ISCHR(state.st_mode)  # so a layer says that a file is gone
        if not gone and digest_of(file) == fresh.digest:
            return None
    except OSError:
        return "openly" if is_code else None
    if not gone and (state.st_size, state.st_mtime_ns) == fresh[:2]:
        return "hidden"
    return "openly" if is_code else None
