"""The hook for pre-commit asks for what the command line has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Context

from stackcompat.cli.check import check_
from stackcompat.cli.main import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hook() -> dict[str, Any]:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    found: dict[str, Any] = hook
    return found


def test_the_entry_is_a_command_that_takes_several_files(hook: dict[str, Any]) -> None:
    program, command, *options = hook["entry"].split() + hook.get("args", [])
    assert (program, command) == ("stackcompat", "check")
    assert main.get_command(Context(main), command) is not None
    context = check_.make_context(command, [*options, "a.txt", "b.lock"])
    assert context.params["files"] == ("a.txt", "b.lock")
    assert context.params["fail_on"] == ("broken",)
    assert (hook["language"], hook["pass_filenames"]) == ("python", True)


@pytest.mark.parametrize(
    "name",
    [
        *("requirements.txt", "requirements-dev.txt", "a/requirements.txt", "constraints.txt", "uv.lock"),
        *("poetry.lock", "pdm.lock", "pylock.toml", "pylock.dev.toml", "Pipfile.lock", "pixi.lock"),
        *("conda-lock.yml", "environment.yaml"),
    ],
)
def test_locks_and_requirements_are_passed(hook: dict[str, Any], name: str) -> None:
    assert re.search(hook["files"], name)


@pytest.mark.parametrize("name", ["pyproject.toml", "Cargo.lock", "my-uv.lock", "requirements.txt.orig", "notes.txt"])
def test_other_files_are_not(hook: dict[str, Any], name: str) -> None:
    assert not re.search(hook["files"], name)


def test_the_program_of_the_entry_is_installed_with_the_package() -> None:
    assert re.search(r"(?m)^stackcompat = .stackcompat\.cli", (ROOT / "pyproject.toml").read_text())
