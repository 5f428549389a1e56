"""Disks that are full or can only be read: one sentence, what was there stays, and nothing is half written."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stackcompat.evidence.store import Store
from support.commands import Commands
from support.made_up import history
from support.odd_index import page

Mount = Callable[..., Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Makes a disk of a size in memory, or makes the one that there is one that can only be read."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = []

    def make(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("no disk can be made here, which needs root")
        mounted.append(place)
        return place

    yield make
    for disk in mounted:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path, *, leave: int) -> None:
    """Fill a disk but for some bytes."""
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    (disk / "filler").write_bytes(b"x" * max(0, free - leave))


@pytest.fixture
def filled(commands: Commands) -> Commands:
    """The commands in an ecosystem whose store holds a made-up run."""
    commands.index.otherwise = page()
    made = history()
    store = Store(commands.folder / ".stackcompat" / "evidence.sqlite")
    for runs in made.evidence.values():
        for evidence in runs:
            store.add(evidence)
    store.add_run(made.record())
    store.close()
    return commands


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_reports_on_a_full_disk_stay_as_they_were(filled: Commands, mount: Mount) -> None:
    disk = mount("size=8m")
    site = disk / "site"
    code, _, errors = filled.run("report", "--output", str(site))
    assert code == 0, errors
    before = contents(site)
    assert "compat.json" in before
    fill(disk, leave=60_000)
    code, _, errors = filled.run("report", "--output", str(site))
    assert code == 3
    assert "the disk is full" in errors
    assert contents(site) == before
    (disk / "filler").unlink()
    assert filled.run("report", "--output", str(site))[0] == 0
    assert contents(site).keys() == before.keys()


def test_a_store_on_a_full_disk(filled: Commands, mount: Mount) -> None:
    """It is full when the command begins to write into it; what it has is there afterwards."""
    disk = mount("size=4m")
    source = filled.folder / ".stackcompat" / "evidence.sqlite"
    (disk / "evidence.sqlite").write_bytes(source.read_bytes())
    fill(disk, leave=0)
    variables = {"STACKCOMPAT_STORE": str(disk / "evidence.sqlite")}
    code, _, errors = filled.run("merge", str(source), variables=variables)
    assert code in (2, 3)
    assert errors.count("\n") == 1
    assert "disk" in errors
    (disk / "filler").unlink()
    assert filled.run("merge", str(source), variables=variables)[0] == 0


def test_commands_that_only_read_work_on_a_disk_that_can_only_be_read(filled: Commands, mount: Mount) -> None:
    disk = mount("size=8m")
    source = filled.folder / ".stackcompat" / "evidence.sqlite"
    (disk / "evidence.sqlite").write_bytes(source.read_bytes())
    matrix = Store(source)
    (name,) = matrix.matrices()
    matrix.close()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    variables = {"STACKCOMPAT_STORE": str(disk / "evidence.sqlite")}
    archive = str(filled.folder / "evidence.parquet")
    for command in (("report",), ("night", name), ("watch", name, "--dry-run"), ("evidence", "export", archive)):
        code, _, errors = filled.run(*command, variables=variables)
        assert code == 0, (command, errors)
    code, _, errors = filled.run("merge", str(source), variables=variables)
    assert (code, errors.count("\n")) == (2, 1), errors


def test_the_store_of_an_older_tool_is_read_on_a_disk_that_can_only_be_read(commands: Commands, mount: Mount) -> None:
    disk = mount("size=8m")
    written = (Path(__file__).parents[1] / "data" / "store-5.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(disk / "evidence.sqlite")) as connection, connection:
        connection.executescript(written)
    before = contents(disk)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    archive = commands.folder / "evidence.parquet"
    variables = {"STACKCOMPAT_STORE": str(disk / "evidence.sqlite")}
    code, _, errors = commands.run("evidence", "export", str(archive), variables=variables)
    assert (code, contents(disk)) == (0, before), errors
    code, _, errors = commands.run("evidence", "import", str(archive))
    assert code == 0, errors
    with closing(Store(commands.folder / ".stackcompat" / "evidence.sqlite")) as store:
        assert (store.size(), store.left_out) == (3, 0)
