"""The command line: every mistake gets one sentence and exit code 2, and runs nothing."""

from __future__ import annotations

import errno
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from stackcompat.blame import driver
from stackcompat.blame.cause import Moved
from stackcompat.blame.culprit import Culprit, OtherFailure
from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.cli import blame as cli_blame
from stackcompat.cli import calibrate as cli_calibrate
from stackcompat.cli import main as cli
from stackcompat.cli import matrix, try_
from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import RunRecord
from stackcompat.evidence.store import Store
from stackcompat.frontier.frontier import FRONTIERS
from stackcompat.frontier.search import explore
from stackcompat.plan.known_cases import KnownCase
from stackcompat.report.write import write
from stackcompat.resolve.islands import ISLANDS
from stackcompat.resolve.lock import HeldBack
from stackcompat.table.build import summarise
from stackcompat.validation.calibration import Calibration
from stackcompat.verdict.verdict import judge
from support.islands_world import IslandsWorld
from support.loopback_index import LoopbackIndex
from support.made_up import COMPONENTS as COMPONENTS_MADE_UP
from support.made_up import DISTRIBUTION, NEWEST, NOW, failed, history, make_cell, passed, planned, run_of, unresolved
from support.planted import Planted, chart_of, stairs, table

COMPONENTS = """
[[components]]
name = "alpha"
title = "Alpha"
summary = "does alpha"
group = "core"
distributions = ["alpha"]
documentation = "https://alpha.example"
"""
MATRIX = """
title = "M"
components = ["alpha"]
pythons = ["3.12"]

[[policies]]
policy = "newest"
"""


@pytest.fixture(scope="module")
def index() -> Iterator[LoopbackIndex]:
    with LoopbackIndex() as index:
        for version in ("1.0", "1.1", "2.0rc1"):
            index.add("alpha", version, requires_python=">=3.9")
        yield index


