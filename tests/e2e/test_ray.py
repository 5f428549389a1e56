"""Cells on a real Ray cluster of several nodes on this machine, with a small index; nodes are killed in mid-run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.evidence.store import Store
from stackcompat.run.harness import install_harness
from stackcompat.run.package_cache import PackageCache
from support.bare_components import bare_components
from support.command_environment import command_environment
from support.loopback_index import LoopbackIndex
from support.ray_cluster import Node, RayCluster

pytest.importorskip("ray", reason="the extra `ray` is not installed")

COMPONENTS = bare_components("ladders", "ropes")
HEAD = """
title = "Ray"
components = ["ladders", "ropes"]
pythons = ["{python}"]
"""
POLICY = """
[[policies]]
policy = "pins"
requirements = ["ladders=={}", "ropes=={}"]
"""
#: Six cells, one of which is red, so that it runs twice.
VERSIONS = [(ladders, ropes) for ladders in ("1.0", "2.0") for ropes in ("1.0", "2.0", "3.0")]
SUITE = """
import importlib
import time
import helping
import pytest

def pytest_generate_tests(metafunc):
    if "module" in metafunc.fixturenames:
        imports = metafunc.config.stackcompat_imports
        metafunc.parametrize(("distribution", "module", "declared"), imports, ids=[m for _, m, _ in imports])

@pytest.mark.level("import")
def test_import(distribution, module, declared):
    importlib.import_module(module)

@pytest.mark.uses("ladders", "ropes")
def test_together():
    import ladders, ropes
    time.sleep({seconds})
    assert helping.length(ladders) + helping.length(ropes) < 5
"""
HELPING = """
def length(module):
    return int(float(module.__version__))
