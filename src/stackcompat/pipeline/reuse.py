"""The results of other cells that hold in a cell: which they are, and what a run of a cell shows for others.

A result depends on the test and its surroundings outside of the environment, which its *context* names, and on what the
test was seen to load in the environment (:mod:`stackcompat.evidence.reuse`). Only results of tests that really ran are
kept for other cells: a reused result is never the source of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from stackcompat.core.dates import now
from stackcompat.core.record import digest
from stackcompat.core.vocabulary import LEVELS
from stackcompat.evidence.closure import Closure, Surface, joined
from stackcompat.evidence.known import KnownResult, KnownTests, Sighting
from stackcompat.evidence.results import CellResult, Evidence, Reused, TestResult
from stackcompat.evidence.reuse import Condition, fingerprint, may_overlap, surface_id, surfaces_in
from stackcompat.evidence.runs import PlannedCell
from stackcompat.evidence.sweep import is_whole
from stackcompat.pipeline.runner import Reuse, Runner
from stackcompat.resolve.lock import Lock
from stackcompat.run.job import Job
from stackcompat.verdict.infrastructure import is_infrastructure
from stackcompat.verdict.signature import failed_alike

__all__ = ["Known", "keep_for_others", "recall", "with_known"]


@dataclass(frozen=True)
class Known:
    """The results of other cells that hold in a cell.

    Attributes:
        results: The results, by test.
        tests: All tests that the cell has, in the order of their results; empty if that is not known.
        conditions: Under which conditions the results hold, if releases of the lock were never installed before.
        sure: Whether the lock is known to install as it should: each release was installed before, and no two of them
            can have the same file.
    """

    results: Mapping[str, TestResult]
    tests: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    sure: bool = False

    def of(self, tests: Iterable[str]) -> Iterator[TestResult]:
        """The results of some tests, each once; with that of a whole sweep those of the modules that it lost."""
        names = (name for test in tests for name in (test, *self.results[test].lost))
        yield from map(self.results.__getitem__, dict.fromkeys(names))

    @property
    def is_whole(self) -> bool:
        """Whether the result of every test of the cell is known, so that no environment is needed."""
        return self.sure and bool(self.tests) and all(test in self.results for test in self.tests)

    def skipping(self, job: Job) -> Job:
        """`job` without the tests whose results are known. Those that failed to import still block others."""
        imports = [one for one in self.results.values() if one.level == "import" and one.modules is None]
        failed = [result for result in imports if result.outcome == "failed"]
        limits = {result.test: result.reason if _is_limit(result) else "" for result in failed}
        update = {"skip": tuple(sorted(self.results)), "conditions": self.conditions, "unimportable": limits}
        return job.model_copy(update=update)


def recall(planned: PlannedCell, job: Job, runner: Runner, reuse: Reuse) -> Known:
    """The results of other cells that hold in a cell.

    Args:
        planned: The cell, which has a lock.
        job: The job that would run it.
        runner: The runner that would run the job.
        reuse: Which results are reused.
    """
    if not _can_reuse(job):
        return Known({})
    contexts = _Contexts(planned, job, runner)
    surfaces = surfaces_in(job.lock, runner.store.surfaces([surface_id(pin, job.lock) for pin in job.lock.pins]))
    new = tuple(pin.name for pin in job.lock.pins if pin.name not in surfaces)
    # A release that was never installed before is taken to reach no test. Once it is installed, that is checked.
    hoped = surfaces | dict.fromkeys(new, Surface())
    fingerprint_of = cache(lambda closure: fingerprint(closure, job.lock, hoped, reuse.without))
    found = [
        one
        for one in runner.store.recall(sorted(set(contexts.of_files.values())), fingerprint_of)
        if one.result.memory_mb <= job.limits.memory_mb
        and (not job.tests or one.result.test in job.tests)
        and _is_young(one.result, reuse)
    ]
    known = {one.result.test: one for one in found if one.imports == contexts.of_imports(one.result)}
    # What a limit keeps from running is known only together with the limit.
    limits = {test for test, one in known.items() if one.result.outcome == "failed"}
    known |= {one.result.test: one for one in found if one.result.level != "import" and one.imports in limits}
    known = _without_parts(known)
    tests = runner.store.recall_tests(contexts.of_choice, fingerprint_of)
    return Known(
        {test: one.result for test, one in known.items()},
        tests.tests if tests is not None else (),
        _conditions(known.values(), new),
        sure=not new and not may_overlap(surfaces.values()),
    )


def _without_parts(known: Mapping[str, KnownResult]) -> dict[str, KnownResult]:
    """The known results without those of sweeps of which not all is known."""
    sweeps = {test: one for test, one in known.items() if one.result.modules is not None}
    wholes = [one.result for one in sweeps.values() if is_whole(one.result) and set(one.result.lost) <= sweeps.keys()]
    complete = {test for whole in wholes for test in (whole.test, *whole.lost)}
    return {test: one for test, one in known.items() if test not in sweeps or test in complete}


def _conditions(known: Iterable[KnownResult], releases: tuple[str, ...]) -> tuple[Condition, ...]:
    """Under which conditions results hold in a lock with `releases` that were never installed before."""
    tests: dict[Closure, list[str]] = {}
    for one in known if releases else ():
        tests.setdefault(one.closure, []).append(one.result.test)
    return tuple(
        Condition(closure=closure, tests=tuple(sorted(of_closure)), releases=releases)
        for closure, of_closure in tests.items()
    )


def with_known(result: CellResult | None, known: Known) -> CellResult:
    """The result of a run, with the results of the tests that were skipped because they were known.

    Args:
        result: The result of the run; None if nothing was run, since every result was known.
        known: The results of other cells.
    """
    if result is None:
        return CellResult(outcome="ran", started=now(), seconds=0.0, tests=tuple(known.of(known.tests)))
    skipped = list(known.of(test for test in result.skipped if test in known.results))
    if not skipped:
        return result
    # The order is that of a run of all tests, because a sentence names the first of several failures.
    places = {test: place for place, test in enumerate(known.tests)}
    tests = sorted(
        [*skipped, *result.tests],
        key=lambda one: (places.get(one.test, len(places)), one.modules is not None, LEVELS.index(one.level)),
    )
    return result.model_copy(update={"tests": tuple(tests)})


def keep_for_others(planned: PlannedCell, job: Job, result: CellResult, evidence: Evidence, runner: Runner) -> None:
    """Keep what a run showed for other cells.

    Args:
        planned: The cell.
        job: The job that was run.
        result: Its result.
        evidence: The record of the run.
        runner: The runner that ran the job.
    """
    if result.outcome != "ran" or not result.closures or not _can_reuse(job):
        return
    surfaces = {
        surface_id(pin, job.lock): result.surfaces[pin.name] for pin in job.lock.pins if pin.name in result.surfaces
    }
    fingerprint_of = cache(lambda closure: fingerprint(closure, job.lock, result.surfaces))
    contexts = _Contexts(planned, job, runner)
    closures = _Closures(result, job.lock)
    cell = planned.cell
    source = Reused(
        evidence=evidence.id,
        cell=cell.id,
        label=cell.label,
        lock_id=evidence.lock_id,
        seen=evidence.started,
        runs=1,
    )
    sightings = []
    for one in result.tests:
        closure = closures.of(one)
        context = contexts.of_files.get(_file(one.test))
        if context is None or closure is None or not _is_telling(one):
            continue
        sighting = Sighting(
            context=context,
            imports=contexts.of_imports(one) or closures.limit_of(one),
            closure=closure,
            fingerprint=fingerprint_of(closure),
            started=result.started,
            result=one.model_copy(update={"closure": None}),
            source=source,
        )
        if sighting.fingerprint:
            sightings.append(sighting)
    tests = None
    if job.tests == planned.tests:
        closure = closures.smallest
        tests = KnownTests(
            context=contexts.of_choice,
            closure=closure,
            fingerprint=fingerprint_of(closure),
            started=result.started,
            # Which modules a sweep loses is its result, and no choice.
            tests=tuple(one.test for one in evidence.tests if one.modules is None or is_whole(one)),
        )
    runner.store.learn(surfaces, sightings, tests if tests and tests.fingerprint else None, failed_alike)


def _can_reuse(job: Job) -> bool:
    """Whether the tests of a job are of a kind whose results hold in other locks.

    Tests that write or read artifacts depend on other environments. Tests that a release ships are not watched.
    """
    return job.exchange is None and not job.upstream


def _is_telling(result: TestResult) -> bool:
    """Whether a result can hold in other locks: a pass, a failure that is the test's own, or a skip."""
    kind = result.outcome in ("passed", "failed", "not-applicable") and not is_infrastructure(result)
    return kind and result.reused is None and not result.artifact and result.level not in ("exchange", "upstream")


