"""The catalog of a real index, against a made-up index on loopback: formats, faults, kept answers."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import itertools
import json
import re
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stackcompat.ecosystem.index import PackageIndex
from stackcompat.ecosystem.index_client import Answer, IndexClient
from stackcompat.ecosystem.releases import IndexUnreachable
from support.odd_index import OddAnswer, OddIndex
from support.odd_index import page as page_of
from support.world import day

NOW = day("2026-11-22")
JSON = "application/vnd.pypi.simple.v1+json"
METADATA = "Metadata-Version: 2.1\nName: alpha\nVersion: 1.1\nRequires-Dist: beta>=2\nRequires-Dist: what is this\n"


class FakeIndex(ThreadingHTTPServer):
    """An index on this machine. `answers` maps a path to the answers in turn; the last one is given from then on."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, list[tuple[str, bytes]]] = {}
        self.asked: list[str] = []
        self.clients: list[PackageIndex] = []
        self.parts = True  # whether it gives parts of files

    def client(self, cache: Path) -> PackageIndex:
        """A catalog that asks this index and keeps answers in `cache`. The fixture closes it."""
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
        wanted = self.server.parts and re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
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

    def test_an_answer_is_read_once(self, fake: FakeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        first = file(WHEEL, more={"requires-python": ">=3.12", "yanked": True}), file("alpha-1.0.tar.gz", "2026-01-06")
        fake.answers["/simple/alpha/"] = [page(*first)]
        content = wheel(METADATA.replace("\nVersion: 1.1", "\nVersion: 1.0"))
        fake.answers["/files/alpha-1.0-py3-none-any.whl"] = [("application/octet-stream", content)]
        project = fake.client(tmp_path).project("alpha")
        read = Answer.files
        with monkeypatch.context() as patch:
            patch.setattr(Answer, "files", lambda _: pytest.fail("the answer is the same"))
            again = fake.client(tmp_path)
            assert again.project("alpha") == project
        # What is downloaded is found all the same, and another answer is read.
        assert [str(r) for r in again.requires("alpha", "1.0")] == ["beta>=2"]
        fake.answers["/simple/alpha/"] = [page(*first, file("alpha-1.1.tar.gz"))]
        assert Answer.files is read
        assert [release.version for release in fake.client(tmp_path).project("alpha").releases] == ["1.0", "1.1"]

    def test_what_was_read_before_counts_only_as_this_build_reads(
        self, fake: FakeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fake.answers["/simple/alpha/"] = [page(file(WHEEL))]
        project = fake.client(tmp_path).project("alpha")
        (kept,) = tmp_path.rglob("projects/alpha.json")
        kept.write_text(kept.read_text().replace('"1.0"', '"9.9"'))
        assert [r.version for r in fake.client(tmp_path).project("alpha").releases] == ["9.9"]
        with monkeypatch.context() as patch:
            patch.setattr("stackcompat.ecosystem.index._READING", 0)
            assert fake.client(tmp_path).project("alpha") == project
        kept.write_text("{")
        assert fake.client(tmp_path).project("alpha") == project

    def test_nobody_there(self, tmp_path: Path) -> None:
        with pytest.raises(IndexUnreachable, match="the package index did not answer for alpha: ConnectionError"):
            PackageIndex(tmp_path, "http://127.0.0.1:1/simple").project("alpha")

    def test_answer_of_something_else(self, fake: FakeIndex, tmp_path: Path) -> None:
        fake.answers["/simple/alpha/"] = [("image/png", b"no")]
        with pytest.raises(IndexUnreachable, match="for alpha: it sent image/png"):
            fake.client(tmp_path).project("alpha")

    def test_answer_without_upload_times_is_asked_for_again(
        self, fake: FakeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(PackageIndex, "pauses", (0, 0))
        fake.answers["/simple/alpha/"] = [HTML, HTML, page(file(WHEEL))]
        release = fake.client(tmp_path).project("alpha").find("1.0")
        assert release is not None
        assert release.uploaded == dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC)
        # Upload times that were known once are kept, so the index need not give them again.
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

    def test_what_is_kept_of_one_index_is_no_answer_of_another(self, fake: FakeIndex, tmp_path: Path) -> None:
        fake.answers["/simple/alpha/"] = [page(file("alpha-1.1-py3-none-any.whl"))]
        fake.answers["/files/alpha-1.1-py3-none-any.whl"] = [("application/octet-stream", wheel(METADATA))]
        assert fake.client(tmp_path).requires("alpha", "1.1")
        (theirs,) = fake.client(tmp_path).project("alpha").releases
        # Another index has a project of the same name, with other requirements, uploaded on another day.
        fake.answers["/internal/simple/alpha/"] = [page(file("alpha-1.1-py3-none-any.whl", "2026-03-01"))]
        plain = METADATA.replace("Requires-Dist: beta>=2\n", "")
        fake.answers["/files/alpha-1.1-py3-none-any.whl"] = [("application/octet-stream", wheel(plain))]
        internal = PackageIndex(tmp_path, fake.address.replace("/simple", "/internal/simple"))
        fake.clients.append(internal)
        assert internal.requires("alpha", "1.1") == ()
        (ours,) = internal.project("alpha").releases
        assert (theirs.uploaded, ours.uploaded) == (
            dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC),
            dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC),
        )

    def test_the_paths_in_a_wheel_without_its_content(self, fake: FakeIndex, tmp_path: Path) -> None:
        fake.answers["/simple/alpha/"] = [page(file("alpha-1.1-py3-none-any.whl"), file("alpha-1.2.tar.gz"))]
        fake.answers["/files/alpha-1.1-py3-none-any.whl"] = [("application/zip", wheel(METADATA))]
        index = fake.client(tmp_path)
        assert index.paths("Alpha", "1.1") == ("alpha/__init__.py", "alpha-1.1.dist-info/METADATA")
        assert [index.paths("alpha", version) for version in ("1.2", "9")] == [(), ()]

    def test_the_paths_in_a_wheel_that_is_only_given_whole(
        self, fake: FakeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fake, "parts", False)
        fake.answers["/simple/alpha/"] = [page(file("alpha-1.1-py3-none-any.whl"))]
        fake.answers["/files/alpha-1.1-py3-none-any.whl"] = [("application/zip", wheel(METADATA))]
        assert fake.client(tmp_path).paths("alpha", "1.1") == ("alpha/__init__.py",)

    def test_the_paths_in_a_wheel_that_does_not_come(self, fake: FakeIndex, tmp_path: Path) -> None:
        fake.answers["/simple/alpha/"] = [page(file("alpha-1.1-py3-none-any.whl"))]
        with pytest.raises(IndexUnreachable, match=r"did not give the wheel of alpha 1\.1"):
            fake.client(tmp_path).paths("alpha", "1.1")

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


