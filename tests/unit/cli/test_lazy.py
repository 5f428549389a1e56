"""Commands that are imported when they are called."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from stackcompat.cli import main as cli
from stackcompat.cli.lazy import LazyCommand, LazyGroup

#: Prints the modules that a call of the command line imports.
PROGRAM = """
import sys
from stackcompat.cli import main
sys.argv = ["stackcompat", *sys.argv[1:]]
try:
    main.run_main()
finally:
    print(*sys.modules, sep="\\n", file=sys.stderr)
"""
SLOW = {"sqlalchemy", "nox", "pydantic", "rich", "requests", "pypi_simple", "jinja2", "uv", "packaging"}


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_help_and_version_import_nothing_slow(argument: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, argument], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith(("stackcompat, version", "Usage: stackcompat [OPTIONS] COMMAND"))
    imported = {name.split(".")[0] for name in done.stderr.splitlines()}
    assert "click" in imported
    assert not SLOW & imported


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_a_command_has_the_name_under_which_it_is_listed(name: str) -> None:
    module, _, attribute = cli.COMMANDS[name].place.partition(":")
    command: click.Command = getattr(import_module(module), attribute)
    assert command.name == name
    assert command.help


def test_help_has_one_line_for_each_command_under_the_headings() -> None:
    said = CliRunner().invoke(cli.main, ["--help"], terminal_width=80).output.partition("\n\nAsk:\n")[2]
    assert re.findall(r"^(\w+):$", said, re.MULTILINE) == ["Run", "Tell", "Keep"]
    lines = [line for line in said.splitlines() if line and not line.endswith(":")]
    assert [line.split()[0] for line in lines] == list(cli.COMMANDS)
    assert all(line.endswith(".") for line in lines)


@click.command("greet")
def greet() -> None:
    """Say hello."""
    click.echo("hello")


GROUP = LazyGroup(
    "tool",
    lazy={
        "Talk": {"greet": LazyCommand("made_up_commands:greet", "Say hello.")},
        "Walk": {"gone": LazyCommand("no_such_module:gone", "Is not there.")},
    },
)


def test_help_lists_every_command_without_importing_any() -> None:
    said = CliRunner().invoke(GROUP, ["--help"]).output.splitlines()
    assert said[-5:] == ["Talk:", "  greet  Say hello.", "", "Walk:", "  gone   Is not there."]


def test_names_are_completed_without_importing_any() -> None:
    with click.Context(GROUP) as context:
        assert [(item.value, item.help) for item in GROUP.shell_complete(context, "g")] == [
            ("greet", "Say hello."),
            ("gone", "Is not there."),
        ]
        assert [item.value for item in GROUP.shell_complete(context, "--h")] == ["--help"]


def test_a_command_is_imported_when_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "made_up_commands", SimpleNamespace(greet=greet))
    assert CliRunner().invoke(GROUP, ["greet"]).output == "hello\n"
    assert isinstance(CliRunner().invoke(GROUP, ["gone"]).exception, ModuleNotFoundError)


def test_a_name_that_is_not_there_is_a_mistake() -> None:
    result = CliRunner().invoke(GROUP, ["great"])
    assert result.exit_code == 2
    assert "No such command 'great'" in result.output
