"""Stores that are damaged, full, changed by hand or of a newer tool: each is one sentence, the rest is still told."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.evidence.store import Store
from support.commands import Commands
from support.made_up import NOW, failed, make_cell, passed, planned, run_of

GREEN = planned(make_cell({"alpha": "1.0.0"}), {"alpha": "1.0.0"})
RED = planned(make_cell({"alpha": "1.1.0"}), {"alpha": "1.1.0"})


def record(*cells: PlannedCell, **more: object) -> RunRecord:
    fields = {
        "matrix": "quick",
        "started": NOW,
        "title": "M",
        "components": ("alpha",),
        "pythons": ("3.12",),
        "cells": cells or (GREEN, RED),
    }
    return RunRecord.model_validate(fields | more)


def evidence() -> list[Evidence]:
    red = failed("t.py::test", "alpha")
    return [run_of(GREEN, passed("t.py::test", "alpha")), run_of(RED, red), run_of(RED, red, attempt=1)]


def fill(path: Path, *runs: RunRecord, many: int = 0) -> Path:
    """Make a store with evidence on a green and on a red cell."""
    with closing(Store(path)) as store:
        for one in evidence():
            store.add(one.model_copy(update={"log": "x" * 2000}))
        for attempt in range(10, 10 + many):
            store.add(run_of(RED, failed("t.py::test", "alpha", message=os.urandom(2000).hex()), attempt=attempt))
        for run in runs or (record(),):
            store.add_run(run)
    return path


@pytest.fixture
def store(commands: Commands) -> Path:
    """The store of the ecosystem in which commands run."""
    return fill(commands.folder / ".stackcompat" / "evidence.sqlite")


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def is_sound(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("pragma integrity_check").fetchone() == ("ok",))


# --- rows that cannot be read ---

OF_RED = f"where key = '{RED.key}'"

DAMAGE = {
    "an unknown outcome": f"update evidence set record = replace(record, '\"ran\"', '\"flew\"') {OF_RED}",
    "a further field": f"update evidence set record = '{{\"mood\":1,' || substr(record, 2) {OF_RED}",
    "no JSON": f"update evidence set record = substr(record, 1, 100) {OF_RED}",
    "no UTF-8": f"update evidence set record = cast(replace(record, 'alpha', x'ff') as text) {OF_RED}",
    "nothing": f"update evidence set record = '' {OF_RED}",
}


@pytest.mark.parametrize("statement", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_bad_row_is_told_and_the_others_are_used(commands: Commands, store: Path, statement: str) -> None:
    change(store, statement, "delete from outlines")
    code, output, errors = commands.run("report")
    assert code == 0
    assert errors.count("is left out, since it cannot be read: ") == 2
    assert "works" in output + (commands.folder / ".stackcompat" / "site" / "COMPATIBILITY.md").read_text()
    code, output, errors = commands.run("show", GREEN.cell.id)
    assert (code, "works" in output) == (0, True)
    code, output, errors = commands.run("show", RED.cell.id)
    assert (code, "untested" in output) == (0, True)
    assert errors.count("is left out, since it cannot be read: ") == 2
    code, _, errors = commands.run("night", "quick")
    assert code == 0, errors
    assert is_sound(store)


@pytest.mark.parametrize("command", [("report",), ("show", GREEN.cell.id), ("run", "quick")])
@pytest.mark.parametrize("table", ["evidence.outcome", "runs.part"])
def test_a_missing_column_is_one_sentence(
    commands: Commands, store: Path, command: tuple[str, ...], table: str
) -> None:
    name, column = table.split(".")
    change(store, "drop index runs_once", f"alter table {name} drop column {column}")
    code, _, errors = commands.run(*command)
    assert code == 2
    assert f"cannot be the store of evidence: it lacks {table}; give another one" in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize("seed", range(4))
def test_bytes_that_flipped_end_in_no_traceback(commands: Commands, store: Path, seed: int) -> None:
    content = bytearray(store.read_bytes())
    for place in range(40):
        content[(seed * 7919 + place * 104_729) % len(content)] ^= 0x41
    store.write_bytes(content)
    for command in (("report",), ("show", GREEN.cell.id), ("night", "quick")):
        code, _, errors = commands.run(*command)
        assert code in (0, 2, 3)
        assert code == 0 or errors.splitlines()[-1].startswith("stackcompat: ")


# --- records that were changed ---


def test_a_record_that_was_changed_by_hand_is_noticed(commands: Commands, store: Path) -> None:
    forge = "update evidence set record = replace(record, '\"failed\"', '\"passed\"')"
    other = fill(commands.folder / "other.sqlite")
    change(other, forge)
    code, _, errors = commands.run("merge", str(other))
    assert (code, errors.count("\n")) == (2, 1)
    assert "cannot be read (it is not as it was written), so nothing was taken over" in errors
    change(store, forge, "delete from outlines")
    code, output, errors = commands.run("show", RED.cell.id)
    assert "it is not as it was written" in errors
    assert "works" not in output


# --- stores that are merged ---


def damaged(path: Path, kind: str) -> None:
    """Make a file that is no whole store."""
    if kind == "missing":
        return
    if kind == "a folder":
        path.mkdir()
        return
    fill(path)
    content = path.read_bytes()
    match kind:
        case "garbage":
            path.write_bytes(os.urandom(9000))
        case "cut off":
            path.write_bytes(content[: len(content) // 3])
        case "empty":
            path.write_bytes(b"")
        case "flipped bytes":
            middle = bytearray(content)
            with closing(sqlite3.connect(path)) as connection:  # outlines are made anew, so not one of theirs
                query = "select rootpage from sqlite_master where name = 'evidence'"
                page = (connection.execute(query).fetchone()[0] - 1) * 4096
            middle[page : page + 4000] = bytes(byte ^ 0x55 for byte in middle[page : page + 4000])
            path.write_bytes(middle)
        case "a bad run record":
            change(path, "update runs set record = replace(record, '\"cells\"', '\"calls\"')")
        case "a bad evidence record":
            change(path, "update evidence set record = '{}'")
        case "a bad resolution":
            change(path, "insert into resolutions values ('c', 'f', '2026-01-01', '[]', 'sum')")
        case "a newer version":
            change(path, "update stackcompat_version set version_num = '0999'", "pragma user_version = 999")
        case "fields of a newer tool":
            change(path, "insert into fields values ('Evidence', 'mood')")
        case _:
            raise AssertionError(kind)


KINDS = [
    "missing",
    "a folder",
    "garbage",
    "cut off",
    "flipped bytes",
    "a bad run record",
    "a bad evidence record",
    "a bad resolution",
    "a newer version",
    "fields of a newer tool",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first", [True, False])
def test_a_bad_store_is_refused_and_nothing_of_any_is_taken_over(commands: Commands, kind: str, first: bool) -> None:
    good, bad = fill(commands.folder / "good.sqlite"), commands.folder / "bad.sqlite"
    damaged(bad, kind)
    code, output, errors = commands.run("merge", *map(str, (bad, good) if first else (good, bad)))
    assert (code in (2, 3), output) == (True, ""), errors
    assert (errors.count("\n"), errors.startswith("stackcompat: ")) == (1, True)
    mine = commands.folder / ".stackcompat" / "evidence.sqlite"
    if mine.exists():
        with closing(Store(mine)) as store:
            assert (store.size(), store.matrices()) == (0, ())


def test_an_empty_file_has_nothing(commands: Commands) -> None:
    damaged(commands.folder / "empty.sqlite", "empty")
    assert commands.run("merge", "empty.sqlite")[0] == 0


def test_a_shard_of_another_plan_is_refused(commands: Commands) -> None:
    for number, plan in (("1", "p"), ("2", "q")):
        fill(commands.folder / f"{number}.sqlite", record(shard=f"{number}/2", plan=plan, planned=NOW))
    code, _, errors = commands.run("merge", "1.sqlite", "2.sqlite")
    assert (code, errors.count("\n")) == (2, 1)
    assert "2.sqlite: its quick 2/2 of" in errors
    assert "is of another plan than the quick 1/2 of 1.sqlite" in errors


# --- disks ---


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts a file system in memory with so many KiB."""
    mounted: list[Path] = []

    def mount(kib: int) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        command: list[str | Path] = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "none", folder]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode != 0:
            pytest.skip("file systems cannot be mounted here")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.skipif(shutil.which("mount") is None, reason="this system has no mount")
