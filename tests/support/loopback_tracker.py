"""A tracker on loopback that speaks as much of GitHub's API as issues need."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass
class LoopbackTracker:
    """Issues of the repository ``owner/name``. `asked` are method and path; `status` refuses everything if not 0."""

    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    status: int = 0

    @property
    def address(self) -> str:
        """Of the API."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def add(self, title: str, body: str, labels: list[str]) -> dict[str, Any]:
        """An issue as whoever may do so files it."""
        issue: dict[str, Any] = {
            "number": len(self.issues) + 1,
            "url": f"{self.address}/repos/owner/name/issues/{len(self.issues) + 1}",
            "title": title,
            "body": body,
            "state": "open",
            "state_reason": None,
            "labels": [{"name": label} for label in labels],
        }
        self.issues.append(issue)
        return issue

    def _answer(self, method: str, path: str, given: dict[str, Any]) -> tuple[int, Any]:
        split = urlsplit(path)
        self.asked.append(f"{method} {split.path}")
        if self.status:
            return self.status, {"message": "no"}
        parts = split.path.strip("/").split("/")
        assert parts[:4] == ["repos", "owner", "name", "issues"], path
        if method == "GET" and len(parts) == 4:
            (label,) = parse_qs(split.query)["labels"]
            return 200, [issue for issue in self.issues if label in [one["name"] for one in issue["labels"]]]
        if method == "POST" and len(parts) == 4:
            return 201, self.add(given["title"], given["body"], given["labels"])
        issue = self.issues[int(parts[4]) - 1]
        if method == "POST":
            assert parts[5] == "comments"
            self.comments.setdefault(issue["number"], []).append(given["body"])
            return 201, {"id": 1, "body": given["body"]}
        if method == "PATCH":
            issue |= {key: value for key, value in given.items() if key in ("title", "body", "state", "state_reason")}
        return 200, issue

    def __enter__(self) -> Self:
        tracker = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                tracker.tokens.add(self.headers.get("Authorization", ""))
                length = int(self.headers.get("Content-Length") or 0)
                given = json.loads(self.rfile.read(length) or b"{}")
                status, answer = tracker._answer(self.command, self.path, given)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_PATCH = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
