"""Baselines run: a release's own tests in the environment of its own time, once for each release and Python.

Their evidence is in the store like any other. What is unpacked of an sdist lies in the tool's cache and can be made
again at any time.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock

from stackcompat.campaign import Bench, Reporter, Silent, Source, each, lock_cells, settle_cell
from stackcompat.cell import Job, OwnTests
from stackcompat.confirm import next_run
from stackcompat.evidence import PlannedCell, evidence_key
from stackcompat.lock import Lock, Resolution
from stackcompat.matrix import Level, Upstream
from stackcompat.plan import Cell
from stackcompat.record import StackcompatError, digest
from stackcompat.sdist import unpack
from stackcompat.upstream import Baseline, baseline_cell, own_tests, read_baseline

__all__ = ["Archives", "UpstreamBench"]

LEVEL: Level = "upstream"

#: Distribution, version, Python, platform: what has one baseline.
_Release = tuple[str, str, str, str]


class Archives(Source, Protocol):
    """A source that has releases' source archives."""

    def sdist(self, name: str, version: str) -> bytes:
        """The archive; empty where there is none."""
        ...


class UpstreamBench(Bench):
    """A bench whose cells of the level ``upstream`` also run the tests that the installed releases ship."""

    def __init__(self, *, archives: Archives, **bench: Any) -> None:
        super().__init__(**bench)
        self._archives = archives
        self._known: dict[_Release, Baseline] = {}
        self._guard = threading.RLock()

    def prepare(self, cells: Iterable[tuple[Cell, Lock]], level: Level, reporter: Reporter) -> None:
        """Run the baselines that `cells` need and that are not known yet, several at once where the executor can."""
        if level != LEVEL:
            return
        asked = {
            (name, version, cell.python, cell.platform): chosen
            for cell, lock in cells
            for name, version, chosen in self._shipped(lock)
            if not own_tests(name, chosen, lock.versions(), Baseline()).left_out
        }
        due = {what: chosen for what, chosen in asked.items() if what not in self._known}
        wanted: dict[_Release, Cell] = {}
        for what, chosen in due.items():
            name, version, python, platform = what
            release = self._archives.project(name).find(version)
            if release is None:  # a development version, or one from a file
                self._known[what] = Baseline(absent="no baseline: the index does not have this release")
            else:
                wanted[what] = baseline_cell(name, release, chosen, python, platform)
        resolutions = lock_cells(list(wanted.values()), self, self._archives, Silent())
        planned = {what: self._planned(cell, resolutions[cell.id], due[what]) for what, cell in wanted.items()}
        reporter.stage("baseline", len(planned))

        def run(what: _Release) -> Baseline:
            name, version, *_ = what
            cell, chosen = planned[what], due[what]
            try:
                own = OwnTests(distribution=name, chosen=chosen, folder=self._folder(name, version, chosen))
            except StackcompatError as error:
                return Baseline(absent=f"no baseline: {error}")
            if cell.key:
                earlier = self.store.of_key(cell.key)
                if next_run(earlier, ()) is not None:
                    settle_cell(cell, earlier, self, LEVEL, lambda job: _only(job, own))
            return read_baseline(cell, self.store.of_key(cell.key) if cell.key else ())

        for what, baseline in each(list(planned), run, self.executor):
            self._known[what] = baseline
            told = baseline.absent or f"{len(baseline.passed)} passed, {len(baseline.left_out)} do not count"
            reporter.step(f"{planned[what].cell.label}: {told}")

    def key(self, cell: Cell, lock: Lock, level: Level, tests: tuple[str, ...] = ()) -> str:
        """As of any bench; of the level ``upstream`` it also depends on the releases' own tests that count."""
        key = super().key(cell, lock, level, tests)
        if level != LEVEL:
            return key
        return digest(key, [own.model_dump(mode="json", exclude={"folder"}) for own in self._own(cell, lock)])

    def job(self, cell: Cell, lock: Lock, level: Level, tests: tuple[str, ...]) -> Job:
        """As of any bench, with the releases' own tests at the level ``upstream``."""
        job = super().job(cell, lock, level, tests)
        return _with(job, tuple(self._own(cell, lock))) if level == LEVEL and cell.policy != "baseline" else job

    def _shipped(self, lock: Lock) -> Iterator[tuple[str, str, Upstream]]:
        """Distribution, version and chosen tests of what is in `lock` and ships tests."""
        for component in self.components.components:
            version = lock.versions().get(component.distribution)
            chosen = component.ships(version) if version is not None else None
            if version is not None and chosen is not None:
                yield component.distribution, version, chosen

    def _own(self, cell: Cell, lock: Lock) -> Iterator[OwnTests]:
        """The releases' own tests in a cell, with their baselines, which are run if nobody did it before."""
        with self._guard:
            self.prepare([(cell, lock)], LEVEL, Silent())
        for name, version, chosen in self._shipped(lock):
            baseline = self._known.get((name, version, cell.python, cell.platform), Baseline())
            own = own_tests(name, chosen, lock.versions(), baseline)
            folder = self._folder(name, version, chosen) if own.tests else None
            yield own.model_copy(update={"folder": folder})

    def _planned(self, cell: Cell, resolution: Resolution, chosen: Upstream) -> PlannedCell:
        """A baseline cell with the address of its evidence, which does not depend on the smoke tests."""
        key = ""
        if resolution.lock is not None:
            key = evidence_key(
                lock_id=resolution.lock.id,
                roots=cell.roots(),
                interpreter=self.interpreters[cell.python].label,
                platform=cell.platform,
                suite=digest(self.suite.digest(()), chosen),
                level=LEVEL,
            )
        return PlannedCell(cell=cell, resolution=resolution, key=key)

    def _folder(self, name: str, version: str, chosen: Upstream) -> Path | None:
        """Where the tests of an sdist are, unpacked when first asked for; None where they are installed."""
        if chosen.archive == "wheel":
            return None
        patterns = (*chosen.tests, *chosen.beside)
        folder = self.cache.root / "upstream" / f"{name}-{version}-{digest(patterns, length=8)}"
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


def _only(job: Job, own: OwnTests) -> Job:
    """`job` with nothing but `own` to run."""
    return _with(job.model_copy(update={"files": (), "imports": (), "guesses": ()}), (own,))


def _with(job: Job, own: tuple[OwnTests, ...]) -> Job:
    """`job` with the releases' own tests, and with the time that they may take."""
    boxes = sum(each.chosen.seconds for each in own)
    limits = job.limits.model_copy(update={"seconds": job.limits.seconds + boxes})
    return job.model_copy(update={"upstream": own, "limits": limits})