def _is_young(result: TestResult, reuse: Reuse) -> bool:
    """Whether a result was seen recently enough to be reused."""
    return reuse.since is None or (result.reused is not None and result.reused.seen >= reuse.since)


def _is_limit(result: TestResult) -> bool:
    """Whether the test of an import showed a limit of a release, so that tests that need the module do not apply."""
    return bool(result.feature and result.failure is not None and result.failure.undeclared)


def _file(test: str) -> str:
    return test.partition("::")[0]


class _Contexts:
    """The addresses of all that the results of a cell depend on outside of its environment.

    Args:
        planned: The cell.
        job: The job that runs it.
        runner: The runner that runs the job.
    """

    def __init__(self, planned: PlannedCell, job: Job, runner: Runner) -> None:
        self._job = job
        self._installed = job.lock.versions()
        self._digests = runner.suite.digests(job.files)
        self._tests = planned.tests
        self._machine = digest(
            runner.interpreters[planned.cell.python].label,
            planned.cell.platform,
            runner.hardware.label,
            runner.hardware.variables,
            job.wrappers,
            job.distributions,
            job.modules,
            job.looks_for,
        )

    @cached_property
    def of_files(self) -> dict[str, str]:
        """The context of the tests of each file."""
        return {path: digest("context", self._machine, code) for path, code in self._digests.items()}

    @cached_property
    def of_choice(self) -> str:
        """The context of the choice of tests."""
        imports = [self._entry(name) for name in sorted({entry.distribution for entry in self._job.imports})]
        guesses = [[name, self._installed.get(name, "")] for name in self._job.guesses]
        job = self._job
        choice = [job.level, job.thorough, sorted(self._tests), imports, guesses, job.sweeps]
        return digest("tests", self._machine, self._digests, *choice)

    def of_imports(self, result: TestResult) -> str:
        """The address of the modules that a test of an import can be about; empty for other tests."""
        if result.level != "import":
            return ""
        entries = [self._entry(name) for name in result.components]
        if result.modules is None:
            return digest("imports", entries)
        return digest("sweep", entries, [one for one in self._job.sweeps if one.distribution in result.components])

    def _entry(self, distribution: str) -> list[object]:
        """What the job says of the modules of a distribution, and which of their companions are installed."""
        entries = [entry for entry in self._job.imports if entry.distribution == distribution]
        companions = {name: name in self._installed for entry in entries for name in entry.requires}
        return [distribution, entries, companions, distribution in self._job.guesses]


