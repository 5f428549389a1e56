"""Every public module of what a cell asks for, with a small index: real resolutions, environments, forks and runs."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.store import Store
from stackcompat.evidence.sweep import is_whole
from stackcompat.run.harness import install_harness
from stackcompat.run.package_cache import PackageCache
from support.command_environment import command_environment
from support.loopback_index import LoopbackIndex

SUITE = Path(__file__).parents[1] / "interop"
COMPONENTS = """
[[components]]
name = "barrels"
title = "Barrels"
summary = "What others build on."
group = "core"
distributions = ["barrels"]
modules = [{ name = "barrels" }]
documentation = "https://barrels.example"
"""
#: Barrels 2 has no staves any more.
STAVES = {"1.0": "staves = 12\n", "2.0": ""}
HOOPS = {
    "hoops/__init__.py": "",
    "hoops/cooper.py": "import barrels\n",
    "hoops/old.py": "from barrels import staves\n",
    "hoops/older.py": "import hoops.old\n",
    "hoops/crash.py": "import os, barrels\nif not hasattr(barrels, 'staves'): os.abort()\n",
    "hoops/never.py": "raise RuntimeError('never worked')\n",
    "hoops/flags.py": "import builtins\nassert not hasattr(builtins, 'hoops_flag'), 'defined twice'\n",
    "hoops/defines.py": "import builtins\nbuiltins.hoops_flag = True\n",
    "hoops/extra.py": "import no_such_distribution\n",
    "hoops/tests/test_hoops.py": "raise RuntimeError('is a test')\n",
    "hoops/_private.py": "raise RuntimeError('is private')\n",
}
#: Release 1.1 lacks a file that 1.0 had; what 2.0 needs for its first import is not declared.
CHESTS = {
    "1.0": {"chests/__init__.py": "", "chests/save.py": "import chests.locks\n", "chests/locks.py": ""},
    "1.1": {"chests/__init__.py": "", "chests/save.py": "import chests.locks\n"},
    "2.0": {"chests/__init__.py": "import barrels\n"},
}


def day(month: int) -> dt.datetime:
    return dt.datetime(2026, month, 1, tzinfo=dt.UTC)


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    with LoopbackIndex() as index:
        for number, (version, text) in enumerate(STAVES.items()):
            index.add("barrels", version, files={"barrels/__init__.py": text}, uploaded=day(1 + 4 * number))
        index.add("hoops", "1.0", files=HOOPS, requires=("barrels",), uploaded=day(2))
        for number, (version, files) in enumerate(CHESTS.items()):
            index.add("chests", version, files=files, uploaded=day(2 + number))
        yield index


@pytest.fixture
def checkout(tmp_path: Path, cache: PackageCache, interpreters: dict[str, Interpreter], python: str) -> Path:
    install_harness(cache, python, interpreters[python].path)  # from the real index
    for place in ("matrices", "tests/interop"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "matrices" / "components.toml").write_text(COMPONENTS, encoding="utf-8")
    for name in ("test_import.py", "test_sweep.py", "missing_distributions.py"):
        shutil.copy(SUITE / name, tmp_path / "tests" / "interop")
    return tmp_path


def attempt(checkout: Path, index: LoopbackIndex, cache_root: Path, python: str, *requirements: str) -> dict[str, Any]:
    """Try a combination; what the command says as JSON, and what it prints without that, under ``printed``."""
    answer = checkout / "answer.json"
    done = subprocess.run(
        [sys.executable, "-m", "stackcompat", "try", *requirements, "--python", python, "--json", str(answer)],
        cwd=checkout,
        env=command_environment(index, cache_root),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert answer.exists(), done.stdout + done.stderr
    said: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return said | {"printed": done.stdout}


def evidence(checkout: Path, *ids: str) -> list[Evidence]:
    store = Store(checkout / ".stackcompat" / "evidence.sqlite")
    found = [run for run in store.every_evidence() if run.id in ids]
    store.close()
    return found


def limits(answer: dict[str, Any]) -> dict[str, str]:
    return {limit["feature"]: limit["message"] for limit in answer["broken_features"]}


def test_modules_that_fail_only_beside_others_are_limits(
    checkout: Path, index: LoopbackIndex, cache_root: Path, python: str
) -> None:
    old = attempt(checkout, index, cache_root, python, "hoops", "barrels==1.0")
    assert (old["verdict"], old["level"], limits(old)) == ("works", "import", {})
    assert old["modules_imported"] == 6  # cooper, crash, defines, flags, old, older
    new = attempt(checkout, index, cache_root, python, "hoops", "barrels==2.0")
    assert (new["verdict"], new["level"], new["passed"]) == ("works", "import", 2)
    assert limits(new) == {
        "hoops.crash": "the process died of SIGABRT",
        "hoops.old": "cannot import name 'staves' from 'barrels' (…/__init__.py)",
    }
    assert new["modules_imported"] == 3
    printed = " ".join(new["printed"].split())
    assert "hoops.old and 1 more module of hoops cannot be imported: ImportError: cannot import name" in printed
    assert "barrels and hoops were imported, nothing else of them was tried, all but 3 modules of hoops" in printed


def test_a_release_that_lacks_a_file_of_its_own_is_limited(
    checkout: Path, index: LoopbackIndex, cache_root: Path, python: str
) -> None:
    answer = attempt(checkout, index, cache_root, python, "chests==1.1")
    assert (answer["verdict"], limits(answer)) == ("works", {"chests.save": "No module named 'chests.locks'"})


def test_an_application_that_does_not_declare_what_its_first_import_needs_is_broken(
    checkout: Path, index: LoopbackIndex, cache_root: Path, python: str
) -> None:
    answer = attempt(checkout, index, cache_root, python, "chests==2.0")
    assert (answer["verdict"], answer["level"]) == ("broken", "import")
    assert [failure["message"] for failure in answer["failures"]] == ["No module named 'barrels'"]


def test_a_sweep_is_reused_where_nothing_that_it_loaded_differs(
    checkout: Path, index: LoopbackIndex, cache_root: Path, python: str
) -> None:
    attempt(checkout, index, cache_root, python, "hoops", "barrels==1.0")
    # What Hoops lost was seen once in its whole sweep, so that is tried again; and then it is known.
    for release, hoops_is_reused in (("chests==1.0", False), ("chests==1.1", True)):
        answer = attempt(checkout, index, cache_root, python, "hoops", "barrels==1.0", release)
        (run,) = (run for run in evidence(checkout, *answer["evidence"]) if run.attempt == 0)
        reused = {result.test: result.reused is not None for result in run.tests if is_whole(result)}
        sweeps = {name.partition("[")[2].removesuffix(".*]"): is_reused for name, is_reused in reused.items()}
        assert sweeps == {"barrels": True, "hoops": hoops_is_reused, "chests": False}
