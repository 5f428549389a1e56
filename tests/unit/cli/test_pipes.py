"""A reader that closes the output before its end, such as head."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from stackcompat.cli.exit_codes import ExitCode
from stackcompat.report.write import write
from stackcompat.table.build import summarise
from support.command_line import Run
from support.loopback_index import LoopbackIndex
from support.made_up import COMPONENTS, NOW, history

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)

#: A command line for each way in which something is printed, and for each command that prints much.
LINES = (
    ["--help"],
    ["--version"],
    ["run", "--help"],
    ["check", "bad.txt", "--python", "3.12"],
    ["check", "bad.txt", "--python", "3.12", "--json", "-"],
    ["show", SUMMARY.cells[0].id],
    ["report", "--from", "reports", "-o", "site"],
    ["releases", "alpha"],
    ["releases", "alpha", "--json", "-"],
    ["releases", "alpha", "--format", "markdown"],
    ["advice"],
    ["advice", "--format", "renovate"],
    ["-q", "plan", "m"],
    ["completion", "bash"],
    ["cache", "dir"],
    ["cache", "size"],
    ["doctor"],
)


def end_of(arguments: Sequence[str], stream: str) -> tuple[int, bytes]:
    """The exit code of a command whose `stream` nobody reads, and what the other stream has."""
    command = [sys.executable, "-m", "stackcompat", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        closed, read = (process.stdout, process.stderr) if stream == "stdout" else (process.stderr, process.stdout)
        closed.close()
        said = read.read()
        return process.wait(timeout=60), said


@pytest.fixture
def project(checkout: Path, index: LoopbackIndex) -> Path:
    """The checkout with a published table and something to check."""
    index.add("pytest", "9.0")
    write(checkout / "reports", SUMMARY)
    (checkout / "bad.txt").write_text("alpha==1.3.0\nbeta==2.1.3\n")
    return checkout


@pytest.mark.parametrize("arguments", LINES, ids=" ".join)
def test_no_command_has_a_traceback_when_its_reader_is_gone(project: Path, arguments: list[str]) -> None:
    code, said = end_of(arguments, "stdout")
    assert said == b""
    assert code == ExitCode.CLOSED


def test_an_error_that_nobody_reads_keeps_its_code(project: Path) -> None:
    assert end_of(["releases", "alpa"], "stderr") == (ExitCode.MISTAKE, b"")


def test_what_fits_into_a_pipe_that_is_read_to_its_end_is_no_such_case(run: Run, project: Path) -> None:
    assert run("check", "bad.txt", "--python", "3.12")[0] == ExitCode.BAD


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_the_output_is_one_sentence(project: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "stackcompat", "completion", "fish"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == ExitCode.COULD_NOT_TELL
    assert done.stderr.startswith(b"stackcompat: the disk is full")
    assert b"Traceback" not in done.stderr
