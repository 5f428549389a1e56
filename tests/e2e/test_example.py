"""The example of another ecosystem, on the real index: it finds by itself that an old pandas does not fit NumPy 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stackcompat.ecosystem.interpreters import Interpreter

EXAMPLE = Path(__file__).parents[2] / "examples" / "pydata"

pytestmark = pytest.mark.e2e


def attempt(tmp_path: Path, *requirements: str) -> tuple[int, dict[str, Any]]:
    """The exit code of ``stackcompat try`` in the example, and what it says as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "stackcompat", "try", *requirements, "--python", "3.11", "--json", "-"],
        cwd=EXAMPLE,
        env=os.environ | {"STACKCOMPAT_STORE": str(tmp_path / "evidence.sqlite")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_an_abi_break_is_found(tmp_path: Path, interpreters: dict[str, Interpreter]) -> None:
    if "3.11" not in interpreters:
        pytest.skip("pandas 2.0.3 has wheels for Python 3.11 at most, which is not here")
    code, broken = attempt(tmp_path, "pandas==2.0.3")
    assert (code, broken["verdict"], broken["level"]) == (1, "broken", "import")
    assert "numpy.dtype size changed" in broken["sentence"]
    assert broken["installed"]["numpy"].startswith("2.")
    code, works = attempt(tmp_path, "pandas==2.0.3", "numpy<2")
    assert (code, works["verdict"]) == (0, "works")
