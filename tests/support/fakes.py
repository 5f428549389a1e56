"""Stand-ins for the edges of the engine: an executor that answers from rules, an index that is a table."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import sqlalchemy as sa

from stackcompat.core.vocabulary import LEVELS
from stackcompat.ecosystem.interpreters import Interpreter
from stackcompat.ecosystem.releases import Catalog
from stackcompat.ecosystem.suite import Suite
from stackcompat.evidence.closure import Closure, Surface
from stackcompat.evidence.greens import GreenRelease
from stackcompat.evidence.results import CellResult, Environment, Evidence, TestResult
from stackcompat.evidence.store import Store
from stackcompat.evidence.tables import evidence
from stackcompat.pipeline.runner import BulkCatalog, Runner
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Resolution
from stackcompat.run.job import Job
from stackcompat.run.package_cache import PackageCache
from stackcompat.run.sandbox import plugin_code
from support.made_up import COMPONENTS, make_lock
from support.world import World

Rule = Callable[[Job, int], Iterable[TestResult] | str]


class Catalogue(World):
    """A world with the one more thing that campaigns ask of an index."""

    def prefetch(self, names: Iterable[str]) -> None:
        """Nothing is far away."""
        list(names)


class FakeExecutor:
    """Answers jobs from a rule: (job, how often this lock ran before at this level) to test results, or to an outcome.

    `asked` are all jobs in order. Tests that the job did not choose, or that are too deep for it, are left out of the
    answer. Those that it skips are named. A test with a closure has it from `closures`, and every distribution has the
    `surfaces` that are given.
    """

    closures: tuple[Closure, ...] = ()
    surfaces: Mapping[str, Surface] | None = None

    def __init__(self, rule: Rule, workers: int = 1) -> None:
        self.workers = self.local_workers = workers
        self.asked: list[Job] = []
        self.finished: list[Job] = []
        self.stopped = False
        self._rule = rule
        self._guard = threading.Lock()

    def run(self, job: Job) -> CellResult:
        """See :class:`stackcompat.run.interface.Executor`."""
        with self._guard:
            before = sum((other.lock.id, other.level) == (job.lock.id, job.level) for other in self.asked)
            self.asked.append(job)
        answer = self._rule(job, before)
        known = self.surfaces or {}
        surfaces = {name: known.get(name, Surface(roots=(name,))) for name in job.lock.versions()}
        job = job.settled(surfaces)
        chosen = () if isinstance(answer, str) else tuple(test for test in answer if _is_in(test, job))
        tests = tuple(t for t in chosen if t.test not in job.skip)
        self.finished.append(job)
        return CellResult(
            outcome=answer if isinstance(answer, str) else "ran",
            started=dt.datetime.now(dt.UTC),
            seconds=0.1,
            observed=Environment(distributions=job.lock.versions()),
            tests=tests,
            closures=self.closures,
            surfaces=surfaces,
            skipped=tuple(t.test for t in chosen if t.test in job.skip),
        )

    def stop(self) -> None:
        """See :class:`stackcompat.run.interface.Executor`."""
        self.stopped = True


def _is_in(test: TestResult, job: Job) -> bool:
    """Whether a job runs a test: it chose it, and the test is not too deep for it."""
    is_chosen = not job.tests or test.test in job.tests
    return is_chosen and LEVELS.index(test.level) <= LEVELS.index(job.level)


class FakeResolver:
    """Resolves every cell to what it pins (unpinned: to `newest`), or as `others` say by label."""

    def __init__(self, newest: Mapping[str, str], others: Mapping[str, Resolution] | None = None) -> None:
        self.asked: list[Cell] = []
        self._newest = newest
        self._others = others or {}

    def resolve(self, cell: Cell, catalog: Catalog | None = None) -> Resolution:
        """See :class:`stackcompat.resolve.resolver.Resolver`."""
        self.asked.append(cell)
        if cell.label in self._others:
            return self._others[cell.label]
        pins = dict(text.partition("==")[::2] for text in cell.requirements)
        versions = {name: version or self._newest[name] for name, version in pins.items()}
        component = {c.distribution: c.name for c in COMPONENTS.components}
        known = {component[name]: version for name, version in versions.items() if name in component}
        lock = make_lock(known, cell.python)  # which adds what is beneath the components
        return Resolution(outcome="locked", lock=lock)


class SeenGreenStore(Store):
    """A store by which each test that ran passed with an early release of all that it uses: every failure counts."""

    def green_releases(self) -> tuple[GreenRelease, ...]:
        """See :class:`stackcompat.evidence.store.Store`."""
        with self.engine.connect() as connection:
            records = connection.execute(sa.select(evidence.c.record)).scalars().all()
        results = [result for record in records for result in Evidence.model_validate_json(record).tests]
        return tuple(GreenRelease(result.test, name, "0") for result in results for name in result.components)


#: Stores of runners that a test made; what holds for all tests closes them (see the conftest modules).
OPENED: list[Store] = []


def make_runner(
    folder: Path,
    rule: Rule,
    newest: Mapping[str, str],
    others: Mapping[str, Resolution] | None = None,
    workers: int = 1,
    catalog: BulkCatalog | None = None,
    store: type[Store] = SeenGreenStore,
) -> tuple[Runner, FakeExecutor, FakeResolver]:
    """A silent runner over the made-up components with a store in `folder`, and the fakes in it.

    Args:
        folder: Holds the store, the cache and an empty suite.
        rule: What the executor answers.
        newest: What the resolver takes for a distribution without a pin.
        others: Resolutions by label of the cell, in place of a lock.
        workers: How many jobs the executor runs at once.
        catalog: The index; an empty one unless given.
        store: The kind of store. Unless given, it is one by which every failure counts.
    """
    suite = folder / "suite"
    suite.mkdir(exist_ok=True)
    opened = store(folder / "evidence.sqlite")
    OPENED.append(opened)
    executor, resolver = FakeExecutor(rule, workers), FakeResolver(newest, others)
    runner = Runner(
        components=COMPONENTS,
        catalog=catalog or Catalogue({}),
        store=opened,
        cache=PackageCache(folder / "cache", "no-uv"),
        interpreters={
            python: Interpreter(python=python, version=f"{python}.7", path=Path("/python"))
            for python in ("3.12", "3.13")
        },
        resolver=resolver,  # type: ignore[arg-type]
        executor=executor,
        suite=Suite(suite, plugin_code()),
    )
    return runner, executor, resolver


def make_exchange_runner(runner: Runner, helpers: Path) -> Runner:
    """A runner like `runner` for tests of artifacts in the same suite, which borrows modules of `helpers`."""
    return runner.testing(Suite(runner.suite.folder, runner.suite.plugin, helpers))
