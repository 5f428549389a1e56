"""The entry point: every mistake gets one sentence and exit code 2, and runs nothing."""

from __future__ import annotations

import errno
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from stackcompat.cli import main as cli
from stackcompat.core.errors import StackcompatError, UsageError
from support.command_line import MATRIX, Run


def test_a_full_disk_is_no_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "somewhere/lock.txt")

    monkeypatch.setattr(cli, "main", full)
    code, _, said = run("run", "quick")
    assert code == 3
    assert "the disk is full for somewhere/lock.txt; what was finished is kept" in " ".join(said.split())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("try",), "try: give either requirements such as"),
        (("try", "alpha", "--lock", "l.txt"), "try: give either requirements such as"),
        (("try", "alpha=1.0"), 'REQUIREMENT: "alpha=1.0" is not a requirement such as'),
        (("try", ""), 'REQUIREMENT: "" is not a requirement such as'),
        (
            ("try", "alpha @ https://x.example/a.whl"),
            "REQUIREMENT: .* has an address; use a matrix with a `local` policy",
        ),
        (("try", "alpha==9"), '"alpha==9": the index has no such release of alpha; its newest are 1.0, 1.1, 2.0rc1'),
        (("try", "alpa"), '"alpa": the index has no such release of alpa; its newest are no release at all'),
        (("try", "alpha", "--python", "3"), '--python: "3" is not a Python such as 3.12'),
        (("try", "alpha", "--python", "3.12.1"), '--python: "3.12.1" is not a Python such as 3.12'),
        (("try", "alpha", "--python", "x.y"), '--python: "x.y" is not a Python such as 3.12'),
        (
            ("try", "alpha", "--exclude-newer", "yesterday"),
            '--exclude-newer: "yesterday" is not a date such as 2026-09-20',
        ),
        (("try", "alpha", "--exclude-newer", "2999-01-01"), "--exclude-newer: 2999-01-01 lies in the future"),
        (("try", "alpha", "--override", "beta=1"), '--override: "beta=1" is not a requirement such as'),
        (("try", "--lock", "no.txt"), "--lock: no.txt cannot be read: No such file or directory"),
        (("try", "--lock", "matrices"), "--lock: matrices cannot be read: Is a directory"),
        (("try", "--lock", "empty.txt"), "--lock: empty.txt: it is empty; allowed are lines such as"),
        (("try", "--lock", "bare.txt"), "--lock: bare.txt: alpha has no hash; allowed are lines such as"),
        (("try", "--lock", "loose.txt"), '--lock: loose.txt: "alpha>=1" is not an exact pin such as'),
        (("try", "alpha", "--json", "no/such/folder.json"), "--json: no/such/folder.json cannot be written"),
        (("try", "alpha", "--json", "matrices"), "--json: matrices cannot be written"),
        (("try", "alpha", "--project", "tests"), "--project: no stackcompat.toml or matrices/components.toml in "),
        (("islands", "--python", "three"), '--python: "three" is not a Python such as 3.12'),
        (("frontier", "alpha", "beta", "--python", "three"), '--python: "three" is not a Python such as 3.12'),
        (("gate", "alpha==1.1", "--python", "python3.12"), '--python: "python3.12" is not a Python such as 3.12'),
        (("run", "nightly"), "nightly: there is no such matrix; allowed are a file, or one of m"),
        (("run", "no.toml"), "no.toml: there is no such matrix"),
        (("run", "broken.toml"), "broken.toml: is not valid TOML"),
        (("run", "typo.toml"), 'typo.toml: "tilte" is not a key that is known here; allowed are also'),
        (("run", "absent.toml"), r'absent.toml: policies\[0\].requirements: "alpha==9": the index has no such release'),
        (
            ("plan", "absent.toml"),
            r'absent.toml: policies\[0\].requirements: "alpha==9": the index has no such release',
        ),
        (("report",), "evidence.sqlite: holds no run yet; run a matrix first"),
        (("check", "empty.txt"), "compat.json: there is no table yet; run a matrix first"),
        (("suggest", "alpha"), "compat.json: there is no table yet; run a matrix first"),
        (("explain", "alpha"), "compat.json: there is no table yet; run a matrix first"),
        (("advice",), "compat.json: there is no table yet; run a matrix first"),
        (("site",), "compat.json: there is no table yet; run a matrix first"),
        (("show", "abc"), 'CELL: "abc" fits 0 cells of the last runs .none.; give one cell'),
        (("blame", "abc"), 'CELL: "abc" fits 0 cells of the last runs .none.; give one cell'),
        (("releases", "alpa"), 'DISTRIBUTION: the index has no "alpa"'),
    ],
)
def test_a_mistake_is_one_sentence(run: Run, checkout: Path, arguments: tuple[str, ...], sentence: str) -> None:
    (checkout / "empty.txt").write_text("# nothing\n")
    (checkout / "bare.txt").write_text("alpha==1.0\n")
    (checkout / "loose.txt").write_text("alpha>=1\n")
    (checkout / "broken.toml").write_text("title = \n")
    (checkout / "typo.toml").write_text(MATRIX.replace("title", "tilte"))
    (checkout / "absent.toml").write_text(
        MATRIX.replace('policy = "newest"', 'policy = "pins"\nrequirements = ["alpha==9"]')
    )
    code, output, error = run(*arguments)
    assert (code, output) == (2, "")
    assert error.startswith("stackcompat: ")
    assert error.count("\n") == 1, error
    assert re.search(sentence, error), error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Usage:"),
        (("frobnicate",), "No such command"),
        (("run",), "Missing argument 'MATRIX'"),
        (("run", "m", "-j", "0"), "is not in the range"),
        (("run", "m", "--frobnicate"), "No such option"),
        (("try", "alpha", "--level", "deep"), "is not one of"),
        (("releases", "alpha", "--last", "none"), "is not a valid integer"),
    ],
)
def test_clicks_own_mistakes_have_the_same_exit_code(run: Run, arguments: tuple[str, ...], words: str) -> None:
    code, output, error = run(*arguments)
    assert (code, output) == (2, "")
    assert words in error
    assert "Traceback" not in error


