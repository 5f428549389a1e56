"""The gate's commands: every mistake is one sentence, every decision has its exit code, every file is written."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stackcompat.cli import gate, runners
from stackcompat.cli import main as cli
from stackcompat.core.text import plain
from stackcompat.gate.gate import GatePreview
from stackcompat.gate.model import FalseReds, GateReport
from stackcompat.pipeline.runner import Runner
from stackcompat.run.isolation import Means
from stackcompat.run.job import IsolationChoice
from support.answers_page import documented_fields
from support.made_up import failed
from support.paired import GREEN, JOINT, bound, changed, excluded, judge, pair, untried

COMPONENTS = """
[[components]]
name = "alpha"
title = "Alpha"
summary = "does alpha"
group = "core"
distributions = ["alpha"]
documentation = "https://alpha.example"
"""
POLICY = """
title = "G"
components = ["alpha"]
pythons = ["3.12"]

[[rules]]
rule = "newest"
weight = "required"
"""
RED = failed(JOINT, "alpha", "beta", packages=("beta",))
DECISIONS = {
    0: judge(pair(GREEN)),
    1: judge(pair(changed(RED), (RED,))),
    3: judge(),
    4: judge(pair(GREEN), pair(changed(RED), (RED,), id="other", weight="review")),
}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "matrices").mkdir()
    (tmp_path / "tests" / "interop").mkdir(parents=True)
    for name, text in (("components", COMPONENTS), ("gate", POLICY)):
        (tmp_path / "matrices" / f"{name}.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STACKCOMPAT_STORE", raising=False)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("STACKCOMPAT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("STACKCOMPAT_ISOLATION", "auto")  # also where there is no bubblewrap
    return tmp_path


@pytest.fixture
def run(checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    before = signal.getsignal(signal.SIGTERM)

    def invoke(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["stackcompat", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.run_main()
        captured = capsys.readouterr()
        code = caught.value.code
        return (code if isinstance(code, int) else 0), captured.out, captured.err

    yield invoke
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("gate",), "CANDIDATE: give at least one such as alpha==1.3.0rc1, or --aa without any"),
        (("gate", "--aa", "alpha==1"), "CANDIDATE: give at least one such as alpha==1.3.0rc1, or --aa without any"),
        (("gate", "--aa", "--against", "1"), "--aa: goes without --against; every required cell is run twice, anew"),
        (("gate", "--aa", "--index", "X"), "--aa: goes without --index; every required cell is run twice, anew"),
        (("gate", "--aa", "--budget", "9"), "--aa: goes without --budget; every required cell is run twice, anew"),
        (("gate", "--aa", "--rerun"), "--aa: goes without --rerun; every required cell is run twice, anew"),
        (("gate", "--aa", "--fail-fast"), "--aa: goes without --fail-fast; every required cell is run twice, anew"),
        (("gate", "--aa", "--dry-run"), "--aa: goes without --dry-run; every required cell is run twice, anew"),
        (("gate", "alpha==1", "--dry-run", "--junit", "-"), "--dry-run: makes no decision; leave out --markdown"),
        (
            ("gate", "alpha==1", "--json", "-", "--format", "markdown"),
            "--json: - is standard output, and so is --format",
        ),
        (("gate", "alpha==1", "--policy", "no.toml"), "no.toml: there is no such file"),
        (("gate", "alpha==1", "--waivers", "no.toml"), "no.toml: there is no such file"),
        (("gate", "alpha==1", "--python", "3"), '--python: "3" is not a Python such as 3.12'),
        (("gate", "alpha==1", "--exclude-newer", "soon"), '--exclude-newer: "soon" is not a date such as'),
        (("gate", "alpha==1", "--json", "no/such.json"), "--json: no/such.json cannot be written"),
        (("gate", "alpha==1", "--markdown", "matrices"), "--markdown: matrices cannot be written"),
        (("gate", "alpha==1", "--junit", "matrices"), "--junit: matrices cannot be written"),
    ],
)
def test_a_mistake_is_one_sentence(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    code, output, error = run(*arguments)
    assert (code, output) == (2, "")
    assert error.startswith("stackcompat: ")
    assert error.count("\n") == 1, error
    assert sentence in error


def test_candidates_run_in_a_sandbox_or_not_at_all(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[IsolationChoice] = []

    def run_gate(given: Any, options: Any, runner: Runner, **_: Any) -> GateReport:
        asked.append(runner.isolation)
        return DECISIONS[0]

    monkeypatch.setattr(gate, "run_gate", run_gate)
    monkeypatch.delenv("STACKCOMPAT_ISOLATION")
    monkeypatch.setattr(runners, "find_means", lambda: Means("", layers=False, network=True))
    code, output, error = run("gate", "alpha==1.3.0")
    assert (code, output) == (2, "")
    assert "this machine has no closed sandbox; install bubblewrap" in error
    assert run("gate", "alpha==1.3.0", "--isolation", "auto")[0] == 0
    monkeypatch.setattr(runners, "find_means", lambda: Means("/usr/bin/bwrap", layers=True, network=True))
    assert run("gate", "alpha==1.3.0")[0] == 0
    assert asked == ["auto", "strict"]


@pytest.mark.parametrize("code", DECISIONS)
def test_every_decision_has_its_exit_code_and_its_files(
    run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    asked: dict[str, Any] = {}

    def run_gate(given: Any, options: Any, *_: Any, **more: Any) -> GateReport:
        asked.update(more, given=given, options=options)
        return DECISIONS[code]

    monkeypatch.setattr(gate, "run_gate", run_gate)
    files = [f"--{name}={checkout / f'out.{name}'}" for name in ("json", "markdown", "junit")]
    got, output, error = run("gate", "alpha==1.3.0", "--exclude-newer", "2026-08-16", "--budget", "60", *files)
    report = DECISIONS[code]
    assert (got, error) == (code, "")
    assert f" {report.decision}: {report.summary()}" in output
    assert json.loads((checkout / "out.json").read_text())["decision"] == report.decision
    assert (checkout / "out.markdown").read_text().startswith("## ")
    assert (checkout / "out.junit").read_text().startswith("<?xml")
    assert (asked["given"], asked["budget"], asked["against"]) == (("alpha==1.3.0",), 60, ())
    assert asked["options"].as_of is not None
    assert asked["options"].pythons == ("3.12",)


def test_a_certain_block_is_told_on_standard_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def run_gate(*_: Any, tell: Callable[[str], None], fail_fast: bool, **__: Any) -> GateReport:
        assert fail_fast
        tell("alpha fails with [beta] because it does; mend it")
        return DECISIONS[1]

    monkeypatch.setattr(gate, "run_gate", run_gate)
    code, output, error = run("gate", "alpha==1.3.0", "--fail-fast", "--json", "-")
    assert code == 1
    assert error == "BLOCK is certain: alpha fails with [beta] because it does; mend it\n"
    assert GateReport.model_validate_json(output) == DECISIONS[1]


def test_json_on_standard_output_is_all_there_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "run_gate", lambda *_, **__: DECISIONS[0])
    code, output, _ = run("gate", "alpha==1.3.0", "--json", "-")
    assert code == 0
    assert GateReport.model_validate_json(output) == DECISIONS[0]


def test_waivers_of_the_project_are_read(run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / "matrices" / "waivers.toml").write_text("waivers = 1\n")
    monkeypatch.setattr(gate, "run_gate", lambda *_, **__: DECISIONS[0])
    code, _, error = run("gate", "alpha==1.3.0")
    assert code == 2
    assert "waivers.toml: waivers: should be a valid tuple" in error


def test_the_rate_of_false_reds_is_printed(run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alike = DECISIONS[0].model_copy(update={"alike": FalseReds(different=1, compared=40, rate=0.025)})
    monkeypatch.setattr(gate, "run_aa_gate", lambda *_, **__: alike)
    code, output, _ = run("gate", "--aa", "--markdown", "aa.md", "--json", "aa.json")
    assert code == 0
    published = json.loads((checkout / "aa.json").read_text())["alike"]
    assert published == {"different": 1, "compared": 40, "rate": 0.025}
    sentence = "A/A: 1 of 40 tests came out differently (2.5 %)"
    assert sentence in output
    assert sentence in (checkout / "aa.md").read_text()


def test_a_dry_run_says_what_would_run(run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new, known, apart = pair(GREEN), pair(GREEN, weight="review"), excluded(bound("other"))
    previews = [
        GatePreview(new, is_due=True, seconds=90.0),
        GatePreview(new, is_due=True, seconds=None),
        GatePreview(known, is_due=False, seconds=None),
        GatePreview(apart, is_due=False, seconds=None),
        GatePreview(untried("not run because it rains"), is_due=False, seconds=None),
    ]
    asked: dict[str, Any] = {}

    def preview_gate(given: Any, *_: Any, **more: Any) -> list[GatePreview]:
        asked.update(more, given=given)
        return previews

    monkeypatch.setattr(gate, "preview_gate", preview_gate)
    code, output, error = run("gate", "alpha==1.3.0", "--dry-run", "--against", "1.2.0", "-j", "2")
    assert (code, error) == (0, "")
    assert (asked["given"], asked["against"], asked["rerun"]) == (("alpha==1.3.0",), ("1.2.0",), False)
    rows = [
        ["would run", "required", new.place, "1 min 30 s"],
        ["would run", "required", new.place, ""],
        ["known", "review", known.place, ""],
        ["excluded", "required", f"{apart.place}: {apart.exclusions[0].sentence}", ""],
        ["untried", "required", f"{previews[-1].cell.place}: not run because it rains", ""],
    ]
    words = " ".join(output.split())
    assert all(word in words for row in rows for word in row)
    assert output.splitlines()[-3:] == [
        "5 cells: 2 would run, 3 need not",
        "1 of them took 1 min 30 s before; with 2 at once, 1 min 30 s or more.",
        "It is not known how long 1 of them take.",
    ]
    _, page, _ = run("gate", "alpha==1.3.0", "--dry-run", "--against", "1.2.0", "-j", "2", "--format", "markdown")
    assert [list(map(str.strip, line.strip("|").split("|"))) for line in page.splitlines() if line[:1] == "|"][2:] == [
        [plain(word) for word in row] for row in rows
    ]
    answer = json.loads(run("gate", "alpha==1.3.0", "--dry-run", "-j", "2", "--format", "json")[1])
    assert [[cell["state"], cell["weight"], cell["cell"]] for cell in answer["cells"]] == [row[:3] for row in rows]
    assert set(answer) == documented_fields("gate --dry-run")
    assert (answer["due"], answer["timed"], answer["seconds"], answer["jobs"]) == (2, 1, 90.0, 2)
    assert not (checkout / ".stackcompat").exists()
