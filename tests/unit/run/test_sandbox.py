"""What the tests of a cell can see."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackcompat.run import sandbox
from stackcompat.run.hardware import Hardware, find_hardware
from stackcompat.run.sandbox import ACCELERATOR, INSIDE, PLUGIN, clean_environment, how_to_cut_network, plugin_code


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
        "LANG": "de_DE.ISO-8859-1",
        "TZ": "Asia/Tokyo",
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "0",
        "LD_LIBRARY_PATH": "/home/me/lib",
        "SSL_CERT_FILE": "/certificates",
    }
    hardware = find_hardware(caller, tmp_path)
    got = clean_environment(tmp_path / "home", Path("/env/bin/python"), hardware, caller)
    assert got.keys() == {
        *("LANG", "OMP_NUM_THREADS", "HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "PATH"),
        *("PYTHONNOUSERSITE", "PYTHONUNBUFFERED", "SSL_CERT_FILE"),
    }
    assert got["LANG"] == "C.UTF-8"
    assert set(hardware.variables) == {"OMP_NUM_THREADS"}  # which is in the key of the evidence
    assert got["HOME"] == str(tmp_path / "home")
    assert got["PATH"].split(":")[0] == "/env/bin"
    assert "/home/me" not in "".join(got.values())
    assert Path(got["TMPDIR"]).is_dir()


def test_tests_know_of_an_accelerator_and_get_what_it_needs(tmp_path: Path) -> None:
    hardware = Hardware(
        label="1 X", accelerated=True, variables={"LD_LIBRARY_PATH": "/x"}, devices={"CUDA_VISIBLE_DEVICES": "1"}
    )
    got = clean_environment(tmp_path / "home", Path("/env/bin/python"), hardware, {"CUDA_VISIBLE_DEVICES": "0"})
    assert (got[ACCELERATOR], got["LD_LIBRARY_PATH"], got["CUDA_VISIBLE_DEVICES"]) == ("1", "/x", "1")
    assert ACCELERATOR not in clean_environment(tmp_path / "home", Path("/env/bin/python"), environ={})


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


def test_what_stands_in_the_way_of_cutting_the_network(tmp_path: Path) -> None:
    assert how_to_cut_network("darwin") == "only Linux can cut it"
    assert how_to_cut_network("linux", tmp_path).startswith("allow this user, or this container, to make")
    setting = tmp_path / "kernel" / "apparmor_restrict_unprivileged_userns"
    setting.parent.mkdir()
    setting.write_text("1\n")
    sentence = "allow network namespaces with `sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
    assert how_to_cut_network("linux", tmp_path) == sentence
    setting.write_text("0\n")
    assert how_to_cut_network("linux", tmp_path).startswith("allow this user")
