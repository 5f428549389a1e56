"""Systems that cells do not run on. Here they are Linux without what only POSIX has, under another name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stackcompat.cli import main as cli
from stackcompat.cli import system
from stackcompat.cli.system import runs_cells, where_cells_run
from stackcompat.report.write import write
from stackcompat.table.build import summarise
from support.command_line import Run
from support.loopback_index import LoopbackIndex
from support.made_up import COMPONENTS, DISTRIBUTION, NEWEST, NOW, history

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)
RED = next(row for row in SUMMARY.cells if row.verdict == "broken")

NEED_LINUX = {"run", "try", "gate", "blame", "frontier", "exchange", "calibrate", "replay"}

#: Runs command lines where nothing is left that only POSIX has. What other projects bind for Linux when they are
#: imported stays: on another system they choose by its name what they bind. Only the modules of the tool see another
#: name of the system: the standard library of Linux has no part of another one.
PROGRAM = """
import contextlib, importlib, io, json, os, signal, sys
import click.shell_completion, findpython, platformdirs, psutil, pyarrow.parquet, pypi_simple, remotezip, requests
import rich.progress, sqlalchemy, uv
from filelock import FileLock, ReadWriteLock
mine = [name for name in sys.modules if name.partition(".")[0] == "stackcompat"]
assert not mine, mine
for name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "curses", "syslog", "readline"):
    sys.modules[name] = None
for name in (
    "fork", "forkpty", "killpg", "setsid", "getpgid", "setpgid", "getuid", "geteuid", "getgid", "getegid", "chown",
    "lchown", "nice", "mkfifo", "openpty", "sched_getaffinity", "uname", "wait3", "wait4", "waitid",
):
    delattr(os, name)
kept = {"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM", "SIG_DFL", "SIG_IGN"}
for name in [name for name in vars(signal) if name.startswith("SIG") and name not in kept]:
    delattr(signal, name)
given = json.load(sys.stdin)
from stackcompat.cli import main
for name in given["names"]:
    importlib.import_module(main.COMMANDS[name].place.partition(":")[0])
class Sys:
    platform = given["platform"]
    __getattr__ = staticmethod(lambda name: getattr(sys, name))
for name, module in list(sys.modules.items()):
    if name.startswith("stackcompat.") and "sys" in vars(module):
        module.sys = Sys()
said = []
for arguments in given["lines"]:
    output, error, code = io.StringIO(), io.StringIO(), None
    sys.argv = ["stackcompat", *arguments]
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(error):
        try:
            main.run_main()
        except SystemExit as end:
            code = int(end.code or 0)
    said.append([code, output.getvalue(), error.getvalue()])
print(json.dumps(said))
"""


def call(platform: str, *lines: list[str], names: list[str]) -> list[tuple[int, str, str]]:
    """Import commands and run command lines on that system: exit code, output and error of each."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps({"platform": platform, "names": names, "lines": lines}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [(code, output, error) for code, output, error in json.loads(done.stdout)]


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_what_runs_no_cells_works_everywhere(checkout: Path, index: LoopbackIndex, platform: str) -> None:
    index.add("pytest", "9.0")
    write(checkout / "reports", SUMMARY)
    (checkout / "good.txt").write_text("".join(f"{DISTRIBUTION[name]}=={it}\n" for name, it in NEWEST.items()))
    checked, reported, shown, listed, helped, told, script, doctored = call(
        platform,
        ["check", "good.txt", "--table", "reports/compat.json", "--python", "3.12"],
        ["report", "--from", "reports", "-o", "site"],
        ["show", RED.id],
        ["releases", "alpha"],
        ["--help"],
        ["--version"],
        ["completion", "bash"],
        ["doctor", "--json", "-"],
        names=["check", "report", "show", "releases", "completion", "doctor"],
    )
    assert (checked[0], checked[2]) == (0, "")
    assert "components of the stack work together on Python 3.12" in checked[1]
    assert reported[0] == 0, reported[2]
    assert json.loads((checkout / "site" / "compat.json").read_text())["cells"]
    assert f"Table: {Path('site', 'index.html')}" in reported[1]
    assert shown[0] == 0
    assert RED.sentence in shown[1]
    assert (listed[0], "1.1" in listed[1]) == (0, True)
    assert (helped[0], told[0]) == (0, 0)
    assert "Usage: stackcompat" in helped[1]
    assert (script[0], "_STACKCOMPAT_COMPLETE=bash_complete" in script[1]) == (0, True)
    assert (doctored[0], doctored[2]) == (3, "")
    findings = {row["name"]: row for row in json.loads(doctored[1])["findings"]}
    assert findings["system"]["sentence"].startswith("cells run on Linux, and this is ")
    assert "isolation" not in findings


def test_what_runs_cells_says_where_they_run(checkout: Path) -> None:
    # Each of them can also be imported, and says what its options are.
    names = sorted(NEED_LINUX)
    said = call("win32", *([name] for name in names), *([name, "-h"] for name in names), names=names)
    for name, (code, output, error) in zip(names, said, strict=False):
        assert (code, output) == (2, "")
        assert error == (
            f"stackcompat: {name}: cells run on Linux, and this is Windows; use WSL, or a container of Linux\n"
        )
    for name, (code, output, error) in zip(names, said[len(names) :], strict=True):
        assert (code, error) == (0, ""), name
        assert f"Usage: stackcompat {name} [OPTIONS]" in output


def test_the_commands_that_need_linux() -> None:
    assert {name for name, command in cli.COMMANDS.items() if command.needs_linux} == NEED_LINUX


def test_the_page_for_users_names_them() -> None:
    usage = (Path(__file__).parents[3] / "docs" / "usage.md").read_text()
    section = usage.partition("## Systems\n")[2].partition("\n## ")[0]
    rows = {line.split(" | ")[0].strip("| "): line for line in section.splitlines() if line.startswith("| ")}
    assert all(f"`{name}`" in rows["Linux alone"] for name in NEED_LINUX)
    assert all(f"`{name}`" in rows["every system"] for name in cli.COMMANDS.keys() - NEED_LINUX)


@pytest.mark.parametrize(
    ("platform", "runs", "words"),
    [
        ("linux", True, None),
        ("darwin", False, "this is macOS; use a container or a virtual machine of Linux"),
        ("win32", False, "this is Windows; use WSL, or a container of Linux"),
        ("freebsd14", False, "this is freebsd14; use a container"),
    ],
)
def test_each_system_has_its_words(platform: str, runs: bool, words: str | None) -> None:
    assert runs_cells(platform) is runs
    assert words is None or words in where_cells_run(platform)


def test_names_are_completed_on_every_system(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "sys", SimpleNamespace(platform="darwin"))
    context: Any = cli.main.make_context("stackcompat", ["run"], resilient_parsing=True)
    assert cli.main.resolve_command(context, ["run"])[0] == "run"
    assert run("run", "m")[0] == 2


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_signs_that_a_pipe_does_not_take_are_no_traceback(checkout: Path, encoding: str) -> None:
    write(checkout / "reports", SUMMARY)
    (checkout / "bad.txt").write_text("alpha==1.3.0\nbeta==2.1.3\n")
    done = subprocess.run(
        [sys.executable, "-m", "stackcompat", "check", "bad.txt", "--python", "3.12"],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": encoding},
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"\\u2717 SC-" in done.stdout  # the sign of what is broken
