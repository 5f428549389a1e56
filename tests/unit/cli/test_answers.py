"""The forms of an answer, and the pager."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.table import Table

from stackcompat.advice.suggestion import Suggestion
from stackcompat.cli.answers import markdown_of
from stackcompat.cli.console import Printed, out
from stackcompat.core.record import Record
from stackcompat.nightly.alerts import Alert
from stackcompat.nightly.changes import Night
from stackcompat.plan.plan import Plan
from stackcompat.report.explain import Explanation
from stackcompat.resolve.islands import Islands
from stackcompat.validation.calibration import Calibration
from support.answers_page import documented_fields
from support.command_line import Run


def test_what_is_printed_as_markdown() -> None:
    table = Table("version", "", box=None)
    table.add_row("1.0", "[red]a|b[/]")
    page = [
        Printed(("[green]✓[/] [bold]works[/] \\[alpha]",)),
        Printed(("# no title",), markup=False),
        Printed(("",)),
        Printed(("  first",)),
        Printed(("    [x]",), markup=False),
        Printed((table,)),
        Printed(("  uv venv",), markup=False, verbatim=True),
        Printed(("  pip `x`",), markup=False, verbatim=True),
        Printed(("two\nlines",), markup=False),
    ]
    assert markdown_of(page) == (
        "✓ works \\[alpha\\]\n\n\\# no title\n\n- first\n- \\[x\\]\n\n"
        "| version |  |\n| --- | --- |\n| 1.0 | a\\|b |\n\n"
        "```\nuv venv\npip `x`\ntwo\nlines\n```\n"
    )


def test_nothing_that_is_recorded_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with out.recorded() as page:
        out.print("[red]a[/]")
        out.print_kept("b")
    assert list(page) == [Printed(("[red]a[/]",)), Printed(("b",), markup=False, verbatim=True)]
    out.print_kept("[b]")
    assert capsys.readouterr().out == "[b]\n"


def test_one_answer_in_each_form(run: Run, checkout: Path) -> None:
    code, table, _ = run("releases", "alpha")
    assert (code, table.split()[:4]) == (0, ["version", "uploaded", "Python", "1.1"])
    code, page, _ = run("releases", "alpha", "--format", "markdown")
    assert (code, page.splitlines()[0]) == (0, "| version | uploaded | Python |  |")
    assert [line.split(" | ")[0] for line in page.splitlines()[2:]] == ["| 1.1", "| 1.0"]
    code, text, _ = run("releases", "alpha", "--format", "json")
    assert (code, [release["version"] for release in json.loads(text)]) == (0, ["1.0", "1.1"])
    assert run("releases", "alpha", "--json", "-")[1] == text
    assert run("releases", "alpha", "--format", "markdown", "--json", "releases.json") == (0, page, "")
    assert (checkout / "releases.json").read_text() == text


@pytest.mark.parametrize(
    "arguments", [("--json", "-", "--format", "markdown"), ("--format", "markdown", "--json", "-")]
)
def test_standard_output_has_one_answer(run: Run, arguments: tuple[str, ...]) -> None:
    code, output, error = run("releases", "alpha", *arguments)
    assert (code, output) == (2, "")
    assert "--json: - is standard output, and so is --format markdown" in error


def at_terminal(arguments: Sequence[str], height: int, **variables: str) -> str:
    """What a command shows on a terminal of so many rows."""
    main, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", height, 80, 0, 0))
    environ = {**os.environ, "TERM": "xterm", **variables}
    command = [sys.executable, "-m", "stackcompat", *arguments]
    with subprocess.Popen(command, stdin=end, stdout=end, stderr=end, env=environ) as process:
        os.close(end)
        shown = b""
        try:
            while part := os.read(main, 4096):
                shown += part
        except OSError:  # what Linux says when the other end is closed
            pass
        assert process.wait(timeout=60) == 0
    os.close(main)
    return shown.decode().replace("\r\n", "\n")


@pytest.fixture
def pager(checkout: Path) -> str:
    """A pager that says that it was here."""
    return program(checkout / "pager", "echo PAGED\ncat\n")


def program(path: Path, commands: str) -> str:
    """A program of some commands of the shell. Older releases of click start a pager without arguments."""
    path.write_text(f"#!/bin/sh\n{commands}")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("form", ["table", "json", "markdown"])
def test_a_pager_shows_what_is_longer_than_the_terminal(pager: str, form: str) -> None:
    arguments = ["releases", "alpha", "--format", form]
    long = at_terminal(arguments, 2, PAGER=pager)
    assert long.startswith("PAGED\n")
    assert "1.1" in long
    assert "PAGED" not in at_terminal(arguments, 40, PAGER=pager)
    assert "PAGED" not in at_terminal(["--no-pager", *arguments], 2, PAGER=pager)


def test_a_pager_that_ends_early_is_no_error(checkout: Path) -> None:
    pager = program(checkout / "pager", "echo one look\n")
    assert at_terminal(["releases", "alpha"], 2, PAGER=pager) == "one look\n"


def test_a_pipe_has_no_pager(pager: str) -> None:
    command = [sys.executable, "-m", "stackcompat", "releases", "alpha"]
    done = subprocess.run(
        command, env={**os.environ, "PAGER": pager, "LINES": "2"}, capture_output=True, text=True, check=True
    )
    assert "PAGED" not in done.stdout


@pytest.mark.parametrize(
    ("command", "record"),
    [
        ("suggest", Suggestion),
        ("explain", Explanation),
        ("islands", Islands),
        ("plan", Plan),
        ("night", Night),
        ("watch", Alert),
        ("calibrate", Calibration),
    ],
)
def test_the_page_names_the_fields_of_records(command: str, record: type[Record]) -> None:
    assert documented_fields(command) == set(record.model_fields)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("releases", ("alpha",)),
        ("plan", ("m",)),
        ("plan --shards", ("m", "--shards", "2")),
        ("run --dry-run", ("m", "--dry-run")),
        ("doctor", ()),
        ("cache size", ()),
        ("cache prune", ()),
    ],
)
def test_the_page_names_the_fields_of_what_is_printed(
    run: Run, checkout: Path, command: str, arguments: tuple[str, ...]
) -> None:
    matrix = checkout / "matrices" / "m.toml"
    matrix.write_text(matrix.read_text().replace("3.12", f"{sys.version_info.major}.{sys.version_info.minor}"))
    words = [word for word in command.split() if not word.startswith("-")]
    answer = json.loads(run(*words, *arguments, "--format", "json")[1])
    assert documented_fields(command) == set(answer[0] if isinstance(answer, list) else answer)
