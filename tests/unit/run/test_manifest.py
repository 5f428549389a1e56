"""What tells whether the files of a folder are as they were."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from stackcompat.run.manifest import every_file, first_change, is_unchanged, manifest
from support.altering import alter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    (folder / "deep" / "__pycache__").mkdir(parents=True)
    (folder / "deep" / "a.py").write_text("a = 1\n")
    (folder / "link").symlink_to("deep", target_is_directory=True)
    (tmp_path / "files").write_text(manifest(folder))
    return folder


def test_bytecode_that_is_added_is_no_change(folder: Path) -> None:
    (folder / "deep" / "__pycache__" / "a.pyc").touch()
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "b.pyc").touch()
    assert is_unchanged(folder, folder.with_name("files"))


@pytest.mark.parametrize(
    ("change", "file", "new"),
    [
        (lambda folder: (folder / "conftest.py").touch(), "conftest.py", True),
        (lambda folder: (folder / "deep" / "sitecustomize.py").touch(), "deep/sitecustomize.py", True),
        (lambda folder: (folder / "deep" / "other").symlink_to("/tmp", True), "deep/other", True),
        (lambda folder: (folder / "deep" / "a.py").write_text("a = 22\n"), "deep/a.py", False),
        (lambda folder: (folder / "deep" / "a.py").unlink(), "deep/a.py", False),
    ],
)
def test_a_file_that_is_new_counts_where_tests_are_run_from(
    change: Callable[[Path], object], file: str, new: bool, folder: Path
) -> None:
    change(folder)
    text = folder.with_name("files").read_text()
    assert first_change(folder, text, closed=True) == file
    assert first_change(folder, text) == ("" if new else file)
    assert not is_unchanged(folder, folder.with_name("files"))


def test_a_content_counts_where_it_is_doubted(folder: Path) -> None:
    text = folder.with_name("files").read_text()
    alter(folder / "deep" / "a.py", "a = 2\n")
    assert first_change(folder, text) == ""
    assert first_change(folder, text, doubt=every_file) == "deep/a.py"
    assert not is_unchanged(folder, folder.with_name("files"))


def test_a_link_that_leads_elsewhere_is_a_change(folder: Path) -> None:
    text = folder.with_name("files").read_text()
    before = (folder / "link").lstat()
    (folder / "link").unlink()
    (folder / "link").symlink_to("away", target_is_directory=True)
    os.utime(folder / "link", ns=(before.st_atime_ns, before.st_mtime_ns), follow_symlinks=False)
    assert first_change(folder, text) == ""
    assert first_change(folder, text, doubt=every_file) == "link"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"deep/a.py": [6, 1]}', None])
def test_without_knowledge_of_the_files_a_folder_counts_as_changed(text: str | None, folder: Path) -> None:
    files = folder.with_name("files")
    if text is None:
        files.unlink()
    else:
        files.write_text(text)
    assert not is_unchanged(folder, files)


def test_a_folder_that_is_gone_is_changed(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("{}")
    assert not is_unchanged(tmp_path / "gone", tmp_path / "files")
