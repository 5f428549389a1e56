"""Completion in the shell: its script, and what it offers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from stackcompat.cli import completion
from stackcompat.cli import main as cli
from stackcompat.evidence.store import Store
from support.command_line import MATRIX, Run
from support.made_up import history, make_cell, planned

CELL = planned(make_cell({"alpha": "1.1"}, policy="newest", newest=("alpha",)), {"alpha": "1.1"})


def offered(*words: str) -> list[tuple[str, str, str | None]]:
    """What is offered for the last of the words: type, value and help."""
    shell = ShellComplete(cli.main, {}, "stackcompat", "_STACKCOMPAT_COMPLETE")
    return [(item.type, item.value, item.help) for item in shell.get_completions(list(words[:-1]), words[-1])]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "relative, so it does not count")
    return tmp_path / "home"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed(run: Run, home: Path, shell: str) -> None:
    code, output, _ = run("completion", shell)
    assert code == 0
    assert f"_STACKCOMPAT_COMPLETE={shell}_complete" in output
    assert not home.exists()


@pytest.mark.parametrize(
    ("shell", "place", "remark"),
    [
        ("bash", ".local/share/bash-completion/completions/stackcompat", "the package bash-completion"),
        (
            "zsh",
            ".local/share/zsh/site-functions/_stackcompat",
            "says `fpath=({home}/.local/share/zsh/site-functions $",
        ),
        ("fish", ".config/fish/completions/stackcompat.fish", "new shells have it"),
    ],
)
def test_the_script_is_installed(run: Run, home: Path, shell: str, place: str, remark: str) -> None:
    for _ in range(2):
        code, output, _ = run("completion", shell, "--install")
        assert code == 0
        assert output.startswith(f"wrote {home / place}; ")
        assert remark.format(home=home) in output
    assert f"{shell}_complete" in (home / place).read_text()


def test_a_place_that_cannot_be_written(run: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.touch()
    code, output, error = run("completion", "fish", "--install")
    assert (code, output) == (2, "")
    assert error.startswith(f"stackcompat: --install: {home}/.config")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home.parent / "config"))
    assert run("completion", "fish", "--install")[0] == 0


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_can_read_the_script(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(run("completion", "bash")[1])
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_the_script_can_ask_the_command_whichever_way_it_is_started(checkout: Path) -> None:
    asked = {"_STACKCOMPAT_COMPLETE": "bash_complete", "COMP_WORDS": "stackcompat run", "COMP_CWORD": "2"}
    command = [sys.executable, "-m", "stackcompat"]
    done = subprocess.run(command, env=os.environ | asked, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("plain,m\n", "")


def test_commands_are_offered_in_the_order_of_the_help() -> None:
    assert [value for _, value, _ in offered("re")] == ["releases", "replay", "report"]
    assert ("plain", "prune", None) in [(kind, value, None) for kind, value, _ in offered("cache", "")]


@pytest.mark.parametrize("command", ["run", "plan", "night", "watch"])
def test_names_of_matrices_are_offered(checkout: Path, command: str) -> None:
    (checkout / "matrices" / "main.toml").write_text("not TOML")
    (checkout / "matrices" / "other.toml").write_text(MATRIX)
    assert offered(command, "m") == [("plain", "m", "M"), ("plain", "main", None)]
    assert offered(command, "./x") == [("file", "./x", None)]


def test_the_project_is_the_one_that_is_named(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert offered("run", "") == []
    assert offered("run", "--project", str(checkout), "") == [("plain", "m", "M")]


@pytest.mark.parametrize("command", ["show", "blame"])
def test_ids_of_cells_of_the_last_runs_are_offered(checkout: Path, command: str) -> None:
    path = checkout / ".stackcompat" / "evidence.sqlite"
    assert offered(command, "") == []
    assert not path.parent.exists()
    store = Store(path)
    store.add_run(history().record().model_copy(update={"matrix": "m", "cells": (CELL,)}))
    store.close()
    cell = CELL.cell
    about = f"{cell.label} on Python {cell.python}"
    assert offered(command, cell.id[:3]) == [("plain", cell.id, about)]
    assert offered(command, f"abc+{cell.id[:3]}") == [("plain", f"abc+{cell.id}", about)]
    assert offered(command, "?") == []


def test_what_fails_offers_nothing(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = checkout / ".stackcompat" / "evidence.sqlite"
    path.parent.mkdir()
    path.write_text("something else " * 50)
    assert offered("show", "") == []

    def fail(_: str | None) -> None:
        raise RuntimeError

    monkeypatch.setattr(completion, "find_ecosystem", fail)
    assert offered("run", "") == []
