"""The runner, which every stage that runs cells needs, and the transforms by which the jobs of a stage can differ."""

from __future__ import annotations

import datetime as dt
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
from stackcompat.run.hardware import CPU, Hardware
from stackcompat.run.interface import Executor
from stackcompat.run.job import CellLimits, IsolationChoice, Job
from stackcompat.run.package_cache import PackageCache

__all__ = ["BulkCatalog", "JobTransform", "Reuse", "Runner"]


class BulkCatalog(Catalog, Protocol):
    """A catalog that can be asked for many projects at once."""

    def prefetch(self, names: Iterable[str]) -> None:
        """Read the releases of all `names`, several projects at once."""
        ...


class JobTransform:
    """Changes the jobs of a runner: which tests they run, and which artifacts they write or read.

    The methods of this class change nothing: its jobs run the smoke tests of the suite. A subclass overrides those
    methods in which its jobs differ.
    """

    @property
    def reads(self) -> str:
        """The key of the writer's evidence, if the jobs read artifacts; else empty."""
        return ""

    def prepare(self, cells: Iterable[tuple[Cell, Lock]], level: Level, runner: Runner) -> None:
        """Do the work that is needed before the evidence keys of `cells` can be computed."""

    def pointless(self, cell: Cell, lock: Lock, level: Level, test: str, runner: Runner) -> str:  # noqa: ARG002
        """Why a run of `test` in `lock` would show nothing, if that is known beforehand; else empty."""
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
        """The key of the evidence, made from the key that the same cell has for smoke tests.

        Args:
            key: The key for smoke tests.
            cell: The cell that is run.
            lock: What the cell resolved to.
            level: How deep the cell is run.
            tests: The only tests that are run; empty means all tests.
            runner: The runner that runs the cell.
        """
        return key

    def job(self, job: Job, planned: PlannedCell, runner: Runner) -> Job:  # noqa: ARG002
        """The job of a `planned` cell, made from the `job` that the same cell has for smoke tests."""
        return job


