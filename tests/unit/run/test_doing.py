"""What cells do at this moment."""

from __future__ import annotations

from pathlib import Path

from stackcompat.run.doing import Doing, doing, tell


def test_what_the_cells_of_a_process_do(tmp_path: Path) -> None:
    for name in ("7-aaa-1", "7-bbb-2", "7-ccc-3", "77-ddd-4"):
        (tmp_path / name).mkdir()
    tell(tmp_path / "7-aaa-1", "installing")
    tell(tmp_path / "7-aaa-1", "t.py::test_x")
    tell(tmp_path / "7-bbb-2", "installing")
    tell(tmp_path / "77-ddd-4", "installing")
    tell(tmp_path / "gone", "installing")  # no error
    assert list(doing(tmp_path, 7)) == [Doing("aaa", "t.py::test_x"), Doing("bbb", "installing")]
    assert not list(doing(tmp_path / "nothing", 7))
