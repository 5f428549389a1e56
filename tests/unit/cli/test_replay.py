"""The command that measures the gate on releases of the past."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stackcompat.cli import replay as cli_replay
from stackcompat.validation.replay import Replayed
from support.command_line import Run
from support.paired import GREEN, judge, pair

POLICY = """
title = "G"
components = ["alpha"]
pythons = ["3.12"]

[[rules]]
rule = "newest"
weight = "required"
"""
REPLAY = """
title = "R"
policy = "gate.toml"

[[cases]]
candidates = ["alpha==1.3.0"]
exclude-newer = 2026-08-16
decision = "PASS"
"""


@pytest.fixture
def checkout(checkout: Path) -> Path:
    """A checkout with a policy, and with one release of the past."""
    (checkout / "matrices" / "gate.toml").write_text(POLICY)
    (checkout / "matrices" / "replay.toml").write_text(REPLAY)
    return checkout


@pytest.mark.parametrize(("code", "wrong"), [(0, ""), (1, "BLOCK, known to be PASS: it broke")])
def test_a_replay_says_what_is_not_as_known(
    run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch, code: int, wrong: str
) -> None:
    def replay(cases: Any, *_: Any, **__: Any) -> tuple[Replayed, ...]:
        return tuple(Replayed(case=case, report=judge(pair(GREEN)), wrong=wrong) for case in cases)

    monkeypatch.setattr(cli_replay, "replay", replay)
    got, output, error = run("replay", "--json", "r.json", "--markdown", "r.md")
    assert (got, error) == (code, "")
    assert f"{1 - code} of 1 decisions match what is known" in output
    assert wrong in output
    assert (checkout / "r.md").read_text().startswith("# R\n")
    assert json.loads((checkout / "r.json").read_text())["cases"][0]["wrong"] == wrong


def test_a_file_that_is_not_there_is_a_mistake(run: Run) -> None:
    code, output, error = run("replay", "no.toml")
    assert (code, output) == (2, "")
    assert "no.toml: there is no such file" in error
