"""Run the tests that releases ship themselves: first their baselines, then the tests that count in each cell.

The baseline of a release shows what its own tests do in the environment of its own time. It is run once for each
release, Python and platform. A search for a culprit wants a single test. Then the baseline has this test only, unless
the whole baseline is known already. The evidence of a baseline is in the store, like that of other cells. The tests of
an sdist are unpacked to the cache and are unpacked again if they are missing.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from filelock import FileLock

from stackcompat.core.dates import end_of_day
from stackcompat.core.errors import StackcompatError
from stackcompat.core.record import digest
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.components import Upstream
from stackcompat.ecosystem.sdist import unpack
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.baselines import lock_past_cells, run_in_own_time
from stackcompat.pipeline.cells import run_until_judged
from stackcompat.pipeline.runner import BulkCatalog, JobTransform, Runner
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock, Resolution
from stackcompat.run.job import Job, ShippedTests, own_prefix
from stackcompat.verdict.baseline import baseline_cell
from stackcompat.verdict.retry import needs_run
from stackcompat.verdict.upstream import Baseline, own_tests, read_baseline

__all__ = ["Archives", "OwnTests"]

LEVEL: Level = "upstream"


class Archives(BulkCatalog, Protocol):
    """An index that has the source archives of releases."""

    def sdist(self, name: str, version: str) -> bytes:
        """The bytes of a release's sdist; empty if the index has none."""
        ...


class _Release(NamedTuple):
    """A release that ships tests, and which of its files are its tests."""

    distribution: str
    version: str
    chosen: Upstream


class _BaselineQuestion(NamedTuple):
    """The question that one baseline answers: what the own `tests` of a release do on one Python and platform.

    Without `tests`, the question is about all own tests of the release.
    """

    distribution: str
    version: str
    python: str
    platform: str
    tests: tuple[str, ...] = ()


