"""Which index the user has configured."""

from __future__ import annotations

import pytest

from stackcompat.ecosystem.index_client import index_address


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
