"""What the tests of a cell can see."""

from __future__ import annotations

from pathlib import Path

from stackcompat.run.sandbox import clean_environment


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
