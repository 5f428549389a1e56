"""The file by which the plugin tells what happens, as the supervising process reads it: nothing in it is trusted.

Each line has a seal that is made with the secret of the process (see :mod:`stackcompat.run.inside.events`). The file is
opened before any test runs, so that a test can put no other one in its place.
"""

from __future__ import annotations

import hmac
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from stackcompat.run.inside.events import seal
from stackcompat.run.inside.protocol import Event

__all__ = ["EventFile", "ForeignEventsError"]

#: The most bytes of one event, and those that are read at once.
MOST_BYTES = 64 * 2**20
_CHUNK = 2**20


class ForeignEventsError(Exception):
    """Something is among the events that the plugin did not write, or that it wrote with values that make no sense."""


class EventFile:
    """The events of one process of the tests.

    Args:
        path: The file. It is made if it is not there.
        secret: What the plugin seals its events with; empty for events without a seal.
    """

    def __init__(self, path: Path, secret: bytes = b"") -> None:
        # Text of another program could be in the place of the file: a pipe would never end, a link lead elsewhere.
        flags = os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        self._file = os.open(path, flags, 0o600)
        self._secret = secret
        self._begun = bytearray()

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def read(self) -> Iterator[Event]:
        """The events since the last call, one after another. A line that is not complete is left for the next one.

        Raises:
            ForeignEventsError: A line is not one of the plugin.
        """
        while chunk := os.read(self._file, _CHUNK):
            *lines, rest = chunk.split(b"\n")
            for line in lines:
                whole = bytes(self._begun + line)
                self._begun.clear()
                yield self._event(whole)
            self._begun += rest
            if len(self._begun) > MOST_BYTES:
                raise ForeignEventsError(f"an event is longer than {MOST_BYTES // 2**20} MB")

    def _event(self, line: bytes) -> Event:
        if self._secret:
            sealed, _, line = line.partition(b" ")
            if not hmac.compare_digest(sealed, seal(line, self._secret)):
                raise ForeignEventsError("a line is not sealed")
        try:
            event: Any = json.loads(line, parse_constant=_refuse, parse_float=_finite)
        except (ValueError, RecursionError) as error:
            raise ForeignEventsError(f"a line cannot be read: {error}") from None
        if not isinstance(event, dict) or not isinstance(event.get("event"), str):
            raise ForeignEventsError("a line is no event")
        return cast("Event", event)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no finite number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no finite number")
    return value
