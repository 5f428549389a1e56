"""What tests write to the disk, counted in a folder of a disk that seems to get full."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest

from stackcompat.run import disk_use
from stackcompat.run.disk_use import DiskUse

_MB = 2**20


class Disk:
    """A disk that loses what a test takes from it, whoever has written that."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free, self.files = 1000 * _MB, 10_000
        monkeypatch.setattr(disk_use, "_free", lambda _: (2000 * _MB, self.free, self.files))


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def use(folder: Path, most_mb: int = 4, most_files: int = 100) -> DiskUse:
    (folder / "environment").mkdir()
    return DiskUse(folder, folder / "environment", most_mb, most_files)


def test_what_others_write_is_not_counted(tmp_path: Path, disk: Disk) -> None:
    (tmp_path / "before").write_bytes(bytes(8 * _MB))
    os.utime(tmp_path / "before")
    before = tmp_path / "before"
    seen = use(tmp_path)
    seen._since = before.stat().st_ctime + 0.001
    disk.free -= 900 * _MB
    assert seen.too_much() == ""


def test_files_of_the_cell_are_counted_once(tmp_path: Path, disk: Disk) -> None:
    seen = use(tmp_path)
    (tmp_path / "layer").mkdir()
    (tmp_path / "layer" / "one").write_bytes(bytes(3 * _MB))
    os.link(tmp_path / "layer" / "one", tmp_path / "layer" / "two")
    assert seen.too_much() == ""  # nothing is counted as long as the disk has lost nothing
    disk.free -= 5 * _MB
    assert seen.too_much() == ""
    (tmp_path / "layer" / "three").write_bytes(bytes(3 * _MB))
    disk.free -= 3 * _MB
    assert seen.too_much() == "more than 4 MB written to the disk"


def test_links_to_the_package_cache_are_not_counted(tmp_path: Path, disk: Disk) -> None:
    (tmp_path / "cell").mkdir()
    seen = use(tmp_path / "cell")
    (tmp_path / "cached").write_bytes(bytes(6 * _MB))
    os.link(tmp_path / "cached", tmp_path / "cell" / "environment" / "module")
    disk.free -= 6 * _MB
    assert seen.too_much() == ""


def test_a_file_that_has_no_name_any_more_is_counted(tmp_path: Path, disk: Disk) -> None:
    seen = use(tmp_path)
    with (tmp_path / "nameless").open("wb") as file:
        file.write(bytes(6 * _MB))
        file.flush()
        (tmp_path / "nameless").unlink()
        disk.free -= 6 * _MB
        assert seen.too_much([psutil.Process()]) == "more than 4 MB written to the disk"


def test_many_empty_files(tmp_path: Path, disk: Disk) -> None:
    seen = use(tmp_path)
    for number in range(150):
        (tmp_path / str(number)).touch()
    disk.files -= 150
    assert seen.too_much() == "more than 100 files written to the disk"


def test_a_tree_that_is_deeper_than_a_path_is_long(tmp_path: Path, disk: Disk) -> None:
    seen = use(tmp_path)
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d" * 50, dir_fd=here)
        below = os.open("d" * 50, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    disk.files -= 300
    assert seen.too_much() in ("", "more than 100 files written to the disk")
