"""The folder with pytest: made once, and never left half made."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stackcompat.core.errors import StackcompatError
from stackcompat.run.harness import install_harness
from stackcompat.run.package_cache import PackageCache


def cache_with(tmp_path: Path, script: str) -> PackageCache:
    """A cache whose uv is a shell script."""
    uv = tmp_path / "uv"
    uv.write_text(f"#!/bin/sh\n{script}\n")
    uv.chmod(0o755)
    return PackageCache(tmp_path / "cache", str(uv))


def test_a_harness_is_installed_once(tmp_path: Path) -> None:
    # The script makes the folder after --target as an installation does, and counts how often it ran.
    cache = cache_with(tmp_path, f'mkdir -p "$4/pytest"\necho x >> {tmp_path}/calls')
    harness = install_harness(cache, "3.12", Path(sys.executable))
    assert harness == cache.root / "harness" / "cpython-312"
    assert (harness / "pytest").is_dir()
    assert install_harness(cache, "3.12", Path(sys.executable)) == harness
    assert (tmp_path / "calls").read_text() == "x\n"
    assert not list(harness.parent.glob("*.partial"))


def test_a_harness_that_was_changed_is_made_anew(tmp_path: Path) -> None:
    cache = cache_with(tmp_path, 'mkdir -p "$4/pytest"; echo fresh > "$4/pytest/runner.py"')
    harness = install_harness(cache, "3.12", Path(sys.executable))
    (harness / "pytest" / "runner.py").write_text("every test passes\n")
    assert install_harness(cache, "3.12", Path(sys.executable)) == harness
    assert (harness / "pytest" / "runner.py").read_text() == "fresh\n"
    (harness / "pytest" / "runner.py").unlink()
    install_harness(cache, "3.12", Path(sys.executable))
    assert (harness / "pytest" / "runner.py").exists()
    (harness / "sitecustomize.py").touch()
    install_harness(cache, "3.12", Path(sys.executable))
    assert not (harness / "sitecustomize.py").exists()


def test_pytest_that_cannot_be_installed_is_said(tmp_path: Path) -> None:
    cache = cache_with(tmp_path, "echo 'no network' >&2\nexit 2")
    with pytest.raises(StackcompatError, match=r"pytest for Python 3\.12 could not be installed: no network"):
        install_harness(cache, "3.12", Path(sys.executable))
    assert not (cache.root / "harness" / "cpython-312").exists()
