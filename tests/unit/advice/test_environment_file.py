"""Every form in which people keep what is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stackcompat.advice.environment_file import read_environment, read_file
from stackcompat.core.errors import UsageError

WANTED = {"alpha": "1.2.3", "beta-x": "2.0.dev3"}
REQUIREMENTS = """
# made
alpha==1.2.3 --hash=sha256:00
--index-url somewhere
Beta_x[more]==2.0.dev3 ; python_version > '3'  # why
gamma>=1
"""
FOLDED = """
alpha==1.2.3 \\
    --hash=sha256:00
beta-x===2.0.dev3
"""
UV_LOCK = """
[[package]]
name = "alpha"
version = "1.2.3"
[[package]]
name = "beta-x"
version = "2.0.dev3"
"""
PYLOCK = UV_LOCK.replace("package", "packages") + '[[packages]]\nname = "a-tree"\n'
CONDA_LIST = """
# platform: linux-64
alpha=1.2.3=py312_0
beta-x=2.0.dev3=0
"""
CONDA_COLUMNS = """
# packages in environment at here:
#
# Name                    Version                   Build  Channel
alpha                     1.2.3                    py312_0    conda-forge
beta-x                    2.0.dev3                  pypi_0    pypi
"""
CONDA_EXPLICIT = """
# platform: linux-64
@EXPLICIT
https://channel.example/conda-forge/noarch/alpha-1.2.3-py312_0.conda#0123456789abcdef
https://channel.example/conda-forge/linux-64/beta-x-2.0.dev3-h1_0.tar.bz2
"""
PIP_LIST = """
Package Version
------- --------
alpha   1.2.3
beta-x  2.0.dev3
"""
CONDA_FILE = """
name: made
channels:
  - conda-forge
dependencies:
  - "conda-forge::alpha=1.2.3"
  - pip:
    - beta-x==2.0.dev3
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", REQUIREMENTS),
        ("freeze", FOLDED),
        ("uv.lock", UV_LOCK),
        ("pylock.toml", PYLOCK),
        ("conda.txt", CONDA_LIST),
        ("environment.yml", CONDA_FILE),
        ("conda-list.txt", CONDA_COLUMNS),
        ("explicit.txt", CONDA_EXPLICIT),
        ("pip-list.txt", PIP_LIST),
        ("bom.txt", "\N{ZERO WIDTH NO-BREAK SPACE}alpha==1.2.3\r\nbeta-x==2.0.dev3\r\n"),
    ],
)
def test_what_is_pinned_exactly_is_read(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert read_file(path).versions == WANTED


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("requirements.txt", b"alpha>=1\n", "pins nothing exactly"),
        ("uv.lock", b"not toml", "is not valid TOML"),
        ("Cargo.toml", b"[package]\nname = 'alpha'\nversion = '1.0'\n", "pins nothing exactly"),
        ("uv.lock", b"package = ['x']\n", "pins nothing exactly"),
        ("uv.lock", b"package = 3\n", "pins nothing exactly"),
        ("base.txt", b"alpha==1.0\n-r gone.txt\n", r"gone\.txt cannot be read"),
        ("freeze.txt", b"\xff\xfe\x00", "is not text"),
    ],
)
def test_a_file_that_tells_nothing_is_a_mistake(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_file(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_file(tmp_path / "absent.txt")


def test_a_live_environment_lists_itself(tmp_path: Path) -> None:
    assert "pytest" in read_environment(Path(sys.executable)).versions
    assert "pytest" in read_environment(Path(sys.prefix)).versions
    with pytest.raises(UsageError, match="is not an environment"):
        read_environment(tmp_path)
    (tmp_path / "python").write_text("no program")
    with pytest.raises(UsageError, match="cannot be run"):
        read_environment(tmp_path / "python")
    (tmp_path / "python").write_text("#!/bin/sh\necho no\n")
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(UsageError, match="is not a Python interpreter"):
        read_environment(tmp_path / "python")


def test_what_has_no_exact_version_is_named(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    loose = ["beta>=0.12", "gamma @ https://files.example/gamma-1.0-py3-none-any.whl", "-e .", "-c more.txt", "delta"]
    path.write_text("\n".join(["alpha==1.0", "", "# why", "--no-binary :all:", *loose]))
    assert read_file(path) == ({"alpha": "1.0"}, tuple(loose))


def test_files_that_are_named_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "all.txt").write_text("-r more/base.txt  # why\nalpha==1.0\n")
    (tmp_path / "more" / "base.txt").write_text("--requirement=deep.txt\n-r ../all.txt\nbeta==2.0\n")
    (tmp_path / "more" / "deep.txt").write_text("gamma==3.0\n")
    assert read_file(tmp_path / "all.txt") == ({"alpha": "1.0", "beta": "2.0", "gamma": "3.0"}, ())


def test_what_is_for_another_python_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_text("alpha==1.0 ; python_version < '3.12'\nalpha==2.0 ; python_version >= '3.12'\n")
    assert read_file(path, "3.11").versions == {"alpha": "1.0"}
    listed = read_file(path, "3.12")
    assert listed.versions == {"alpha": "2.0"}
    assert listed.unread == ("alpha==1.0 ; python_version < '3.12' (for another Python or machine)",)


@pytest.mark.parametrize(
    ("name", "key", "marker"),
    [
        ("uv.lock", "package", 'resolution-markers = ["{}", "sys_platform == \'none\'"]'),
        ("poetry.lock", "package", 'markers = "{}"'),
        ("pylock.toml", "packages", 'marker = "{}"'),
    ],
)
def test_a_lock_with_several_versions_has_the_one_for_here(tmp_path: Path, name: str, key: str, marker: str) -> None:
    table = '[[{}]]\nname = "alpha"\nversion = "{}"\n{}\n'
    path = tmp_path / name
    forks = {"2.0": marker.format("python_full_version >= '3.12'"), "1.0": marker.format("python_version < '3.12'")}
    path.write_text("".join(table.format(key, version, when) for version, when in forks.items()))
    assert read_file(path, "3.11").versions == {"alpha": "1.0"}
    assert read_file(path, "3.13") == ({"alpha": "2.0"}, ("alpha 1.0 (for another Python or machine)",))
    path.write_text("".join(table.format(key, version, "") for version in forks))
    assert read_file(path) == ({"alpha": "2.0"}, ("alpha 1.0 (the file also has 2.0)",))
    path.write_text("".join(table.format(key, version, marker.format("no marker")) for version in forks))
    assert read_file(path).versions == {"alpha": "2.0"}
