"""Artifacts written in one real environment and read in another, with a small index of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.run.harness import install_harness
from stackcompat.run.package_cache import PackageCache
from support.command_environment import command_environment
from support.loopback_index import LoopbackIndex

COMPONENTS = """
[[components]]
name = "alpha"
title = "Alpha"
summary = "Writes boxes."
group = "core"
distributions = ["alpha"]
documentation = "https://alpha.example"
undeclared = ["packer"]
"""

#: Release 2.0 writes what 1.0 does not know; 3.0 draws other numbers.
ALPHA = """
__version__ = {version!r}
import packer

def save(path, value):
    path.write_text(("2:" if __version__ != "1.0" else "") + str(value))

def load(path):
    text = path.read_text()
    if text.startswith("2:") and __version__ == "1.0":
        raise ValueError("this box is of a newer format")
    return int(text.removeprefix("2:"))

def draw():
    return 7 if __version__ == "3.0" else 4
"""

SUITE = {
    "interop/helper.py": "VALUE = 42\n",
    "exchange/conftest.py": """
        from pathlib import Path
        import pytest

        @pytest.fixture
        def folder(request):
            exchange = request.config.stackcompat_exchange
            path = Path(exchange["folder"]) / request.node.get_closest_marker(f"{exchange['mode']}s").args[0]
            path.mkdir(exist_ok=True)
            return path
    """,
    "exchange/test_box.py": """
        import helper
        import pytest

        pytestmark = [pytest.mark.level("exchange"), pytest.mark.uses("alpha", "packer")]

        class Changed(AssertionError):
            stackcompat_changed = True

        @pytest.mark.writes("box")
        def test_write(folder):
            import alpha
            alpha.save(folder / "box", helper.VALUE)

        @pytest.mark.reads("box")
        def test_read(folder):
            import alpha
            assert alpha.load(folder / "box") == helper.VALUE
            (folder / "box").unlink()  # a reader's folder is its own

        @pytest.mark.writes("draw")
        def test_write_draw(folder):
            import alpha
            (folder / "draw").write_text(str(alpha.draw()))

        @pytest.mark.reads("draw")
        def test_same_draw(folder):
            import alpha
            if str(alpha.draw()) != (folder / "draw").read_text():
                raise Changed("another number")
    """,
}

Exchange = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def index() -> Iterator[LoopbackIndex]:
    with LoopbackIndex() as index:
        index.add("packer", "1.0")
        for version in ("1.0", "2.0", "3.0"):
            index.add("alpha", version, files={"alpha/__init__.py": ALPHA.format(version=version)})
        yield index


@pytest.fixture(scope="module")
def exchange(
    tmp_path_factory: pytest.TempPathFactory,
    index: LoopbackIndex,
    cache: PackageCache,
    interpreters: dict[str, Interpreter],
    python: str,
) -> Exchange:
    """``stackcompat exchange ARGUMENTS`` in a project: exit code and answer."""
    install_harness(cache, python, interpreters[python].path)  # pytest comes from the real index
    folder = tmp_path_factory.mktemp("project")
    (folder / "matrices").mkdir()
    (folder / "matrices" / "components.toml").write_text(COMPONENTS)
    for name, text in SUITE.items():
        path = folder / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    environment = command_environment(index, cache.root)

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        pythons = ("--write-python", python, "--read-python", python)
        command = [sys.executable, "-m", "stackcompat", "exchange", *arguments, *pythons, "--json", "-"]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    return run


def test_what_is_read_works(exchange: Exchange) -> None:
    code, found = exchange("--write-with", "alpha==1.0", "--read-with", "alpha==2.0")
    assert (code, found["verdict"], found["level"]) == (0, "works", "exchange")
    # What the component wants and does not declare came along.
    assert found["writer"]["installed"] == {"alpha": "1.0", "packer": "1.0"}
    assert found["reader"]["installed"] == {"alpha": "2.0", "packer": "1.0"}
    assert {a["artifact"]: a["verdict"] for a in found["artifacts"]} == {"box": "works", "draw": "works"}


def test_what_is_not_read_is_broken_in_two_environments(exchange: Exchange) -> None:
    code, found = exchange("--write-with", "alpha==2.0", "--read-with", "alpha==1.0")
    assert (code, found["verdict"]) == (1, "broken")
    (failure,) = found["failures"]
    assert failure["artifact"] == "box"
    assert failure["signature"] == "ValueError: this box is of a newer format [alpha]"
    assert {a["artifact"]: a["verdict"] for a in found["artifacts"]} == {"box": "broken", "draw": "works"}
    # Writing, reading twice, and a baseline on each side; the reader has written in the test before or here.
    assert len(found["evidence"]) >= 5


def test_other_values_are_changed(exchange: Exchange) -> None:
    code, found = exchange("--write-with", "alpha==2.0", "--read-with", "alpha==3.0")
    assert (code, found["verdict"]) == (4, "changed")
    code, found = exchange("--write-with", "alpha==2.0", "--read-with", "alpha==3.0", "--artifact", "box")
    assert (code, [a["artifact"] for a in found["artifacts"]]) == (0, ["box"])
