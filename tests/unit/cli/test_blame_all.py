"""Searching for the culprits of all failures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackcompat.blame import driver
from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.evidence.runs import RunRecord
from stackcompat.evidence.store import Store
from support.answers_page import documented_fields
from support.command_line import BLAMED, Run
from support.made_up import NEWEST, NOW, failed, make_cell, passed, planned, run_of


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
    before = NEWEST | {"alpha": "1.2.0"}
    store.add(run_of(planned(make_cell(before), before), passed("t.py::test_x", "alpha")))
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
        code, output, _ = run("blame", "--jobs", "2", "--json", "searched.json")
        answer = json.loads((checkout / "searched.json").read_text())
        assert set(answer) == documented_fields("blame of all failures")
        assert (code, [one["cell"] for one in answer["searched"]]) == (0, [cell.cell.id] * searched)
        assert f"{searched} failure{'s' if searched != 1 else ''} searched" in output
    assert len(asked) == 1
    run("report")
    table = json.loads((checkout / ".stackcompat/site/compat.json").read_text())
    assert table["failures"][0]["culprit"]["probes"] == 7
    assert table["cells"][0]["culprit"]["versions"]["alpha"] == "1.3.0"
    assert table["cells"][0]["culprit"]["inferred"]  # the search had a doubt
    assert "Culprit: alpha 1.3.0" in (checkout / ".stackcompat/site/COMPATIBILITY.md").read_text()
    assert "Culprit: alpha 1.3.0" in (checkout / ".stackcompat/site/index.html").read_text()
    for wrong, option in (
        (("blame", cell.cell.id, "--minutes", "3"), "--minutes"),
        (("blame", "--about", "x"), "--about"),
    ):
        code, _, error = run(*wrong)
        assert code == 2
        assert error.startswith(f"stackcompat: {option}: ")
