"""The lock that --lock gives, from a file and from an address."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stackcompat.cli import cell_arguments
from stackcompat.cli.cell_arguments import read_lock
from stackcompat.core.errors import UsageError
from support.made_up import make_lock

LOCK = make_lock({"alpha": "1.3.0"})


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder, with a password and a token."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://somebody:secret@127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "lock.txt").write_text(f"# cell c: broken\n{LOCK.text()}", encoding="utf-8")
    (tmp_path / "page.txt").write_text("<html>", encoding="utf-8")
    with served(tmp_path) as address:
        yield address


def test_a_lock_is_read_from_a_file_and_from_an_address(address: str, tmp_path: Path) -> None:
    for given in (str(tmp_path / "lock.txt"), f"{address}/lock.txt?token=secret"):
        assert read_lock(given, "3.12").pins == LOCK.pins


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("none.txt", "--lock: {name}/none.txt cannot be had (HTTP 404); give another address"),
        ("page.txt", "--lock: {name}/page.txt: "),
    ],
)
def test_what_is_no_lock_is_told_without_a_credential(address: str, path: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_lock(f"{address}/{path}?token=secret", "3.12")
    assert "secret" not in str(caught.value)
    assert str(caught.value).startswith(said.format(name=address.replace("somebody:secret@", "")))


def test_what_is_too_large_is_no_lock(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_arguments, "_LARGEST_LOCK", 10)
    with pytest.raises(UsageError, match=r"more than 10 bytes, so it is no lock$"):
        read_lock(f"{address}/lock.txt", "3.12")


def test_an_address_is_one_of_http() -> None:
    with pytest.raises(UsageError, match=r"--lock: ftp://a\.example/l\.txt is neither a file nor an address"):
        read_lock("ftp://a.example/l.txt", "3.12")