@pytest.mark.parametrize("kib", [4, 64, 200, 280, 400, 800, 1200])
def test_a_full_disk_is_one_sentence_whenever_it_gets_full(
    commands: Commands, small_disk: Callable[[int], Path], kib: int
) -> None:
    big = fill(commands.folder / "big.sqlite", many=400)
    path = small_disk(kib) / "evidence.sqlite"
    code, output, errors = commands.run("merge", str(big), variables={"STACKCOMPAT_STORE": str(path)})
    assert (code in (2, 3), output) == (True, "")
    assert (errors.count("\n"), errors.startswith("stackcompat: ")) == (1, True)
    assert "full" in errors or "disk I/O error" in errors or "unable to open" in errors
    if path.exists() and path.stat().st_size:
        assert is_sound(path)


def test_a_store_that_cannot_be_written_is_read_all_the_same(
    commands: Commands, small_disk: Callable[[int], Path]
) -> None:
    folder = small_disk(8000)
    path = fill(folder / "evidence.sqlite")
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    variables = {"STACKCOMPAT_STORE": str(path)}
    assert commands.run("report", variables=variables)[0] == 0
    code, output, _ = commands.run("show", GREEN.cell.id, variables=variables)
    assert (code, "works" in output) == (0, True)
    assert commands.run("night", "quick", variables=variables)[0] == 0
    assert commands.run("evidence", "export", "e.parquet", variables=variables)[0] == 0
    for command in (("run", "quick"), ("merge", "x"), ("evidence", "import", "e.parquet"), ("blame",)):
        if command[0] == "merge":
            fill(commands.folder / "x")
        code, _, errors = commands.run(*command, variables=variables)
        assert (code, errors.count("\n")) == (2, 1), errors
        assert "cannot be written, and only commands that read it work then" in errors
