"""The package cache: where it is, how large it grows, when it is emptied."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.core.folders import default_cache
from stackcompat.resolve.lock import Lock
from stackcompat.run import package_cache
from stackcompat.run.package_cache import CONTENTS, PackageCache, cache_bound, free_bytes, measure, remove_job_folder

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
    # The marks of compiled wheels are removed as well, so a wheel that comes back is compiled again.
    unpack(cache, "alpha", "1.0")
    assert cache.compile(LOCK, Path(sys.executable)) == 1


def test_a_cache_that_was_not_used_is_not_measured(cache: PackageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    unpack(cache, "alpha", "1.0")
    monkeypatch.setattr(package_cache, "_size", lambda *_: pytest.fail("measured"))
    cache.bound = 1
    assert cache.trim() == 0
    assert list(cache.packages.iterdir())
    monkeypatch.undo()
    monkeypatch.setattr(PackageCache, "crowded", True)
    assert cache.trim() > 0


def test_a_small_cache_is_measured_once_an_hour(cache: PackageCache, monkeypatch: pytest.MonkeyPatch) -> None:
    unpack(cache, "alpha", "1.0")
    measured = Mock(return_value=100)
    monkeypatch.setattr(package_cache, "_size", measured)
    later = PackageCache(cache.root, "true")
    for one in (cache, later):
        one.used, one.bound = True, 1000
        assert one.trim() == 0
    assert measured.call_count == 2  # the packages and the programs, by the first of them
    later.bound = 300  # more than half of it was in use
    later.trim()
    assert measured.call_count == 4
    later.bound = 1000
    later.trim(anew=True)
    assert measured.call_count == 6
    note = cache.root / "measured.txt"
    os.utime(note, (note.stat().st_atime, note.stat().st_mtime - 3601))
    later.trim()
    assert measured.call_count == 8


INSTALLER = """
import sys
from pathlib import Path
from unittest.mock import Mock
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


def test_a_file_that_is_linked_counts_once(cache: PackageCache) -> None:
    linked = cache.packages / "file"
    linked.write_bytes(b"x" * 100)
    (cache.environments / "link").hardlink_to(linked)
    (cache.environments / "own").write_bytes(b"x" * 10)
    sizes = measure(cache.root)
    assert sizes.keys() == CONTENTS.keys()
    assert {name: size for name, size in sizes.items() if size} == {"uv": 100, "environments": 10}
    assert set(measure(cache.root / "absent").values()) == {0}
    assert free_bytes(cache.root / "absent") > 0


def test_the_contents_are_all_that_the_tool_keeps_in_the_cache() -> None:
    sources = Path(package_cache.__file__).parents[1]
    text = "".join(source.read_text() for source in sources.rglob("*.py"))
    kept = set(re.findall(r'(?:default_cache\(\)|cache\.root) / "(\w+)"', text))
    kept |= set(re.findall(r'root / "(\w+)"', Path(package_cache.__file__).read_text()))
    assert kept == CONTENTS.keys()


def test_leftovers_of_ended_processes_are_removed(cache: PackageCache) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    (cache.environments / f"{ended.pid}-cell-1").mkdir()
    assert not cache.remove_leftovers()
    (cache.environments / f"{os.getpid()}-cell-1").mkdir()
    assert cache.remove_leftovers()
    assert [folder.name for folder in cache.environments.iterdir()] == [f"{os.getpid()}-cell-1"]


def test_the_folder_that_an_overlay_closes_is_removed(cache: PackageCache) -> None:
    folder = cache.environments / "1-x"
    work = folder / "layer" / "work" / "work"
    work.mkdir(parents=True)
    (work / "inner").mkdir()
    work.chmod(0)
    remove_job_folder(folder)
    assert not folder.exists()
    remove_job_folder(folder)


def test_the_environment_of_an_engine_that_cannot_be_seen_is_no_leftover(cache: PackageCache) -> None:
    """Engines in two containers share a cache and do not see each other's processes."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    folder = cache.environments / f"{ended.pid}-cell-1"
    with cache.occupied(folder):
        folder.mkdir()
        assert cache.remove_leftovers()
        assert folder.exists()
    assert not cache.remove_leftovers()
    assert list(cache.environments.iterdir()) == []


def test_the_cache_is_cleared_unless_it_is_in_use(cache: PackageCache) -> None:
    harness, foreign = cache.root / "harness" / "x", cache.root / "thesis"
    environment = cache.environments / f"{os.getpid()}-cell-1"
    for folder in (harness, foreign, environment):
        folder.mkdir(parents=True)
    assert not cache.clear()  # by the environment of this process
    environment.rmdir()
    other = PackageCache(cache.root, "no-uv")
    for use in (other.claimed, other.in_use):
        with use():
            assert not cache.clear()
    assert harness.is_dir()
    assert cache.clear()
    assert not harness.exists()
    assert foreign.is_dir()
    assert not list(cache.packages.iterdir())
