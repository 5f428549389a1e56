"""The tests that releases ship themselves: their baselines are run, then those that count run in cells.

The baseline of a release is what its own tests do in the environment of its own time, once for each release and Python.
Where a single test is wanted, as in a search for a culprit, the baseline is of that test alone, unless there is the
whole one. The evidence of a baseline is in the store like any other. What is unpacked of an sdist lies in the tool's
cache and can be made again at any time.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from filelock import FileLock

from stackcompat.core.errors import StackcompatError
from stackcompat.core.record import digest
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.components import Upstream
from stackcompat.ecosystem.sdist import unpack
from stackcompat.evidence.results import evidence_key
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.cells import run_until_judged
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.runner import BulkCatalog, JobTransform, Runner
from stackcompat.pipeline.workers import as_completed
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock, Resolution
from stackcompat.run.job import Job, ShippedTests, own_prefix
from stackcompat.verdict.retry import next_run
from stackcompat.verdict.upstream import Baseline, baseline_cell, own_tests, read_baseline

__all__ = ["Archives", "OwnTests"]

LEVEL: Level = "upstream"


class Archives(BulkCatalog, Protocol):
    """An index that has the source archives of releases."""

    def sdist(self, name: str, version: str) -> bytes:
        """The archive of a release; empty where it has none."""
        ...


class _Release(NamedTuple):
    """A release that ships tests, and which of its files hold them."""

    distribution: str
    version: str
    chosen: Upstream


class _BaselineQuestion(NamedTuple):
    """What has one baseline: the `tests` of a release (all if there are none) on one Python and platform."""

    distribution: str
    version: str
    python: str
    platform: str
    tests: tuple[str, ...] = ()


class OwnTests(JobTransform):
    """The jobs of the level ``upstream`` also run the tests that the installed releases ship.

    The baselines that were seen are remembered, so that each is read once for all cells.
    """

    def __init__(self, archives: Archives) -> None:
        self._archives = archives
        self._known: dict[_BaselineQuestion, Baseline] = {}
        self._guard = threading.RLock()

    def prepare(self, cells: Iterable[tuple[Cell, Lock]], level: Level, runner: Runner) -> None:
        """Run the baselines that cells need and that are not known yet, several at once where the executor can."""
        if level == LEVEL:
            self._run_baselines(cells, (), runner)

    def pointless(self, cell: Cell, lock: Lock, level: Level, test: str, runner: Runner) -> str:
        """Why a release's own test could show nothing: it did not pass in the release's own time, or is not there."""
        if level != LEVEL:
            return ""
        for own in self._counted(cell, lock, (test,), runner):
            if test in (own.tests or ()):
                return ""
            return own.left_out.get(test) or own.left_out.get(own.prefix) or "the release does not ship this test"
        return "the release that ships this test is not installed"

    def key(self, key: str, cell: Cell, lock: Lock, level: Level, tests: tuple[str, ...], runner: Runner) -> str:
        """The address of the evidence: at the level ``upstream`` it depends on the releases' own tests that count."""
        if level != LEVEL:
            return key
        counted = self._counted(cell, lock, tests, runner)
        return digest(key, [own.model_dump(mode="json", exclude={"folder"}) for own in counted])

    def job(self, job: Job, planned: PlannedCell, runner: Runner) -> Job:
        """The job, which at the level ``upstream`` also runs the releases' own tests that count."""
        if job.level != LEVEL:
            return job
        return _with_own_tests(job, tuple(self._counted(planned.cell, job.lock, job.tests, runner)))

    def _counted(self, cell: Cell, lock: Lock, tests: tuple[str, ...], runner: Runner) -> Iterator[ShippedTests]:
        """The releases' own tests that count in a cell, of `tests` alone if there are any.

        The baselines that are not known yet are run.
        """
        with self._guard:
            self._run_baselines([(cell, lock)], tests, runner.quiet())
        for release in _releases_with_tests(lock, tests, runner):
            baseline = self._known.get(self._question(cell, release, tests), Baseline())
            own = own_tests(release.distribution, release.chosen, lock.versions(), baseline)
            folder = self._folder(release, runner) if own.tests else None
            yield _only_of(own, tests).model_copy(update={"folder": folder})

    def _run_baselines(self, cells: Iterable[tuple[Cell, Lock]], tests: tuple[str, ...], runner: Runner) -> None:
        """Find out the baselines that cells need and that are not known yet, of `tests` alone if there are any."""
        due = {
            self._question(cell, release, tests): release.chosen
            for cell, lock in cells
            for release in _releases_with_tests(lock, tests, runner)
            if not own_tests(release.distribution, release.chosen, lock.versions(), Baseline()).left_out
        }
        wanted: dict[_BaselineQuestion, Cell] = {}
        for question, chosen in due.items():
            if question in self._known:
                continue
            release = runner.catalog.project(question.distribution).find(question.version)
            if release is None:  # a development version, or one from a file
                self._known[question] = Baseline(absent="no baseline: the index does not have this release")
            else:
                name, _, python, platform, _ = question
                wanted[question] = baseline_cell(name, release, chosen, python, platform)
        resolutions = lock_cells(list(wanted.values()), runner.quiet())
        planned = {
            question: _plan_baseline(question, cell, resolutions[cell.id], due[question], runner)
            for question, cell in wanted.items()
        }
        runner.reporter.stage("baseline", len(planned))

        def run(question: _BaselineQuestion) -> Baseline:
            release = _Release(question.distribution, question.version, due[question])
            return self._run_baseline(planned[question], release, runner)

        for question, baseline in as_completed(list(planned), run, runner.executor):
            self._known[question] = baseline
            words = baseline.absent or f"{len(baseline.passed)} passed, {len(baseline.left_out)} do not count"
            runner.reporter.step(f"{planned[question].cell.label}: {words}")

    def _run_baseline(self, planned: PlannedCell, release: _Release, runner: Runner) -> Baseline:
        """The baseline of a release, whose cell is run if its evidence is not decisive yet."""
        try:
            folder = self._folder(release, runner)
        except StackcompatError as error:
            return Baseline(absent=f"no baseline: {error}")
        if not planned.key:
            return read_baseline(planned, ())
        earlier = runner.store.of_key(planned.key)
        if next_run(earlier, ()) is not None:
            own = ShippedTests(distribution=release.distribution, chosen=release.chosen, folder=folder)
            run_until_judged(planned, earlier, runner.using(_BaselineTests(own)), LEVEL)
        return read_baseline(planned, runner.store.of_key(planned.key))

    def _question(self, cell: Cell, release: _Release, tests: tuple[str, ...]) -> _BaselineQuestion:
        """What the baseline of a release is asked: all tests, unless only `tests` matter and nobody asked for all."""
        whole = _BaselineQuestion(release.distribution, release.version, cell.python, cell.platform)
        return whole if whole in self._known else whole._replace(tests=_shipped_by(release.distribution, tests))

    def _folder(self, release: _Release, runner: Runner) -> Path | None:
        """Where the tests of an sdist are, unpacked when first asked for; None where they are installed.

        Raises:
            StackcompatError: The index has no sdist of the release, or does not answer.
        """
        if release.chosen.archive == "wheel":
            return None
        patterns = (*release.chosen.tests, *release.chosen.beside)
        name = f"{release.distribution}-{release.version}-{digest(patterns, length=8)}"
        folder = runner.cache.root / "upstream" / name
        folder.parent.mkdir(exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.is_dir():
                archive = self._archives.sdist(release.distribution, release.version)
                if not archive:
                    raise StackcompatError(f"{release.distribution} {release.version} has no sdist")
                partial = folder.with_name(f"{folder.name}.partial")
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                unpack(archive, patterns, partial)
                partial.rename(folder)
        return folder


class _BaselineTests(JobTransform):
    """The jobs run nothing but the tests that one release ships."""

    def __init__(self, own: ShippedTests) -> None:
        self._own = own

    def job(self, job: Job, planned: PlannedCell, runner: Runner) -> Job:  # noqa: ARG002
        """The job without any smoke test."""
        return _with_own_tests(job.model_copy(update={"files": (), "imports": (), "guesses": ()}), (self._own,))


def _plan_baseline(
    question: _BaselineQuestion, cell: Cell, resolution: Resolution, chosen: Upstream, runner: Runner
) -> PlannedCell:
    """A baseline cell with the address of its evidence, which does not depend on the smoke tests.

    Where the store has the whole baseline, it is the address of that one.
    """
    lock = resolution.lock
    if lock is None:
        return PlannedCell(cell=cell, resolution=resolution, tests=question.tests)
    suite = digest(runner.suite.digest(()), chosen)

    def key(suite: str) -> str:
        return evidence_key(
            lock_id=lock.id,
            roots=cell.roots(),
            interpreter=runner.interpreters[cell.python].label,
            platform=cell.platform,
            suite=suite,
            level=LEVEL,
        )

    whole = key(suite)
    if not question.tests or next_run(runner.store.of_key(whole), ()) is None:
        return PlannedCell(cell=cell, resolution=resolution, key=whole)
    some = key(digest(suite, question.tests))
    return PlannedCell(cell=cell, resolution=resolution, key=some, tests=question.tests)


def _releases_with_tests(lock: Lock, tests: tuple[str, ...], runner: Runner) -> Iterator[_Release]:
    """The locked releases that ship tests; if there are `tests`, only those that ship any of them."""
    versions = lock.versions()
    for component in runner.components.components:
        version = versions.get(component.distribution)
        chosen = component.ships(version) if version is not None else None
        if version is None or chosen is None:
            continue
        if not tests or _shipped_by(component.distribution, tests):
            yield _Release(component.distribution, version, chosen)


def _shipped_by(distribution: str, tests: Iterable[str]) -> tuple[str, ...]:
    """Those of `tests` that a distribution ships."""
    return tuple(sorted(test for test in tests if test.startswith(own_prefix(distribution))))


def _with_own_tests(job: Job, shipped: tuple[ShippedTests, ...]) -> Job:
    """A job that also runs tests of releases, with the time that they can take."""
    seconds = job.limits.seconds + sum(own.chosen.seconds for own in shipped)
    limits = job.limits.model_copy(update={"seconds": seconds})
    return job.model_copy(update={"upstream": shipped, "limits": limits})


def _only_of(own: ShippedTests, tests: tuple[str, ...]) -> ShippedTests:
    """`own` without anything but `tests`, if there are any.

    So the same question has the same key, whether the whole baseline is known or that of its tests alone.
    """
    if not tests:
        return own
    left_out = {test: reason for test, reason in own.left_out.items() if test in tests or test == own.prefix}
    return own.model_copy(update={"tests": tuple(sorted({*(own.tests or ())} & {*tests})), "left_out": left_out})
