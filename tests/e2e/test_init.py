"""A new ecosystem of two made-up packages: what `init` writes is run as it is."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackcompat.ecosystem.interpreters import Interpreter, find_interpreters
from stackcompat.run.harness import install_harness
from stackcompat.run.package_cache import PackageCache
from support.command_environment import command_environment
from support.loopback_index import LONG_AGO, LoopbackIndex


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    with LoopbackIndex() as index:
        index.add("alpha", "1.0")
        index.add("alpha", "1.1", uploaded=LONG_AGO + dt.timedelta(days=30))
        index.add("beta-kit", "1.0", requires=["alpha"], files={"betakit/__init__.py": "import alpha\n"})
        yield index


def test_a_new_ecosystem_is_run_at_once(
    tmp_path: Path, index: LoopbackIndex, cache: PackageCache, cache_root: Path
) -> None:
    # pytest comes from the real index, before the small one takes its place.
    interpreters: dict[str, Interpreter] = find_interpreters()
    for python, interpreter in interpreters.items():
        install_harness(cache, python, interpreter.path)
    folder = tmp_path / "new"

    def stackcompat(*arguments: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "stackcompat", *arguments, "--project", str(folder)],
            cwd=tmp_path,
            env=command_environment(index, cache_root),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    code, output, error = stackcompat("init", "alpha", "beta-kit")
    assert (code, error) == (0, "")
    assert "stackcompat run quick" in output
    code, output, error = stackcompat("run", "quick")
    assert (code, error) == (0, "")
    cells = 2 * len(list(interpreters)[:3])
    assert f"{cells} cells: ✓ {cells} works" in output
    table = json.loads((folder / ".stackcompat/site/compat.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in table["components"]] == ["alpha", "beta-kit"]
    assert {row["verdict"] for row in table["components"]} == {"works"}
    assert "1.1" in (folder / ".stackcompat/site/COMPATIBILITY.md").read_text(encoding="utf-8")
    code, _, error = stackcompat("init", "alpha")
    assert code == 2
    assert "is there already, and nothing was written" in " ".join(error.split())
