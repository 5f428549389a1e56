"""The commands that show and empty the cache."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from stackcompat.cli import runners
from stackcompat.plan.ecosystem import find_ecosystem
from stackcompat.run.package_cache import PackageCache
from support.command_line import Run


@pytest.fixture
def cache(checkout: Path) -> PackageCache:
    """A cache with 3000 bytes of packages, 20 bytes of a harness, and an environment of a process that ended."""
    cache = PackageCache(checkout / "cache", "no-uv")
    (cache.packages / "wheel").write_bytes(b"x" * 3000)
    (cache.root / "harness").mkdir()
    (cache.root / "harness" / "file").write_bytes(b"x" * 20)
    left = cache.environments / "99999999-cell-1"
    left.mkdir()
    (left / "file").write_bytes(b"x" * 5)
    return cache


def test_where_it_is(run: Run, checkout: Path) -> None:
    assert run("cache", "dir") == (0, f"{checkout / 'cache'}\n", "")
    assert not (checkout / "cache").exists()


def test_its_size(run: Run, cache: PackageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKCOMPAT_CACHE_GIB", "2")
    code, output, error = run("cache", "size")
    assert (code, error) == (0, "")
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert lines[0] == "part size what is in it"
    assert lines[1].startswith("uv 2.9 KiB packages as uv downloaded")
    assert any(line.startswith("harness 20 B pytest") for line in lines)
    assert lines[-1].startswith("3.0 KiB in all; packages and programs are removed above 2.0 GiB")
    told = json.loads(run("cache", "size", "--json", "-")[1])
    assert (told["parts"]["uv"], told["parts"]["index"], told["total"]) == (3000, 0, 3025)


def test_prune_removes_what_is_not_in_use(run: Run, cache: PackageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PackageCache, "crowded", False)
    assert run("cache", "prune") == (0, "5 B were removed, 2.9 KiB are left\n", "")
    monkeypatch.setenv("STACKCOMPAT_CACHE_GIB", "0.000001")
    assert json.loads(run("cache", "prune", "--json", "-")[1]) | {"folder": ""} == {
        "folder": "",
        "removed": 3000,
        "left": 20,
        "in_use": False,
    }


def test_prune_all_removes_all_unless_a_command_is_running(run: Run, cache: PackageCache) -> None:
    with cache.claimed():
        code, output, _ = run("cache", "prune", "--all")
        assert code == 0
        assert output.startswith("5 B were removed, 2.9 KiB are left\na command is running")
    assert run("cache", "prune", "--all") == (0, "2.9 KiB were removed, 0 B are left\n", "")


def test_a_command_that_runs_cells_uses_the_cache_until_it_ends(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners, "find_interpreters", lambda _: {})
    other = PackageCache(checkout / "cache", "no-uv")
    with click.Context(click.Command("test")):
        runners.make_runner(find_ecosystem(str(checkout)), 1, ["3.12"])
        assert not other.clear()
    assert other.clear()
