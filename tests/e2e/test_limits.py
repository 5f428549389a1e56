"""A known limit that several cells show, with a small index: real resolutions, environments and runs."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.evidence.store import Store
from stackcompat.run.harness import install_harness
from stackcompat.run.package_cache import PackageCache
from stackcompat.verdict.outcomes import classify
from support.bare_components import bare_components
from support.command_environment import command_environment
from support.loopback_index import LoopbackIndex

COMPONENTS = bare_components("boxes", "crates")
MATRIX = """
title = "Limits"
components = ["boxes", "crates"]
pythons = ["{python}"]

[[policies]]
policy = "pins"
requirements = ["boxes==1.0", "crates==1.0"]

[[policies]]
policy = "pins"
requirements = ["boxes==1.0", "crates==2.0"]

[[policies]]
policy = "pins"
requirements = ["boxes==2.0", "crates==2.0"]
"""
SUITE = """
import importlib
import pytest

def pytest_generate_tests(metafunc):
    if "module" in metafunc.fixturenames:
        imports = metafunc.config.stackcompat_imports
        metafunc.parametrize(("distribution", "module", "declared"), imports, ids=[m for _, m, _ in imports])

@pytest.mark.level("import")
def test_import(distribution, module, declared):
    importlib.import_module(module)

@pytest.mark.uses("boxes", "crates")
def test_together():
    import boxes, crates
    assert boxes.number + crates.number == 2

@pytest.mark.uses("boxes", "crates")
@pytest.mark.feature("saving small boxes")
def test_small_boxes():
    import boxes, crates
    boxes.save(crates.number)
"""
BOXES = """
number = 1

def save(box):
    raise TypeError("no rule for small boxes")
"""


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    with LoopbackIndex() as index:
        # The package cache of a session is shared, so no other test has releases of these names.
        for version in ("1.0", "2.0"):
            index.add("boxes", version, files={"boxes/__init__.py": BOXES})
            index.add("crates", version, files={"crates/__init__.py": "number = 1\n"})
        yield index


def test_a_limit_of_two_cells_makes_no_further_environment(
    tmp_path: Path,
    index: LoopbackIndex,
    cache: PackageCache,
    cache_root: Path,
    interpreters: dict[str, Interpreter],
    python: str,
) -> None:
    install_harness(cache, python, interpreters[python].path)  # from the real index
    for place in ("matrices", "tests/interop"):
        (tmp_path / place).mkdir(parents=True)
    (tmp_path / "matrices" / "components.toml").write_text(COMPONENTS, encoding="utf-8")
    (tmp_path / "matrices" / "limits.toml").write_text(MATRIX.format(python=python), encoding="utf-8")
    (tmp_path / "tests" / "interop" / "test_stack.py").write_text(textwrap.dedent(SUITE), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "stackcompat", "run", "limits", "-j", "2"],
        cwd=tmp_path,
        env=command_environment(index, cache_root),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    store = Store(tmp_path / ".stackcompat" / "evidence.sqlite")
    (record,) = store.runs()
    evidence = store.of_keys(record.evidence_keys())
    store.close()
    limit = "test_stack.py::test_small_boxes"
    environments = {cell.cell.label: [run for run in evidence[cell.key] if run.observed] for cell in record.cells}
    made = {label: len(runs) for label, runs in environments.items()}
    # The two cells with boxes 1.0 confirm each other. Nobody else has boxes 2.0, so it gets an environment of its own.
    assert made == {"boxes==1.0, crates==1.0": 1, "boxes==1.0, crates==2.0": 1, "boxes==2.0, crates==2.0": 2}
    for cell in record.cells:
        states = {status.result.test: status.state for status in classify(evidence[cell.key])}
        assert states[limit] == "feature-broken", cell.cell.label
    table = json.loads((tmp_path / ".stackcompat/site/compat.json").read_text(encoding="utf-8"))
    assert {cell["verdict"] for cell in table["cells"]} == {"works"}
    assert sum(row["runs"] for row in table["measured"]) == 4
