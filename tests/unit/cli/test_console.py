"""What the options of the group make of the output; progress in a log and on a terminal."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.progress import Progress
from rich.table import Column, Table

from stackcompat.cli.console import Bars, Color, Lines, Log, Output, color_of, err, out, reporting
from stackcompat.run.doing import tell
from support.command_line import Run


def test_a_stage_whose_steps_are_not_known_counts_without_a_total() -> None:
    said: list[str] = []
    lines = Lines(said.append)
    lines.stage("run", 2)
    lines.step("one")
    lines.stage("which release breaks it", None)
    lines.step("with alpha 1.2: works")
    assert said == ["run: 2 cells", "  1/2 one", "which release breaks it", "  1 with alpha 1.2: works"]


def test_a_stage_without_steps_is_not_shown() -> None:
    said: list[str] = []
    Lines(said.append).stage("run", 0)
    assert said == []
    with Progress(disable=True) as progress:
        bars = Bars(progress)
        bars.stage("run", 0)
        bars.stage("which release breaks it", None)
        assert [(task.total, task.visible) for task in progress.tasks] == [(0, False), (None, True)]


@pytest.fixture
def _as_it_was() -> Iterator[None]:
    yield
    err.set_up("auto")


@pytest.mark.parametrize(
    ("given", "environ", "color"),
    [
        ("auto", {}, "auto"),
        ("auto", {"NO_COLOR": "", "FORCE_COLOR": ""}, "auto"),
        ("auto", {"NO_COLOR": "1"}, "never"),
        ("auto", {"FORCE_COLOR": "1"}, "always"),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, "never"),
        ("always", {"NO_COLOR": "1"}, "always"),
        ("never", {"FORCE_COLOR": "1"}, "never"),
    ],
)
def test_the_option_goes_before_variables(given: Color, environ: dict[str, str], color: Color) -> None:
    assert color_of(given, environ) == color


@pytest.mark.parametrize(
    ("arguments", "variable", "colored"),
    [
        ((), "", False),
        (("--color", "always"), "", True),
        (("--color", "always"), "NO_COLOR", True),
        ((), "FORCE_COLOR", True),
        (("--color", "never"), "FORCE_COLOR", False),
    ],
)
def test_colour(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], variable: str, colored: bool
) -> None:
    if variable:
        monkeypatch.setenv(variable, "1")
    _, output, _ = run(*arguments, "releases", "alpha")
    _, _, error = run(*arguments, "releases", "alpa")
    assert ("\x1b[" in output, "\x1b[" in error) == (colored, colored)


def test_a_quiet_command_prints_its_answer_and_errors(run: Run, checkout: Path) -> None:
    spoken, quiet = (run(*given, "try", "alpa==1.0", "--python", "3.1") for given in ((), ("-q",)))
    assert spoken == quiet  # an error
    assert run("--quiet", "releases", "alpha") == run("releases", "alpha")


@pytest.mark.usefixtures("_as_it_was")
def test_what_a_quiet_command_hides_is_in_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "log.txt"
    path.write_text("what was there\n")
    err.set_up("always", quiet=True, log=Log(path))
    assert not err.is_watched
    err.print("[red]alpha[/] is yanked\nand old", style="bold")
    with reporting(verbose=False) as reporter:
        reporter.stage("run", 1)
        reporter.step("[green]✓[/] one")
    assert capsys.readouterr().err == ""
    there, *lines = path.read_text(encoding="utf-8").splitlines()
    assert there == "what was there"
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in lines)
    assert [line[21:] for line in lines] == ["alpha is yanked", "and old", "run: 1 cell", "  1/1 ✓ one"]


@pytest.mark.usefixtures("_as_it_was")
@pytest.mark.parametrize(("columns", "lines"), [("", 2), ("40", 8)], ids=["a pipe", "a width that is asked for"])
def test_a_row_is_on_one_line_where_no_terminal_has_a_width(
    columns: str, lines: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    table = Table("name", Column("words", overflow="fold"), box=None)
    table.add_row("alpha", "word " * 39 + "end")
    out.set_up("auto", log=Log(tmp_path / "log.txt"))
    out.print(table)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == lines
    assert (printed[1].split() == ["alpha", *["word"] * 39, "end"]) == (not columns)
    assert len((tmp_path / "log.txt").read_text().splitlines()) == 2


@pytest.mark.usefixtures("_as_it_was")
def test_progress_on_a_terminal_is_in_the_log_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    err.set_up("never", log=Log(tmp_path / "log.txt"))
    monkeypatch.setattr(Output, "is_watched", True)
    with reporting(verbose=False) as reporter:
        reporter.stage("run", 1)
        reporter.step("one")
    assert "1/1" in capsys.readouterr().err
    # The bars themselves are not in it.
    assert [line[21:] for line in (tmp_path / "log.txt").read_text().splitlines()] == ["run: 1 cell", "  1/1 one"]


@pytest.mark.usefixtures("_as_it_was")
@pytest.mark.parametrize("quiet", [False, True])
def test_without_a_log(capsys: pytest.CaptureFixture[str], quiet: bool) -> None:
    err.set_up("auto", quiet=quiet)
    with reporting(verbose=True) as reporter:
        reporter.stage("run", 1)
    assert capsys.readouterr().err == ("" if quiet else "run: 1 cell\n")
    with reporting(verbose=False) as reporter:
        reporter.stage("run", 1)
    assert capsys.readouterr().err == ""


def test_an_error_is_in_the_log(run: Run, checkout: Path) -> None:
    code, _, error = run("-q", "--log-file", "log.txt", "releases", "alpa")
    assert code == 2
    assert error.startswith('stackcompat: DISTRIBUTION: the index has no "alpa"')
    assert (checkout / "log.txt").read_text()[21:] == error


def test_a_log_that_cannot_be_written_is_a_mistake(run: Run) -> None:
    code, output, error = run("--log-file", "no/such/log.txt", "releases", "alpha")
    assert (code, output) == (2, "")
    assert error == "stackcompat: --log-file: no/such/log.txt cannot be written: No such file or directory\n"


def test_what_is_forced_is_no_terminal() -> None:
    console = Output(stderr=True, color="always")
    assert console.is_terminal
    assert not console.is_watched
    assert out.log_file is None


def test_progress_names_the_test_that_a_cell_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STACKCOMPAT_CACHE", str(tmp_path))
    monkeypatch.setattr(Output, "is_watched", True)
    for cell in ("0123456789ab", "ba9876543210"):
        folder = tmp_path / "environments" / f"{os.getpid()}-{cell}-1"
        folder.mkdir(parents=True)
        tell(folder, f"t.py::test_of_{cell[:2]}")
    with reporting(verbose=False) as reporter:
        reporter.stage("run", 2)
        reporter.step("the first: green")
    assert "012345 (+1): t.py::test_of_01" in " ".join(capsys.readouterr().err.split())
    with reporting(verbose=False) as reporter:
        reporter.stage("run", 1)
        reporter.step("all: green")
    assert "all: green" in capsys.readouterr().err
