"""Baselines run: a release's own tests in the environment of its own time, once for each release and Python.

Where a single test is asked for, as blame does, the baseline is of that test, unless there is the whole one. Their
evidence is in the store like any other. What is unpacked of an sdist lies in the tool's cache and can be made
again at any time.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from filelock import FileLock

from stackcompat.core.record import StackcompatError, digest
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.components import Upstream
from stackcompat.ecosystem.sdist import unpack
from stackcompat.evidence.results import evidence_key
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.cells import run_until_judged
from stackcompat.pipeline.locking import as_completed, lock_cells
from stackcompat.pipeline.runner import BulkCatalog, JobTransform, Runner
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock, Resolution
from stackcompat.run.job import Job, ShippedTests, own_prefix
from stackcompat.verdict.retry import next_run
from stackcompat.verdict.upstream import Baseline, baseline_cell, own_tests, read_baseline

__all__ = ["Archives", "OwnTests"]

LEVEL: Level = "upstream"


class _BaselineQuestion(NamedTuple):
    """What has one baseline: `tests` of a release, all of them if none."""

    distribution: str
    version: str
    python: str
    platform: str
    tests: tuple[str, ...] = ()


class Archives(BulkCatalog, Protocol):
    """A source that has releases' source archives."""

    def sdist(self, name: str, version: str) -> bytes:
        """The archive; empty where there is none."""
        ...


