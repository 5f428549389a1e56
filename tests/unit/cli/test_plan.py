"""The command that plans a matrix."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackcompat.cli import plan as cli_plan
from stackcompat.cli import run as cli_run
from stackcompat.evidence.store import Store
from support.command_line import Run
from support.made_up import history


def test_plan_shows_and_runs_nothing(run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_plan, "find_interpreters", lambda pythons=None: dict.fromkeys(pythons or ()))
    code, output, error = run("plan", "m")
    assert (code, error) == (0, "")
    assert "1 cell" in output
    code, output, _ = run("plan", "m", "--json", str(checkout / "plan.json"))
    assert json.loads((checkout / "plan.json").read_text())["cells"][0]["requirements"] == ["alpha"]
    code, output, _ = run("plan", "m", "--json", "-")
    assert json.loads(output)["cells"][0]["python"] == "3.12"
    assert not (checkout / ".stackcompat").exists()


def test_plan_and_run_tell_how_much_has_a_verdict(run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_plan, "find_interpreters", lambda pythons=None: dict.fromkeys(pythons or ()))
    told = history().record().model_copy(update={"matrix": "m", "cells": (), "missing_pythons": ()})
    monkeypatch.setattr(cli_run, "execute", lambda *_, **__: told)
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