@pytest.fixture
def checkout(tmp_path: Path, index: LoopbackIndex, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, and nothing else of this machine."""
    (tmp_path / "matrices").mkdir()
    (tmp_path / "tests" / "interop").mkdir(parents=True)
    (tmp_path / "matrices" / "components.toml").write_text(COMPONENTS)
    (tmp_path / "matrices" / "m.toml").write_text(MATRIX)
    monkeypatch.chdir(tmp_path)
    for variable in ("STACKCOMPAT_STORE", "UV_INDEX_URL", "PIP_INDEX_URL", "CI"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("STACKCOMPAT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", index.address)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """``stackcompat ARGUMENTS`` in this process: exit code, output, error."""
    before = signal.getsignal(signal.SIGTERM)

    def invoke(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["stackcompat", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.run_main()
        said = capsys.readouterr()
        code = caught.value.code
        return (code if isinstance(code, int) else 0), said.out, said.err

    yield invoke
    signal.signal(signal.SIGTERM, before)


def test_a_full_disk_is_no_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "somewhere/lock.txt")

    monkeypatch.setattr(cli, "main", full)
    code, _, said = run("run", "quick")
    assert code == 3
    assert "the disk is full for somewhere/lock.txt; what was finished is kept" in " ".join(said.split())


# --- mistakes ---


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
        (("try", "alpha", "--project", "tests"), "--project: no matrices/components.toml in tests"),
        (("islands", "--python", "3.1"), '--python: "3.1" was not found here; allowed are'),
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
    assert "--project: no matrices/components.toml in this folder and those above it" in error


def test_an_unreachable_index_is_not_a_mistake(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")
    code, _, error = run("releases", "alpha")
    assert code == 3
    assert "did not answer for alpha" in error
    assert "127.0.0.1" not in error


# --- exit codes ---


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


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        ("works", 0),
        ("broken", 1),
        ("unresolvable", 1),
        ("uninstallable", 1),
        ("flaky", 3),
        ("invalid", 3),
        ("infra-error", 3),
        ("untested", 3),
        ("not-applicable", 3),
    ],
)
def test_every_verdict_has_its_exit_code(run: Run, monkeypatch: pytest.MonkeyPatch, verdict: Any, code: int) -> None:
    cell = planned(make_cell(NEWEST), NEWEST)
    judged = judge(cell, ()).model_copy(update={"verdict": verdict})
    monkeypatch.setattr(try_, "try_cell", lambda *_, **__: (judged, ()))
    monkeypatch.setattr(try_, "find_interpreters", lambda _=None: {})
    got, output, _ = run("try", "alpha", "--python", "3.12")
    assert got == code
    assert verdict in output


BLAMED = Diagnosis(
    cell="c",
    lock_id="l",
    failing=failed("t.py::test_x", "alpha", packages=("alpha",)),
    made=NOW,
    moved=Moved(kind="changed", side="alpha", sentence="alpha 1.3.0 behaves differently from 1.2.0"),
    culprits=(
        Culprit(name="alpha", version="1.3.0", last_good="1.2.0", first_bad="1.3.0"),
        Culprit(name="beta", version="2.4.1", never_passed=True, first_bad="2.4.0", fixed_in="2.5.0"),
        Culprit(name="gamma", version="1.0.2", shown_by="traceback"),
    ),
    findings=(OtherFailure(moved={"alpha": "1.0.0"}, signature="E: other [alpha]"),),
    probes=7,
    linear=90,
    doubt="the budget was spent",
)


def test_blame_is_told_and_in_the_json(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = planned(make_cell(NEWEST), NEWEST)
    red = failed("t.py::test_x", "alpha", packages=("alpha",))
    _verdict(monkeypatch, cell, (run_of(cell, red), run_of(cell, red, attempt=1)))
    monkeypatch.setattr(try_, "find_culprit", lambda *_: BLAMED)
    code, output, _ = run("try", "alpha", "--python", "3.12", "--blame", "--json", "-")
    answer = json.loads(output)
    assert code == 1
    assert [entry["name"] for entry in answer["culprit"]] == ["alpha", "beta", "gamma"]
    assert (
        answer["culprit"][0] | {"version": "1.3.0", "last_good": "1.2.0", "first_bad": "1.3.0"} == answer["culprit"][0]
    )
    assert answer["culprit"][1]["fixed_in"] == "2.5.0"
    assert answer["culprit"][0]["moved_by"] == "alpha 1.3.0 behaves differently from 1.2.0"
    assert (answer["probes"], answer["linear"]) == (7, 90)
    _, output, _ = run("try", "alpha", "--python", "3.12", "--blame")
    for sentence in (
        "culprit: alpha 1.3.0 with beta 2.4.1 with gamma 1.0.2",
        "alpha 1.2.0 was the last good, 1.3.0 the first bad; nothing newer passes",
        "no release of beta before 2.4.1 was seen to pass; it passes again from 2.5.0 on",
        "gamma 1.0.2 calls it",
        "alpha 1.3.0 behaves differently from 1.2.0",
        "not certain: the budget was spent",
        "another failure with alpha 1.0.0: E: other [alpha]",
        "7 probes; release by release it would have been 90",
    ):
        assert sentence in output


def test_what_works_is_not_blamed_on_anybody(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = planned(make_cell(NEWEST), NEWEST)
    _verdict(monkeypatch, cell, (run_of(cell, passed("t.py::test_x", "alpha")),))
    monkeypatch.setattr(try_, "find_culprit", lambda *_: pytest.fail("there is nobody to blame"))
    code, output, _ = run("try", "alpha", "--python", "3.12", "--blame", "--json", "-")
    assert code == 0
    assert "culprit" not in json.loads(output)


class Trimmed:
    """A package cache that is bounded already."""

    def trim(self) -> None:
        """There is nothing to do."""


def test_a_cell_of_the_last_runs_is_blamed_by_its_id(run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = planned(make_cell(NEWEST), NEWEST)
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    store.add_run(
        RunRecord(matrix="m", started=NOW, title="M", components=("alpha",), pythons=("3.12",), cells=(cell,))
    )
    store.close()
    monkeypatch.setattr(cli_blame, "find_culprit", lambda *_: BLAMED)
    monkeypatch.setattr(cli_blame, "make_runner", lambda *_: SimpleNamespace(interpreters={}))
    code, _, error = run("blame", cell.cell.id[:8])
    assert code == 3
    assert "3.12" in error
    monkeypatch.setattr(
        cli_blame, "make_runner", lambda *_: SimpleNamespace(interpreters={"3.12": None}, cache=Trimmed())
    )
    code, output, _ = run("blame", cell.cell.id[:8], "--json", "-")
    answer = json.loads(output)
    assert code == 0
    assert answer["cell"] == cell.cell.id
    assert answer["probes"] == 7
    code, output, _ = run("blame", cell.cell.id)
    assert "culprit: alpha 1.3.0" in output


def test_every_failure_is_blamed_once_and_the_reports_say_on_whom(
    run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = planned(make_cell(NEWEST), NEWEST)
    red = failed("t.py::test_x", "alpha", packages=("alpha",))
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    store.add_run(
        RunRecord(matrix="m", started=NOW, title="M", components=("alpha",), pythons=("3.12",), cells=(cell,))
    )
    for attempt_ in range(2):
        store.add(run_of(cell, red, attempt=attempt_))
    store.close()
    asked = []

    def found(*given: object, **_: object) -> Diagnosis:
        asked.append(given)
        culprits = tuple(c for c in BLAMED.culprits if c.name in cell.resolution.lock.versions())  # type: ignore[union-attr]
        return BLAMED.model_copy(update={"culprits": culprits})

    monkeypatch.setattr(driver, "diagnose_cell", found)
    code, output, _ = run("blame", "--minutes", "0")
    assert (code, asked) == (0, [])
    assert "0 failures searched, 1 left for the next time" in output
    for searched in (1, 0):
        code, output, _ = run("blame", "--jobs", "2")
        assert code == 0
        assert f"{searched} failure{'s' if searched != 1 else ''} searched" in output
    assert len(asked) == 1
    run("report")
    table = json.loads((checkout / "reports" / "compat.json").read_text())
    assert table["failures"][0]["culprit"]["probes"] == 7
    assert table["cells"][0]["culprit"]["versions"]["alpha"] == "1.3.0"
    assert table["cells"][0]["culprit"]["inferred"]  # the search had a doubt
    assert "Culprit: alpha 1.3.0" in (checkout / "reports" / "COMPATIBILITY.md").read_text()
    assert "Culprit: alpha 1.3.0" in (checkout / "reports" / "index.html").read_text()
    for wrong, option in (
        (("blame", cell.cell.id, "--minutes", "3"), "--minutes"),
        (("blame", "--about", "x"), "--about"),
    ):
        code, _, error = run(*wrong)
        assert code == 2
        assert error.startswith(f"stackcompat: {option}: ")


def test_calibrate_counts_exact_culprits(run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A break that only another environment's artifacts show is not among those that are blamed."""
    red = judge(planned(make_cell(NEWEST), NEWEST), ())
    known = {"python": "3.12", "requirements": ["alpha==1.3.0"], "verdict": "broken"}
    held = ["alpha==1.3.0", "gamma==1.0.2"]
    found = tuple(
        Calibration(case=KnownCase.model_validate(known | more), verdict=red, wrong="", blame=blame)
        for more, blame in (
            ({"id": "one", "culprit": ["alpha==1.3.0", "beta==2.4.1", "gamma==1.0.2"]}, BLAMED),
            ({"id": "two", "culprit": ["alpha==1.3.0"]}, BLAMED),
            ({"id": "four", "culprit": ["beta==2.4.1"], "requirements": [*held, "beta==2.4.1"]}, BLAMED),
            ({"id": "read", "culprit": ["alpha==1.3.0"], "writer": {"requirements": ["alpha==1.0.0"]}}, None),
        )
    )
    near = 'verdict = "works"\nneighbour-of = "four"\n'
    listed = [("a", "beta", near), ("b", "beta==2.4.0", near), ("c", "beta==2.5.0", near)]
    (checkout / "matrices" / "known-cases.toml").write_text(
        "".join(
            f'[[cases]]\nid = "{n}"\npython = "3.12"\nrequirements = {json.dumps([*held, r])}\n{more}'
            for n, r, more in listed
        )
    )
    runner = SimpleNamespace(cache=Trimmed(), components=COMPONENTS_MADE_UP)
    runner.reporting = lambda _: runner
    monkeypatch.setattr(cli_calibrate, "make_runner", lambda *_: runner)
    monkeypatch.setattr(cli_calibrate, "make_exchange_runner", lambda *_, **__: None)
    monkeypatch.setattr(cli_calibrate, "calibrate", lambda *_, **__: found)
    monkeypatch.setattr(cli_calibrate, "calibrate_crossings", lambda *_, **__: ())
    untold = found[0].model_copy(update={"verdict": red.model_copy(update={"verdict": "infra-error"}), "wrong": "x"})
    monkeypatch.setattr(cli_calibrate, "calibrate", lambda *_, **__: (untold, found[-1]))
    code, output, _ = run("calibrate")
    assert code == 3
    assert "? one: x" in output
    assert "1 / 1 known breaks caught as they are known" in output
    assert "1 cases were kept from a verdict" in output
    monkeypatch.setattr(cli_calibrate, "calibrate", lambda *_, **__: found)
    code, output, _ = run("calibrate", "--blame")
    assert code == 1
    assert "✓ one: alpha 1.3.0, beta 2.4.1, gamma 1.0.2 (the budget was spent); 7 probes, linear 90" in output
    assert "✗ two: alpha 1.3.0, beta 2.4.1, gamma 1.0.2, known to be alpha==1.3.0" in output
    assert "1 / 3 culprits exact, by 21 probes; release by release it would have been 270" in output
    assert "✗ four: b is healthy, amid releases that were found to be red" in output
    assert "1 / 2 known healthy neighbours beyond the red releases that were found" in output


def test_help_and_version(run: Run) -> None:
    for arguments in (("--help",), ("try", "--help"), ("run", "--help"), ("--version",)):
        code, output, error = run(*arguments)
        assert (code, error) == (0, "")
        assert "stackcompat" in output


# --- what is said ---


def test_islands_are_found_and_kept_for_the_reports(run: Run, checkout: Path) -> None:
    code, output, error = run("islands", "--python", "3.12")
    assert (code, error) == (0, "")
    assert output.splitlines() == ["Python 3.12: 1 island, 1 set resolved", "1. Alpha 1.1"]
    code, output, _ = run("islands", "--python", "3.12", "--json", "-")
    (found,) = json.loads(output)
    assert (found["python"], found["islands"][0]["releases"]) == ("3.12", {"alpha": "1.1"})
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    assert [one.islands[0].releases for one in store.kept(ISLANDS)] == [{"alpha": "1.1"}]
    store.close()


def test_releases_as_a_table_and_as_json(run: Run) -> None:
    code, output, _ = run("releases", "alpha")
    assert code == 0
    assert [line.split()[0] for line in output.splitlines()[1:]] == ["1.1", "1.0"]
    code, output, _ = run("releases", "alpha", "--all", "--json", "-")
    assert [release["version"] for release in json.loads(output)] == ["1.0", "1.1", "2.0rc1"]


def test_plan_shows_and_runs_nothing(run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "find_interpreters", lambda pythons=None: dict.fromkeys(pythons or ()))
    code, output, error = run("plan", "m")
    assert (code, error) == (0, "")
    assert "1 cells" in output
    code, output, _ = run("plan", "m", "--json", str(checkout / "plan.json"))
    assert json.loads((checkout / "plan.json").read_text())["cells"][0]["requirements"] == ["alpha"]
    code, output, _ = run("plan", "m", "--json", "-")
    assert json.loads(output)["cells"][0]["python"] == "3.12"
    assert not (checkout / ".stackcompat").exists()


def test_plan_and_run_tell_how_much_has_a_verdict(run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "find_interpreters", lambda pythons=None: dict.fromkeys(pythons or ()))
    told = history().record().model_copy(update={"matrix": "m", "cells": (), "missing_pythons": ()})
    monkeypatch.setattr(matrix, "execute", lambda *_, **__: told)
    code, output, _ = run("run", "m", "--no-report")
    assert code == 0
    words = " ".join(output.split())
    said = "pairs on 3.13, 2-way: 97.3 % of the allowed combinations are locked together, 94.6 % have a verdict"
    assert said in words
    assert "cells made in further rounds, for what had no verdict: 5 and 2" in words
    assert "pairs on 3.13, 2-way: 3 were not asked for again" in words
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    store.add_run(told)
    store.close()
    code, output, _ = run("plan", "m")
    assert code == 0
    assert "pairs on 3.13, 2-way: 94.6 % had a verdict after the run of" in " ".join(output.split())


def _verdict(monkeypatch: pytest.MonkeyPatch, cell: Any, evidence: tuple[Evidence, ...]) -> None:
    monkeypatch.setattr(try_, "try_cell", lambda *_, **__: (judge(cell, evidence), evidence))
    monkeypatch.setattr(try_, "find_interpreters", lambda _=None: {})


def test_the_json_of_try_has_what_a_program_needs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    held = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="beta 2", bound="beta 2 depends on alpha<1.3")
    cell = planned(make_cell(NEWEST), NEWEST, (held,))
    red = failed("t.py::test_x", "alpha", type="TypeError", message="m [not markup]", packages=("alpha",))
    evidence = (run_of(cell, passed("t.py::a"), red), run_of(cell, red, attempt=1))
    _verdict(monkeypatch, cell, evidence)
    code, output, error = run("try", "alpha", "--python", "3.12", "--json", "-")
    answer = json.loads(output)
    assert (code, error) == (1, "")
    assert answer["verdict"] == "broken"
    assert answer["level"] == "interop"
    assert answer["python"] == "3.12"
    assert answer["installed"]["alpha"] == "1.3.0"
    assert answer["conflict"] is None
    assert answer["evidence"] == [entry.id for entry in evidence]
    (failure,) = answer["failures"]
    assert {"test", "level", "components", "signature", "type", "message"} <= failure.keys()
    assert failure["signature"] == "TypeError: m [not markup] [alpha]"
    assert answer["held_back"][0]["by"] == "beta 2"
    assert isinstance(answer["warnings"], list)


