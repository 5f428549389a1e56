"""The package cache: where it is, how large it grows, when it is emptied."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.resolve.lock import Lock
from stackcompat.run.package_cache import PackageCache, cache_bound, default_cache

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
LOCK = Lock.parse("alpha==1.0\nbeta-x==2.0", PYTHON, "p")


@pytest.fixture
def cache(tmp_path: Path) -> PackageCache:
    return PackageCache(tmp_path / "cache", "no-uv")


def unpack(cache: PackageCache, name: str, version: str) -> Path:
    """A wheel as uv unpacks it into its cache."""
    folder = cache.packages / "archive-v0" / f"{name}-{version}-id"
    (folder / name / "__pycache__").mkdir(parents=True)
    (folder / name / "__pycache__").rmdir()
    (folder / name / "__init__.py").write_text("x = 1\n")
    (folder / f"{name}-{version}.dist-info").mkdir()
    (folder / f"{name}-{version}.data" / "scripts").mkdir(parents=True)
    (folder / f"{name}-{version}.data" / "scripts" / "tool.py").write_text("x = 1\n")
    return folder


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STACKCOMPAT_CACHE", str(tmp_path))
    assert default_cache() == tmp_path
    monkeypatch.delenv("STACKCOMPAT_CACHE")
    assert default_cache().name == "stackcompat"


def test_how_large_it_may_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STACKCOMPAT_CACHE_GIB", raising=False)
    assert cache_bound() == 40 * 2**30
    monkeypatch.setenv("STACKCOMPAT_CACHE_GIB", "0.5")
    assert cache_bound() == 2**29


@pytest.mark.parametrize("given", ["0", "-1", "8 GB", "inf", "nan"])
def test_what_is_no_size(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("STACKCOMPAT_CACHE_GIB", given)
    with pytest.raises(UsageError, match=f'STACKCOMPAT_CACHE_GIB: "{given}" is no size in GiB; allowed is a number'):
        cache_bound()


def test_the_cache_is_bounded_and_harnesses_survive(cache: PackageCache) -> None:
    unpack(cache, "alpha", "1.0")
    cache.compile(LOCK, Path(sys.executable))
    harness = cache.root / "harness" / "x"
    harness.mkdir(parents=True)
    assert cache.trim() == 0
    cache.bound = 1
    assert cache.trim() > 0
    assert not list(cache.packages.iterdir())
    assert harness.is_dir()
    # What was compiled is forgotten with it, so a wheel that comes back is compiled again.
    unpack(cache, "alpha", "1.0")
    assert cache.compile(LOCK, Path(sys.executable)) == 1


INSTALLER = """
import sys
from pathlib import Path
from stackcompat.run.package_cache import PackageCache

with PackageCache(Path(sys.argv[1]), "uv").in_use():
    print("installing", flush=True)
    sys.stdin.readline()
"""


def test_the_cache_is_not_emptied_while_another_process_installs_from_it(cache: PackageCache) -> None:
    unpack(cache, "alpha", "1.0")
    cache.bound = 1
    command = [sys.executable, "-c", INSTALLER, str(cache.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as installer:
        assert installer.stdout is not None
        assert installer.stdout.readline() == "installing\n"
        with cache.in_use():  # several may install at once
            assert cache.trim() == 0
        assert list(cache.packages.iterdir())
        installer.communicate("done\n", timeout=60)
    assert cache.trim() > 0


def test_pytest_that_cannot_be_installed_is_said(tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'no network' >&2\nexit 2\n")
    uv.chmod(0o755)
    with pytest.raises(StackcompatError, match=r"pytest for Python 3\.12 could not be installed: no network"):
        PackageCache(tmp_path / "cache", str(uv)).harness("3.12", Path(sys.executable))
