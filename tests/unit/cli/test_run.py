"""The command that runs a matrix, and its shards."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from stackcompat.cli import dry_run
from stackcompat.cli import run as cli_run
from stackcompat.evidence.store import Store
from support.answers_page import documented_fields
from support.command_line import MATRIX, Run
from support.made_up import history, make_cell, passed, planned, run_of, unresolved


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
        (("run", "m", "--dry-run", "--shard", "1/2"), "--dry-run: is for all cells; leave out --shard, or see"),
        (("run", "m", "--dry-run", "--from", "x.parquet"), "--dry-run: takes over no evidence; leave out --from"),
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


def test_a_dry_run_locks_and_neither_runs_nor_writes(run: Run, checkout: Path) -> None:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    text = MATRIX.replace("3.12", python)
    (checkout / "matrices" / "m.toml").write_text(text)
    (checkout / "matrices" / "x.toml").write_text(text.replace("[[policies]]", 'level = "exchange"\n\n[[policies]]'))
    for matrix in ("m", "x"):
        code, output, error = run("run", matrix, "--dry-run")
        assert (code, error) == (0, "")
        lines = [" ".join(line.split()) for line in output.splitlines()]
        assert lines[0] == "cell Python policy what now before"
        assert lines[1].endswith(f"{python} newest newest would run")
        assert lines[2:4] == ["1 cell: 1 would run, 0 need not", "It is not known how long 1 of them take."]
    assert lines[4] == "1 crossing: 1 would run, 0 need not"
    assert not (checkout / ".stackcompat").exists()
    assert not (checkout / "reports").exists()


def kept(path: Path) -> list[str]:
    """All rows of a store but those about its own layout, which whoever opens it may bring up to date."""
    with closing(sqlite3.connect(path)) as connection:
        return [line for line in connection.iterdump() if not line.startswith('INSERT INTO "fields"')]


def test_a_dry_run_says_what_is_known(run: Run, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = planned(make_cell({"alpha": "1.0"}, label="old [one]"), {"alpha": "1.0"})
    new = planned(make_cell({"alpha": "1.1"}), {"alpha": "1.1"})
    same = planned(make_cell({"alpha": "1.1"}, thorough=False), {"alpha": "1.1"}).model_copy(update={"key": new.key})
    record = (
        history()
        .record()
        .model_copy(
            update={"matrix": "m", "cells": (known, new, same, unresolved(make_cell({"alpha": "9"}), "cannot be"))}
        )
    )
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    store.add(run_of(known, passed("t.py::test", "alpha")))
    store.add_run(record)
    store.close()
    before = kept(store.path)
    monkeypatch.setattr(dry_run, "lock_matrix", lambda *_, **__: pytest.fail("planned anew"))
    monkeypatch.setattr(cli_run, "write_table", lambda *_: pytest.fail("published"))
    code, output, _ = run("run", "m", "--dry-run", "--continue", "-j", "2")
    assert code == 0
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert "old [one] ✓ works" in lines[1]
    assert "would run" in lines[2]
    assert f"as {new.cell.id}" in lines[3]
    assert "⊘ unresolvable" in lines[4]
    assert "4 cells: 1 would run, 3 need not" in lines
    assert any(line.startswith("They took ") for line in lines)
    assert lines[-1] == "Cells of further rounds, for what gets no verdict, are not among them."
    assert kept(store.path) == before
    code, output, _ = run("run", "m", "--dry-run", "--continue", "-j", "2", "--format", "json")
    answer = json.loads(output)
    assert [(row["due"], row["verdict"]) for row in answer["cells"]] == [
        (False, "works"),
        (True, None),
        (False, None),
        (False, "unresolvable"),
    ]
    assert answer["cells"][2]["shares"] == new.cell.id
    assert (answer["due"], answer["timed"]) == (1, 1)


def test_what_a_run_showed_in_each_form(run: Run, checkout: Path) -> None:
    """Everything has evidence already, so that nothing runs."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    (checkout / "matrices" / "m.toml").write_text(MATRIX.replace("3.12", python))
    known = planned(make_cell({"alpha": "1.0"}, label="old"), {"alpha": "1.0"})
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    store.add(run_of(known, passed("t.py::test", "alpha")))
    store.add_run(
        history()
        .record()
        .model_copy(update={"matrix": "m", "cells": (known,), "coverage": {"all": 50.0}, "rounds": ()})
    )
    store.close()
    arguments = ("run", "m", "--continue", "--no-report")
    code, output, _ = run(*arguments, "--json", "run.json")
    assert code == 0
    assert output.startswith("1 cell: ✓ 1 works\nall: 50.0 % of the allowed combinations are locked together")
    answer = json.loads((checkout / "run.json").read_text())
    assert set(answer) == documented_fields("run")
    assert (answer["cells"], answer["crossings"], answer["coverage"], answer["table"]) == (
        {"works": 1},
        {},
        {"all": 50.0},
        None,
    )
    assert json.loads(run(*arguments, "--format", "json")[1]) == answer
    assert run(*arguments, "--format", "markdown")[1].startswith("1 cell: ✓ 1 works\n\nall: 50.0 %")
