"""The reference is what the commands make it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from stackcompat.cli import main as cli
from stackcompat.cli.exit_codes import MEANINGS, ExitCode
from stackcompat.cli.reference import describe, manual_page, reference_page

PAGE = Path(__file__).parents[3] / "docs" / "reference.md"


def test_the_committed_page_is_what_the_commands_make() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference_page(), "make it anew: nox -s reference"


def test_every_command_has_a_section() -> None:
    titles = re.findall(r"^### stackcompat (.+)$", reference_page(), re.MULTILINE)
    assert {title.split()[0] for title in titles} == cli.COMMANDS.keys()
    assert {"evidence", "evidence export", "evidence import", "cache dir", "cache size", "cache prune"} <= set(titles)


def test_every_exit_code_has_its_meaning() -> None:
    assert MEANINGS.keys() == set(ExitCode)
    for code, meaning in MEANINGS.items():
        assert f"| {code:d} | {meaning} |" in reference_page()


@click.command(help="Do it.\n\n\b\nstackcompat do A\n  then B\n\nOver\ntwo lines, a *star*.\n")
@click.argument("which", type=click.Choice(["one", "two"]))
@click.argument("files", nargs=-1)
@click.argument("more", nargs=-1, required=True, metavar="MORE...")
@click.option("--number", "-n", type=click.IntRange(1, 9), default=2, show_default=True, help="How\n  many.")
@click.option("--share", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="How much.")
@click.option("--name", multiple=True, required=True, help="What for.")
@click.option("--word", multiple=True, help="Repeat this.")
@click.option("--yes/--no", default=True, show_default="as it was")
@click.option("--kind", type=click.Choice(["a", "b"]), help="Which.")
@click.option("--secret", hidden=True)
def made_up(**_: object) -> None: ...


def test_what_is_said_of_arguments_and_options() -> None:
    described = describe(click.Context(made_up, info_name="do"))
    assert described.usage == "do [OPTIONS] one|two [FILES...] MORE..."
    assert described.paragraphs == ("Do it.", "stackcompat do A\n  then B", "Over two lines, a *star*.")
    assert described.options == (
        ("-n, --number INTEGER", "How many. (default: 2; at least 1; at most 9)"),
        ("--share FLOAT", "How much. (above 0; below 1)"),
        ("--name TEXT", "What for. (required; may be repeated)"),
        ("--word TEXT", "Repeat this."),
        ("--yes / --no", "(default: as it was)"),
        ("--kind a|b", "Which."),
        ("--help", "Show this message and exit."),
    )


@pytest.mark.parametrize("what", ["reference.md", "stackcompat.1"])
def test_the_file_is_written(tmp_path: Path, what: str) -> None:
    file = tmp_path / "dist" / what
    subprocess.run([sys.executable, "-m", "stackcompat.cli.reference", str(file)], check=True)
    assert file.read_text(encoding="utf-8") == (manual_page() if file.suffix == ".1" else reference_page())


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "stackcompat.cli.reference", str(tmp_path / "file" / "page.md")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_manual_page_has_every_command_and_no_line_that_roff_takes_for_its_own() -> None:
    lines = manual_page().splitlines()
    assert lines[0].startswith('.TH STACKCOMPAT 1 "" "stackcompat ')
    for name in cli.COMMANDS:
        assert any(line.startswith(f".SS stackcompat {name} ") for line in lines), name
    macros = {line.split()[0] for line in lines if line.startswith((".", "'"))}
    assert macros == {".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".RS", ".RE", ".nf", ".fi"}


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not here")
def test_groff_sets_the_manual_page_without_a_warning() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tascii", "-ww", "-P-cbou"], input=manual_page(), capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    said = " ".join(done.stdout.split())
    assert "stackcompat check [OPTIONS] [FILE]..." in said
    assert "--color auto|always|never" in said
