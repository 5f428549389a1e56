"""A package index on the loopback interface, with wheels made by hand: what a test needs an index to hold, it holds.

It speaks the JSON simple API (PEP 691, with upload times and metadata files of PEP 700 and 658) to the real clients.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

LONG_AGO = dt.datetime(2026, 1, 15, 12, 0, tzinfo=dt.UTC)


def make_wheel(
    name: str,
    version: str,
    *,
    requires: Iterable[str] = (),
    files: Mapping[str, str] | None = None,
    requires_python: str = "",
) -> tuple[str, bytes, str]:
    """A pure wheel: filename, content and core metadata. Without `files` it has one module that knows its version."""
    module = name.replace("-", "_")
    held = dict(files) if files is not None else {f"{module}/__init__.py": f"__version__ = {version!r}\n"}
    info = f"{module}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += f"Requires-Python: {requires_python}\n" if requires_python else ""
    metadata += "".join(f"Requires-Dist: {text}\n" for text in requires)
    held[f"{info}/METADATA"] = metadata
    held[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = ""
    for path, text in held.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text.encode())}\n"
    held[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in held.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return f"{module}-{version}-py3-none-any.whl", content.getvalue(), metadata


def make_sdist(files: Mapping[str, str], links: Mapping[str, str] | None = None) -> bytes:
    """A source archive with these files, and links to these targets, by their paths in it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
        for path, target in (links or {}).items():
            link = tarfile.TarInfo(path)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
    return content.getvalue()


@dataclass
class _File:
    project: str
    version: str
    content: bytes
    metadata: str
    uploaded: dt.datetime
    sha256: str
    requires_python: str
    yanked: bool


@dataclass
class LoopbackIndex:
    """The index. Use it as a context manager; `asked` are the paths that clients asked for."""

    asked: list[str] = field(default_factory=list)
    _files: dict[str, _File] = field(default_factory=dict)

    def add(
        self,
        name: str,
        version: str,
        *,
        requires: Iterable[str] = (),
        files: Mapping[str, str] | None = None,
        requires_python: str = "",
        uploaded: dt.datetime = LONG_AGO,
        yanked: bool = False,
        corrupt: bool = False,
        wrong_hash: bool = False,
        wrong_metadata: str = "",
        misnamed: bool = False,
        tag: str = "",
    ) -> None:
        """Publish a release.

        `corrupt` cuts the file in half (its hash fits), `wrong_hash` tells another file's, `wrong_metadata` is
        given in the place of its metadata, and `misnamed` fills it with another release.
        """
        filename, content, metadata = make_wheel(
            name, version, requires=requires, files=files, requires_python=requires_python
        )
        if misnamed:
            _, content, _ = make_wheel(name, "0.0.1", files=files)
        if tag:
            filename = filename.replace("py3-none-any", tag)
        content = content[: len(content) // 2] if corrupt else content
        sha256 = hashlib.sha256(b"other" if wrong_hash else content).hexdigest()
        metadata = wrong_metadata or metadata
        self._files[filename] = _File(name, version, content, metadata, uploaded, sha256, requires_python, yanked)

    def add_sdist(self, name: str, version: str, files: Mapping[str, str]) -> None:
        """Publish the source archive of a release, with these files in its folder."""
        content = make_sdist({f"{name}-{version}/{path}": text for path, text in files.items()})
        sha256 = hashlib.sha256(content).hexdigest()
        self._files[f"{name}-{version}.tar.gz"] = _File(name, version, content, "", LONG_AGO, sha256, "", yanked=False)

    @property
    def address(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/simple/"

    def _page(self, name: str) -> dict[str, Any] | None:
        files = {filename: file for filename, file in self._files.items() if file.project == name}
        if not files:
            return None
        return {
            "meta": {"api-version": "1.1"},
            "name": name,
            "versions": sorted({file.version for file in files.values()}),
            "files": [
                {
                    "filename": filename,
                    "url": f"/files/{filename}",
                    "hashes": {"sha256": file.sha256},
                    "requires-python": file.requires_python,
                    "size": len(file.content),
                    "upload-time": file.uploaded.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                    "core-metadata": bool(file.metadata),
                    "yanked": file.yanked,
                }
                for filename, file in files.items()
            ],
        }

    def answer(self, path: str) -> tuple[str, bytes] | None:
        """Content type and content of what is at `path`."""
        self.asked.append(path)
        place, _, name = path.strip("/").rpartition("/")
        if place == "simple" and (page := self._page(name)) is not None:
            return "application/vnd.pypi.simple.v1+json", json.dumps(page).encode()
        if place == "files" and name.endswith(".metadata") and name.removesuffix(".metadata") in self._files:
            return "application/octet-stream", self._files[name.removesuffix(".metadata")].metadata.encode()
        if place == "files" and name in self._files:
            return "application/octet-stream", self._files[name].content
        return None

    def __enter__(self) -> Self:
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = index.answer(self.path)
                kind, content = found or ("text/plain", b"not here")
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content)

            do_HEAD = do_GET

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