@pytest.mark.parametrize("kind", ["a folder", "another file"])
def test_a_store_that_is_none_is_said(run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    path = checkout / "store"
    if kind == "a folder":
        path.mkdir()
    else:
        path.write_text("something else, longer than a header of a hundred bytes; " * 10)
    monkeypatch.setenv("STACKCOMPAT_STORE", str(path))
    code, _, error = run("report")
    assert code == 2
    assert "cannot be the store of evidence" in error


def test_outside_a_project(run: Run, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    code, _, error = run("run", "m")
    assert code == 2
    assert "--project: no stackcompat.toml or matrices/components.toml in this folder and those above it" in error


def test_an_unreachable_index_is_not_a_mistake(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")
    code, _, error = run("releases", "alpha")
    assert code == 3
    assert "did not answer for alpha" in error
    assert "127.0.0.1" not in error


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (UsageError("x: wrong"), 2),
        (StackcompatError("no answer"), 3),
        (KeyboardInterrupt(), 130),
        (None, 0),
    ],
)
def test_exit_codes(run: Run, monkeypatch: pytest.MonkeyPatch, raised: BaseException | None, code: int) -> None:
    def command(**_: Any) -> None:
        if raised is not None:
            raise raised

    monkeypatch.setattr(cli, "main", command)
    got, _, error = run()
    assert got == code
    assert "Traceback" not in error


def test_help_and_version(run: Run) -> None:
    for arguments in (("--help",), ("try", "--help"), ("run", "--help"), ("--version",)):
        code, output, error = run(*arguments)
        assert (code, error) == (0, "")
        assert "stackcompat" in output


def test_python_m_is_the_same_command(checkout: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stackcompat", "run", "nosuch"],
        capture_output=True,
        text=True,
        check=False,
        cwd=checkout,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("stackcompat: nosuch: there is no such matrix")
    assert done.stderr.count("\n") == 1


def test_the_group_works_under_clicks_own_runner(checkout: Path) -> None:
    result = CliRunner().invoke(cli.main, ["releases", "alpha", "--last", "1"])
    assert result.exit_code == 0, result.output
    assert "1.1" in result.output


def test_every_command_can_be_imported_without_pytest() -> None:
    """pytest is in the harness of cells and no dependency of the tool, whose wheel is installed without it."""
    modules = sorted({command.place.partition(":")[0] for command in cli.COMMANDS.values()})
    code = f"import sys, importlib; sys.modules['pytest'] = None; [importlib.import_module(m) for m in {modules!r}]"
    subprocess.run([sys.executable, "-c", code], check=True)
