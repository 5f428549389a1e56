"""The command that drops old runs: what the table says stays the same."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from stackcompat.core.dates import now
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.evidence.store import Store
from support.command_line import Run
from support.made_up import failed, make_cell, passed, planned, run_of

STORE = Path(".stackcompat", "evidence.sqlite")
DAYS = 60


def cell_of(day: int) -> PlannedCell:
    """Tonight's cell with the newest release, which is another one every ten days."""
    versions = {"alpha": f"1.{day // 10}"}
    return planned(make_cell({"alpha": "1.1"}, policy="newest", newest=("alpha",)), versions)


def is_red(day: int) -> bool:
    """Two stretches of red: one long ago, and one that lasts."""
    return 5 <= day < 9 or day >= 25


@pytest.fixture
def store(checkout: Path) -> Path:
    """The store of sixty nights, with evidence of a search besides."""
    began = now() - dt.timedelta(days=DAYS + 400)
    with_search = planned(make_cell({"alpha": "0.9"}), {"alpha": "0.9"})
    store = Store(checkout / STORE)
    for day in range(DAYS):
        cell = cell_of(day).model_copy(update={"key": f"key-{day}"})
        started = began + dt.timedelta(days=day)
        store.add_run(
            RunRecord(matrix="m", started=started, title="M", components=("alpha",), pythons=("3.12",), cells=(cell,))
        )
        for attempt in range(2 if is_red(day) else 1):
            result = (failed if is_red(day) else passed)("t.py::test", "alpha")
            moment = started + dt.timedelta(minutes=attempt + 1)
            store.add(run_of(cell, result, attempt=attempt).model_copy(update={"started": moment}))
    store.add(run_of(with_search, passed("t.py::other", "alpha")).model_copy(update={"started": began}))
    store.close()
    return checkout / STORE


def table(run: Run, checkout: Path) -> dict[str, Any]:
    assert run("report")[0] == 0
    read: dict[str, Any] = json.loads((checkout / ".stackcompat" / "site" / "compat.json").read_text())
    del read["generated"]
    return read


def content(path: Path) -> tuple[int, int, int]:
    store = Store(path)
    found = (len(store.history("m")), store.size(), len(store.green_releases()))
    store.close()
    return found


def test_old_runs_go_and_the_table_stays_the_same(run: Run, checkout: Path, store: Path) -> None:
    before, (runs, evidence, greens) = table(run, checkout), content(store)
    code, output, error = run("evidence", "prune", "--dry-run")
    assert (code, error) == (0, "")
    assert "would be dropped" in output
    assert content(store) == (runs, evidence, greens)
    code, output, _ = run("evidence", "prune")
    assert code == 0
    left = content(store)
    assert output.startswith(f"{runs - left[0]} runs of matrices and {evidence - left[1]} runs of locks from before ")
    assert 31 < left[0] < 40
    assert left[1] < evidence
    assert left[2] == greens
    assert table(run, checkout) == before
    assert run("evidence", "prune")[1].startswith("0 runs of matrices and 0 runs of locks")
    red_since = next(row["first_red"] for row in before["cells"])
    assert red_since is not None


def test_young_runs_stay(run: Run, store: Path) -> None:
    before = content(store)
    code, output, _ = run("evidence", "prune", "--older-than", "9999")
    assert (code, output[:21]) == (0, "0 runs of matrices an")
    assert content(store) == before
