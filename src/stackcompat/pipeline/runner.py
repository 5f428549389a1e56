"""What every stage that runs cells needs, and what makes the jobs of some stages special."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from stackcompat.core.record import digest
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.ecosystem.releases import Catalog
from stackcompat.ecosystem.suite import Suite
from stackcompat.evidence.results import evidence_key
from stackcompat.evidence.runs import PlannedCell
from stackcompat.evidence.store import Store
from stackcompat.pipeline.progress import Reporter, Silent
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock
from stackcompat.resolve.resolver import Resolver
from stackcompat.run.executor import Executor
from stackcompat.run.job import Job, Limits
from stackcompat.run.package_cache import PackageCache

__all__ = ["BulkCatalog", "JobTransform", "Runner"]


class BulkCatalog(Catalog, Protocol):
    """A catalog that can be asked for many projects at once."""

    def prefetch(self, names: Iterable[str]) -> None:
        """Read the releases of all `names`, several projects at once."""
        ...


class JobTransform:
    """What makes the jobs of a runner special: which tests they run, on which artifacts.

    The methods here change nothing, so that the jobs run the smoke tests of the suite. A subclass overrides those in
    which its jobs differ.
    """

    @property
    def reads(self) -> str:
        """The key of the evidence on the writer whose artifacts the jobs read; empty where they read none."""
        return ""

    def prepare(self, cells: Iterable[tuple[Cell, Lock]], level: Level, runner: Runner) -> None:
        """Find out what must be known before the evidence of `cells` has an address."""

    def pointless(self, cell: Cell, lock: Lock, level: Level, test: str, runner: Runner) -> str:  # noqa: ARG002
        """Why a run of `test` in `lock` could show nothing, if that is known beforehand; else empty."""
        return ""

    def key(
        self,
        key: str,
        cell: Cell,  # noqa: ARG002
        lock: Lock,  # noqa: ARG002
        level: Level,  # noqa: ARG002
        tests: tuple[str, ...],  # noqa: ARG002
        runner: Runner,  # noqa: ARG002
    ) -> str:
        """The address of the evidence, made from the `key` that it has for smoke tests.

        Args:
            key: The address for smoke tests.
            cell: The cell that is run.
            lock: What the cell resolved to.
            level: How deep the cell is run.
            tests: The only tests that are run; all if there are none.
            runner: The runner that runs the cell.
        """
        return key

    def job(self, job: Job, planned: PlannedCell, runner: Runner) -> Job:  # noqa: ARG002
        """The job of a `planned` cell, made from the `job` that it has for smoke tests."""
        return job


@dataclass(frozen=True, kw_only=True, eq=False)
class Runner:
    """What is needed to run cells. It never changes; the methods at its beginning give copies that differ in one thing.

    Attributes:
        components: The components of the checkout.
        catalog: The package index.
        store: Where evidence, resolutions and runs are kept.
        cache: The packages, harnesses and environments of this machine.
        interpreters: The interpreters that are used, by Python such as ``3.12``.
        resolver: Turns cells into locks.
        executor: Runs jobs.
        suite: The tests that the jobs run.
        reporter: Is told of progress.
        limits: What a cell may take where none of its components wants more.
        transform: What makes the jobs special.
    """

    components: Components
    catalog: BulkCatalog
    store: Store
    cache: PackageCache
    interpreters: Mapping[str, Interpreter]
    resolver: Resolver
    executor: Executor
    suite: Suite
    reporter: Reporter = field(default_factory=Silent)
    limits: Limits = field(default_factory=Limits)
    transform: JobTransform = field(default_factory=JobTransform)

    def quiet(self) -> Runner:
        """The same runner, which tells nobody of progress."""
        return self.reporting(Silent())

    def reporting(self, reporter: Reporter) -> Runner:
        """The same runner, which tells `reporter` of progress."""
        return replace(self, reporter=reporter)

    def using(self, transform: JobTransform) -> Runner:
        """The same runner, with jobs that `transform` makes special."""
        return replace(self, transform=transform)

    def testing(self, suite: Suite) -> Runner:
        """The same runner for the tests of another `suite`, with nothing special about its jobs."""
        return replace(self, suite=suite, transform=JobTransform())

    def prepare(self, cells: Iterable[tuple[Cell, Lock]], level: Level) -> None:
        """Find out what must be known before `cells` can be planned; see :meth:`JobTransform.prepare`."""
        self.transform.prepare(cells, level, self)

    def pointless(self, cell: Cell, lock: Lock, level: Level, test: str) -> str:
        """Why a run of `test` in `lock` could show nothing; empty if it could. See :meth:`JobTransform.pointless`."""
        return self.transform.pointless(cell, lock, level, test, self)

    def key(self, cell: Cell, lock: Lock, level: Level, tests: tuple[str, ...] = ()) -> str:
        """The address of the evidence on a cell.

        Args:
            cell: The cell.
            lock: What the cell resolved to.
            level: How deep the cell is run.
            tests: The only tests that are run; all if there are none.

        Returns:
            A content address: the same question has the same address on every machine.
        """
        versions = lock.versions()
        roots = tuple(sorted(set(cell.roots()) & versions.keys()))
        suite = digest(
            self.suite.digest(versions, thorough=cell.thorough),
            self.components.imports(versions, roots),
            cell.thorough,
            *([sorted(tests)] if tests else ()),
        )
        key = evidence_key(
            lock_id=lock.id,
            roots=roots,
            interpreter=self.interpreters[cell.python].label,
            platform=cell.platform,
            suite=suite,
            level=level,
        )
        return self.transform.key(key, cell, lock, level, tests, self)

    def job(self, planned: PlannedCell, level: Level, tests: tuple[str, ...] = ()) -> Job:
        """The job that runs `tests` of a locked cell; without any, those that it is planned for."""
        cell, lock = planned.cell, planned.resolution.lock
        assert lock is not None
        versions, roots = lock.versions(), cell.roots()
        job = Job(
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
            tests=tests or planned.tests,
            suite=self.suite.folder,
            helpers=self.suite.helpers,
            files=self.suite.files(versions, thorough=cell.thorough),
            cache=self.cache.root,
            uv=self.cache.uv,
            limits=_limits(self.limits, self.components, versions),
        )
        return self.transform.job(job, planned, self)


def _limits(limits: Limits, components: Components, installed: Collection[str]) -> Limits:
    """The limits for what is `installed`: what its components want, and `limits` where they want less time or nothing.

    The memory is the most that any of them wants. A cell has the time for ten of its longest tests.
    """
    rows = [row for row in components.components if row.distribution in installed]
    longest = max((row.seconds for row in rows), default=0.0)
    return Limits(
        seconds=max(limits.seconds, 10 * longest),
        memory_mb=max((row.memory_mb for row in rows if row.memory_mb is not None), default=limits.memory_mb),
        of_tests={row.distribution: row.seconds for row in rows},
    )
