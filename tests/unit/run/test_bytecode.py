"""Which wheels in the cache of uv are compiled, and when."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stackcompat.resolve.lock import Lock
from stackcompat.run.package_cache import PackageCache

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


def compiled(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*.pyc")}


def test_a_locks_wheels_are_compiled_once_and_no_others(cache: PackageCache) -> None:
    alpha, beta, other = unpack(cache, "alpha", "1.0"), unpack(cache, "beta_x", "2.0"), unpack(cache, "alpha", "3.0")
    assert cache.compile(LOCK, Path(sys.executable)) == 2
    tag = f"cpython-{PYTHON.replace('.', '')}"
    assert compiled(alpha) == {f"alpha/__pycache__/__init__.{tag}.pyc"}
    assert compiled(beta) == {f"beta_x/__pycache__/__init__.{tag}.pyc"}
    assert compiled(other) == set()
    assert cache.compile(LOCK, Path(sys.executable)) == 0


def test_what_does_not_compile_does_not_matter(cache: PackageCache) -> None:
    folder = unpack(cache, "alpha", "1.0")
    (folder / "alpha" / "template.py").write_text("{% no python %}\n")
    assert cache.compile(LOCK, Path(sys.executable)) == 1
    assert len(compiled(folder)) == 1


def test_an_unknown_layout_only_costs_speed(cache: PackageCache) -> None:
    (cache.packages / "archive-v9").mkdir()
    (cache.packages / "something").write_text("")
    assert cache.compile(LOCK, Path(sys.executable)) == 0
