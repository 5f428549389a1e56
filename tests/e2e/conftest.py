"""Real chain, small packages: the real index, uv, nox and interpreters, each test with a suite of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uv

from stackcompat.ecosystem.interpreters import Interpreter, find_interpreters, this_platform
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock
from stackcompat.resolve.resolver import Resolver
from stackcompat.run.package_cache import PackageCache
from support.real_cells import CellRunner


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder is end to end."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("e2e")


@pytest.fixture(scope="session")
def interpreters() -> dict[str, Interpreter]:
    """The Pythons of this machine that the project is for."""
    return find_interpreters(["3.11", "3.12", "3.13"])


@pytest.fixture(scope="session")
def python(interpreters: dict[str, Interpreter]) -> str:
    """The Python that most tests use."""
    return next(iter(interpreters))


@pytest.fixture(scope="session", autouse=True)
def cache_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A package cache for this session: what one test downloaded, the next one has."""
    folder = tmp_path_factory.mktemp("cache")
    before = os.environ.get("STACKCOMPAT_CACHE")
    os.environ["STACKCOMPAT_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["STACKCOMPAT_CACHE"]
    else:
        os.environ["STACKCOMPAT_CACHE"] = before


@pytest.fixture(scope="session")
def cache(cache_root: Path) -> PackageCache:
    """The package cache as the engine sees it."""
    return PackageCache(cache_root, uv.find_uv_bin())


@pytest.fixture(scope="session")
def lock_of(cache: PackageCache, interpreters: dict[str, Interpreter]) -> Callable[[tuple[str, ...], str], Lock]:
    """The lock of some requirements on a Python; each is resolved once."""
    known: dict[tuple[tuple[str, ...], str], Lock] = {}

    def lock(requirements: tuple[str, ...], python: str) -> Lock:
        if (requirements, python) not in known:
            cell = Cell(python=python, platform=this_platform(), requirements=requirements)
            resolver = Resolver(cache.packages, {k: v.path for k, v in interpreters.items()}, cache.uv, cache.wheel)
            resolution = resolver.resolve(cell)
            assert resolution.lock is not None, resolution
            known[requirements, python] = resolution.lock
        return known[requirements, python]

    return lock


@pytest.fixture(scope="session")
def runner_in(
    cache: PackageCache,
    interpreters: dict[str, Interpreter],
    lock_of: Callable[[tuple[str, ...], str], Lock],
) -> Callable[[Path], CellRunner]:
    """A runner with its suite in a folder."""
    return lambda folder: CellRunner(cache, interpreters, lock_of, folder)


@pytest.fixture
def runner(runner_in: Callable[[Path], CellRunner], tmp_path: Path) -> CellRunner:
    """A runner for one test."""
    return runner_in(tmp_path)
