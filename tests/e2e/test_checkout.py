"""The project as it is checked out, on the real index: its own suite and matrices, not made-up ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stackcompat.ecosystem.interpreters import find_interpreters

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.e2e


def test_the_smoke_tests_run_from_the_checkout(tmp_path: Path) -> None:
    python = next(iter(find_interpreters(["3.13", "3.12", "3.11"])))
    options = ["--python", python, "--level", "import", "--project", str(ROOT), "--json", str(tmp_path / "answer.json")]
    done = subprocess.run(
        [sys.executable, "-m", "stackcompat", "try", "jax", "optax", *options],
        env=os.environ | {"STACKCOMPAT_STORE": str(tmp_path / "evidence.sqlite")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
    assert (answer["verdict"], answer["level"]) == ("works", "import")
    assert answer["passed"] >= 3
    assert {"jax", "jaxlib", "optax"} <= answer["installed"].keys()
