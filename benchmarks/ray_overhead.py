"""What a cell costs more on a Ray cluster than on this machine: the same cells with both executors, in turn.

    python benchmarks/ray_overhead.py --cells 12 --write docs/performance.md

The cells are those of one small wheel on an index of this machine, with two tests. The cluster has a head without CPUs
and one node with one CPU, on this machine and with a package cache of its own. One cell runs at a time. The executor
that begins changes from cell to cell. The first cell of each, which fills the caches and starts the worker, is told
apart. Needs the extra `ray` and the test group.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import textwrap
import time
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE / "tests"))

import uv
from measuring import machine, table, write_block

from stackcompat.ecosystem.components import ImportedModule
from stackcompat.ecosystem.interpreters import find_interpreters, this_platform
from stackcompat.plan.cell import Cell
from stackcompat.resolve.resolver import Resolver
from stackcompat.run.harness import install_harness
from stackcompat.run.interface import Executor
from stackcompat.run.job import Job
from stackcompat.run.local import LocalExecutor
from stackcompat.run.package_cache import PackageCache
from stackcompat.run.ray_executor import RayExecutor, connect
from support.loopback_index import LoopbackIndex
from support.ray_cluster import RayCluster

SUITE = """
    import pytest

    @pytest.mark.uses("pebbles")
    def test_version():
        import pebbles
        assert pebbles.__version__ == "1.0"

    @pytest.mark.uses("pebbles")
    def test_name():
        import pebbles
        assert pebbles.__name__ == "pebbles"
    """


def main() -> int:
    """Measure, print and write; the exit code."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cells", type=int, default=12, help="cells of each executor")
    options.add_argument("--write", type=Path, help="write the table into this page")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="ray-overhead-") as name:
        text = _measure(Path(name), given.cells)
    print(text)
    if given.write:
        write_block(given.write, "ray", text)
    return 0


def _measure(folder: Path, cells: int) -> str:
    cache = PackageCache(folder / "here", uv.find_uv_bin())
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    interpreters = find_interpreters([python])
    harness = install_harness(cache, python, interpreters[python].path)
    tests = folder / "tests"
    tests.mkdir()
    (tests / "test_pebbles.py").write_text(textwrap.dedent(SUITE), encoding="utf-8")
    with LoopbackIndex() as index:
        index.add("pebbles", "1.0")
        os.environ.update(UV_DEFAULT_INDEX=index.address, NO_PROXY="127.0.0.1", RAY_USAGE_STATS_ENABLED="0")
        cell = Cell(python=python, platform=this_platform(), requirements=("pebbles==1.0",))
        paths = {python: interpreters[python].path}
        lock = Resolver(cache.packages, paths, cache.uv, cache.wheel, cache.in_use).resolve(cell).lock
        assert lock is not None
        job = Job(
            folder=cache.environments / f"{os.getpid()}-bench",
            lock=lock,
            interpreter=interpreters[python].path,
            requirements=cell.requirements,
            imports=(ImportedModule(distribution="pebbles", module="pebbles"),),
            level="interop",
            suite=tests,
            files=("test_pebbles.py",),
            cache=cache.root,
            uv=cache.uv,
        )
        with RayCluster(folder / "cluster.log", os.environ) as cluster:
            cluster.add({"STACKCOMPAT_CACHE": str(folder / "node")})
            os.environ["RAY_ADDRESS"] = cluster.address
            began = time.monotonic()
            connect(None)
            joined = time.monotonic() - began
            ray = RayExecutor(interpreters, lambda _: harness)
            try:
                return _compare({"local": LocalExecutor(cache, 1), "ray": ray}, job, cells, joined)
            finally:
                ray.close()


def _compare(executors: dict[str, Executor], job: Job, cells: int, joined: float) -> str:
    took: dict[str, list[float]] = {name: [] for name in executors}
    for number in range(cells + 1):
        order = list(executors) if number % 2 == 0 else list(reversed(executors))
        for name in order:
            began = time.monotonic()
            result = executors[name].run(job)
            took[name].append(time.monotonic() - began)
            assert (result.outcome, {test.outcome for test in result.tests}) == ("ran", {"passed"}), result
    rows = [
        [name, f"{times[0]:.2f}", *(f"{pick(times[1:]):.2f}" for pick in (statistics.median, min, max))]
        for name, times in took.items()
    ]
    more = [ray - local for local, ray in zip(took["local"][1:], took["ray"][1:], strict=True)]
    pairs = f"median of {len(more)} pairs; {min(more):.2f} to {max(more):.2f}"
    return "\n".join(
        [
            f"{cells} cells of each, in turn, on {machine()}, load {os.getloadavg()[0]:.0f}; seconds of a cell:",
            "",
            table(["executor", "first cell", "median", "least", "most"], rows),
            "",
            f"A cell took {statistics.median(more):.2f} s more on the cluster than on this machine ({pairs}).",
            f"To join the cluster took {joined:.1f} s, once a command.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
