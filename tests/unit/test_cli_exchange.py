"""The command line of crossings: mistakes, words, JSON and exit codes."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from made_up import failed, make_cell, planned, unresolved
from stackcompat import cli
from stackcompat.cli import exchange
from stackcompat.evidence import ExchangePlan
from stackcompat.exchange import ArtifactVerdict, CrossingVerdict, plan_crossings
from stackcompat.interpreter import Interpreter
from stackcompat.plan import Cell

COMPONENTS = """
[[components]]
name = "alpha"
title = "Alpha"
summary = "does alpha"
group = "core"
distributions = ["alpha"]
documentation = "https://alpha.example"
"""
OLD, NEW = {"alpha": "1.0.0"}, {"alpha": "1.3.0"}
WRITER, READER = planned(make_cell(OLD), OLD), planned(make_cell(NEW), NEW)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What reaches the engine; what it answers can be set."""
    told: dict[str, Any] = {"verdict": verdict("works")}

    def plan(squares: Any, *_: Any, **__: Any) -> ExchangePlan:
        told["squares"] = squares
        crossings = plan_crossings([WRITER], [READER], {}, "by hand")
        return ExchangePlan(cells=told.get("cells", (WRITER, READER)), crossings=crossings)

    monkeypatch.setattr(exchange, "plan_exchange", plan)
    monkeypatch.setattr(exchange, "run_exchange", lambda plan, *_, **more: (told.update(more), plan)[1])
    monkeypatch.setattr(exchange, "judge_crossing", lambda *_: told["verdict"])
    found = {p: Interpreter(python=p, version=f"{p}.7", path=Path("/python")) for p in ("3.13", "3.12")}
    monkeypatch.setattr(exchange, "find_interpreters", lambda *_: found)
    return told


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """``stackcompat exchange ARGUMENTS`` in a project: exit code, output, error."""
    for place in ("matrices", "tests/interop", "tests/exchange"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "matrices" / "components.toml").write_text(COMPONENTS)
    (tmp_path / "tests" / "exchange" / "test_box.py").write_text('@pytest.mark.writes("box")\ndef test_write(): ...\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STACKCOMPAT_STORE", raising=False)
    monkeypatch.setenv("STACKCOMPAT_CACHE", str(tmp_path / "cache"))
    before = signal.getsignal(signal.SIGTERM)

    def invoke(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["stackcompat", "exchange", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.run_main()
        said = capsys.readouterr()
        code = caught.value.code
        return (code if isinstance(code, int) else 0), said.out, said.err

    yield invoke
    signal.signal(signal.SIGTERM, before)


def verdict(word: Any, **more: Any) -> CrossingVerdict:
    values = {"writer": WRITER, "reader": READER, "verdict": word, "level": "exchange", "sentence": "said"}
    return CrossingVerdict.model_validate(values | more)


def requirements(cells: list[Cell]) -> list[tuple[str, ...]]:
    return [cell.requirements for cell in cells]


ENDS = ("--write-with", "alpha==1.0.0", "--read-with", "alpha==1.3.0")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--write-with", "alpha==1.0.0", "beta", "--read-with", "alpha==1.3.0", "gamma"),
        ("--write-with", "alpha==1.0.0", "--write-with", "beta", "--read-with=alpha==1.3.0", "gamma"),
        ("--read-with", "alpha==1.3.0", "gamma", "--rerun", "--write-with=alpha==1.0.0", "beta"),
    ],
)
def test_requirements_follow_one_another_or_repeat_the_option(
    run: Run, asked: dict[str, Any], arguments: tuple[str, ...]
) -> None:
    code, _, _ = run(*arguments, "--write-python", "3.12")
    ((label, writers, readers),) = asked["squares"]
    assert (code, label) == (0, "by hand")
    assert requirements(writers) == [("alpha==1.0.0", "beta")]
    assert requirements(readers) == [("alpha==1.3.0", "gamma")]
    assert (writers[0].python, readers[0].python) == ("3.12", "3.13")


def test_dates_hold_for_both_sides_or_for_one(run: Run, asked: dict[str, Any]) -> None:
    run(*ENDS, "--exclude-newer", "2026-03-01", "--write-exclude-newer", "2026-02-01")
    ((_, (writer,), (reader,)),) = asked["squares"]
    assert [str(cell.exclude_newer.date()) for cell in (writer, reader)] == ["2026-02-01", "2026-03-01"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*ENDS, "--artifact", "crate"), '--artifact: there is no artifact "crate"; allowed are box'),
        (("--write-with", "alpha==", "--read-with", "alpha"), '--write-with: "alpha==" is not a requirement'),
        (("--write-with", "alpha", "--read-with", "al pha"), '--read-with: "al pha" is not a requirement'),
        ((*ENDS, "--read-python", "three"), '--read-python: "three" is not a Python such as 3.12'),
        ((*ENDS, "--write-python", "3.²"), '--write-python: "3.²" is not a Python such as 3.12'),
        ((*ENDS, "--write-exclude-newer", "soon"), '--write-exclude-newer: "soon" is not a date'),
        (("--write-with", "alpha"), "Missing option '--read-with'"),
        (("stray", *ENDS), "unexpected extra argument"),
    ],
)
def test_a_mistake_is_one_sentence(run: Run, asked: dict[str, Any], arguments: tuple[str, ...], words: str) -> None:
    code, output, error = run(*arguments)
    assert (code, output) == (2, "")
    assert words in error
    assert "squares" not in asked


