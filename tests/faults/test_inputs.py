"""Files and wheels that are not what they should be: one sentence each, and nobody waits without end."""

from __future__ import annotations

import os
import zipfile

import psutil
import pytest

from stackcompat.report.write import write
from stackcompat.table.build import summarise
from support.command_line import COMPONENTS, MATRIX
from support.commands import Commands
from support.loopback_index import make_wheel
from support.made_up import COMPONENTS as MADE_UP
from support.made_up import NOW, history

DEEP = 50_000

GATE = """
title = "G"
components = ["alpha"]
pythons = ["3.12"]

[[rules]]
rule = "newest"
weight = "required"
"""


@pytest.fixture
def published(commands: Commands) -> Commands:
    """The commands in an ecosystem that has published a table."""
    made = history()
    write(commands.folder / "reports", summarise(MADE_UP, (made.record(),), made.evidence, NOW))
    return commands


class TestCheck:
    def test_a_pipe_that_nobody_writes_into_and_a_device(self, published: Commands) -> None:
        os.mkfifo(published.folder / "pipe")
        code, _, errors = published.run("check", "pipe", limit=20)
        assert (code, errors.count("\n")) == (2, 1)
        code, _, errors = published.run("check", "/dev/zero", limit=20)
        assert (code, "it is neither a file nor a pipe" in errors) == (2, True)

    @pytest.mark.parametrize("place", ["/proc/self/environ", "{outside}", "../outside.txt", "link.txt", "a\0b"])
    def test_files_outside_of_the_project_are_not_read(self, published: Commands, place: str) -> None:
        outside = published.folder.parent / "outside.txt"
        outside.write_text("secret-words-of-somebody==1.0\n")
        (published.folder / "link.txt").symlink_to(outside)
        (published.folder / "all.txt").write_text(f"alpha==1.0\n-r {place.format(outside=outside)}\n")
        code, output, errors = published.run("check", "all.txt", variables={"TOLD": "secret-words-of-somebody==1.0"})
        assert code in (1, 3)
        assert "secret-words" not in output + errors
        assert "1 line not looked at: -r" in output

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("uv.lock", "a = " + "[" * DEEP),
            ("uv.lock", "a" + ".a" * DEEP + " = 1"),
            ("uv.lock", "a = " + "7" * 5000),
            ("pylock.toml", "lock-version = '1.0'\ncreated-by = 'x'\npackages = " + "[" * DEEP),
            ("Pipfile.lock", "[" * DEEP),
            ("Pipfile.lock", '{"default": ' + "7" * 5000 + "}"),
            ("environment.yml", "[" * DEEP),
            ("environment.yml", "dependencies: &a [*a]"),
        ],
    )
    def test_documents_that_nobody_wrote(self, published: Commands, name: str, text: str) -> None:
        (published.folder / name).write_text(text)
        code, _, errors = published.run("check", name, limit=30)
        assert (code, errors.count("\n")) == (2, 1)
        assert errors.startswith(f"stackcompat: FILE: {name}")

    def test_an_interpreter_that_never_ends_its_answer(self, published: Commands) -> None:
        """It stops with the command that asked it."""
        (published.folder / "python").write_text(f"#!/bin/sh\necho $$ > {published.folder}/pid\nexec sleep 600\n")
        (published.folder / "python").chmod(0o755)
        process = published.start("check", "--env", "python")
        while not (published.folder / "pid").exists():
            assert process.poll() is None, process.communicate()
        process.terminate()
        assert process.communicate(timeout=5)[1].strip().startswith("stackcompat: stopped")
        asked = int((published.folder / "pid").read_text())
        assert not psutil.pid_exists(asked) or psutil.Process(asked).status() == psutil.STATUS_ZOMBIE


class TestMatrices:
    @pytest.mark.parametrize(
        "text",
        [
            "a = " + "[" * DEEP,
            "a" + ".a" * DEEP + " = 1",
            MATRIX + "seconds = " + "7" * 5000,
            MATRIX.replace('"newest"', '"as-of"\ndates = [0001-01-01T00:00:00+14:00]'),
            MATRIX.replace('"newest"', '"as-of"\ndates = ["9999-12-31T23:59:59-14:00"]'),
            MATRIX.replace('"newest"', '"as-of"\ndates = [0001-01-01]'),
        ],
        ids=lambda text: text[-30:],
    )
    def test_documents_that_nobody_wrote(self, commands: Commands, text: str) -> None:
        (commands.folder / "matrices" / "odd.toml").write_text(text)
        code, _, errors = commands.run("plan", "matrices/odd.toml", limit=30)
        assert (code, errors.count("\n")) == (2, 1), errors
        assert errors.startswith("stackcompat: matrices/odd.toml")

    def test_a_pipe_and_a_device(self, commands: Commands) -> None:
        os.mkfifo(commands.folder / "matrices" / "odd.toml")
        assert commands.run("plan", "matrices/odd.toml", limit=20)[0] == 2
        (commands.folder / "matrices" / "odd.toml").unlink()
        (commands.folder / "matrices" / "odd.toml").symlink_to("/dev/zero")
        assert commands.run("plan", "matrices/odd.toml", limit=20)[0] == 2

    @pytest.mark.parametrize("name", ["../../../pwned", "/abs", "a/b", "..", "a\\u001b[2J", "a\\nb", "\\u202ea"])
    def test_names_of_components_that_are_no_names_of_files(self, commands: Commands, name: str) -> None:
        components = COMPONENTS.replace('name = "alpha"', f'name = "{name}"')
        (commands.folder / "matrices" / "components.toml").write_text(components)
        code, _, errors = commands.run("plan", "quick")
        assert (code, errors.count("\n")) == (2, 1), errors
        assert "must begin with a letter or a digit" in errors
        assert "\x1b" not in errors


class TestCandidates:
    @pytest.mark.parametrize("fault", ["encrypted", "unknown compression", "large", "no wheel", "cut"])
    def test_wheels_that_cannot_be_read(self, commands: Commands, fault: str) -> None:
        filename, content, metadata = make_wheel("alpha", "1.1")
        wheel = commands.folder / filename
        match fault:
            case "encrypted":  # a bit of each header says so
                content = _with_headers(content, flags=1)
            case "unknown compression":
                content = _with_headers(content, method=99)
            case "no wheel":
                content = b"PK"
            case "cut":
                content = content[: len(content) // 2]
        wheel.write_bytes(content)
        if fault == "large":
            with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("alpha-1.1.dist-info/METADATA", metadata + " " * 2**25)
        (commands.folder / "matrices" / "gate.toml").write_text(GATE)
        code, _, errors = commands.run("gate", f"./{filename}", "--python", "3.13", limit=60)
        assert code == 2, errors
        assert errors.count("\n") == 1
        assert filename in errors


def _with_headers(content: bytes, *, flags: int = 0, method: int = 0) -> bytes:
    """A wheel whose headers say something else of each member."""
    changed = bytearray(content)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(mark)
        while at >= 0:
            changed[at + place] |= flags
            changed[at + place + 2] = method
            at = content.find(mark, at + 1)
    return bytes(changed)