class OwnTests(JobTransform):
    """The jobs of the level ``upstream`` also run the tests that the installed releases ship.

    It remembers the baselines that it has seen, so that each is read once for all cells. `archives` has the sdists.
    """

    def __init__(self, archives: Archives) -> None:
        self._archives = archives
        self._known: dict[_BaselineQuestion, Baseline] = {}
        self._guard = threading.RLock()

    def prepare(self, cells: Iterable[tuple[Cell, Lock]], level: Level, runner: Runner) -> None:
        """Run the baselines that `cells` need and that are not known yet, several at once where the executor can."""
        if level == LEVEL:
            self._prepare(cells, (), runner)

    def _prepare(self, cells: Iterable[tuple[Cell, Lock]], tests: tuple[str, ...], runner: Runner) -> None:
        asked = {
            self._question(cell, name, version, tests): chosen
            for cell, lock in cells
            for name, version, chosen in _shipped(lock, tests, runner)
            if not own_tests(name, chosen, lock.versions(), Baseline()).left_out
        }
        due = {what: chosen for what, chosen in asked.items() if what not in self._known}
        wanted: dict[_BaselineQuestion, Cell] = {}
        for what, chosen in due.items():
            name, version, python, platform, _ = what
            release = self._archives.project(name).find(version)
            if release is None:  # a development version, or one from a file
                self._known[what] = Baseline(absent="no baseline: the index does not have this release")
            else:
                wanted[what] = baseline_cell(name, release, chosen, python, platform)
        resolutions = lock_cells(list(wanted.values()), runner.quiet())
        planned = {what: _planned(what, cell, resolutions[cell.id], due[what], runner) for what, cell in wanted.items()}
        runner.reporter.stage("baseline", len(planned))

        def run(what: _BaselineQuestion) -> Baseline:
            name, version, *_ = what
            cell, chosen = planned[what], due[what]
            try:
                own = ShippedTests(distribution=name, chosen=chosen, folder=self._folder(name, version, chosen, runner))
            except StackcompatError as error:
                return Baseline(absent=f"no baseline: {error}")
            if cell.key:
                earlier = runner.store.of_key(cell.key)
                if next_run(earlier, ()) is not None:
                    run_until_judged(cell, earlier, runner.using(_BaselineTests(own)), LEVEL)
            return read_baseline(cell, runner.store.of_key(cell.key) if cell.key else ())

        for what, baseline in as_completed(list(planned), run, runner.executor):
            self._known[what] = baseline
            told = baseline.absent or f"{len(baseline.passed)} passed, {len(baseline.left_out)} do not count"
            runner.reporter.step(f"{planned[what].cell.label}: {told}")

    def pointless(self, cell: Cell, lock: Lock, level: Level, test: str, runner: Runner) -> str:
        """Why a release's own `test` could show nothing: it did not pass in the release's own time, or is not there."""
        if level != LEVEL:
            return ""
        for own in self._own(cell, lock, (test,), runner):
            if test in (own.tests or ()):
                return ""
            return own.left_out.get(test) or own.left_out.get(own.prefix) or "the release does not ship this test"
        return "the release that ships this test is not installed"

    def key(self, key: str, cell: Cell, lock: Lock, level: Level, tests: tuple[str, ...], runner: Runner) -> str:
        """The address of the evidence: at the level ``upstream`` it depends on the releases' own tests that count."""
        if level != LEVEL:
            return key
        counted = self._own(cell, lock, tests, runner)
        return digest(key, [own.model_dump(mode="json", exclude={"folder"}) for own in counted])

    def job(self, job: Job, planned: PlannedCell, runner: Runner) -> Job:
        """The job, which at the level ``upstream`` also runs the releases' own tests that count."""
        if job.level != LEVEL:
            return job
        return _with(job, tuple(self._own(planned.cell, job.lock, job.tests, runner)))

    def _question(self, cell: Cell, name: str, version: str, tests: tuple[str, ...]) -> _BaselineQuestion:
        """What the baseline of a release is asked: all, unless only `tests` matter and nobody asked for all."""
        whole = _BaselineQuestion(name, version, cell.python, cell.platform)
        return whole if whole in self._known else whole._replace(tests=_among(tests, name))

    def _own(self, cell: Cell, lock: Lock, tests: tuple[str, ...], runner: Runner) -> Iterator[ShippedTests]:
        """The releases' own tests in a cell, of `tests` alone if there are any; runs the baselines that nobody ran."""
        with self._guard:
            self._prepare([(cell, lock)], tests, runner.quiet())
        for name, version, chosen in _shipped(lock, tests, runner):
            baseline = self._known.get(self._question(cell, name, version, tests), Baseline())
            own = own_tests(name, chosen, lock.versions(), baseline)
            folder = self._folder(name, version, chosen, runner) if own.tests else None
            yield _of(own, tests).model_copy(update={"folder": folder})

    def _folder(self, name: str, version: str, chosen: Upstream, runner: Runner) -> Path | None:
        """Where the tests of an sdist are, unpacked when first asked for; None where they are installed."""
        if chosen.archive == "wheel":
            return None
        patterns = (*chosen.tests, *chosen.beside)
        folder = runner.cache.root / "upstream" / f"{name}-{version}-{digest(patterns, length=8)}"
        folder.parent.mkdir(exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.is_dir():
                archive = self._archives.sdist(name, version)
                if not archive:
                    raise StackcompatError(f"{name} {version} has no sdist")
                partial = folder.with_name(f"{folder.name}.partial")
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                unpack(archive, patterns, partial)
                partial.rename(folder)
        return folder


class _BaselineTests(JobTransform):
    """The jobs run nothing but the tests that a release ships."""

    def __init__(self, own: ShippedTests) -> None:
        self._own = own

    def job(self, job: Job, planned: PlannedCell, runner: Runner) -> Job:  # noqa: ARG002
        """The job without any smoke test."""
        return _with(job.model_copy(update={"files": (), "imports": (), "guesses": ()}), (self._own,))


def _shipped(lock: Lock, tests: tuple[str, ...], runner: Runner) -> Iterator[tuple[str, str, Upstream]]:
    """Distribution, version and chosen tests of what is in `lock` and ships tests, or any of `tests`."""
    for component in runner.components.components:
        version = lock.versions().get(component.distribution)
        chosen = component.ships(version) if version is not None else None
        if version is None or chosen is None:
            continue
        if not tests or _among(tests, component.distribution):
            yield component.distribution, version, chosen


def _planned(
    what: _BaselineQuestion, cell: Cell, resolution: Resolution, chosen: Upstream, runner: Runner
) -> PlannedCell:
    """A baseline cell with the address of its evidence, which does not depend on the smoke tests.

    It is that of the whole baseline where the store has that already.
    """
    planned = PlannedCell(cell=cell, resolution=resolution, key="", tests=what.tests)
    if resolution.lock is None:
        return planned
    suite = digest(runner.suite.digest(()), chosen)

    def key(*asked: object) -> str:
        assert resolution.lock is not None
        return evidence_key(
            lock_id=resolution.lock.id,
            roots=cell.roots(),
            interpreter=runner.interpreters[cell.python].label,
            platform=cell.platform,
            suite=digest(suite, *asked) if asked else suite,
            level=LEVEL,
        )

    whole = key()
    if not what.tests or next_run(runner.store.of_key(whole), ()) is None:
        return planned.model_copy(update={"key": whole, "tests": ()})
    return planned.model_copy(update={"key": key(what.tests)})


def _with(job: Job, own: tuple[ShippedTests, ...]) -> Job:
    """`job` with the releases' own tests, and with the time that they may take."""
    boxes = sum(shipped.chosen.seconds for shipped in own)
    limits = job.limits.model_copy(update={"seconds": job.limits.seconds + boxes})
    return job.model_copy(update={"upstream": own, "limits": limits})


def _among(tests: Iterable[str], distribution: str) -> tuple[str, ...]:
    """Those of `tests` that `distribution` ships."""
    return tuple(sorted(test for test in tests if test.startswith(own_prefix(distribution))))


def _of(own: ShippedTests, tests: tuple[str, ...]) -> ShippedTests:
    """`own` with nothing but `tests` if there are any: such a question has one key, however the baseline is known."""
    if not tests:
        return own
    kept = {test: reason for test, reason in own.left_out.items() if test in tests or test == own.prefix}
    return own.model_copy(update={"tests": tuple(sorted({*(own.tests or ())} & {*tests})), "left_out": kept})