class TestWrongAnswers:
    """Whatever an index says, it is read, or it is one error that tells an outage from a verdict."""

    @pytest.mark.parametrize(
        "content",
        [
            *(b"[]", b"null", b"7", b'"a"', b"{", b"", b"\xff", b"NaN", b"1" * 5000, b"[" * 100_000),
            b'{"meta": {"api-version": "1.1"}, "name": "alpha", "files": 3}',
            b'{"meta": {"api-version": "1.1"}, "name": "alpha", "files": [null]}',
            b'{"meta": {"api-version": "9.0"}, "name": "alpha", "files": []}',
            b'{"meta": {"api-version": "one"}, "name": "alpha", "files": []}',
            b'{"meta": [], "name": 1, "files": {}}',
            json.dumps(
                {"meta": {"api-version": "1.1"}, "name": "alpha", "files": [file(WHEEL) | {"url": "http://[x/"}]}
            ).encode(),
        ],
        ids=lambda content: content[:60].decode(errors="replace").encode("unicode_escape").decode(),
    )
    def test_an_answer_of_another_shape(self, fake: FakeIndex, tmp_path: Path, content: bytes) -> None:
        fake.answers["/simple/alpha/"] = [(JSON, content)]
        with pytest.raises(IndexUnreachable, match="did not answer for alpha: "):
            fake.client(tmp_path).project("alpha")

    @pytest.mark.parametrize(
        "more",
        [
            {"upload-time": "soon"},
            {"upload-time": "0001-01-01T00:00:00+14:00"},
            {"upload-time": "9999-12-31T23:59:59-14:00"},
            {"upload-time": "0001-01-01T00:00:00Z"},
            {"upload-time": []},
            {"hashes": ["ab"]},
            {"size": "large"},
            {"url": 7},
        ],
        ids=str,
    )
    def test_a_file_of_another_shape(self, fake: FakeIndex, tmp_path: Path, more: Mapping[str, object]) -> None:
        fake.answers["/simple/alpha/"] = [page(file(WHEEL) | dict(more))]
        with pytest.raises(IndexUnreachable, match="did not answer for alpha: "):
            fake.client(tmp_path).project("alpha")

    def test_times_without_a_zone_are_in_utc(self, fake: FakeIndex, tmp_path: Path) -> None:
        fake.answers["/simple/alpha/"] = [page(file(WHEEL) | {"upload-time": "2026-01-05T10:00:00"})]
        (release,) = fake.client(tmp_path).project("alpha").releases
        assert release.uploaded == dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC)

    def test_a_web_page_without_files_is_not_asked_for_again(self, fake: FakeIndex, tmp_path: Path) -> None:
        fake.answers["/simple/alpha/"] = [("text/html", b'<html><a href="/in">Log in</a> to our network')]
        with pytest.raises(IndexUnreachable, match="a web page without any file; is there a login page"):
            fake.client(tmp_path).project("alpha")
        assert fake.asked == ["/simple/alpha/"]

    @pytest.mark.parametrize("text", ["", "oh", METADATA.replace("alpha", "beta"), METADATA.replace(" 1.1", " 1.2")])
    @pytest.mark.parametrize("own", [True, False])
    def test_the_metadata_of_something_else(self, fake: FakeIndex, tmp_path: Path, text: str, own: bool) -> None:
        fake.answers["/simple/alpha/"] = [page(file("alpha-1.1-py3-none-any.whl", more={"core-metadata": own}))]
        fake.answers["/files/alpha-1.1-py3-none-any.whl.metadata"] = [("text/plain", text.encode())]
        fake.answers["/files/alpha-1.1-py3-none-any.whl"] = [("application/octet-stream", wheel(text))]
        with pytest.raises(IndexUnreachable, match=r"as the metadata of alpha 1\.1 is not that"):
            fake.client(tmp_path).requires("alpha", "1.1")
        assert not list(tmp_path.rglob("metadata/*"))

    def test_metadata_with_another_hash(self, fake: FakeIndex, tmp_path: Path) -> None:
        more = {"core-metadata": {"sha256": "ab" * 32}}
        fake.answers["/simple/alpha/"] = [page(file("alpha-1.1-py3-none-any.whl", more=more))]
        fake.answers["/files/alpha-1.1-py3-none-any.whl.metadata"] = [("text/plain", METADATA.encode())]
        with pytest.raises(IndexUnreachable, match="its answers contradict"):
            fake.client(tmp_path).requires("alpha", "1.1")

    def test_what_was_kept_and_altered_is_asked_for_again(self, fake: FakeIndex, tmp_path: Path) -> None:
        fake.answers["/simple/alpha/"] = [page(file("alpha-1.1-py3-none-any.whl"))]
        fake.answers["/files/alpha-1.1-py3-none-any.whl"] = [("application/octet-stream", wheel(METADATA))]
        project, required = fake.client(tmp_path).project("alpha"), fake.client(tmp_path).requires("alpha", "1.1")
        (kept,) = tmp_path.rglob("metadata/*")
        texts = {path: path.read_text() for path in tmp_path.rglob("alpha*.json")}
        assert len(texts) == 3
        for path, text in texts.items():
            for wrong in ("", "[]", text[: len(text) // 2], text.replace("beta", "gamma").replace('"1.1"', '"x"')):
                path.write_text(wrong)
                index = fake.client(tmp_path)
                assert index.project("alpha") == project
                assert index.requires("alpha", "1.1") == required
            path.write_text(text)
        assert kept.read_text() == texts[kept]


class TestLimits:
    def test_an_answer_that_does_not_end_is_left(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(IndexClient, "seconds", 0.5)
        with OddIndex() as odd, closing(PackageIndex(tmp_path, odd.address)) as index:
            odd.answers["/simple/alpha/"] = OddAnswer(itertools.repeat(b" "), pause=0.05)
            with pytest.raises(IndexUnreachable, match="alpha: it was not done after"):
                index.project("alpha")

    def test_an_answer_that_is_too_large_is_left(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("stackcompat.ecosystem.index_client._LARGEST_PAGE", 2**20)
        with OddIndex() as odd, closing(PackageIndex(tmp_path, odd.address)) as index:
            odd.answers["/simple/alpha/"] = OddAnswer(itertools.repeat(b" " * 2**16))
            with pytest.raises(IndexUnreachable, match="alpha: it has more than 1 MiB"):
                index.project("alpha")

    def test_an_answer_that_is_cut_is_none(self, tmp_path: Path) -> None:
        with OddIndex() as odd, closing(PackageIndex(tmp_path, odd.address)) as index:
            odd.answers["/simple/alpha/"] = page_of(file(WHEEL))._replace(length=10_000)
            with pytest.raises(IndexUnreachable, match="did not answer for alpha: "):
                index.project("alpha")

    def test_source_that_is_too_large_is_not_read(
        self, fake: FakeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("stackcompat.ecosystem.index._LARGEST_SOURCE", 100)
        fake.answers["/simple/alpha/"] = [page(file("alpha-1.1-py3-none-any.whl"))]
        fake.answers["/files/alpha-1.1-py3-none-any.whl"] = [("application/octet-stream", wheel(METADATA))]
        assert fake.client(tmp_path).sources("alpha", "1.1") == {}


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
