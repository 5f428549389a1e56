"""The plugin inside a cell, started as a cell starts it: this interpreter's own pytest, and made-up distributions."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stackcompat.run.sandbox import PLUGIN
from support.loopback_index import make_wheel


def install(site: Path, name: str, version: str = "1.0", files: Mapping[str, str] | None = None) -> None:
    """Unpack a made-up distribution into the folder `site`."""
    _, content, _ = make_wheel(name, version, files=files)
    zipfile.ZipFile(io.BytesIO(content)).extractall(site)


def run_plugin(folder: Path, suite: str, *, first: object = "", **changes: object) -> list[dict[str, Any]]:
    """Run a suite, given as source text, among the distributions in ``folder/site``.

    Args:
        folder: Holds the files of the run.
        suite: The one file of tests.
        first: Code that runs before, as that of a ``.pth`` file does.
        changes: What is different in the job.

    Returns:
        The events.
    """
    (folder / "site").mkdir(exist_ok=True)
    (folder / "suite").mkdir(exist_ok=True)
    (folder / "suite" / "test_suite.py").write_text(textwrap.dedent(suite), encoding="utf-8")
    job: dict[str, object] = {
        "events": str(folder / "events.jsonl"),
        "tests": [],
        "skip": [],
        "unimportable_tests": {},
        "imports": [],
        "guesses": [],
        "sweeps": [],
        "modules": {},
        "distributions": {},
        "level": "interop",
        "thorough": True,
        "suite": str(folder / "suite"),
        "files": ["test_suite.py"],
        "limits": {"whole": 7.0},
        "environment": {},
        "unimportable": [],
        "helpers": [],
        "temporary": [],
        "exchange": None,
        "upstream": None,
        "wrappers": {"classes": [], "lines": []},
        "harness": str(folder / "harness"),
        "watch": None,
    }
    (folder / "job.json").write_text(json.dumps(job | changes), encoding="utf-8")
    start = f"import sys, runpy; sys.path.insert(0, {str(folder / 'site')!r}); "
    start += f"exec({first!r}); "
    start += f"sys.argv = ['plugin', {str(folder / 'job.json')!r}]; "
    start += f"runpy.run_path({str(PLUGIN)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-I", "-c", start], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return read_events(folder)


def imported(distribution: str, module: str, **changes: object) -> dict[str, object]:
    """A module that must be importable, as a job names it."""
    entry = {"distribution": distribution, "module": module, "requires": [], "optional": False, "environment": {}}
    return entry | changes


def read_events(folder: Path) -> list[dict[str, Any]]:
    """The events of the run in `folder`, also of one that failed."""
    return [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def collected(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What pytest collected from the suite, by the name of the function."""
    (event,) = (event for event in events if event["event"] == "collected")
    return {test["test"].split("::")[1]: test for test in event["tests"]}


def ends(events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """How the tests of the suite ended, by the name of the function, in the order in which they did."""
    return {event["test"].split("::", 1)[1]: event for event in events if event["event"] == "end"}
