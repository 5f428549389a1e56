"""Which index the user has configured, and where an index keeps its files."""

from __future__ import annotations

import pytest

from stackcompat.ecosystem.index_client import file_addresses, index_address
from stackcompat.ecosystem.releases import IndexUnreachable
from support.odd_index import OddAnswer, OddIndex, page


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"PIP_INDEX_URL": "https://a.example/simple"}, "https://a.example/simple"),
        ({"PIP_INDEX_URL": "https://a.example", "UV_INDEX_URL": "https://b.example"}, "https://b.example"),
        ({"UV_DEFAULT_INDEX": "mine=https://c.example/simple"}, "https://c.example/simple"),
        ({"UV_DEFAULT_INDEX": "https://c.example/?a=b", "UV_INDEX_URL": " "}, "https://c.example/?a=b"),
    ],
)
def test_index_address(environment: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert index_address() == expected


def test_where_an_index_keeps_its_files() -> None:
    names = [f"setuptools-{number}.0-py3-none-any.whl" for number in range(3)]
    urls = [f"https://files.example/{names[0]}", f"../../{names[1]}", f"https://files.example/{names[2]}"]
    files = [{"filename": name, "url": url, "hashes": {}} for name, url in zip(names, urls, strict=True)]
    with OddIndex({"/simple/setuptools/": page(*files, name="setuptools")}) as index:
        own = index.address.removesuffix("simple/")
        assert set(file_addresses(index.address)) == {f"https://files.example/{names[2]}", f"{own}{names[1]}"}
        assert index.asked == ["/simple/wheel/", "/simple/setuptools/"]
        file_addresses(index.address)
        assert len(index.asked) == 2
    with OddIndex() as index:
        assert file_addresses(index.address) == ()
    with OddIndex(otherwise=OddAnswer(b"no index")) as index, pytest.raises(IndexUnreachable):
        file_addresses(index.address)
