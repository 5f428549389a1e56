"""The one line of the README, with small programs in the place of what it fetches."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

from stackcompat.core.requirements import name_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("bootstrap")
    module.__file__ = str(tmp_path / "bootstrap.py")
    exec(compile((ROOT / "bootstrap.py").read_text(encoding="utf-8"), "bootstrap.py", "exec"), module.__dict__)
    monkeypatch.chdir(tmp_path)
    return module


def called(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[str]:
    """What nox is called with."""
    nox = bootstrap.ENVIRONMENT / "bin" / "nox"
    nox.parent.mkdir(parents=True, exist_ok=True)
    nox.touch()
    seen: list[list[str]] = []
    monkeypatch.setattr(bootstrap.os, "execv", lambda path, given: seen.append(given))
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", *arguments])
    bootstrap.main()
    (command,) = seen
    assert command[0] == str(nox)
    return command[1:]


@pytest.mark.parametrize(
    ("arguments", "handed_over"),
    [
        ((), ["--list"]),
        (("--list",), ["--list"]),
        (("quick",), ["--session", "quick"]),
        (("lint", "types", "tests"), ["--session", "lint", "types", "tests"]),
        (("cell", "--", "jax==1", "--python", "3.12"), ["--session", "cell", "--", "jax==1", "--python", "3.12"]),
    ],
)
def test_sessions_are_handed_to_nox(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], handed_over: list[str]
) -> None:
    assert called(bootstrap, monkeypatch, *arguments) == handed_over


def test_an_old_python_is_told(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 10, 1))
    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer is needed"):
        bootstrap.main()


def test_an_index_that_does_not_answer_is_one_sentence(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise subprocess.CalledProcessError(1, [sys.executable, "-m", "pip", "install", "nox"])

    monkeypatch.setattr(bootstrap, "make_environment", fail)
    with pytest.raises(SystemExit, match="is the package index reachable"):
        bootstrap.main()


def test_without_ensurepip_virtualenv_makes_the_environment(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a system whose Python came in parts."""
    commands: list[list[str]] = []

    def create(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(1, ["ensurepip"])

    monkeypatch.setattr(bootstrap.venv, "create", create)
    monkeypatch.setattr(bootstrap.subprocess, "run", lambda command, **_: commands.append(command))
    bootstrap.make_environment()
    assert [command[2] for command in commands] == ["pip", "virtualenv", "pip"]
    assert "--target" in commands[0]
    assert commands[2][0] == str(bootstrap.ENVIRONMENT / "bin" / "python")
    assert "nox" in commands[2][-2]


def test_what_it_installs_is_what_the_project_requires(bootstrap: ModuleType) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = {name_of(text): Requirement(text).specifier for text in project["dependencies"]}
    for text in bootstrap.REQUIREMENTS:
        assert Requirement(text).specifier == required[name_of(text)], text


def test_it_is_standard_library_only() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); import bootstrap"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