class OwnTests(JobTransform):
    """Makes the jobs of the level ``upstream`` run the own tests of the installed releases, too.

    Each baseline is read once and remembered for all cells.
    """

    def __init__(self, archives: Archives) -> None:
        self._archives = archives
        self._known: dict[_BaselineQuestion, Baseline] = {}
        self._guard = threading.RLock()

    def prepare(self, cells: Iterable[tuple[Cell, Lock]], level: Level, runner: Runner) -> None:
        """Run the baselines that cells need and that are not known yet, as many at once as the executor has workers."""
        if level == LEVEL:
            self._run_baselines(cells, (), runner)

    def pointless(self, cell: Cell, lock: Lock, level: Level, test: str, runner: Runner) -> str:
        """Why a run of a release's own test would show nothing, or empty.

        The reasons: it did not pass in the baseline, its needs or its release are not installed, or it does not exist.
        """
        if level != LEVEL:
            return ""
        for own in self._counted(cell, lock, (test,), runner):
            if test in (own.tests or ()):
                return ""
            return own.left_out.get(test) or own.left_out.get(own.prefix) or "the release does not ship this test"
        return "the release that ships this test is not installed"

    def key(self, key: str, cell: Cell, lock: Lock, level: Level, tests: tuple[str, ...], runner: Runner) -> str:
        """The key of the evidence. At the level ``upstream`` it depends on the own tests that count."""
        if level != LEVEL:
            return key
        counted = self._counted(cell, lock, tests, runner)
        return digest(key, [own.model_dump(mode="json", exclude={"folder"}) for own in counted])

    def job(self, job: Job, planned: PlannedCell, runner: Runner) -> Job:
        """The job. At the level ``upstream`` it also runs the own tests that count."""
        if job.level != LEVEL:
            return job
        return _with_own_tests(job, tuple(self._counted(planned.cell, job.lock, job.tests, runner)))

    def _counted(self, cell: Cell, lock: Lock, tests: tuple[str, ...], runner: Runner) -> Iterator[ShippedTests]:
        """The own tests that count in a cell, for each of its releases. Baselines that are not known yet are run.

        If there are `tests`, all other tests are left out.
        """
        with self._guard:
            self._run_baselines([(cell, lock)], tests, runner.quiet())
        for release in _releases_with_tests(lock, tests, runner):
            baseline = self._known.get(self._question(cell, release, tests), Baseline())
            own = own_tests(release.distribution, release.chosen, lock.versions(), baseline)
            folder = self._folder(release, runner) if own.tests else None
            yield _only_of(own, tests).model_copy(update={"folder": folder})

    def _run_baselines(self, cells: Iterable[tuple[Cell, Lock]], tests: tuple[str, ...], runner: Runner) -> None:
        """Run the baselines that cells need and that are not known yet. If there are `tests`, only these are run."""
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
                wanted[question] = baseline_cell(
                    question.distribution,
                    release.version,
                    chosen.requires,
                    end_of_day(release.uploaded),
                    python=question.python,
                    platform=question.platform,
                    thorough=False,
                )
        resolutions = lock_past_cells(list(wanted.values()), runner)
        planned = {
            question: _plan_baseline(question, cell, resolutions[cell.id], due[question], runner)
            for question, cell in wanted.items()
        }

        def run(question: _BaselineQuestion) -> str:
            release = _Release(question.distribution, question.version, due[question])
            baseline = self._known[question] = self._run_baseline(planned[question], release, runner)
            return baseline.absent or f"{len(baseline.passed)} passed, {len(baseline.left_out)} do not count"

        run_in_own_time(planned, run, runner)

    def _run_baseline(self, planned: PlannedCell, release: _Release, runner: Runner) -> Baseline:
        """The baseline of a release. Its cell is run if the evidence is not decisive yet."""
        try:
            folder = self._folder(release, runner)
        except StackcompatError as error:
            return Baseline(absent=f"no baseline: {error}")
        if not planned.key:
            return read_baseline(planned, ())
        earlier = runner.store.of_key(planned.key)
        if needs_run(earlier):
            own = ShippedTests(distribution=release.distribution, chosen=release.chosen, folder=folder)
            run_until_judged(planned, earlier, runner.using(_BaselineTests(own)), LEVEL)
        return read_baseline(planned, runner.store.of_key(planned.key))

    def _question(self, cell: Cell, release: _Release, tests: tuple[str, ...]) -> _BaselineQuestion:
        """The question for a release's baseline: about all its tests if that baseline is known, else about `tests`."""
        whole = _BaselineQuestion(release.distribution, release.version, cell.python, cell.platform)
        return whole if whole in self._known else whole._replace(tests=_shipped_by(release.distribution, tests))

    def _folder(self, release: _Release, runner: Runner) -> Path | None:
        """The folder with the unpacked tests of a release's sdist; None if the tests are installed with the wheel.

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
    """Makes the jobs run only the own tests of one release."""

    def __init__(self, own: ShippedTests) -> None:
        self._own = own

    def job(self, job: Job, planned: PlannedCell, runner: Runner) -> Job:  # noqa: ARG002
        """The job, without smoke tests and with the own tests."""
        return _with_own_tests(job.model_copy(update={"files": (), "imports": (), "guesses": ()}), (self._own,))


def _plan_baseline(
    question: _BaselineQuestion, cell: Cell, resolution: Resolution, chosen: Upstream, runner: Runner
) -> PlannedCell:
    """Plan a baseline cell: compute the key of its evidence, which does not depend on the smoke tests.

    If the store has the whole baseline, the key is that of the whole baseline.
    """
    lock = resolution.lock
    if lock is None:
        return PlannedCell(cell=cell, resolution=resolution, tests=question.tests)
    suite = digest(runner.suite.digest(()), chosen)
    whole = runner.key_of_suite(suite, cell, lock, cell.roots(), LEVEL)
    if not question.tests or not needs_run(runner.store.of_key(whole)):
        return PlannedCell(cell=cell, resolution=resolution, key=whole)
    reduced = runner.key_of_suite(digest(suite, question.tests), cell, lock, cell.roots(), LEVEL)
    return PlannedCell(cell=cell, resolution=resolution, key=reduced, tests=question.tests)


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
    """The tests among `tests` that a distribution ships."""
    return tuple(sorted(test for test in tests if test.startswith(own_prefix(distribution))))


def _with_own_tests(job: Job, shipped: tuple[ShippedTests, ...]) -> Job:
    """The job with the own tests of releases added, and with the time that they can take."""
    seconds = job.limits.seconds + sum(own.chosen.seconds for own in shipped)
    limits = job.limits.model_copy(update={"seconds": seconds})
    return job.model_copy(update={"upstream": shipped, "limits": limits})


def _only_of(own: ShippedTests, tests: tuple[str, ...]) -> ShippedTests:
    """`own` reduced to `tests`; unchanged if there are no `tests`.

    So a question has the same key whether the whole baseline is known or only that of `tests`.
    """
    if not tests:
        return own
    left_out = {test: reason for test, reason in own.left_out.items() if test in tests or test == own.prefix}
    return own.model_copy(update={"tests": tuple(sorted({*(own.tests or ())} & {*tests})), "left_out": left_out})
