"""A wheel of this checkout in an environment of its own, used from an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import uv

from stackcompat.ecosystem.interpreters import Interpreter

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, interpreters: dict[str, Interpreter], python: str) -> Path:
    """The program that the wheel installs."""
    folder = tmp_path_factory.mktemp("wheel")

    def run(*arguments: str | Path) -> None:
        subprocess.run([uv.find_uv_bin(), *arguments], check=True, capture_output=True, text=True)

    run("build", "--quiet", "--wheel", "--out-dir", folder / "dist", ROOT)
    (wheel,) = (folder / "dist").glob("*.whl")
    run("venv", "--quiet", "--python", interpreters[python].path, folder / "environment")
    run("pip", "install", "--quiet", "--python", folder / "environment" / "bin" / "python", wheel)
    return folder / "environment" / "bin" / "stackcompat"


@pytest.fixture
def command(program: Path, tmp_path: Path) -> Command:
    """``stackcompat ARGUMENTS`` in an empty folder, by somebody who has set nothing."""
    (tmp_path / "empty").mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("STACKCOMPAT_PROJECT", "PYTHON"))}
    environment = kept | {"XDG_DATA_HOME": str(tmp_path / "data")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *arguments],
            cwd=tmp_path / "empty",
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return run


def test_a_file_is_checked_against_the_table_that_the_wheel_carries(command: Command, tmp_path: Path) -> None:
    table = json.loads((ROOT / "reports" / "compat.json").read_text(encoding="utf-8"))
    broken = next(cell for cell in table["cells"] if cell["verdict"] == "broken" and cell.get("lock"))
    done = command("check", str(ROOT / "reports" / broken["lock"]), "--python", broken["python"])
    assert done.returncode == 1, done.stderr
    assert "compared with the table of the JAX AI stack that this stackcompat carries" in " ".join(done.stdout.split())
    assert not list((tmp_path / "empty").iterdir())


def test_a_combination_is_tried_with_the_smoke_tests_that_the_wheel_carries(
    command: Command, tmp_path: Path, python: str
) -> None:
    done = command("try", "toolz", "--python", python, "--json", "-")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["verdict"], answer["level"]) == ("works", "import")
    assert not list((tmp_path / "empty").iterdir())
    # What was seen is kept where the user may write, for all folders.
    assert (tmp_path / "data" / "stackcompat" / "jax-ai-stack" / "evidence.sqlite").is_file()
    refused = command("report", "--publish")
    assert refused.returncode == 2
    assert "this ecosystem came with the tool; give a folder of your own by --project" in refused.stderr


def test_an_installer_takes_the_set_that_check_writes(command: Command, tmp_path: Path) -> None:
    """As constraints, and as overrides of uv, which take what metadata forbids."""
    wanted = {"jax": "0.11.2", "flax": "0.12.9"}
    (tmp_path / "pins.txt").write_text("".join(f"{name}=={version}\n" for name, version in wanted.items()))
    target = tmp_path / "constraints.txt"
    assert command("check", str(tmp_path / "pins.txt"), "--python", "3.12", "--write", str(target)).returncode == 1
    pins = dict(line.split("==") for line in target.read_text().splitlines() if "==" in line)
    assert pins.keys() == wanted.keys()
    assert pins != wanted
    (tmp_path / "names.in").write_text("jax\nflax\n")
    for option in ("--constraints", "--overrides"):
        done = subprocess.run(
            [uv.find_uv_bin(), "pip", "compile", "--quiet", "--python-version", "3.12", option, target, "names.in"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert {f"{name}=={version}" for name, version in pins.items()} <= set(done.stdout.splitlines())
