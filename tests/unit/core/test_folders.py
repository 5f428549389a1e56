"""Paths as people read them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stackcompat.core.folders import from_here


def test_a_path_is_told_from_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert from_here(tmp_path / "a" / "b.txt") == str(Path("a", "b.txt"))


def test_a_path_on_another_drive_is_told_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(os.path, "relpath", refuse)
    assert from_here(Path("/b.txt")) == str(Path("/b.txt"))
