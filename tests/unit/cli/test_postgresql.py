"""Commands whose store is on a server: they do what they do with a file, and print nothing that is secret."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from stackcompat.evidence.store import Store
from support.command_line import Run
from support.made_up import history, make_cell, passed, planned, run_of
from support.postgres import PASSWORD, Server

CELL = planned(make_cell({"alpha": "1.1"}, policy="newest", newest=("alpha",)), {"alpha": "1.1"})


@pytest.fixture
def address(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty database, which the commands take as their store."""
    address = postgres.make_database()
    monkeypatch.setenv("STACKCOMPAT_STORE", address)
    return address


def test_a_store_moves_to_a_server_and_back(
    run: Run, checkout: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = history().record().model_copy(update={"matrix": "m", "cells": (CELL,), "components": ("alpha",)})
    with closing(Store(checkout / "file.sqlite")) as store:
        store.add(run_of(CELL, passed("t.py::test", "alpha")))
        store.add_run(record)
    said = []
    for command in (
        ("show", CELL.cell.id),
        ("report",),
        ("merge", "file.sqlite"),
        ("show", CELL.cell.id),
        ("report",),
        ("night", "m"),
        ("run", "absent"),
        ("evidence", "export", "e.parquet"),
        ("evidence", "prune", "--dry-run"),
    ):
        code, output, error = run(*command)
        said.append((command[0], code))
        assert PASSWORD not in output + error
        assert "tester" not in output + error
        assert "Traceback" not in output + error
    assert said == [
        ("show", 2),
        ("report", 2),
        ("merge", 0),
        ("show", 0),
        ("report", 0),
        ("night", 0),
        ("run", 2),
        ("evidence", 0),
        ("evidence", 0),
    ]
    assert not (checkout / ".stackcompat" / "evidence.sqlite").exists()
    monkeypatch.delenv("STACKCOMPAT_STORE")
    assert run("merge", address)[0] == 0
    assert "works" in run("show", CELL.cell.id)[1]
    code, _, error = run("merge", address.replace("search_path", "search_path%3Dnowhere"))
    assert (code, PASSWORD in error) == (2, False)


def test_a_store_that_is_empty_or_refused_is_one_sentence(
    run: Run, address: str, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, error = run("report")
    assert code == 2
    assert "holds no run yet; run a matrix first" in error
    for wrong in (postgres.url("nowhere"), postgres.url("postgres", "wrong"), "mysql://tester:secret@host/name"):
        monkeypatch.setenv("STACKCOMPAT_STORE", wrong)
        code, output, error = run("report")
        assert (code, output, error.count("\n")) == (2, "", 1)
        assert PASSWORD not in error
        assert "secret" not in error
