"""The command that joins stores."""

from __future__ import annotations

from pathlib import Path

from stackcompat.evidence.runs import RunRecord
from stackcompat.evidence.store import Store
from support.command_line import Run
from support.made_up import NEWEST, NOW, make_cell, passed, planned, run_of

CELL = planned(make_cell(NEWEST), NEWEST)


def shard(path: Path, of: str) -> None:
    store = Store(path)
    store.add_run(
        RunRecord(matrix="m", started=NOW, title="M", components=("alpha",), pythons=("3.12",), cells=(CELL,), shard=of)
    )
    store.add(run_of(CELL, passed("t.py::test", "alpha")))
    store.close()


def test_evidence_and_runs_are_taken_over_and_a_missing_shard_is_named(run: Run, checkout: Path) -> None:
    shard(checkout / "one.sqlite", "1/2")
    code, output, error = run("merge", "one.sqlite")
    assert (code, output) == (0, "1 stores merged\n")
    assert error == "Shard m 2/2 is missing: what it should have run shows as untested.\n"
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    assert [record.matrix for record in store.runs()] == ["m"]
    assert len(store.of_key(CELL.key)) == 1
    store.close()


def test_all_shards_make_one_run(run: Run, checkout: Path) -> None:
    for number in (1, 2):
        shard(checkout / f"{number}.sqlite", f"{number}/2")
    code, output, error = run("merge", "1.sqlite", "2.sqlite")
    assert (code, output, error) == (0, "2 stores merged\n", "")
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    assert len(store.runs()) == 1
    store.close()


def test_a_path_that_is_no_file_is_a_mistake(run: Run) -> None:
    code, _, error = run("merge", "matrices")
    assert code == 2
    assert "STORE: matrices is no file; give the evidence.sqlite of a run" in error
