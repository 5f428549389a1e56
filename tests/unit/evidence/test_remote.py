"""Files at URLs of storage services; fsspec has one in memory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.evidence.remote import fetch, put


def test_what_is_put_is_fetched(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    for content in (b"first" * 10**6, b"second"):
        source.write_bytes(content)
        put(source, "memory://folder/archive.parquet")
        fetch("memory://folder/archive.parquet", target)
        assert target.read_bytes() == content
    with pytest.raises(UsageError, match="has more than 3 bytes, so it is no archive"):
        fetch("memory://folder/archive.parquet", target, most=3)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("memory://nothing/here", "memory://nothing/here is not there; give another address"),
        ("nowhere://me:secret@host/file", "nowhere://host/file cannot be used: Protocol not known"),
    ],
)
def test_what_cannot_be_fetched_is_one_sentence(tmp_path: Path, address: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        fetch(address, tmp_path / "target")
    assert words in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_service_that_fails_is_told_by_the_kind_of_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        @staticmethod
        def open(*_: object) -> None:
            raise RuntimeError("token=secret")

    monkeypatch.setitem(sys.modules, "fsspec", Broken)
    with pytest.raises(StackcompatError, match=r"^s3://bucket/file did not answer as it should: RuntimeError$"):
        fetch("s3://key:secret@bucket/file", tmp_path / "target")


def test_without_fsspec_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(UsageError, match=r"needs fsspec, which is not installed: pip install 'stackcompat\[fsspec\]'"):
        put(tmp_path, "s3://bucket/file")
