"""Every form in which people keep what is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stackcompat.environment_file import read_environment, read_file
from stackcompat.record import UsageError

WANTED = {"alpha": "1.2.3", "beta-x": "2.0.dev3"}
REQUIREMENTS = """
# made
alpha==1.2.3 --hash=sha256:00
-r other.txt
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
CONDA_FILE = """
dependencies:
  - alpha=1.2.3
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
    ],
)
def test_what_is_pinned_exactly_is_read(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert read_file(path) == WANTED


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("requirements.txt", b"alpha>=1\n", "pins nothing exactly"),
        ("uv.lock", b"not toml", "is not valid TOML"),
        ("freeze.txt", b"\xff\xfe\x00", "is not text"),
    ],
)
def test_a_file_that_tells_nothing_is_a_mistake(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read_file(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_file(tmp_path / "absent.txt")


def test_a_live_environment_lists_itself(tmp_path: Path) -> None:
    assert "pytest" in read_environment(Path(sys.executable))
    assert "pytest" in read_environment(Path(sys.prefix))
    with pytest.raises(UsageError, match="is not an environment"):
        read_environment(tmp_path)
    (tmp_path / "python").write_text("no program")
    with pytest.raises(UsageError, match="cannot be run"):
        read_environment(tmp_path / "python")
    (tmp_path / "python").write_text("#!/bin/sh\necho no\n")
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(UsageError, match="is not a Python interpreter"):
        read_environment(tmp_path / "python")
