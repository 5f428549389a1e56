"""Files that a person names, and files that are written whole."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from stackcompat.core import files
from stackcompat.core.errors import StackcompatError
from stackcompat.core.files import read_given, remove_tree, write_all, write_whole


class TestReadGiven:
    def test_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_bytes(b"alpha\r\n" * 300_000)
        assert read_given(tmp_path / "a.txt") == b"alpha\r\n" * 300_000
        (tmp_path / "a.txt").write_bytes(b"")
        assert read_given(tmp_path / "a.txt") == b""

    def test_a_pipe_that_somebody_writes_into(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")

        def write() -> None:
            with (tmp_path / "pipe").open("wb") as pipe:
                for _ in range(100):
                    pipe.write(b"alpha\n" * 1000)

        # The writer must be there first, as that of a shell's <(...) is.
        keeps_open = os.open(tmp_path / "pipe", os.O_RDWR)
        thread = threading.Thread(target=write)
        thread.start()
        found: list[bytes] = []
        reader = threading.Thread(target=lambda: found.append(read_given(tmp_path / "pipe")))
        reader.start()
        thread.join()
        os.close(keeps_open)
        reader.join()
        assert found == [b"alpha\n" * 100_000]

    def test_a_pipe_that_nobody_writes_into(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert read_given(tmp_path / "pipe") == b""
        monkeypatch.setattr(files, "PATIENCE", 0.1)
        keeps_open = os.open(tmp_path / "pipe", os.O_RDWR)
        with pytest.raises(OSError, match="nobody wrote into the pipe"):
            read_given(tmp_path / "pipe")
        os.close(keeps_open)

    @pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/urandom"])
    def test_a_device(self, device: str) -> None:
        with pytest.raises(OSError, match="it is neither a file nor a pipe"):
            read_given(Path(device))

    def test_what_cannot_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("alpha")
        with pytest.raises(OSError, match="more than 0 MiB"):
            read_given(tmp_path / "a.txt", most=4)
        with pytest.raises(IsADirectoryError):
            read_given(tmp_path)
        with pytest.raises(FileNotFoundError):
            read_given(tmp_path / "b.txt")
        with pytest.raises(OSError, match="no file can be called so"):
            read_given(tmp_path / "a\0b")


class TestWriting:
    def test_a_file_is_replaced_whole(self, tmp_path: Path) -> None:
        write_whole(tmp_path / "a.txt", "one\n")
        write_whole(tmp_path / "a.txt", b"two\n")
        assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "two\n")]

    def test_what_fails_leaves_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_whole(tmp_path / "a.txt", "one")

        def full(path: Path, content: bytes) -> None:
            path.open("wb").close()
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space left"):
            write_whole(tmp_path / "a.txt", "two")
        assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "one")]

    def test_a_link_and_a_device_stay_what_they_are(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(tmp_path / "a.txt")
        write_whole(tmp_path / "link", "one")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "a.txt").read_text() == "one"
        write_whole(Path(os.devnull), "one")
        assert not Path(os.devnull).is_file()

    def test_all_files_or_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_all(tmp_path / "site", {"b/c.txt": "1", "a.txt": "1"})
        write = Path.write_text

        def full(path: Path, text: str, encoding: str) -> int:
            if path.name == "c.txt":
                raise OSError(28, "No space left on device")
            return write(path, text, encoding)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_text", full)
            with pytest.raises(OSError, match="No space left"):
                write_all(tmp_path / "site", {"a.txt": "2", "b/c.txt": "2"})
        assert (tmp_path / "site" / "a.txt").read_text() == "1"
        found = write_all(tmp_path / "site", {"b/c.txt": "3", "a.txt": "3"})
        assert [path.read_text() for path in found] == ["3", "3"]
        assert sorted(path.name for path in (tmp_path / "site").iterdir()) == ["a.txt", "b"]

    @pytest.mark.parametrize("name", ["../a.txt", "/a.txt", "b/../../a.txt", "a\0b", "a\x1b[2J", "a\\b"])
    def test_names_stay_in_the_folder(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(StackcompatError, match="cannot be the name of a file in"):
            write_all(tmp_path / "site", {"good.txt": "1", name: "1"})
        assert list(tmp_path.iterdir()) == []


class TestRemoveTree:
    def test_what_is_not_there(self, tmp_path: Path) -> None:
        remove_tree(tmp_path / "folder")

    @pytest.mark.parametrize("depth", [3, 40, 3000])
    def test_folders_however_deep(self, tmp_path: Path, depth: int) -> None:
        (tmp_path / "kept").touch()
        folder = tmp_path / "folder"
        folder.mkdir()
        here = os.open(folder, os.O_RDONLY)
        for _ in range(depth):
            os.mkdir("d" * 100, dir_fd=here)
            below = os.open("d" * 100, os.O_RDONLY, dir_fd=here)
            os.symlink(tmp_path, "link", dir_fd=here)
            os.close(here)
            here = below
        os.close(here)
        remove_tree(folder)
        assert [path.name for path in tmp_path.iterdir()] == ["kept"]

    def test_folders_that_nobody_may_look_into(self, tmp_path: Path) -> None:
        (tmp_path / "folder" / "a" / "b").mkdir(parents=True)
        (tmp_path / "folder" / "a" / "b").chmod(0)
        (tmp_path / "folder" / "a").chmod(0)
        remove_tree(tmp_path / "folder")
        assert not (tmp_path / "folder").exists()