class _Closures:
    """What the tests of a run depend on inside of its environment.

    Args:
        result: The result of the run.
        lock: Its lock.
    """

    def __init__(self, result: CellResult, lock: Lock) -> None:
        self._closures = result.closures
        self._installed = lock.versions()
        self._limits = {one.reason: one for one in result.tests if one.level == "import" and _is_limit(one)}

    def of(self, result: TestResult) -> Closure | None:
        """The closure of a test; None if it is not known.

        Whether a test runs depends on the distributions that its marks name, whatever it loads. A test that does not
        apply by its marks loads nothing. If it does not apply because of a limit, it depends on what the test of that
        import loaded.
        """
        if result.closure is None and result.outcome != "not-applicable":
            return None
        closure = self._closures[result.closure] if result.closure is not None else Closure()
        limit = self._limit(result)
        if limit is not None:
            if limit.closure is None:
                return None
            closure = joined(closure, self._closures[limit.closure])
        present = [name for name in result.components if name in self._installed]
        missing = [name for name in result.components if name not in self._installed]
        # Another distribution that has the modules of a missing one would stand in for it.
        modules = [name.replace("-", "_") for name in missing]
        return joined(closure, Closure(distributions=tuple(present), unknown=tuple(missing), absent=tuple(modules)))

    def limit_of(self, result: TestResult) -> str:
        """The test that showed the limit that keeps a test from running; empty if none does."""
        limit = self._limit(result)
        return limit.test if limit is not None else ""

    def _limit(self, result: TestResult) -> TestResult | None:
        return self._limits.get(result.reason) if result.outcome == "not-applicable" else None

    @property
    def smallest(self) -> Closure:
        """The closure that no other is smaller than: all that was loaded before the first test is part of it."""
        return min(self._closures, key=lambda closure: (bool(closure.whole), len(closure.distributions)))
