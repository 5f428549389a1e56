"""The command line of crossings: mistakes, words, JSON and exit codes."""

from __future__ import annotations

import datetime as dt
import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stackcompat.blame import exchange as blame_exchange
from stackcompat.blame.diagnosis import DIAGNOSES, Diagnosis
from stackcompat.blame.result import Culprit, SearchResult
from stackcompat.cli import blame as cli_blame
from stackcompat.cli import culprit_search, exchange
from stackcompat.cli import main as cli
from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.evidence.results import TestResult
from stackcompat.evidence.runs import Crossing, ExchangePlan, RunRecord
from stackcompat.evidence.store import Store
from stackcompat.pipeline.exchange_plan import plan_crossings
from stackcompat.plan.cell import Cell
from stackcompat.plan.ecosystem import Ecosystem
from stackcompat.verdict.artifacts import ArtifactVerdict, ExchangeSide
from stackcompat.verdict.exchange import CrossingVerdict
from support.answers_page import documented_fields
from support.made_up import NOW, failed, make_cell, passed, planned, run_of, unresolved

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

    def invoke(*arguments: str, command: str = "exchange") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["stackcompat", command, *arguments])
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


RED = failed("test_box.py::test_read", "alpha", message="no lid").model_copy(update={"artifact": "box"})
BROKEN = verdict("broken", artifacts=(ArtifactVerdict(artifact="box", verdict="broken", sentence="", failures=(RED,)),))
FOUND: dict[ExchangeSide, Diagnosis] = {
    "reader": Diagnosis.of(
        BROKEN,
        RED,
        SearchResult(
            culprits=(Culprit(name="alpha", version="1.3.0", last_good="1.2.0", first_bad="1.3.0"),),
            probes=7,
            linear=9,
        ),
        NOW,
        side="reader",
    ),
    "writer": Diagnosis.of(
        BROKEN,
        RED,
        SearchResult(doubt="nothing passes", probes=3, linear=4),
        NOW + dt.timedelta(seconds=1),
        side="writer",
    ),
}


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[TestResult]:
    """The failing tests that were searched for; what is found is `FOUND`."""
    told: list[TestResult] = []

    def find(verdict: CrossingVerdict, test: TestResult, *_: Any, **__: Any) -> dict[ExchangeSide, Diagnosis]:
        told.append(test)
        return FOUND

    monkeypatch.setattr(culprit_search, "diagnose_crossing", find)
    monkeypatch.setattr(blame_exchange, "diagnose_crossing", find)
    return told


def test_blame_is_told_for_either_side_and_in_the_json(
    run: Run, asked: dict[str, Any], searched: list[TestResult]
) -> None:
    asked["verdict"] = BROKEN
    code, output, _ = run(*ENDS, "--blame", "--json", "-")
    told = json.loads(output)
    assert (code, told["verdict"], told["probes"], told["linear"]) == (1, "broken", 10, 13)
    assert set(told) == documented_fields("`exchange --json FILE`", "exchange.md")
    assert [(c["side"], c["name"], c["last_good"]) for c in told["culprit"]] == [("reader", "alpha", "1.2.0")]
    assert told["sides"]["writer"]["doubt"] == "nothing passes"
    _, output, _ = run(*ENDS, "--blame")
    assert "reader: culprit: alpha 1.3.0" in output
    assert "alpha 1.2.0 was the last good, 1.3.0 the first bad" in output
    assert "writer: nobody was found to blame" in output
    assert searched == [RED, RED]
    assert "culprit" not in json.loads(run(*ENDS, "--json", "-")[1])
    code, _, error = run(*ENDS, "--blame", "--about", "hinge")
    assert code == 2
    assert '--about: no failure has "hinge" in it; the artifacts that are not read well are box' in error
    asked["verdict"] = verdict("works")
    assert run(*ENDS, "--blame")[0] == 0
    assert searched == [RED, RED]


