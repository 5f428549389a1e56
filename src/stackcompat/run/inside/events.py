"""The stream of events that the supervising process reads: JSON objects, one a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import Event

__all__ = ["EventStream"]


class EventStream:
    """A file that events are added to. It stays open until the process ends.

    Args:
        path: The file.
    """

    def __init__(self, path: str) -> None:
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115, PTH123  (open for the life of the process)

    def emit(self, event: Event) -> None:
        """Write an event, so that it is there whatever happens next."""
        # A lone surrogate in a message is text that no other program can read.
        text = json.dumps(event, ensure_ascii=False).encode("utf-8", "replace").decode()
        self._file.write(text + "\n")
        self._file.flush()