@dataclass(frozen=True)
class Reuse:
    """Which results of other cells are reused in a cell where they hold.

    Attributes:
        without: Distributions whose tests run for real: no result is reused that depends on one of them.
        since: No result is reused that was seen before; None: however old it is.
    """

    without: frozenset[str] = frozenset()
    since: dt.datetime | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Runner:
    """Everything that is needed to run cells. It never changes; its first methods return copies with one difference.

    Attributes:
        components: The components of the ecosystem.
        catalog: The package index.
        store: Keeps evidence, resolutions and runs.
        cache: The packages, harnesses and environments of this machine.
        interpreters: The interpreters that are used, by Python such as ``3.12``.
        resolver: Turns cells into locks.
        executor: Runs jobs.
        suite: The tests that the jobs run.
        reporter: Receives progress.
        limits: The limits of a cell, unless one of its components wants higher ones.
        transform: Changes the jobs.
        hardware: The hardware of this machine.
        isolation: How far cells are closed.
        build: Whether source distributions are built where there is no wheel.
        reuse: Which results of other cells are reused where they hold; None: every test runs for real.
        compiler_cache: Whether the tests use programs that compilers made for other cells.
        leaves_programs: Whether other cells get the programs of trusted cells.
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
    limits: CellLimits = field(default_factory=CellLimits)
    transform: JobTransform = field(default_factory=JobTransform)
    hardware: Hardware = CPU
    isolation: IsolationChoice = "auto"
    build: bool = False
    reuse: Reuse | None = None
    compiler_cache: bool = True
    leaves_programs: bool = True

    def quiet(self) -> Runner:
        """The same runner without progress messages."""
        return self.reporting(Silent())

    def reporting(self, reporter: Reporter) -> Runner:
        """The same runner, which reports progress to `reporter`."""
        return replace(self, reporter=reporter)

    def using(self, transform: JobTransform) -> Runner:
        """The same runner, with jobs that `transform` changes."""
        return replace(self, transform=transform)

    def reusing(self, reuse: Reuse | None) -> Runner:
        """The same runner, which reuses those results of other cells; with None, every test runs for real."""
        return replace(self, reuse=reuse)

    def testing(self, suite: Suite) -> Runner:
        """The same runner for the tests of another `suite`, with unchanged jobs."""
        return replace(self, suite=suite, transform=JobTransform())

    def prepare(self, cells: Iterable[tuple[Cell, Lock]], level: Level) -> None:
        """Do the work that is needed before `cells` can be planned; see :meth:`JobTransform.prepare`."""
        self.transform.prepare(cells, level, self)

    def pointless(self, cell: Cell, lock: Lock, level: Level, test: str) -> str:
        """Why a run of `test` in `lock` would show nothing, or empty; see :meth:`JobTransform.pointless`."""
        return self.transform.pointless(cell, lock, level, test, self)

    def key(self, cell: Cell, lock: Lock, level: Level, tests: tuple[str, ...] = ()) -> str:
        """The key of the evidence on a cell.

        Args:
            cell: The cell.
            lock: What the cell resolved to.
            level: How deep the cell is run.
            tests: The only tests that are run; empty means all tests.

        Returns:
            A content address: the same question has the same key on every machine.
        """
        versions = lock.versions()
        roots = tuple(sorted(set(cell.roots()) & versions.keys()))
        imports, modules = self.components.imports(versions, roots), self.components.modules(versions, roots)
        conditional = [entry for entry in imports if entry.requires or entry.optional or entry.environment]
        incomplete = [sweep for sweep in self.components.sweeps(versions, roots) if sweep.without]
        suite = digest(
            self.suite_digest(cell, lock),
            [(entry.distribution, entry.module) for entry in imports],
            cell.thorough,
            # Most cells have neither. So their keys are those of evidence from before there were such.
            *([conditional, modules] if conditional or modules else ()),
            *([incomplete] if incomplete else ()),
            *([sorted(tests)] if tests else ()),
        )
        return self.transform.key(self.key_of_suite(suite, cell, lock, roots, level), cell, lock, level, tests, self)

    def key_of_suite(self, suite: str, cell: Cell, lock: Lock, roots: tuple[str, ...], level: Level) -> str:
        """The key of the evidence on a cell, by the digest of the tests that run in it.

        Args:
            suite: The digest of the tests.
            cell: The cell.
            lock: What the cell resolved to.
            roots: The distributions that were asked for by name.
            level: How deep the cell is run.
        """
        return evidence_key(
            lock_id=lock.id,
            roots=roots,
            interpreter=self.interpreters[cell.python].label,
            platform=cell.platform,
            suite=suite,
            level=level,
            hardware=self.hardware.label,
            variables=self.hardware.variables,
        )

    def suite_digest(self, cell: Cell, lock: Lock) -> str:
        """The digest of the tests that can apply in a cell."""
        return self.suite.digest(self.components.usable(lock.versions(), cell.roots()), thorough=cell.thorough)

    def job(self, planned: PlannedCell, level: Level, tests: tuple[str, ...] = ()) -> Job:
        """The job that runs `tests` of a locked cell; if there are none, the tests for which the cell is planned."""
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
            sweeps=self.components.sweeps(versions, roots),
            modules=self.components.modules(versions, roots),
            distributions=self.components.distributions_of_modules(),
            level=level,
            thorough=cell.thorough,
            tests=tests or planned.tests,
            suite=self.suite.folder,
            helpers=self.suite.helpers,
            files=self.suite.files(self.components.usable(versions, roots), thorough=cell.thorough),
            wrappers=self.components.wrappers,
            looks_for=self.components.looks_for,
            hardware=self.hardware,
            isolation=self.isolation,
            build=self.build,
            cache=self.cache.root,
            uv=self.cache.uv,
            limits=_limits(self.limits, self.components, versions),
            compilers=self.components.compiler_caches(versions) if self.compiler_cache else {},
            leaves_programs=self.leaves_programs and _is_trusted(cell, lock),
        )
        job = self.transform.job(job, planned, self)
        if job.exchange is None and not job.upstream:
            return job
        # Artifacts shall be made by the compiler of their own environment, and tests that releases ship count what they
        # compile.
        return job.model_copy(update={"compilers": {}})


def _is_trusted(cell: Cell, lock: Lock) -> bool:
    """Whether a cell has nothing but releases of the index, by hash, and none that metadata forbids."""
    strange = cell.index or cell.local or cell.overrides or cell.development
    return not strange and all(pin.hashes and not pin.source for pin in lock.pins)


def _limits(limits: CellLimits, components: Components, installed: Collection[str]) -> CellLimits:
    """The limits of a cell in which the distributions `installed` are installed.

    The time limit is that of `limits`, or ten times the longest time that a component wants for a test if this is more.
    The memory limit is the highest that a component wants, or that of `limits` if none wants any.
    """
    rows = [(name, row) for row in components.components for name in row.present(installed)]
    longest = max((row.seconds for _, row in rows), default=0.0)
    memory = [row.memory_mb for _, row in rows if row.memory_mb is not None]
    return CellLimits(
        seconds=max(limits.seconds, 10 * longest),
        memory_mb=max(memory, default=limits.memory_mb),
        of_tests={name: row.seconds for name, row in rows},
    )