def crossed(folder: Path) -> str:
    """A run in the store of the project: what the old one wrote the new one does not read; the crossing's name."""
    ends = {"old": WRITER, "new": READER}
    crossings = [
        Crossing(writer=ends[w].cell.id, reader=ends[r].cell.id, key=f"{w} {r}", square="s") for w in ends for r in ends
    ]
    plan = ExchangePlan(cells=tuple(ends.values()), crossings=tuple(crossings))
    store = Store(folder / ".stackcompat" / "evidence.sqlite")
    store.add_run(
        RunRecord(matrix="x", started=NOW, title="X", components=("alpha",), pythons=("3.12",), exchange=plan)
    )
    green = passed(RED.test, "alpha").model_copy(update={"artifact": "box"})
    write = passed("test_box.py::test_write", "alpha").model_copy(update={"artifact": "box"})
    for cell in ends.values():
        store.add(run_of(cell, write))
    for one in crossings:
        reader = next(cell for cell in ends.values() if cell.cell.id == one.reader)
        for attempt in range(2):
            result = RED if one.key == "old new" else green
            store.add(run_of(reader.model_copy(update={"key": one.key}), result, attempt=attempt))
    store.close()
    return f"{WRITER.cell.id}+{READER.cell.id}"


def test_a_crossing_of_the_last_runs_is_blamed_by_its_name(
    run: Run, tmp_path: Path, searched: list[TestResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = crossed(tmp_path)
    writer, _, reader = name.partition("+")
    here: dict[str, None] = {}
    monkeypatch.setattr(
        cli_blame,
        "make_runner",
        lambda *_: SimpleNamespace(interpreters=here, cache=SimpleNamespace(trim=lambda: None)),
    )
    stores: list[Store] = []

    def make(project: Ecosystem, _: object) -> SimpleNamespace:
        stores.append(Store(project.store))
        return SimpleNamespace(store=stores[-1], interpreters=here, reporting=lambda _: None)

    monkeypatch.setattr(cli_blame, "make_exchange_runner", make)
    code, _, error = run(name, command="blame")
    assert code != 0
    assert "3.12" in error
    here["3.12"] = None
    code, output, _ = run(f"{writer[:6]}+{reader[:6]}", "--json", "-", command="blame")
    assert (code, json.loads(output)["crossing"], json.loads(output)["probes"]) == (0, name, 10)
    assert "reader: culprit: alpha 1.3.0" in run(name, command="blame")[1]
    assert [diagnosis.side for diagnosis in stores[0].kept(DIAGNOSES)] == ["reader", "writer"]
    assert {diagnosis.cell for diagnosis in stores[0].kept(DIAGNOSES)} == {name}
    for store in stores:
        store.close()
    for wrong, words in (
        ("zz+", 'CELL: "zz+" fits 0 crossings of the last runs (none); give the id of the cell that writes, +,'),
        ("+", 'CELL: "+" fits 4 crossings of the last runs ('),
        (f"{writer}+{writer}", f"the crossing {writer}+{writer} is works; allowed are broken and changed"),
    ):
        code, _, error = run(wrong, command="blame")
        assert code == 2
        assert words in error


def test_without_a_name_crossings_are_blamed_once_and_the_reports_say_on_whom(
    run: Run, tmp_path: Path, searched: list[TestResult]
) -> None:
    name = crossed(tmp_path)
    code, output, _ = run("--minutes", "0", command="blame")
    assert (code, searched) == (0, [])
    assert "0 failures searched, 1 left for the next time" in output
    for number in (1, 0):
        code, output, _ = run("--jobs", "1", command="blame")
        assert code == 0
        assert (f"{name}: box: AssertionError: no lid" in output) == bool(number)
        assert f"{number} failure{'s' if number != 1 else ''} searched" in output
    assert searched == [RED]
    run(command="report")
    table = json.loads((tmp_path / ".stackcompat/site/compat.json").read_text())
    (culprits,) = (c["culprits"] for s in table["exchanges"] for c in s["crossings"] if "culprits" in c)
    assert [(row["side"], row["versions"]) for row in culprits] == [("reader", {"alpha": "1.3.0"})]
    assert [culprit["last_good"] for row in culprits for culprit in row["culprits"]] == ["1.2.0"]
    assert "Culprit, reader: alpha 1.3.0 (last good 1.2.0)" in (tmp_path / ".stackcompat/site/index.html").read_text()
