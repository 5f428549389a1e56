"""Cells are resolved night after night, by the real uv, against an index that gets further releases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stackcompat.ecosystem.index import PackageIndex
from stackcompat.ecosystem.interpreters import Interpreter, this_platform
from stackcompat.pipeline.locking import lock_cells
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Resolution
from stackcompat.resolve.resolver import Resolver
from stackcompat.run.package_cache import PackageCache
from support.fakes import make_runner
from support.loopback_index import LoopbackIndex


def test_a_leader_comes_in_as_soon_as_its_follower_is_there(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cache: PackageCache,
    interpreters: dict[str, Interpreter],
    python: str,
) -> None:
    """Alpha 2.0 was released with helper 2.0, which came a night later."""
    paths = {name: interpreter.path for name, interpreter in interpreters.items()}
    runner, _, _ = make_runner(tmp_path, lambda job, before: (), {})
    runner = replace(
        runner, interpreters=interpreters, resolver=Resolver(tmp_path / "uv", paths, cache.uv, cache.wheel)
    )
    with LoopbackIndex() as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.address)
        index.add("alpha", "1.0")
        index.add("alpha", "2.0", requires=["helper>=2"])
        index.add("beta", "1.0", requires=["alpha"])

        def night(*requirements: str, newest: tuple[str, ...] = ()) -> Resolution:
            cell = Cell(python=python, platform=this_platform(), requirements=requirements, newest=newest)
            catalog = PackageIndex(tmp_path / "index", index.address)
            found = lock_cells([cell], replace(runner, catalog=catalog))[cell.id]
            catalog.close()
            return found

        first = night("alpha", "beta", newest=("alpha", "beta"))
        assert first.lock is not None
        assert first.lock.versions() == {"alpha": "1.0", "beta": "1.0"}
        assert [(held.name, held.newest) for held in first.held_back] == [("alpha", "2.0")]
        index.add("helper", "2.0")
        second = night("alpha", "beta", newest=("alpha", "beta"))
        assert second.lock is not None
        assert second.lock.versions() == {"alpha": "2.0", "beta": "1.0", "helper": "2.0"}
        assert second.held_back == ()

        index.add("alpha", "3.0", requires=["other>=5"])
        assert night("alpha==3.0", "beta").outcome == "conflict"
        index.add("other", "5.0")
        assert night("alpha==3.0", "beta").outcome == "locked"
    runner.store.close()
