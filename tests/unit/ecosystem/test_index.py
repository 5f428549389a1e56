"""The real catalog against a made-up index on loopback: formats, faults, what is kept."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stackcompat.ecosystem.index import PackageIndex
from stackcompat.ecosystem.releases import IndexUnreachable
from support.world import day

NOW = day("2026-11-22")
JSON = "application/vnd.pypi.simple.v1+json"
METADATA = "Metadata-Version: 2.1\nName: alpha\nVersion: 1.1\nRequires-Dist: beta>=2\nRequires-Dist: what is this\n"


class FakeIndex(ThreadingHTTPServer):
    """An index on this machine: `answers` maps a path to the answers that it gives in turn, the last one for good."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, list[tuple[str, bytes]]] = {}
        self.asked: list[str] = []
        self.clients: list[PackageIndex] = []

    def client(self, cache: Path) -> PackageIndex:
        """What asks this index and keeps its answers in `cache`; the fixture closes it."""
        self.clients.append(PackageIndex(cache, self.address))
        return self.clients[-1]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/simple"


class _Handler(BaseHTTPRequestHandler):
    server: FakeIndex

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        answers = self.server.answers.get(self.path)
        if not answers:
            self.send_error(404)
            return
        kind, body = answers.pop(0) if len(answers) > 1 else answers[0]
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        self.send_response(206 if wanted else 200)
        if wanted:
            first = int(wanted[1]) if wanted[1] else max(0, len(body) - int(wanted[2]))
            last = min(int(wanted[2]), len(body) - 1) if wanted[1] and wanted[2] else len(body) - 1
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(body)}")
            body = body[first : last + 1]
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the name in the base class)
        pass


@pytest.fixture
def fake() -> Iterator[FakeIndex]:
    with FakeIndex() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        for client in server.clients:
            client.close()
        server.shutdown()
        thread.join()


def page(*files: dict[str, object]) -> tuple[str, bytes]:
    content = {"meta": {"api-version": "1.1"}, "name": "alpha", "versions": [], "files": list(files)}
    return JSON, json.dumps(content).encode()


def file(name: str, uploaded: str = "2026-01-05", more: Mapping[str, object] | None = None) -> dict[str, object]:
    return {
        "filename": name,
        "url": f"/files/{name}",
        "hashes": {"sha256": "ab"},
        "upload-time": f"{uploaded}T10:00:00Z",
        **(more or {}),
    }


HTML = ("text/html", b'<a href="/files/alpha-1.0-py3-none-any.whl">alpha-1.0-py3-none-any.whl</a>')
WHEEL = "alpha-1.0-py3-none-any.whl"


