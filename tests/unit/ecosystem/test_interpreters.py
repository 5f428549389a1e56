"""Interpreters are found in all usual places, and a link to one does not count as another."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stackcompat.ecosystem import interpreters as interpreter
from stackcompat.ecosystem.interpreters import bytecode_tag, find_interpreters, how_to_get, is_too_old, this_platform

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_the_running_python_is_found() -> None:
    found = find_interpreters([MINOR])
    assert list(found) == [MINOR]
    assert found[MINOR].path.exists()
    assert found[MINOR].label.startswith(f"cpython-{MINOR}.")


def test_newest_minor_first_and_numbers_are_numbers() -> None:
    found = list(find_interpreters())
    assert found == sorted(found, key=lambda python: int(python.split(".")[1]), reverse=True)


def test_one_that_is_not_there_is_left_out() -> None:
    assert find_interpreters(["3.99"]) == {}
    assert "3.99" in how_to_get("3.99")


def test_conda_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "conda"
    (home / "envs" / "x" / "bin").mkdir(parents=True)
    real = find_interpreters([MINOR])[MINOR].path
    (home / "envs" / "x" / "bin" / f"python{MINOR}").symlink_to(real)
    monkeypatch.setenv("CONDA_PREFIX", str(home))
    monkeypatch.setattr(interpreter, "ALL_PROVIDERS", {})
    found = find_interpreters([MINOR])
    assert found[MINOR].path == real


def test_something_else_of_that_name_is_no_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "bin" / "python3.12"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path))
    monkeypatch.setattr(interpreter, "ALL_PROVIDERS", {})
    monkeypatch.setattr(interpreter, "_conda_homes", lambda: [tmp_path])
    assert find_interpreters(["3.12"]) == {}


def test_a_python_whose_syntax_the_tests_do_not_have_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "bin" / "python3.9"
    old.parent.mkdir()
    old.symlink_to(sys.executable)
    monkeypatch.setattr(interpreter, "ALL_PROVIDERS", {})
    monkeypatch.setattr(interpreter, "_conda_homes", lambda: [tmp_path])
    assert find_interpreters() == {}
    assert how_to_get("3.9") == "the smoke tests need Python 3.10 or newer, so nothing can be run on Python 3.9"
    assert is_too_old("3.9")
    assert not is_too_old("3.10")


def test_names_of_things() -> None:
    assert bytecode_tag("3.12") == "cpython-312"
    assert this_platform().count("-") >= 1
