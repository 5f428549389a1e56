"""The view of a folder that can be changed, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stackcompat.run import layer

PROGRAM = str(Path(layer.__file__))


def works(folder: Path) -> bool:
    return subprocess.run([sys.executable, "-I", "-S", PROGRAM, "--check", str(folder)], check=False).returncode == 0


def test_a_folder_stays_as_it_is_and_the_next_command_sees_the_change(tmp_path: Path) -> None:
    folder = tmp_path / "a,b:c"
    folder.mkdir()
    (folder / "file").write_text("old")
    if not works(tmp_path / "trial"):
        pytest.skip("this system lets nobody mount an overlay")

    def run(program: str) -> str:
        command = [sys.executable, "-I", "-S", PROGRAM, str(folder), str(tmp_path / "layer")]
        command += [sys.executable, "-I", "-S", "-c", program, str(folder / "file")]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    read = "import sys; print(open(sys.argv[1]).read(), end='')"
    assert run(read) == "old"
    run("import sys; open(sys.argv[1], 'w').write('new')")
    assert run(read) == "new"
    assert (folder / "file").read_text() == "old"


def test_what_does_not_work_is_told_by_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not works(tmp_path / "file")