def wheel(metadata: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("alpha/__init__.py", "x = 1\n" * 20_000)
        archive.writestr("alpha-1.1.dist-info/METADATA", metadata)
    return buffer.getvalue()


class TestIndex:
    def test_releases_from_json(self, fake: FakeIndex, tmp_path: Path) -> None:
        fake.answers["/simple/alpha/"] = [
            page(
                file("alpha-1.10-py3-none-any.whl", "2026-03-01", {"requires-python": ">=3.12"}),
                file("alpha-1.9.tar.gz", "2026-02-02"),
                file("alpha-1.9-py3-none-any.whl", "2026-02-01", {"yanked": "broken"}),
                file("alpha-0.1.win32.exe"),
                file("alpha-nonsense-py3-none-any.whl"),
            )
        ]
        project = fake.client(tmp_path).project("Alpha")
        assert [release.version for release in project.releases] == ["1.9", "1.10"]
        older, newer = project.releases
        assert (older.yanked, newer.yanked) == (True, False)
        assert older.uploaded == dt.datetime(2026, 2, 1, 10, tzinfo=dt.UTC)
        assert newer.requires_python == ">=3.12"
        assert [f.filename for f in older.files] == ["alpha-1.9.tar.gz", "alpha-1.9-py3-none-any.whl"]

    def test_each_project_is_asked_for_once(self, fake: FakeIndex, tmp_path: Path) -> None:
        fake.answers["/simple/alpha/"] = [page(file(WHEEL))]
        index = fake.client(tmp_path)
        index.prefetch(["alpha", "Alpha", "beta"])
        assert index.project("alpha").find("1.0.0") is not None
        assert index.project("beta").releases == ()
        assert sorted(fake.asked) == ["/simple/alpha/", "/simple/beta/"]

    def test_nobody_there(self, tmp_path: Path) -> None:
        with pytest.raises(IndexUnreachable, match="the package index did not answer for alpha: ConnectionError"):
            PackageIndex(tmp_path, "http://127.0.0.1:1/simple").project("alpha")

    def test_answer_of_something_else(self, fake: FakeIndex, tmp_path: Path) -> None:
        fake.answers["/simple/alpha/"] = [("image/png", b"no")]
        with pytest.raises(IndexUnreachable, match="UnsupportedContentTypeError"):
            fake.client(tmp_path).project("alpha")

    def test_answer_without_upload_times_is_asked_for_again(
        self, fake: FakeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(PackageIndex, "pauses", (0, 0))
        fake.answers["/simple/alpha/"] = [HTML, HTML, page(file(WHEEL))]
        release = fake.client(tmp_path).project("alpha").find("1.0")
        assert release is not None
        assert release.uploaded == dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC)
        # Once known, upload times need not be told again.
        fake.answers["/simple/alpha/"] = [HTML]
        fake.asked.clear()
        assert fake.client(tmp_path).project("alpha").find("1.0") == release.model_copy(
            update={"files": (release.files[0].model_copy(update={"sha256": ""}),)}
        )
        assert fake.asked == ["/simple/alpha/"]

    def test_index_without_upload_times(self, fake: FakeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(PackageIndex, "pauses", (0,))
        fake.answers["/simple/alpha/"] = [HTML]
        with pytest.raises(IndexUnreachable, match="gives no upload times for alpha; try again"):
            fake.client(tmp_path).project("alpha")
        assert len(fake.asked) == 2

    def test_requirements_from_a_part_of_the_wheel(self, fake: FakeIndex, tmp_path: Path) -> None:
        fake.answers["/simple/alpha/"] = [page(file("alpha-1.1.tar.gz"), file("alpha-1.1-py3-none-any.whl"))]
        fake.answers["/files/alpha-1.1-py3-none-any.whl"] = [("application/octet-stream", wheel(METADATA))]
        assert [str(r) for r in fake.client(tmp_path).requires("alpha", "1.1")] == ["beta>=2"]
        # What a release requires never changes, so another run does not ask again.
        fake.answers["/files/alpha-1.1-py3-none-any.whl"] = []
        assert [str(r) for r in fake.client(tmp_path).requires("alpha", "1.1.0")] == ["beta>=2"]

    @pytest.mark.parametrize("digest", [{"sha256": hashlib.sha256(METADATA.encode()).hexdigest()}, True])
    def test_requirements_from_a_metadata_file(self, fake: FakeIndex, tmp_path: Path, digest: object) -> None:
        fake.answers["/simple/alpha/"] = [page(file("alpha-1.1-py3-none-any.whl", more={"core-metadata": digest}))]
        fake.answers["/files/alpha-1.1-py3-none-any.whl.metadata"] = [("text/plain", METADATA.encode())]
        index = fake.client(tmp_path)
        assert [str(r) for r in index.requires("alpha", "1.1")] == ["beta>=2"]
        assert [str(r) for r in index.requires("alpha", "1.1")] == ["beta>=2"]
        assert fake.asked.count("/files/alpha-1.1-py3-none-any.whl.metadata") == 1

    def test_metadata_that_does_not_come_is_not_kept(self, fake: FakeIndex, tmp_path: Path) -> None:
        fake.answers["/simple/alpha/"] = [page(file("alpha-1.1-py3-none-any.whl"))]
        with pytest.raises(IndexUnreachable, match=r"did not give the metadata of alpha 1\.1"):
            fake.client(tmp_path).requires("alpha", "1.1")
        fake.answers["/files/alpha-1.1-py3-none-any.whl"] = [("application/octet-stream", wheel(METADATA))]
        assert len(fake.client(tmp_path).requires("alpha", "1.1")) == 1

    def test_source_only_and_unknown_releases_require_nothing(self, fake: FakeIndex, tmp_path: Path) -> None:
        fake.answers["/simple/alpha/"] = [page(file("alpha-1.1.tar.gz"))]
        index = fake.client(tmp_path)
        assert index.requires("alpha", "1.1") == ()
        assert index.requires("alpha", "9") == ()


class TestSources:
    def test_the_python_files_of_a_wheel(self, fake: FakeIndex, tmp_path: Path) -> None:
        fake.answers["/simple/alpha/"] = [page(file("alpha-1.1.tar.gz"), file("alpha-1.1-py3-none-any.whl"))]
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("alpha/__init__.py", "x = 1\n")
            archive.writestr("alpha/data.json", "{}")
        fake.answers["/files/alpha-1.1-py3-none-any.whl"] = [("application/octet-stream", content.getvalue())]
        assert fake.client(tmp_path).sources("Alpha", "1.1") == {"alpha/__init__.py": b"x = 1\n"}

    def test_releases_without_a_wheel_to_read_have_none(self, fake: FakeIndex, tmp_path: Path) -> None:
        huge = file("alpha-1.2-py3-none-any.whl") | {"size": 10**9}
        fake.answers["/simple/alpha/"] = [page(file("alpha-1.1.tar.gz"), huge)]
        index = fake.client(tmp_path)
        assert [index.sources("alpha", version) for version in ("1.1", "1.2", "9")] == [{}, {}, {}]

    def test_a_wheel_that_does_not_come_is_infrastructure(self, fake: FakeIndex, tmp_path: Path) -> None:
        fake.answers["/simple/alpha/"] = [page(file("alpha-1.1-py3-none-any.whl"))]
        with pytest.raises(IndexUnreachable, match=r"did not give the wheel of alpha 1\.1"):
            fake.client(tmp_path).sources("alpha", "1.1")
        fake.answers["/files/alpha-1.1-py3-none-any.whl"] = [("application/octet-stream", b"no zip")]
        with pytest.raises(IndexUnreachable, match=r"alpha 1\.1: BadZipFile"):
            fake.client(tmp_path).sources("alpha", "1.1")


class TestSdist:
    CONTENT = b"an archive"
    SHA256 = hashlib.sha256(CONTENT).hexdigest()

    def index(self, fake: FakeIndex, folder: Path, sha256: str = SHA256) -> PackageIndex:
        archive = file("alpha-1.1.tar.gz") | {"hashes": {"sha256": sha256}}
        fake.answers["/simple/alpha/"] = [page(archive, file("alpha-1.2-py3-none-any.whl"))]
        return fake.client(folder)

    def test_the_source_archive_of_a_release(self, fake: FakeIndex, tmp_path: Path) -> None:
        fake.answers["/files/alpha-1.1.tar.gz"] = [("application/octet-stream", self.CONTENT)]
        index = self.index(fake, tmp_path)
        assert [index.sdist("Alpha", version) for version in ("1.1", "1.2", "9")] == [self.CONTENT, b"", b""]

    def test_one_that_does_not_come_is_infrastructure(self, fake: FakeIndex, tmp_path: Path) -> None:
        with pytest.raises(IndexUnreachable, match=r"did not give the sdist of alpha 1\.1"):
            self.index(fake, tmp_path).sdist("alpha", "1.1")

    @pytest.mark.parametrize("sha256", ["ab" * 32, ""])
    def test_one_with_another_hash_is_not_taken(self, fake: FakeIndex, tmp_path: Path, sha256: str) -> None:
        fake.answers["/files/alpha-1.1.tar.gz"] = [("application/octet-stream", self.CONTENT)]
        with pytest.raises(IndexUnreachable, match="has not the hash"):
            self.index(fake, tmp_path, sha256).sdist("alpha", "1.1")
