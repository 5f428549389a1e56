"""A package index on the loopback interface whose answers are whatever a test says, however wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

__all__ = ["JSON", "OddAnswer", "OddIndex", "page"]

#: The content type of the JSON simple API.
JSON = "application/vnd.pypi.simple.v1+json"


class OddAnswer(NamedTuple):
    """An answer.

    Attributes:
        content: What is sent: at once, or piece by piece.
        kind: Its content type.
        status: Its HTTP status.
        pause: The seconds between two pieces.
        length: What the answer says to be its length in bytes; as it is if None, not said at all if negative.
        location: Where it sends the client to; nowhere if empty.
    """

    content: bytes | Iterable[bytes] = b""
    kind: str = JSON
    status: int = 200
    pause: float = 0
    length: int | None = None
    location: str = ""


def page(*files: Any, name: str = "alpha", **others: Any) -> OddAnswer:
    """The answer about a project with these files, as the API says; `others` are further or other keys."""
    return OddAnswer(json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": list(files)} | others).encode())


@dataclass
class OddIndex:
    """The index. Use it as a context manager.

    Attributes:
        answers: Path to answer; what is not here is answered by 404.
        otherwise: The answer to every other path; None: 404.
        asked: The paths that clients asked for.
    """

    answers: dict[str, OddAnswer] = field(default_factory=dict)
    otherwise: OddAnswer | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/simple/"

    def __enter__(self) -> Self:
        index = self
        self._stop = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.asked.append(self.path)
                answer = index.answers.get(self.path, index.otherwise) or OddAnswer(b"not here", "text/plain", 404)
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.kind)
                if answer.location:
                    self.send_header("Location", answer.location)
                pieces = (answer.content,) if isinstance(answer.content, bytes) else answer.content
                length = answer.length
                if length is None and isinstance(answer.content, bytes):
                    length = len(answer.content)
                if length is not None and length >= 0:
                    self.send_header("Content-Length", str(length))
                self.end_headers()
                if self.command != "GET":
                    return
                try:
                    for piece in pieces:
                        self.wfile.write(piece)
                        if answer.pause and index._stop.wait(answer.pause):
                            return
                except OSError:
                    pass  # the client has gone

            do_HEAD = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