def test_try_in_words_takes_brackets_as_they_are(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    held = HeldBack(name="alpha", newest="1.3.0", got="1.2.0", by="beta[x]", bound="beta[x] depends on alpha<1.3")
    cell = planned(make_cell(NEWEST), NEWEST, (held,))
    red = failed("t.py::test_x[1, two]", "alpha", message="m [bold]")
    _verdict(monkeypatch, cell, (run_of(cell, red), run_of(cell, red, attempt=1)))
    code, output, _ = run("try", "alpha", "--python", "3.12", "-v")
    assert code == 1
    assert output.splitlines()[0].startswith("✗ broken at interop on Python 3.12: t.py::test_x[1, two]: ")
    assert "m [bold]" in output
    assert "alpha 1.3.0 is the newest, but 1.2.0 was chosen: held back by beta[x]" in output
    assert "\x1b[" not in output


def test_try_unresolvable_in_words(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = unresolved(make_cell(NEWEST), "beta depends on alpha<1, but alpha==1.3.0 is requested")
    _verdict(monkeypatch, cell, ())
    code, output, _ = run("try", "alpha", "--python", "3.12")
    assert code == 1
    assert output == (
        "⊘ unresolvable at resolve on Python 3.12: beta depends on alpha<1, but alpha==1.3.0 is requested\n"
    )


def test_show_tells_everything_of_one_cell(run: Run, checkout: Path) -> None:
    cell = planned(make_cell(NEWEST, policy="newest", label="newest"), NEWEST)
    other = planned(make_cell({"alpha": "1.0.0"}), {"alpha": "1.0.0"})
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    evidence = run_of(cell, passed("t.py::a", "alpha"))
    store.add(evidence)
    store.add_run(
        RunRecord(
            matrix="m",
            started=evidence.started,
            title="M",
            components=("alpha",),
            pythons=("3.12",),
            cells=(cell, other),
        )
    )
    store.close()
    code, output, error = run("show", cell.cell.id[:6])
    assert (code, error) == (0, "")
    for said in (cell.cell.id, "newest", "works", "t.py::a", evidence.id, "alpha 1.3.0"):
        assert said in output
    code, _, error = run("show", "")
    assert code == 2
    assert cell.cell.id in error


# --- as another process ---


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


# --- report ---


def test_a_report_has_the_frontiers_of_the_store_and_the_days_since_2025(run: Run, checkout: Path) -> None:
    cell = planned(make_cell({"alpha": "1.1"}, policy="newest", newest=("alpha",)), {"alpha": "1.1"})
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    store.add(run_of(cell, passed("t.py::test", "alpha")))
    record = history().record().model_copy(update={"cells": (cell,), "components": ("alpha",)})
    store.add_run(record)
    store.keep(FRONTIERS, chart_of(explore(table(3, 4), Planted(stairs([(0, 2), (0, 2), (1, 3)], 4)))))
    store.close()
    code, _, error = run("report")
    assert (code, error) == (0, "")
    written = json.loads((checkout / "reports" / "compat.json").read_text())
    assert [(row["first"], row["second"], len(row["pairs"])) for row in written["frontiers"]] == [("alpha", "beta", 12)]
    (line,) = json.loads((checkout / "reports" / "timeline.json").read_text())
    assert line["spans"][0]["since"] == "2025-01-01T00:00:00Z"
    page = (checkout / "reports" / "index.html").read_text()
    assert 'id="frontiers"' in page
    assert 'id="days-3.12"' in page


# --- check ---


def test_check_reads_a_file_against_the_published_table(run: Run, checkout: Path) -> None:
    made = history()
    write(checkout / "reports", summarise(COMPONENTS_MADE_UP, (made.record(),), made.evidence, NOW))
    (checkout / "good.txt").write_text("".join(f"{DISTRIBUTION[name]}=={v}\n" for name, v in NEWEST.items()))
    code, output, error = run("check", "good.txt")
    assert (code, error) == (0, "")
    assert "no known incompatibility" in output
    (checkout / "bad.txt").write_text("alpha==1.3.0\nbeta==2.1.3\n")
    code, output, _ = run("check", "bad.txt")
    assert code == 1
    assert "SC-" in output
    assert "Smallest change that was tested and works: " in output
    code, output, _ = run("check", "bad.txt", "--json", "-")
    assert code == 1
    assert json.loads(output)["hits"][0]["id"].startswith("SC-")
    (checkout / "some.txt").write_text("alpha==1.3.0\nbeta>=2\n-e .\n")
    code, output, _ = run("check", "some.txt")
    assert code == 0
    assert "2 lines have no exact version for this Python and machine, not checked: beta>=2; -e ." in output
    (checkout / "other.txt").write_text("unknown==1.0\n")
    assert "Nothing in it is a component" in run("check", "other.txt")[1]


def test_check_says_which_island_an_environment_is_on(run: Run, checkout: Path) -> None:
    made = history()
    found = IslandsWorld(("alpha", "beta", "gamma"), [("alpha", "gamma")]).find()
    write(checkout / "reports", summarise(COMPONENTS_MADE_UP, (made.record(),), made.evidence, NOW, (found,)))
    (checkout / "pins.txt").write_text("alpha==1.3.0\nbeta==2.4.1\nzeta==0.9.4\n")
    words = " ".join(run("check", "pins.txt")[1].split())
    assert "can be installed together instead (Python 3.12, without Zeta): alpha==1 beta==1" in words


def test_check_says_what_is_likely_broken_and_that_nobody_saw_it(run: Run, checkout: Path) -> None:
    chart = chart_of(explore(table(3, 4), Planted(stairs([(0, 1)] * 3, 4), words="t: E: words [alpha]")))
    guess = next(one for one in chart.findings if one.inferred and one.verdict == "broken")
    write(checkout / "reports", summarise(COMPONENTS_MADE_UP, (), {}, NOW, frontiers=[chart]))
    first, second = chart.first.versions[guess.pair[0]], chart.second.versions[guess.pair[1]]
    (checkout / "pins.txt").write_text(f"alpha=={first}\nbeta=={second}\n")
    code, output, error = run("check", "pins.txt", "--python", "3.12", "--json", "-")
    assert (code, error) == (3, "")
    told = json.loads(output)
    assert (told["hits"], [one["versions"] for one in told["likely"]]) == ([], [{"alpha": first, "beta": second}])
    code, output, _ = run("check", "pins.txt")
    assert code == 3
    assert f"likely broken (inferred, not tested): Alpha {first} with Beta {second}" in " ".join(output.split())
    assert "no known incompatibility" not in output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "pins.txt", "--python", "three"), '--python: "three" is not a version such as 3.12'),
        (("check",), "check: give either a FILE such as uv.lock, or --env DIR"),
        (("check", "a", "--env", "b"), "check: give either a FILE"),
        (("check", "absent.txt"), "FILE: absent.txt cannot be read"),
        (("check", "pins.txt"), "compat.json cannot be read"),
        (("check", "pins.txt", "--table", "pins.txt"), "--table: pins.txt is no compat.json of this version"),
    ],
)
def test_mistakes_with_check(run: Run, checkout: Path, arguments: tuple[str, ...], said: str) -> None:
    (checkout / "pins.txt").write_text("alpha==1.0\n")
    code, _, error = run(*arguments)
    assert (code, error.count("\n")) == (2, 1)
    assert said in error


