"""The command that searches for the culprit of one cell."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from stackcompat.cli import blame as cli_blame
from stackcompat.evidence.runs import RunRecord
from stackcompat.evidence.store import Store
from support.command_line import BLAMED, Run, Trimmed
from support.made_up import NEWEST, NOW, make_cell, planned


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
