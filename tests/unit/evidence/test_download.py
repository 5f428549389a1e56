"""An archive is downloaded whole or not at all."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.evidence.download import download, is_address, readable_address
from support.odd_index import OddAnswer, OddIndex

CONTENT = bytes(range(256)) * 9000


@contextmanager
def server(*, status: int = 200, length: int | None = len(CONTENT), content: bytes = CONTENT) -> Iterator[str]:
    """A server with one answer; without a `length` it does not say how long it is."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            if length is not None:
                self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield f"http://somebody:secret@127.0.0.1:{serving.server_address[1]}/a.parquet?token=secret"
        serving.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.parametrize("length", [len(CONTENT), None])
def test_what_is_there_is_written_and_told(tmp_path: Path, length: int | None) -> None:
    told: list[tuple[int, int | None]] = []
    with server(length=length) as address:
        download(address, tmp_path / "a", lambda come, total: told.append((come, total)))
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert len(told) > 1
    assert told[-1] == (len(CONTENT), length)


def failure(address: str, tmp_path: Path, *, most: int = 2**30) -> StackcompatError:
    with pytest.raises(StackcompatError) as caught:
        download(address, tmp_path / "a", lambda *_: None, most=most)
    assert "secret" not in str(caught.value)
    return caught.value


def test_nothing_is_there(tmp_path: Path) -> None:
    with server(status=404) as address:
        error = failure(address, tmp_path)
    assert isinstance(error, UsageError)
    assert str(error) == f"FILE: {readable_address(address)} cannot be had (HTTP 404); give another address"


def test_a_server_in_trouble_is_no_mistake_of_the_user(tmp_path: Path) -> None:
    with server(status=500) as address:
        error = failure(address, tmp_path)
    assert not isinstance(error, UsageError)
    assert "did not answer as it should: HTTPError" in str(error)
    assert "did not answer as it should: ConnectionError" in str(failure(address, tmp_path))


def test_an_answer_that_ends_too_early(tmp_path: Path) -> None:
    with server(length=len(CONTENT) + 1) as address:
        error = failure(address, tmp_path)
    assert not isinstance(error, UsageError)


@pytest.mark.parametrize("length", [len(CONTENT), None])
def test_too_much(tmp_path: Path, length: int | None) -> None:
    with server(length=length) as address:
        error = failure(address, tmp_path, most=2**20)
    assert isinstance(error, UsageError)
    assert "has more than 1048576 bytes, so it is no archive of evidence" in str(error)
    assert (tmp_path / "a").stat().st_size <= 2**20


def test_an_answer_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackcompat.evidence.download._LONGEST", 0.3)
    with OddIndex() as odd:
        odd.answers["/simple/evidence.parquet"] = OddAnswer(itertools.repeat(b"x"), pause=0.05)
        with pytest.raises(StackcompatError, match="was not done after 0 min"):
            download(f"{odd.address}evidence.parquet", tmp_path / "evidence.parquet", lambda *_: None)


def test_addresses() -> None:
    assert is_address("https://x.example/evidence.parquet")
    assert not is_address("reports/evidence.parquet")
    assert readable_address("https://me:pw@x.example:8/e.parquet?sig=1#f") == "https://x.example:8/e.parquet"
    with pytest.raises(UsageError, match=r"neither a file nor an address that begins with https:// or http://"):
        download("ftp://x.example/e.parquet", Path("a"), lambda *_: None)
