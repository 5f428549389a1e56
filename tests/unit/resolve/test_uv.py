"""The environment in which uv runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stackcompat.resolve.uv import extra_index, uv_environment


def test_uv_keeps_the_addresses_and_loses_the_preferences() -> None:
    addresses = {
        "UV_DEFAULT_INDEX": "https://a.example",
        "UV_INDEX": "b=https://b.example",
        "UV_INDEX_B_USERNAME": "me",
        "UV_INDEX_B_PASSWORD": "secret",
        "UV_EXTRA_INDEX_URL": "https://c.example",
        "UV_FIND_LINKS": "/wheels",
        "HTTPS_PROXY": "http://proxy.example",
        "no_proxy": "localhost",
        "SSL_CERT_FILE": "/certs.pem",
        "HOME": "/home/me",
        "PATH": "/bin",
    }
    preferences = {
        "UV_EXCLUDE_NEWER": "2020-01-01",
        "UV_RESOLUTION": "lowest",
        "UV_PRERELEASE": "allow",
        "UV_CONSTRAINT": "c.txt",
        "UV_OVERRIDE": "o.txt",
        "UV_NO_BINARY": "1",
        "UV_NO_BUILD": "1",
        "UV_PYTHON": "3.9",
        "UV_CACHE_DIR": "/mine",
        "UV_NO_CACHE": "1",
        "UV_LINK_MODE": "copy",
        "UV_COMPILE_BYTECODE": "1",
        "UV_REQUIRE_HASHES": "0",
        "VIRTUAL_ENV": "/venv",
        "PYTHONPATH": "/x",
        "PIP_CONSTRAINT": "c.txt",
        "SECRET_TOKEN": "s",
    }
    got = uv_environment(Path("/cache"), addresses | preferences)
    assert got == addresses | {"UV_CACHE_DIR": "/cache", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never"}


def test_pips_index_is_uvs_where_uv_has_none() -> None:
    assert uv_environment(Path("/c"), {"PIP_INDEX_URL": "https://p"})["UV_DEFAULT_INDEX"] == "https://p"
    both = {"PIP_INDEX_URL": "https://p", "UV_DEFAULT_INDEX": "https://u"}
    assert uv_environment(Path("/c"), both)["UV_DEFAULT_INDEX"] == "https://u"


def test_an_extra_index_is_only_there_when_it_is_named_and_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTRA", " https://x.example ")
    assert extra_index("EXTRA") == ["--index", "https://x.example", "--index-strategy", "unsafe-best-match"]
    assert extra_index("") == []
    monkeypatch.delenv("EXTRA")
    assert extra_index("EXTRA") == []


def test_the_callers_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_RESOLUTION", "lowest")
    monkeypatch.setitem(os.environ, "UV_FIND_LINKS", "/wheels")
    got = uv_environment(Path("/cache"))
    assert "UV_RESOLUTION" not in got
    assert got["UV_FIND_LINKS"] == "/wheels"
