"""The command that says what runs need and this machine or this project lacks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from stackcompat.cli import health
from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.evidence.store import Store
from stackcompat.run.isolation import Means
from support.command_line import MATRIX, Run
from support.loopback_index import LoopbackIndex

FOUND = {"3.12": Interpreter(python="3.12", version="3.12.4", path=Path("python3.12"))}
Lines = Callable[..., dict[str, str]]


@pytest.fixture
def lines(run: Run, index: LoopbackIndex, monkeypatch: pytest.MonkeyPatch) -> Lines:
    """``stackcompat doctor ARGUMENTS``: the rest of each line by sign and name. Its machine lacks nothing."""
    index.add("pytest", "9.0")
    monkeypatch.setattr(health, "find_interpreters", lambda _=None: FOUND)
    monkeypatch.setattr(health, "find_means", lambda: Means("/bwrap", layers=True, network=True))
    monkeypatch.setattr(health, "free_bytes", lambda _: 5 * 2**30)

    def call(*arguments: str, code: int = 0) -> dict[str, str]:
        got, output, error = run("doctor", *arguments)
        assert (got, error) == (code, ""), output
        return dict(line.partition(": ")[::2] for line in output.splitlines())

    return call


def test_nothing_is_missing(lines: Lines, checkout: Path, index: LoopbackIndex) -> None:
    store = checkout / ".stackcompat" / "evidence.sqlite"
    uv = lines()["✓ uv"]
    assert "is within" in uv
    assert lines() == {
        "✓ Python 3.12": "3.12.4 is here",
        "✓ isolation": "tests run in a sandbox: files, processes, users and network of their own",
        "✓ package index": f"{index.address.removesuffix('/simple/')} answers",
        "✓ cache": "5.0 GiB are free on its disk, of which 4.0 GiB are kept free",
        "✓ uv": uv,
        "✓ store": f"{store} is made by the first run",
    }
    assert not store.parent.exists()
    Store(store).close()
    assert lines()["✓ store"] == f"{store} can be read and written"


def test_without_a_sandbox_it_is_said_how_to_get_one(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "find_means", lambda: Means("", layers=False, network=True))
    assert lines()["✓ isolation"] == (
        "tests have no network but loopback, and see the files of this user; for a sandbox, install bubblewrap "
        "(`apt-get install bubblewrap`) and let this user make namespaces"
    )


def test_what_is_missing_is_said_with_what_to_do(
    lines: Lines, checkout: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    (checkout / "matrices" / "n.toml").write_text(MATRIX.replace("3.12", "3.14"))
    (checkout / "matrices" / "typo.toml").write_text(MATRIX.replace("title", "tilte"))
    monkeypatch.setattr(health, "find_means", lambda: Means("", layers=False, network=False))
    monkeypatch.setattr(health, "how_to_cut_network", lambda: "allow it")
    monkeypatch.setattr(health, "free_bytes", lambda _: 2**30)
    monkeypatch.setattr(health, "_bound_of_uv", lambda: Requirement("uv<0.1"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://me:secret@127.0.0.1:9/token/simple/")
    (checkout / ".stackcompat").mkdir()
    (checkout / ".stackcompat" / "evidence.sqlite").write_text("something else " * 50)
    said = lines(code=3)
    assert said.keys() == {
        *("✗ matrix", "✗ Python 3.14", "✓ Python 3.12", "✗ isolation", "✗ package index", "✗ cache", "✗ uv", "✗ store")
    }
    assert said["✗ matrix"].endswith("; correct the file")
    assert said["✗ Python 3.14"].startswith(
        "is not here, so its cells of n are not tried; Python 3.14 was not found; get"
    )
    assert said["✗ isolation"] == "tests see the files of this user, and can reach the network; allow it"
    assert said["✗ package index"].startswith("http://127.0.0.1:9: the package index did not answer for pytest")
    assert "secret" not in str(said)
    assert "token" not in str(said)
    assert "; make room" in said["✗ cache"]
    assert said["✗ uv"].endswith("is not within <0.1; install it: `pip install 'uv<0.1'`")
    assert "evidence.sqlite: file is not a database; make it readable" in said["✗ store"]
    told = json.loads(run("doctor", "--json", "-")[1])
    assert (told["good"], told["project"]) == (False, str(checkout))
    assert len(told["findings"]) == len(said)


def test_without_an_ecosystem_its_lines_are_left_out(
    lines: Lines, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    said = lines()
    assert said.pop("There is no ecosystem, so its Pythons and its store were not looked at.") == ""
    assert said["✓ Python"] == "3.12.4 is here"
    assert [line.split()[1] for line in said] == ["Python", "isolation", "package", "cache", "uv"]
    assert json.loads(run("doctor", "--json", "-")[1])["project"] is None
    monkeypatch.setattr(health, "find_interpreters", lambda _=None: {})
    assert lines(code=3)["✗ Python"].startswith("none that can run smoke tests is here; get one")
    assert run("doctor", "--project", ".")[0] == 2


def test_an_index_without_pytest_is_no_good(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, index: LoopbackIndex
) -> None:
    monkeypatch.setattr(health, "HARNESS_REQUIREMENTS", ("absent>=1",))
    assert "answers, but has no absent, which every cell needs; look at" in lines(code=3)["✗ package index"]


def test_folders_that_cannot_be_written(
    lines: Lines, checkout: Path, monkeypatch: pytest.MonkeyPatch, index: LoopbackIndex
) -> None:
    (checkout / "file").touch()
    monkeypatch.setenv("STACKCOMPAT_CACHE", str(checkout / "file" / "cache"))
    monkeypatch.setenv("STACKCOMPAT_STORE", str(checkout / "file" / "store"))
    said = lines(code=3)
    assert "cannot be written; make it writable" in said["✗ cache"]
    assert "cannot be made; make it readable" in said["✗ store"]


def test_a_uv_that_does_not_start(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise subprocess.CalledProcessError(1, "uv")

    monkeypatch.setattr(subprocess, "run", fail)
    assert lines(code=3)["✗ uv"].startswith("does not start; install it: `pip install 'uv")


def test_what_is_not_installed_as_a_distribution_takes_any_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: str) -> None:
        raise PackageNotFoundError

    monkeypatch.setattr(health, "requires", absent)
    assert str(health._bound_of_uv()) == "uv"