def test_night_and_watch_want_a_run(run: Run) -> None:
    for command in (("night", "m"), ("watch", "m", "--dry-run")):
        code, _, error = run(*command)
        assert code == 2
        assert 'MATRIX: "m" has no run in evidence.sqlite; run it first: stackcompat run m' in error


def test_reports_go_into_a_folder(run: Run, checkout: Path) -> None:
    (checkout / "a.md").write_text("x")
    code, _, error = run("report", "-o", "a.md")
    assert code == 2
    assert "--output: a.md cannot be written: File exists; give a folder" in error


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("watch",), "watch: give either --dry-run or --repository OWNER/NAME"),
        (("watch", "--dry-run", "--repository", "a/b"), "watch: give either --dry-run or --repository"),
        (("watch", "--repository", "a/b", "--token-variable", "NO_SUCH"), "--token-variable: NO_SUCH is empty"),
    ],
)
def test_mistakes_with_issues(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    code, _, error = run(*arguments)
    assert code == 2
    assert sentence in error


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("run", "m", "--shard", "3/2", "--no-report"),
            '--shard: "3/2" is not a shard such as 1/4; allowed are 1/N to',
        ),
        (("run", "m", "--shard", "0/2", "--no-report"), '--shard: "0/2" is not a shard'),
        (("run", "m", "--shard", "1/2"), "--shard: a part is no table; add --no-report"),
        (("run", "m", "--shard", "1/2", "--no-report", "--continue"), "--continue: goes on with the locks of the last"),
        (("run", "m", "--relock", "--continue"), "--continue: goes on with the locks of the last run; leave out"),
        (("merge", "no.sqlite"), "STORE: no.sqlite is no file"),
    ],
)
def test_mistakes_with_shards(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    code, _, error = run(*arguments)
    assert code == 2
    assert sentence in error


def test_a_size_of_the_cache_that_is_none_runs_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKCOMPAT_CACHE_GIB", "much")
    code, _, error = run("run", "m", "--no-report")
    assert code == 2
    assert 'STACKCOMPAT_CACHE_GIB: "much" is no size in GiB' in error


def test_a_matrix_of_artifacts_is_one_part(run: Run, checkout: Path) -> None:
    """Readers need what writers wrote."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    text = MATRIX.replace("3.12", python).replace("[[policies]]", 'level = "exchange"\n\n[[policies]]')
    (checkout / "matrices" / "x.toml").write_text(text)
    code, output, error = run("plan", "x", "--shards", "4", "--json", "-")
    assert code == 0, error
    (part,) = json.loads(output)["shards"]
    assert (part["shard"], len(part["cells"])) == ("1/1", 1)
    code, _, error = run("run", "x", "--shard", "1/4", "--no-report")
    assert code == 2
    assert "--shard: a matrix of level exchange is not run in parts" in error
    more = text.replace('level = "exchange"', 'level = "exchange"\nartifacts = ["crate"]')
    (checkout / "matrices" / "x.toml").write_text(more)
    code, _, error = run("run", "x", "--no-report")
    assert code == 2
    assert 'x.toml: artifacts: there is no artifact "crate"' in error
