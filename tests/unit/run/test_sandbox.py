"""What the tests of a cell can see."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.run import sandbox
from stackcompat.run.sandbox import INSIDE, PLUGIN, clean_environment, plugin_code


def test_only_what_is_allowed_reaches_the_tests(tmp_path: Path) -> None:
    caller = {
        "SECRET_TOKEN": "s",
        "AWS_SECRET_ACCESS_KEY": "s",
        "HOME": "/home/me",
        "PATH": "/home/me/bin",
        "PYTHONPATH": "/x",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_ADDOPTS": "-x",
        "HTTPS_PROXY": "http://p",
        "UV_DEFAULT_INDEX": "https://me:pw@x",
        "XLA_FLAGS": "--x",
        "LD_PRELOAD": "evil.so",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
    }
    got = clean_environment(tmp_path / "home", Path("/env/bin/python"), caller)
    assert got.keys() == {
        *("LANG", "OMP_NUM_THREADS", "HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "PATH"),
        *("PYTHONNOUSERSITE", "PYTHONUNBUFFERED"),
    }
    assert got["HOME"] == str(tmp_path / "home")
    assert got["PATH"].split(":")[0] == "/env/bin"
    assert "/home/me" not in "".join(got.values())
    assert Path(got["TMPDIR"]).is_dir()


def test_the_code_inside_a_cell_is_every_file_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = plugin_code()
    assert all(path.read_bytes() in whole for path in INSIDE.glob("*.py"))
    assert PLUGIN in INSIDE.glob("*.py")
    (tmp_path / "b.py").write_text("2\n")
    (tmp_path / "a.py").write_text("1\n")
    (tmp_path / "__pycache__").mkdir()
    monkeypatch.setattr(sandbox, "INSIDE", tmp_path)
    assert plugin_code() == b"a.py\n1\nb.py\n2\n"
    (tmp_path / "a.py").rename(tmp_path / "c.py")
    assert plugin_code() == b"b.py\n2\nc.py\n1\n"