"""
#: What the machine and the moment decide, and not the cells.
OF_THE_MOMENT = {
    *("at", "first_red", "first_seen", "generated", "last_green", "last_seen", "seconds", "seen", "started"),
    *("details", "evidence"),  # a traceback with the paths of pytest, and ids that depend on the time of a run
}


class Project:
    """A checkout with six cells; the command line runs in it as another process."""

    def __init__(self, folder: Path, python: str, environment: dict[str, str], seconds: float = 0.0) -> None:
        self.folder, self.environment = folder, environment
        for place in ("matrices", "tests/interop"):
            (folder / place).mkdir(parents=True)
        matrix = HEAD.format(python=python) + "".join(POLICY.format(*pair) for pair in VERSIONS)
        (folder / "matrices" / "components.toml").write_text(COMPONENTS, encoding="utf-8")
        (folder / "matrices" / "climbing.toml").write_text(matrix, encoding="utf-8")
        suite = textwrap.dedent(SUITE).replace("{seconds}", str(seconds))
        (folder / "tests" / "interop" / "test_climbing.py").write_text(suite, encoding="utf-8")
        (folder / "tests" / "interop" / "helping.py").write_text(HELPING, encoding="utf-8")

    def start(self, *options: str) -> subprocess.Popen[str]:
        """``stackcompat run``, begun."""
        command = [sys.executable, "-m", "stackcompat", "run", "climbing", "--no-reuse", "--verbose", *options]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *options: str) -> str:
        """``stackcompat run``, to its end. Returns what it printed."""
        process = self.start(*options)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        return output

    def command(self, *arguments: str, store: Path) -> None:
        """Any command, with another store."""
        done = subprocess.run(
            [sys.executable, "-m", "stackcompat", *arguments],
            cwd=self.folder,
            env=self.environment | {"STACKCOMPAT_STORE": str(store)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def runs(self) -> Counter[tuple[str, str, str, tuple[Any, ...]]]:
        """How often the store has each cell with each outcome, with the outcomes of all its tests."""
        store = Store(self.folder / ".stackcompat" / "evidence.sqlite")
        found: Counter[tuple[str, str, str, tuple[Any, ...]]] = Counter(
            (run.key, run.outcome, run.detail, tuple((t.test, t.outcome, t.reason) for t in run.tests))
            for record in store.runs()
            for runs in store.of_keys(record.evidence_keys()).values()
            for run in runs
        )
        store.close()
        return found

    def table(self) -> Any:
        """The published table, without what the moment decides."""
        return _lasting(json.loads((self.folder / ".stackcompat/site/compat.json").read_text(encoding="utf-8")))


def _lasting(value: Any) -> Any:
    if isinstance(value, list):
        return [_lasting(held) for held in value]
    if isinstance(value, dict):
        return {name: _lasting(held) for name, held in value.items() if name not in OF_THE_MOMENT}
    return value


@pytest.fixture(scope="module")
def index() -> Iterator[LoopbackIndex]:
    with LoopbackIndex() as index:
        for version in ("1.0", "2.0", "3.0"):
            index.add("ladders", version)
            index.add("ropes", version)
        yield index


@pytest.fixture(scope="module")
def environment(
    index: LoopbackIndex, cache: PackageCache, cache_root: Path, interpreters: dict[str, Interpreter], python: str
) -> dict[str, str]:
    install_harness(cache, python, interpreters[python].path)  # from the real index; the nodes cannot reach that
    return command_environment(index, cache_root) | {"RAY_USAGE_STATS_ENABLED": "0"}


@pytest.fixture(scope="module")
def cluster(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayCluster]:
    kept = {name: value for name, value in environment.items() if name != "STACKCOMPAT_CACHE"}
    with RayCluster(tmp_path_factory.mktemp("ray") / "cluster.log", kept) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def node_with(cluster: RayCluster, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Node, Path]]:
    """Adds a node with a package cache of its own, which is given too."""

    def add(**variables: str) -> tuple[Node, Path]:
        cache = tmp_path_factory.mktemp("node")
        return cluster.add({"STACKCOMPAT_CACHE": str(cache), **variables}), cache

    return add


@pytest.fixture(scope="module")
def first_node(node_with: Callable[..., tuple[Node, Path]]) -> Path:
    """The package cache of a node that stays."""
    return node_with()[1]


@pytest.fixture
def project(tmp_path: Path, python: str, environment: dict[str, str], cluster: RayCluster, first_node: Path) -> Project:
    """A checkout whose cells run on the cluster."""
    return Project(tmp_path / "cluster", python, environment | {"RAY_ADDRESS": cluster.address})


def _wait_for(condition: Callable[[], object], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def _cells_in(cache: Path) -> list[Path]:
    """The cells that run with the package cache of a node."""
    return list((cache / "environments").glob("*/"))


def test_each_cell_ends_once_although_a_node_is_killed_and_the_table_is_that_of_one_machine(
    tmp_path: Path,
    python: str,
    environment: dict[str, str],
    project: Project,
    first_node: Path,
    node_with: Callable[..., tuple[Node, Path]],
) -> None:
    local = Project(tmp_path / "local", python, environment, seconds=1.0)
    local.run("-j", "2")
    node, cache = node_with()
    project = Project(tmp_path / "killed", python, project.environment, seconds=1.0)
    process = project.start("--executor", "ray")
    _wait_for(lambda: _cells_in(cache) and _cells_in(first_node))
    os.kill(node.raylet, signal.SIGKILL)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert project.runs() == local.runs()
    # One run for each cell, and one to confirm the red one, each of them once.
    assert sorted(project.runs().values()) == [1] * 7
    assert len({key for key, _, _, _ in project.runs()}) == 6
    assert {outcome for _, outcome, _, _ in project.runs()} == {"ran"}
    assert project.table() == local.table()
    # Everything came by its content: the tests with their helper, and pytest, which the index of the nodes lacks.
    parcels = [path for path in (first_node / "parcels").glob("*/") if (path / "pytest").is_dir()]
    assert len(parcels) == 1


def test_a_cell_goes_to_a_node_that_has_its_interpreter(
    project: Project, first_node: Path, node_with: Callable[..., tuple[Node, Path]], tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    _, cache = node_with(PATH=str(empty), HOME=str(empty), PYENV_ROOT=str(empty), XDG_DATA_HOME=str(empty))
    output = project.run("--executor", "ray")
    assert {outcome for _, outcome, _, _ in project.runs()} == {"ran"}, output
    assert not (cache / "parcels").exists()


def test_what_is_interrupted_ends_its_cells_on_the_nodes_and_goes_on_later(
    tmp_path: Path, python: str, project: Project, first_node: Path
) -> None:
    project = Project(tmp_path / "interrupted", python, project.environment, seconds=6.0)
    process = project.start("--executor", "ray")
    _wait_for(
        lambda: any((cell / "events.jsonl").exists() or (cell / "nox").is_dir() for cell in _cells_in(first_node))
    )
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert time.monotonic() - began < 30
    _wait_for(lambda: not [p for p in psutil.process_iter() if str(first_node) in " ".join(_words(p))])
    assert sum(project.runs().values()) < 6
    for_real = project.folder / "tests" / "interop" / "test_climbing.py"
    for_real.write_text(for_real.read_text(encoding="utf-8").replace("sleep(6.0)", "sleep(0)"), encoding="utf-8")
    project.run("--executor", "ray")
    assert sum(project.runs().values()) >= 7
    # What a process left that was killed while it cleaned up, the next one has removed.
    _wait_for(lambda: not _cells_in(first_node))


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def test_parts_run_here_or_on_a_cluster_and_merge_in_any_order_to_one_run(project: Project, tmp_path: Path) -> None:
    planned = tmp_path / "planned.sqlite"
    project.command("plan", "climbing", "--shards", "2", store=planned)
    parts = {"1/2": tmp_path / "first.sqlite", "2/2": tmp_path / "second.sqlite"}
    for (part, store), executor in zip(parts.items(), ("ray", "local"), strict=True):
        shutil.copy(planned, store)
        options = ("--shard", part, "--executor", executor, "--no-report", "--no-reuse")
        project.command("run", "climbing", *options, store=store)
    merged = project.folder / ".stackcompat" / "evidence.sqlite"
    once: Counter[tuple[str, str, str, tuple[Any, ...]]] | None = None
    for order in (("1/2", "2/2"), ("2/2", "1/2", "2/2")):
        merged.unlink(missing_ok=True)
        project.command("merge", *(str(parts[part]) for part in order), store=merged)
        once = once or project.runs()
        assert project.runs() == once
    assert once is not None
    assert sorted(once.values()) == [1] * 7


def test_without_an_address_a_cluster_of_this_machine_is_started_and_ends_with_the_command(
    tmp_path: Path, python: str, environment: dict[str, str]
) -> None:
    project = Project(tmp_path / "alone", python, environment | {"STACKCOMPAT_EXECUTOR": "ray"})
    before = _raylets()
    output = project.run("-j", "1")
    assert "docs.ray.io" not in output  # Ray's own messages are not for whoever reads the table
    assert sorted(project.runs().values()) == [1] * 7
    _wait_for(lambda: _raylets() <= before, 30)


def _raylets() -> set[int]:
    return {process.pid for process in psutil.process_iter() if _words(process)[:1] and "raylet" in _words(process)[0]}
