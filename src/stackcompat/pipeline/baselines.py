"""Baselines of smoke tests: whether a test that fails in a cell ever passed with the releases that it uses there.

What failed is tried with one of these releases at a time, beside the others as they were in the release's own time
(see :mod:`stackcompat.verdict.baseline`). The release that was superseded first is tried first: what was there in its
time is as old as in the red cell or older, so one green run settles all the releases that the test uses. If the test
passes in no release's own time, the releases before them are tried, since a release that breaks on its first day has to
count.

A baseline is a cell like any other. Its runs are kept under one address for each lock, whichever of the tests they had,
and the store remembers which test passed with which release. So no test is tried twice in the same environment, and a
stage that was stopped goes on where it was.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import chain
from typing import NamedTuple, TypeVar

from packaging.utils import canonicalize_name

from stackcompat.core.dates import now
from stackcompat.core.record import digest
from stackcompat.core.requirements import parse_requirement, unbounded
from stackcompat.core.text import counted
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.releases import IndexUnreachable, Release
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.cells import plan_cell, run_once
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.runner import JobTransform, Runner
from stackcompat.pipeline.workers import as_completed
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock, Resolution
from stackcompat.verdict.baseline import baseline_cell, own_time, releases_before, superseded
from stackcompat.verdict.greens import Greens, is_held_against_greens
from stackcompat.verdict.missing import missing_in
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.retry import needs_run

__all__ = ["greens_of", "lock_past_cells", "run_baselines", "run_in_own_time"]

Question = TypeVar("Question")

#: How deep a baseline is run: as deep as any test that needs one.
_LEVEL: Level = "interop"

#: The index can still change what belongs to a moment of this last time.
_RECENT = dt.timedelta(days=7)


# ---------------------------------------------------------------------------------------------------------------------
# Shared with the baselines of releases' own tests
# ---------------------------------------------------------------------------------------------------------------------


def lock_past_cells(cells: Sequence[Cell], runner: Runner) -> dict[str, Resolution]:
    """Resolve the cells of baselines; no progress is shown.

    What a cell of the past resolved to holds for good, so the index is not asked again. A cell of the last days may
    have been resolved before its moment.

    Args:
        cells: The cells.
        runner: Has the index, the resolver and the store.

    Returns:
        The resolutions by cell id.
    """
    known = {}
    for cell in cells:
        is_past = cell.exclude_newer is not None and cell.exclude_newer < now() - _RECENT
        kept = runner.store.kept_resolution(cell.id) if is_past else None
        if kept is not None:
            known[cell.id] = kept.resolution
    due = {cell.id: cell for cell in cells if cell.id not in known}
    return known | lock_cells(list(due.values()), runner.quiet())


def run_in_own_time(planned: Mapping[Question, PlannedCell], run: Callable[[Question], str], runner: Runner) -> None:
    """Run the cells of baselines, several at once where the executor can, as a stage of their own.

    Args:
        planned: The cells, by what they are to answer.
        run: Runs the cell of a question, and says what came of it.
        runner: Says how many run at once, and is told of progress.
    """
    runner.reporter.stage("baseline", len(planned))
    for question, words in as_completed(list(planned), run, runner.executor):
        runner.reporter.step(f"{planned[question].cell.label}: {words}")


# ---------------------------------------------------------------------------------------------------------------------
# What failed
# ---------------------------------------------------------------------------------------------------------------------


class _Step(NamedTuple):
    """One baseline of a failing test: a release of a distribution at a moment of the release's own time.

    Attributes:
        distribution: The distribution.
        release: The release.
        moment: The moment; None stands for today.
        is_installed: Whether the release is the one in the red cell, not one before it.
        beside: What is installed besides: distributions of the red cell that were needed and not declared then.
    """

    distribution: str
    release: Release
    moment: dt.datetime | None
    is_installed: bool
    beside: tuple[str, ...] = ()


class _OwnTime(NamedTuple):
    """The baselines of a distribution that is installed in a red cell.

    Attributes:
        installed: Those of the release that is installed.
        before: Those of releases before it, the last one first.
        end: When the release was superseded; `_NEVER` if it was not yet.
    """

    installed: tuple[_Step, ...]
    before: tuple[_Step, ...]
    end: dt.datetime


_NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass
class _Failing:
    """A test that fails in a cell and whose failure does not count yet.

    Attributes:
        cell: The cell.
        lock: What it was locked to.
        result: The failure.
        tried: The baselines that were tried.
        too_early: A moment at which something that the test uses was too old or not there; None if none is known.
        completed: Baselines that were tried, with what was missing in them.
    """

    cell: Cell
    lock: Lock
    result: TestResult
    tried: set[_Step] = field(default_factory=set)
    too_early: dt.datetime | None = None
    completed: list[_Step] = field(default_factory=list)

    @property
    def installed(self) -> dict[str, str]:
        """Distribution to version in the cell."""
        return self.lock.versions()

    def is_due(self, step: _Step) -> bool:
        """Whether a baseline was not tried, and is not of a time in which the test cannot apply."""
        early = self.too_early is not None and step.moment is not None and step.moment <= self.too_early
        return step not in self.tried and not early

    def in_scope(self, own: _OwnTime) -> tuple[_Step, ...]:
        """The baselines of releases before the installed one that are worth their environments.

        Of what a sweep could not import, much was never importable, so only the release before is tried.
        """
        if self.result.modules is None or not own.before:
            return own.before
        return tuple(step for step in own.before if step.release == own.before[0].release)


def greens_of(runner: Runner) -> Greens:
    """The releases with which each smoke test was seen to pass, by all that the store holds."""
    return Greens(runner.store.green_releases(), runner.components)


def run_baselines(planned: Sequence[PlannedCell], runner: Runner) -> Greens:
    """Run the baselines that the failures of some cells need in order to count.

    Args:
        planned: The cells, whose runs are in the store.
        runner: Runs the baselines, and is told of progress.

    Returns:
        The releases with which each smoke test was seen to pass.
    """
    runner = runner.using(JobTransform())
    own_time_of = cache(partial(_own_time, runner=runner))
    greens = greens_of(runner)
    failing = _failing_tests(planned, runner)
    while failing:
        groups: dict[tuple[str, _Step], list[_Failing]] = {}
        for test in failing:
            step = _next_step(test, greens, own_time_of)
            if step is not None:
                test.tried.add(step)
                groups.setdefault((test.cell.id, step), []).append(test)
        _run_groups([_Group(step, tuple(tests)) for (_, step), tests in groups.items()], runner)
        greens = greens_of(runner)
        failing = list(chain.from_iterable(groups.values()))
    return greens


def _failing_tests(planned: Iterable[PlannedCell], runner: Runner) -> list[_Failing]:
    """The failures that count only with a baseline."""
    cells = {cell.key: cell for cell in planned if cell.key}
    evidence = runner.store.of_keys(cells)
    failing = []
    for key, cell in cells.items():
        lock = cell.resolution.lock
        assert lock is not None  # it has a key
        statuses = classify(evidence.get(key, ()))
        failing += [_Failing(cell.cell, lock, status.result) for status in statuses if is_held_against_greens(status)]
    return failing


def _own_time(name: str, version: str, runner: Runner) -> _OwnTime:
    """The baselines of an installed distribution; none if the index does not answer."""
    try:
        project = runner.catalog.project(name)
    except IndexUnreachable:
        return _OwnTime((), (), _NEVER)
    there = project.find(version)
    installed = [_Step(name, there, moment, True) for moment in own_time(project, there)] if there is not None else []
    before = [
        _Step(name, release, moment, False)
        for release in releases_before(project, version)
        for moment in own_time(project, release)
    ]
    end = superseded(project, there) if there is not None else None
    return _OwnTime(tuple(installed), tuple(before), end or _NEVER)


def _next_step(test: _Failing, greens: Greens, own_time_of: Callable[[str, str], _OwnTime]) -> _Step | None:
    """The next baseline of a test; None if its failure counts, or if no baseline can make it count.

    Of the releases that the test was not seen to pass with, the one that was superseded first decides: a green run in
    its time has all others as old as in the red cell or older, and a run of a later time can never have that one. So
    its baselines come first, then those of the others that lie in its time, then those of the releases before them.

    Args:
        test: The test.
        greens: The releases with which each test was seen to pass.
        own_time_of: The baselines of a distribution that has a version in a cell.
    """
    versions = test.installed
    own_times = [own_time_of(name, versions[name]) for name in greens.unseen(test.result, versions)]
    if not own_times:
        return None
    first = min(own_times, key=lambda own: own.end)
    others = [own for own in own_times if own is not first]
    installed = sorted(chain.from_iterable(own.installed for own in others), key=lambda step: step.release.uploaded)
    before = chain.from_iterable(test.in_scope(own) for own in (first, *others))
    in_its_time = [step for step in (*installed, *before) if step.moment is not None and step.moment < first.end]
    return next(filter(test.is_due, [*test.completed, *first.installed, *in_its_time]), None)


# ---------------------------------------------------------------------------------------------------------------------
# The cells
# ---------------------------------------------------------------------------------------------------------------------


class _Group(NamedTuple):
    """Failing tests of one cell that are tried with the same release at the same moment.

    Attributes:
        step: The release and the moment.
        tests: The tests.
    """

    step: _Step
    tests: tuple[_Failing, ...]

    def cell(self, python: str) -> Cell:
        """The cell with the release, and with whatever else the tests use as it was at that moment.

        What the red cell asks for with extras has them here, too.
        """
        step, red = self.step, self.tests[0].cell
        texts = {parse_requirement(text).name: unbounded(text) for text in red.requirements}
        used = dict.fromkeys(chain.from_iterable(test.result.components for test in self.tests))
        return baseline_cell(
            texts.get(step.distribution, step.distribution),
            step.release.version,
            [*(texts.get(name, name) for name in used if name != step.distribution), *step.beside],
            step.moment,
            python=python,
            platform=red.platform,
        )

    def is_red(self, planned: PlannedCell) -> bool:
        """Whether a baseline is the environment in which the tests failed."""
        return planned.resolution.lock == self.tests[0].lock

    def apart(self) -> list[_Group]:
        """The group split into those tests that use the same distributions; nothing if they all do."""
        parts: dict[tuple[str, ...], list[_Failing]] = {}
        for test in self.tests:
            parts.setdefault(test.result.components, []).append(test)
        return [_Group(self.step, tuple(tests)) for tests in parts.values()] if len(parts) > 1 else []


def _run_groups(groups: Sequence[_Group], runner: Runner) -> None:
    """Run the baselines of groups of tests, as far as they resolve and are not known."""
    planned = _plan(groups, runner)
    apart = [part for group, cell in zip(groups, planned, strict=True) if not cell.key for part in group.apart()]
    pairs = list(zip([*groups, *apart], [*planned, *_plan(apart, runner)], strict=True))
    wanted: dict[str, tuple[PlannedCell, set[str]]] = {}
    for group, cell in pairs:
        if cell.key and not group.is_red(cell):
            _, tests = wanted.setdefault(cell.key, (cell, set()))
            tests.update(test.result.test for test in group.tests)
    evidence = runner.store.of_keys(wanted)
    due = {}
    for key, (cell, tests) in wanted.items():
        untried = _untried(tests, evidence.get(key, ()))
        if untried:
            due[key] = cell.model_copy(update={"tests": untried})

    def run(key: str) -> str:
        return _run_baseline(due[key], len(evidence.get(key, ())), runner)

    if due:
        run_in_own_time(due, run, runner)
    evidence = runner.store.of_keys(wanted)
    for group, cell in pairs:
        runs = evidence.get(cell.key, ())
        _note_too_early(group, cell, runs)
        _note_undeclared(group, cell, runs)


def _note_too_early(group: _Group, planned: PlannedCell, evidence: Sequence[Evidence]) -> None:
    """Note for each test of a group whether the moment was too early for it.

    It was if the index had no release that the test uses, or if the test did not apply to what there was: in the red
    cell it applies to the same release.

    Args:
        group: The tests, which were tried with a release at a moment.
        planned: The cell of that.
        evidence: Its runs.
    """
    moment, conflict = group.step.moment, planned.resolution.conflict
    if moment is None or not group.step.is_installed:
        return
    not_there = conflict is not None and conflict.kind == "not-found" and not group.apart()
    not_applicable = {status.result.test for status in classify(evidence) if status.state == "not-applicable"}
    for test in group.tests:
        if (not_there or test.result.test in not_applicable) and (test.too_early is None or test.too_early < moment):
            test.too_early = moment


def _note_undeclared(group: _Group, planned: PlannedCell, evidence: Sequence[Evidence]) -> None:
    """Note the baselines that are to be run once more with a distribution that was needed and not declared.

    Such a baseline says nothing of the test. Only what the red cell has installed is added.

    Args:
        group: The tests, which were tried with a release at a moment.
        planned: The cell of that.
        evidence: Its runs.
    """
    there = planned.resolution.lock.versions() if planned.resolution.lock is not None else {}
    missing = {}
    for status in classify(evidence):
        failure = status.result.failure
        found = missing_in(failure.message, "module") if failure is not None else None
        if found is not None and found.kind == "module":
            missing[status.result.test] = canonicalize_name(found.owner.partition(".")[0])
    for test in group.tests:
        name = missing.get(test.result.test)
        if name is not None and name in test.installed and name not in there:
            test.completed.append(group.step._replace(beside=(*group.step.beside, name)))


def _plan(groups: Sequence[_Group], runner: Runner) -> list[PlannedCell]:
    """The cell of each group with what it resolved to; without a key if it did not."""
    cells = [group.cell(group.tests[0].cell.python) for group in groups]
    resolutions = lock_past_cells(cells, runner)
    return [
        _with_address(cell, resolutions[cell.id], runner)
        if resolutions[cell.id].lock is not None
        else _on_another_python(group, cell, resolutions[cell.id], runner)
        for group, cell in zip(groups, cells, strict=True)
    ]


def _on_another_python(group: _Group, refused: Cell, refusal: Resolution, runner: Runner) -> PlannedCell:
    """The cell of a group on the newest other Python of this machine on which it resolves.

    Args:
        group: The group.
        refused: Its cell on the Python of the red cell.
        refusal: Why that does not resolve.
        runner: Has the interpreters and the resolver.

    Returns:
        The cell; `refused` if it resolves on no Python, or if another Python would change nothing.
    """
    pythons = runner.interpreters if refusal.conflict is not None and refusal.conflict.kind != "not-found" else ()
    for python in pythons:
        if python != refused.python and group.step.release.supports(python):
            cell = group.cell(python)
            resolution = lock_past_cells([cell], runner)[cell.id]
            if resolution.lock is not None:
                return _with_address(cell, resolution, runner)
    return PlannedCell(cell=refused, resolution=refusal)


def _with_address(cell: Cell, resolution: Resolution, runner: Runner) -> PlannedCell:
    """A baseline cell with the address of its evidence, which is the same whichever tests run there."""
    planned = plan_cell(cell, resolution, runner, _LEVEL)
    return planned.model_copy(update={"key": digest("baseline", planned.key)})


def _untried(tests: Collection[str], evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """Those of the tests that have no outcome in a baseline yet."""
    if not any(run.outcome == "ran" for run in evidence):
        return tuple(sorted(tests)) if needs_run(evidence) else ()
    tried = {status.result.test for status in classify(evidence) if status.state not in ("infra", "hangs")}
    return tuple(sorted(set(tests) - tried))


def _run_baseline(planned: PlannedCell, runs_before: int, runner: Runner) -> str:
    """Run the tests of a baseline, and once more what infrastructure kept from an outcome; what came of it in words.

    A failure is not confirmed: only what passes in a baseline changes anything.
    """
    runner = runner.reusing(None)
    runs = [run_once(planned, planned.tests, runner, _LEVEL, attempt=runs_before)]
    again = _untried(planned.tests, runs)
    if again:
        runs.append(run_once(planned, again, runner, _LEVEL, attempt=runs_before + 1))
    passed = {result.test for run in runs for result in run.tests if result.outcome == "passed"}
    if not any(run.outcome == "ran" for run in runs):
        return runs[-1].outcome
    return f"{len(passed)} of {counted(len(planned.tests), 'test')} pass"
