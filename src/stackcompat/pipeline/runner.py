"""What every stage that runs cells needs: components, store, cache, interpreters and executor."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from stackcompat.core.record import digest
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.ecosystem.releases import Catalog
from stackcompat.ecosystem.suite import Suite
from stackcompat.evidence.results import evidence_key
from stackcompat.evidence.store import Store
from stackcompat.pipeline.progress import Reporter
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock
from stackcompat.resolve.resolver import Resolver
from stackcompat.run.executor import Executor
from stackcompat.run.job import Job, Limits
from stackcompat.run.package_cache import PackageCache
from stackcompat.run.sandbox import PLUGIN

__all__ = ["BulkCatalog", "Runner"]


class BulkCatalog(Catalog, Protocol):
    """A catalog that can be asked for many projects at once."""

    def prefetch(self, names: Iterable[str]) -> None:
        """Ask for them."""
        ...


class Runner:
    """What a campaign works with: store, package cache, interpreters, resolver, executor, suite."""

    def __init__(
        self,
        *,
        components: Components,
        store: Store,
        cache: PackageCache,
        interpreters: Mapping[str, Interpreter],
        executor: Executor,
        suite: Path,
        limits: Limits | None = None,
    ) -> None:
        self.components = components
        self.store = store
        self.cache = cache
        self.interpreters = interpreters
        self.executor = executor
        self.suite = Suite(suite, PLUGIN.read_bytes())
        self.limits = limits or Limits()
        paths = {python: interpreter.path for python, interpreter in interpreters.items()}
        self.resolver = Resolver(cache.packages, paths, cache.uv, cache.wheel, cache.in_use)

    def prepare(self, cells: Iterable[tuple[Cell, Lock]], level: Level, reporter: Reporter) -> None:
        """Find out what must be known before `cells` can be planned: nothing, for the smoke tests."""

    def tells_nothing(self, cell: Cell, lock: Lock, level: Level, test: str) -> str:  # noqa: ARG002  (for benches that know)
        """Why running `test` in `lock` would tell nothing, if that is known beforehand; else empty."""
        return ""

    def key(self, cell: Cell, lock: Lock, level: Level, tests: tuple[str, ...] = ()) -> str:
        """The address of the evidence on `lock`: of `tests` alone if there are any, else of all."""
        roots = tuple(sorted(set(cell.roots()) & lock.versions().keys()))
        imports = self.components.imports(lock.versions(), roots)
        return evidence_key(
            lock_id=lock.id,
            roots=roots,
            interpreter=self.interpreters[cell.python].label,
            platform=cell.platform,
            suite=digest(
                self.suite.digest(lock.versions(), thorough=cell.thorough),
                imports,
                cell.thorough,
                *([sorted(tests)] if tests else ()),
            ),
            level=level,
        )

    def job(self, cell: Cell, lock: Lock, level: Level, tests: tuple[str, ...]) -> Job:
        """The job that runs `tests` (all if none) of `lock`."""
        versions, roots = lock.versions(), cell.roots()
        return Job(
            folder=self.cache.environments / f"{os.getpid()}-{cell.id}-{threading.get_ident()}",
            lock=lock,
            interpreter=self.interpreters[cell.python].path,
            requirements=cell.requirements,
            forced=cell.overrides,
            development=cell.development,
            index=cell.index,
            imports=self.components.imports(versions, roots),
            guesses=self.components.guesses(versions, roots),
            level=level,
            thorough=cell.thorough,
            tests=tests,
            suite=self.suite.folder,
            files=self.suite.files(versions, thorough=cell.thorough),
            cache=self.cache.root,
            uv=self.cache.uv,
            limits=_limits(self.limits, self.components, versions),
        )


def _limits(limits: Limits, components: Components, installed: Collection[str]) -> Limits:
    """What the components that are installed want; `limits` where none of them says, and never less time than that."""
    here = [row for row in components.components if row.distribution in installed]
    longest = max((row.seconds for row in here), default=0.0)
    return Limits(
        seconds=max(limits.seconds, 10 * longest),
        memory_mb=max((row.memory_mb for row in here if row.memory_mb is not None), default=limits.memory_mb),
        of_tests={row.distribution: row.seconds for row in here},
    )
