"""The stream of events for the supervising process. Each line is a JSON object behind a seal.

The seal is a keyed hash of the line. Its key is the secret of the process, which the supervising process gives through
a pipe. So what a test writes into the file by itself is no event.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stackcompat.run.inside.protocol import Event

__all__ = ["EventStream", "seal"]


def seal(line: bytes, secret: bytes) -> bytes:
    """The seal of a line, which nobody can make without the secret."""
    return hashlib.blake2b(line, key=secret, digest_size=16).hexdigest().encode()


class EventStream:
    """A file that events are added to. It stays open until the process ends. Processes that are forked share it.

    Args:
        path: The file.
        secret: The key of the seals; empty for lines without a seal.
    """

    def __init__(self, path: str, secret: bytes = b"") -> None:
        self._path = path
        self._secret = secret
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115, PTH123  (open for the life of the process)

    def size(self) -> int:
        """The bytes of the file so far."""
        return os.fstat(self._file.fileno()).st_size

    def since(self, offset: int) -> list[Event]:
        """The events that were written after the first `offset` bytes, also by other processes."""
        with open(self._path, "rb") as file:  # noqa: PTH123  (pathlib is slower)
            file.seek(offset)
            lines = [line[:-1] for line in file if line.endswith(b"\n")]
        if not self._secret:
            return [json.loads(line) for line in lines]
        parts = [line.partition(b" ") for line in lines]
        return [json.loads(line) for sealed, _, line in parts if sealed == seal(line, self._secret)]

    def emit(self, event: Event) -> None:
        """Write an event at once, so that it is there even if the process ends next."""
        # A message can hold a lone surrogate, which cannot be written as UTF-8. It becomes a question mark.
        text = json.dumps(event, ensure_ascii=False).encode("utf-8", "replace").decode()
        if self._secret:
            text = f"{seal(text.encode(), self._secret).decode()} {text}"
        self._file.write(text + "\n")
        self._file.flush()
