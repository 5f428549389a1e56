"""When this tool linked files of the package cache into environments, and removed environments.

Each link that is made or removed sets the time of the last change of state (``ctime``) of the file that it leads to. No
ordinary program can set that time. So a file of the cache whose time of state lies in no such moment was touched by
somebody else, and its content is compared again, though its size and its time of content are as they were.
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import psutil

from stackcompat.run.manifest import Doubt

__all__ = ["Span", "linking", "read_spans", "touched_since"]

#: The file in the folder of the cache.
_NAME = "links.log"

#: The system can set a time that is a tick of its clock earlier.
_TICK_NS = 20_000_000

#: Above this size the file begins anew. All that is lost is time: the files are compared once more.
_MOST_BYTES = 2**20


class Span(NamedTuple):
    """The time from `began` to `ended`, in nanoseconds since 1970."""

    began: int
    ended: int

    def has(self, moment: int) -> bool:
        """Whether a moment lies in it."""
        return self.began - _TICK_NS <= moment <= self.ended


@contextmanager
def linking(root: Path) -> Iterator[None]:
    """A context in which links to files of the package cache are made or removed.

    Args:
        root: The folder of the cache.
    """
    note = f"{os.getpid()}-{uuid4().hex}"
    _add(root, f"{note} began")
    try:
        yield
    finally:
        _add(root, f"{note} ended")


def _add(root: Path, note: str) -> None:
    """Add a line with the time. Lines of several processes do not mix.

    Where none can be added, files are compared once more.
    """
    file = root / _NAME
    with contextlib.suppress(OSError):
        if file.is_file() and file.stat().st_size > _MOST_BYTES:
            file.unlink(missing_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(descriptor, f"{note} {time.time_ns()}\n".encode())
        finally:
            os.close(descriptor)


def read_spans(root: Path) -> tuple[Span, ...]:
    """The spans in which links were made or removed, also those that have not ended yet. A damaged line is left out.

    Args:
        root: The folder of the cache.
    """
    try:
        text = (root / _NAME).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    spans, open_ones = [], dict[str, int]()
    for line in text.splitlines():
        note, what, moment = (*line.split(" "), "", "")[:3]
        if not moment.isdecimal():
            continue
        if what == "began":
            open_ones[note] = int(moment)
        elif note in open_ones:
            spans.append(Span(open_ones.pop(note), int(moment)))
    for note, began in open_ones.items():
        pid = note.partition("-")[0]
        if pid.isdecimal() and psutil.pid_exists(int(pid)):
            spans.append(Span(began, time.time_ns()))
    return tuple(spans)


def touched_since(moment: int, spans: Iterable[Span]) -> Doubt:
    """The doubt about files whose state somebody else has changed since they were compared.

    Args:
        moment: When they were compared, in nanoseconds since 1970.
        spans: When links were made or removed.
    """
    later = [span for span in spans if span.ended >= moment]

    @functools.cache  # the files of a wheel are linked at the same few moments
    def unexplained(changed: int) -> bool:
        return changed > moment and not any(span.has(changed) for span in later)

    return lambda state: unexplained(state.st_ctime_ns)