def test_a_release_that_there_is_not_is_a_mistake(
    run: Run, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = unresolved(make_cell({"alpha": "9.9"}), "there is no alpha 9.9", kind="not-found")
    refused: list[Cell] = []
    monkeypatch.setattr(exchange, "refuse_unknown", lambda cell, _: refused.append(cell))
    asked["cells"] = (absent, READER)
    run(*ENDS)
    assert refused == [absent.cell]


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("works", 0),
        ("broken", 1),
        ("unresolvable", 1),
        ("uninstallable", 1),
        ("changed", 4),
        ("flaky", 3),
        ("invalid", 3),
        ("infra-error", 3),
        ("untested", 3),
    ],
)
def test_every_verdict_has_its_exit_code(run: Run, asked: dict[str, Any], word: str, code: int) -> None:
    asked["verdict"] = verdict(word)
    assert run(*ENDS)[0] == code


def test_words_and_json_tell_the_same(run: Run, asked: dict[str, Any]) -> None:
    red = failed("test_box.py::test_read", "alpha", type="ValueError", message="[newer]", packages=("alpha",))
    artifacts = (
        ArtifactVerdict(
            artifact="box",
            verdict="broken",
            sentence="ValueError: [newer]",
            failures=(red.model_copy(update={"artifact": "box"}),),
        ),
        ArtifactVerdict(artifact="crate", verdict="works", sentence="is read", passed=1),
        ArtifactVerdict(artifact="tin", verdict="untested", sentence="could not be written", side="writer"),
    )
    asked["verdict"] = verdict("broken", artifacts=artifacts, evidence=("e1", "e2"))
    code, output, _ = run(*ENDS)
    assert code == 1
    assert "broken at exchange: said" in output
    assert "box: broken: ValueError: [newer]" in output
    assert "tin: untested: could not be written" in output
    assert "crate" not in output
    assert "crate: works" in run(*ENDS, "-v")[1]
    code, output, _ = run(*ENDS, "--json", "-")
    found = json.loads(output)
    assert (code, found["verdict"], found["level"], found["evidence"]) == (1, "broken", "exchange", ["e1", "e2"])
    assert found["writer"]["installed"]["alpha"] == "1.0.0"
    assert found["reader"]["python"] == "3.12"
    assert [(f["artifact"], f["signature"]) for f in found["failures"]] == [("box", "ValueError: [newer] [alpha]")]
    assert [(a["artifact"], a["verdict"], a["side"]) for a in found["artifacts"]] == [
        ("box", "broken", ""),
        ("crate", "works", ""),
        ("tin", "untested", "writer"),
    ]
