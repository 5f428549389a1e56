"""What a release publishes: both distributions of a clone, and their version."""

from __future__ import annotations

import re
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
import uv

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]


def built(source: Path, folder: Path, *options: str) -> dict[str, Path]:
    """The distributions that uv builds of a source, by suffix."""
    command = [uv.find_uv_bin(), "build", "--quiet", "--out-dir", str(folder), *options, str(source)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return {file.suffix: file for file in folder.glob("stackcompat-*")}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clean clone, without tags."""
    subprocess.run(["git", "clone", "--quiet", "--no-tags", str(ROOT), str(tmp_path / "clone")], check=True)
    return tmp_path / "clone"


def test_a_tag_is_the_version_and_the_wheel_comes_from_the_source_distribution(clone: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "tag", "v9.8.7"], cwd=clone, check=True)
    found = built(clone, tmp_path / "both")
    assert found[".whl"].name == "stackcompat-9.8.7-py3-none-any.whl"
    assert found[".gz"].name == "stackcompat-9.8.7.tar.gz"
    at_once = built(clone, tmp_path / "wheel", "--wheel")
    with zipfile.ZipFile(found[".whl"]) as by_source, zipfile.ZipFile(at_once[".whl"]) as by_clone:
        names = by_source.namelist()
        assert sorted(names) == sorted(by_clone.namelist())
    for carried in (
        "stackcompat.toml",
        "matrices/components.toml",
        "tests/interop/test_import.py",
        "reports/bounds.json",
        "reports/compat.json",
    ):
        assert f"stackcompat/carried/{carried}" in names
    with tarfile.open(found[".gz"]) as source:
        assert not [name for name in source.getnames() if name.startswith("stackcompat-9.8.7/.github")]


def test_without_a_tag_it_is_a_development_release(clone: Path, tmp_path: Path) -> None:
    found = built(clone, tmp_path / "wheel", "--wheel")
    assert re.fullmatch(r"stackcompat-0\.\d+\.\d+\.dev\d+\+g[0-9a-f]+-py3-none-any\.whl", found[".whl"].name)
    subprocess.run(["git", "-C", str(clone), "archive", "--output", str(tmp_path / "s.tar"), "HEAD"], check=True)
    with tarfile.open(tmp_path / "s.tar") as archive:
        archive.extractall(tmp_path / "archive", filter="data")
    found = built(tmp_path / "archive", tmp_path / "other", "--wheel")
    assert re.fullmatch(r"stackcompat-0\.\d+\.\d+\.dev0-py3-none-any\.whl", found[".whl"].name)
