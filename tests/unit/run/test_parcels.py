"""Folders that travel: named by their content, unpacked once, and never outside of their folder."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import time
from pathlib import Path

import pytest
from filelock import FileLock

from stackcompat.core.errors import StackcompatError
from stackcompat.ecosystem.components import Upstream
from stackcompat.resolve.lock import Lock, Pin
from stackcompat.run.job import Exchange, Job, ShippedTests
from stackcompat.run.parcels import Parcels, address, belongings, pack, relocated, unpack


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    (folder / "deep" / "__pycache__").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "test_a.py").write_text("a = 1\n")
    (folder / "deep" / "script").write_text("#!/bin/sh\n")
    (folder / "deep" / "script").chmod(0o755)
    (folder / "deep" / "__pycache__" / "a.pyc").write_bytes(b"\0")
    return folder


def test_what_was_packed_is_unpacked_as_it_was(suite: Path, tmp_path: Path) -> None:
    os.utime(suite / "test_a.py", (1_700_000_000, 1_700_000_000))
    parcel = pack(suite)
    unpack(parcel.content, tmp_path / "there")
    assert address(tmp_path / "there") == parcel.name == address(suite)
    assert (tmp_path / "there" / "test_a.py").stat().st_mtime == 1_700_000_000
    assert os.access(tmp_path / "there" / "deep" / "script", os.X_OK)
    assert not os.access(tmp_path / "there" / "test_a.py", os.X_OK)
    assert (tmp_path / "there" / "empty").is_dir()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "test_a.py").write_text("a = 2\n"),
        lambda folder: (folder / "test_a.py").chmod(0o755),
        lambda folder: (folder / "test_a.py").rename(folder / "test_b.py"),
        lambda folder: (folder / "more").mkdir(),
        lambda folder: (folder / "deep" / "__pycache__" / "a.pyc").unlink(),
    ],
)
def test_other_content_has_another_name(suite: Path, change: object) -> None:
    before = address(suite)
    assert callable(change)
    change(suite)
    assert address(suite) != before


def test_neither_the_time_nor_the_place_nor_bytecode_that_is_left_out_is_in_the_name(
    suite: Path, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere"
    shutil.copytree(suite, other)
    os.utime(other / "test_a.py", (1, 1))
    assert address(other) == address(suite)
    shutil.rmtree(other / "deep" / "__pycache__")
    assert address(other) == address(other, bytecode=False) == address(suite, bytecode=False)
    unpack(pack(suite, bytecode=False).content, tmp_path / "there")
    assert not (tmp_path / "there" / "deep" / "__pycache__").exists()


def test_a_file_is_alone_in_its_parcel(tmp_path: Path) -> None:
    (tmp_path / "a-1.0-py3-none-any.whl").write_bytes(b"wheel")
    unpack(pack(tmp_path / "a-1.0-py3-none-any.whl").content, tmp_path / "there")
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["a-1.0-py3-none-any.whl"]


def test_a_link_is_packed_as_what_it_leads_to(suite: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("text")
    (suite / "link").symlink_to(tmp_path / "outside")
    unpack(pack(suite).content, tmp_path / "there")
    assert not (tmp_path / "there" / "link").is_symlink()
    assert (tmp_path / "there" / "link").read_text() == "text"


def test_what_tests_wrote_gives_away_no_file_of_the_machine(suite: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("text")
    (suite / "absolute").symlink_to(tmp_path / "secret")
    (suite / "upwards").symlink_to("../secret")
    (suite / "folder").symlink_to(tmp_path, target_is_directory=True)
    (suite / "inside").symlink_to("deep/script")
    os.mkfifo(suite / "pipe")  # nobody writes into it, so to read it would take for ever
    parcel = pack(suite, follow=False)
    assert b"text" not in parcel.content
    unpack(parcel.content, tmp_path / "there")
    assert (tmp_path / "there" / "inside").readlink() == Path("deep/script")
    found = {path.name for path in (tmp_path / "there").iterdir()}
    assert found == {"deep", "empty", "inside", "test_a.py"}
    parcels = Parcels(tmp_path / "parcels")
    assert (parcels.open(parcel.name, lambda: parcel.content) / "inside").is_symlink()


def test_a_parcel_is_fetched_once(suite: Path, tmp_path: Path) -> None:
    parcel, asked = pack(suite), []

    def fetch() -> bytes:
        asked.append(1)
        return parcel.content

    parcels = Parcels(tmp_path / "parcels")
    assert parcels.open(parcel.name, fetch) == parcels.open(parcel.name, fetch)
    assert len(asked) == 1
    assert address(parcels.open(parcel.name, fetch)) == parcel.name


def test_a_parcel_that_was_changed_is_fetched_again(suite: Path, tmp_path: Path) -> None:
    parcels, parcel = Parcels(tmp_path / "parcels"), pack(suite)
    folder = parcels.open(parcel.name, lambda: parcel.content)
    (folder / "deep" / "__pycache__" / "b.pyc").write_bytes(b"\0")  # as an interpreter adds it
    assert parcels.open(parcel.name, lambda: b"") == folder
    (folder / "test_a.py").write_text("a = 'changed by a test'\n")
    assert parcels.open(parcel.name, lambda: parcel.content) == folder
    assert (folder / "test_a.py").read_text() == "a = 1\n"
    (folder / "conftest.py").touch()
    assert parcels.open(parcel.name, lambda: parcel.content) == folder
    assert not (folder / "conftest.py").exists()


def test_what_is_not_what_its_name_says_is_refused(suite: Path, tmp_path: Path) -> None:
    parcels = Parcels(tmp_path / "parcels")
    with pytest.raises(StackcompatError, match="arrived damaged"):
        parcels.open("0" * 32, lambda: pack(suite).content)
    parcel = pack(suite)
    assert address(parcels.open(parcel.name, lambda: parcel.content)) == parcel.name
    assert [path.name for path in (tmp_path / "parcels").glob("*/")] == [parcel.name]


def test_nothing_is_unpacked_outside(tmp_path: Path) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../outside"), io.BytesIO())
    with pytest.raises(StackcompatError, match="cannot be unpacked"):
        unpack(content.getvalue(), tmp_path / "there")
    assert not (tmp_path / "outside").exists()


def test_what_was_not_used_for_long_is_removed(suite: Path, tmp_path: Path) -> None:
    parcels, parcel = Parcels(tmp_path / "parcels"), pack(suite)
    folder = parcels.open(parcel.name, lambda: parcel.content)
    parcels.drop_unused()
    assert folder.is_dir()
    old = time.time() - 15 * 24 * 3600
    os.utime(folder, (old, old))
    parcels.open(parcel.name, lambda: b"")  # which is a use
    parcels.drop_unused()
    assert folder.is_dir()
    os.utime(folder, (old, old))
    parcels.drop_unused()
    assert not folder.exists()
    assert [*parcels.root.iterdir()] == []


def test_a_parcel_that_another_process_removes_or_uses_is_none_to_drop(
    suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parcels, parcel = Parcels(tmp_path / "parcels"), pack(suite)
    folder = parcels.open(parcel.name, lambda: parcel.content)
    gone = parcels.root / "gone"
    monkeypatch.setattr(Path, "glob", lambda *_: iter((gone, folder)))
    os.utime(folder, (0, 0))
    with FileLock(f"{folder}.lock"):
        parcels.drop_unused()
    assert folder.is_dir()
    parcels.drop_unused()
    assert [*parcels.root.iterdir()] == []


def job(tmp_path: Path, **more: object) -> Job:
    fields: dict[str, object] = {
        "folder": tmp_path / "job",
        "lock": Lock(python="3.12", platform="p", pins=(Pin(name="alpha", version="1.0", hashes=("sha256:0",)),)),
        "interpreter": Path("/python"),
        "requirements": ("alpha",),
        "level": "interop",
        "suite": tmp_path / "suite",
        "files": (),
        "cache": tmp_path / "cache",
        "uv": "uv",
    }
    return Job.model_validate(fields | more)


def test_everything_that_a_job_reads_travels_and_is_found_again(tmp_path: Path) -> None:
    wheel = tmp_path / "with space" / "beta-2.0-py3-none-any.whl"
    pins = (
        Pin(name="alpha", version="1.0", hashes=("sha256:0",)),
        Pin(name="beta", version="2.0", hashes=("sha256:1",), source=wheel.as_uri()),
        Pin(
            name="gamma", version="3.0", hashes=("sha256:2",), source="https://files.example/gamma-3.0-py3-none-any.whl"
        ),
    )
    chosen = Upstream(archive="sdist", tests=("tests",))
    asked = job(
        tmp_path,
        lock=Lock(python="3.12", platform="p", pins=pins),
        helpers=tmp_path / "helpers",
        harness=tmp_path / "harness",
        upstream=(
            ShippedTests(distribution="alpha", chosen=chosen, folder=tmp_path / "own"),
            ShippedTests(distribution="beta", chosen=chosen),
        ),
        exchange=Exchange(mode="read", store=tmp_path / "store"),
    )
    found = belongings(asked)
    names = ("suite", "helpers", "harness", "own", "with space/beta-2.0-py3-none-any.whl", "store")
    assert found == tuple(tmp_path / name for name in names)
    there = relocated(asked, {path: Path("/there", path.name.split("-")[0]) for path in found})
    assert (there.suite, there.helpers) == (Path("/there/suite"), Path("/there/helpers"))
    assert there.harness == Path("/there/harness")
    assert [own.folder for own in there.upstream] == [Path("/there/own"), None]
    assert there.exchange is not None
    assert there.exchange.store == Path("/there/store")
    assert [pin.source for pin in there.lock.pins] == [
        "",
        "file:///there/beta/beta-2.0-py3-none-any.whl",
        "https://files.example/gamma-3.0-py3-none-any.whl",
    ]
    assert there.lock.id == asked.lock.id


def test_a_writer_takes_no_artifacts_along(tmp_path: Path) -> None:
    writing = job(tmp_path, exchange=Exchange(mode="write", store=tmp_path / "store"))
    assert belongings(writing) == (tmp_path / "suite",)
    assert relocated(writing, {tmp_path / "suite": Path("/s")}).exchange == writing.exchange
