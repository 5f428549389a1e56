"""Searches for the culprit of a cell by running real cells. The result is a diagnosis.

Several searches run at once, since each of them asks one question after the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from packaging.utils import canonicalize_name

from stackcompat.blame.cause import which_side_moved
from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.blame.probe import ProbeAnswer, RedCell
from stackcompat.blame.prober import STAGE, Target, drive, run_test, status_of
from stackcompat.blame.result import Culprit, OtherFailure
from stackcompat.blame.search import BUDGET, search, trace_refusal
from stackcompat.core.dates import now
from stackcompat.core.errors import UsageError
from stackcompat.evidence.results import TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.baselines import greens_of
from stackcompat.pipeline.progress import Reporter
from stackcompat.pipeline.runner import Runner
from stackcompat.pipeline.workers import as_completed
from stackcompat.resolve.conflict_core import refused
from stackcompat.resolve.lock import Lock
from stackcompat.verdict.outcomes import why
from stackcompat.verdict.signature import failure_of, leading, same_break
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = ["Inquiry", "PrefixedReporter", "diagnose_cell", "diagnose_cells", "search_each"]

Item = TypeVar("Item")


Result = TypeVar("Result")

#: A set from evidence is no contrast if it differs from the red one in more distributions than this.
_FAR = 8


class Inquiry(NamedTuple):
    """A red cell whose culprit is to be found, and hints for the search.

    Attributes:
        verdict: The verdict on the cell.
        sets: Sets of requirements that somebody publishes as working together.
        about: A part of the message, or of the name, of the test to follow.
    """

    verdict: CellVerdict
    sets: tuple[tuple[str, ...], ...] = ()
    about: str = ""


def diagnose_cell(inquiry: Inquiry, runner: Runner, *, budget: int = BUDGET) -> Diagnosis:
    """Search for the culprit of a cell. In a cell that works, it is the culprit of a broken feature.

    Args:
        inquiry: The cell, and which of its failures to follow.
        runner: Resolves and runs the cells that the search asks for, and reports progress.
        budget: How many environments the search can ask for.

    Raises:
        UsageError: Nothing failed in the cell, or no failure fits the inquiry.
    """
    verdict = inquiry.verdict
    if verdict.verdict == "unresolvable":
        return _diagnose_refusal(verdict, runner.quiet())
    failures = verdict.failures if verdict.verdict == "broken" else verdict.broken_features
    if not failures:
        raise UsageError(f"blame: the cell {verdict.cell.id} is {verdict.verdict}; allowed are broken and unresolvable")
    test = _choose_test(failures, inquiry.about)
    target = Target(verdict.cell, verdict.installed, verdict.lock_id, test)
    known = list(_known_to_pass(target, runner))
    red = RedCell(
        versions=verdict.installed,
        test=test,
        requirements=verdict.cell.requirements,
        python=verdict.cell.python,
        until=verdict.cell.exclude_newer,
        passing=tuple(versions for versions, _ in known),
        working=tuple(versions for versions, works in known if works),
        sets=inquiry.sets,
    )
    runner.catalog.prefetch(red.versions)

    def run(planned: PlannedCell) -> ProbeAnswer:
        return run_test(planned, test, runner)

    steps = search(red, runner.catalog, runner.components, budget)
    result = drive(steps, target, runner, run)
    result = result.model_copy(update={"findings": (*_other_failures(failures, test), *result.findings)})
    moved = which_side_moved(red, result, runner.catalog, runner.components)
    return Diagnosis.of(verdict, test, result, now(), moved=moved)


def diagnose_cells(
    inquiries: Sequence[Inquiry], runner: Runner, *, budget: int = BUDGET, seconds: float | None = None
) -> Iterator[tuple[Inquiry, Diagnosis]]:
    """Search for the culprits of several cells. Each diagnosis is yielded when its search ends.

    Args:
        inquiries: The cells.
        runner: Resolves and runs the cells that the searches ask for. As many searches run at once as it has workers.
        budget: How many environments each search can ask for.
        seconds: No search begins after so many seconds; None: no limit.
    """

    def find(inquiry: Inquiry) -> Diagnosis:
        reporter = PrefixedReporter(runner.reporter, inquiry.verdict.cell.id)
        return diagnose_cell(inquiry, runner.reporting(reporter), budget=budget)

    return search_each(inquiries, find, runner, seconds=seconds)


def search_each(
    items: Sequence[Item], find: Callable[[Item], Result], runner: Runner, *, seconds: float | None
) -> Iterator[tuple[Item, Result]]:
    """Run several searches at once. Each result is yielded when its search ends.

    Args:
        items: What the searches are about.
        find: Runs the search about one item.
        runner: Says how many searches run at once, and reports progress.
        seconds: No search begins after so many seconds; None: no limit.
    """
    runner.reporter.stage(STAGE, None)
    began = time.monotonic()

    def find_in_time(item: Item) -> Result | None:
        is_late = seconds is not None and time.monotonic() - began > seconds
        return None if is_late else find(item)

    for item, result in as_completed(items, find_in_time, runner.executor):
        if result is not None:
            yield item, result


class PrefixedReporter:
    """A reporter for one of several searches: each step names its search."""

    def __init__(self, reporter: Reporter, name: str) -> None:
        self._reporter = reporter
        self._name = name

    def stage(self, title: str, total: int | None) -> None:
        """Does nothing: `search_each` has begun one stage for all searches."""

    def step(self, text: str) -> None:
        """See :class:`~stackcompat.pipeline.progress.Reporter`."""
        self._reporter.step(f"{self._name}: {text}")


def _choose_test(failures: Sequence[TestResult], about: str) -> TestResult:
    """The failing test to follow. With `about`, only tests that have it in their name or message count."""
    fitting = [test for test in failures if about in test.test or about in failure_of(test).message]
    if not fitting:
        names = ", ".join(dict.fromkeys(test.test for test in failures))
        raise UsageError(f'--about: no failing test has "{about}" in its name or message; those that fail are {names}')
    return leading(fitting)


def _other_failures(failures: Sequence[TestResult], followed: TestResult) -> tuple[OtherFailure, ...]:
    """The failures of the same cell that were not followed."""
    others = [test for test in failures if not same_break(test, followed)]
    return tuple(OtherFailure(moved={}, signature=signature) for signature in dict.fromkeys(map(why, others)))


def _known_to_pass(target: Target, runner: Runner) -> Iterator[tuple[dict[str, str], bool]]:
    """Sets of versions near the red one, from the stored matrix runs, with which the failing test passes.

    Each comes with whether every test passes with it, and metadata allows it.
    """
    near: dict[str, PlannedCell] = {}
    for record in runner.store.runs():
        for planned in record.cells:
            lock = planned.resolution.lock
            if lock is not None and planned.key and _is_near(lock, target):
                near[planned.key] = planned
    greens = greens_of(runner)
    for key, evidence in runner.store.of_keys(near).items():
        planned, status = near[key], status_of(target.test.test, evidence)
        lock = planned.resolution.lock
        if lock is not None and status is not None and status.state == "passed":
            is_published = not planned.cell.overrides and not planned.cell.local and not planned.tests
            verdict = judge(planned, evidence, runner.components, greens=greens)
            yield lock.versions(), is_published and verdict.verdict == "works"


def _is_near(lock: Lock, target: Target) -> bool:
    """Whether `lock` is for the same Python and platform and the same distributions, few in other versions."""
    red, versions = target.versions, lock.versions()
    return (
        (lock.python, lock.platform) == (target.cell.python, target.cell.platform)
        and versions.keys() == red.keys()
        and sum(versions[name] != red[name] for name in red) <= _FAR
    )


def _diagnose_refusal(verdict: CellVerdict, runner: Runner) -> Diagnosis:
    """Diagnose a cell that does not resolve. The resolver names the culprits; the search only finds their edges."""
    cell, conflict = verdict.cell, verdict.conflict
    assert conflict is not None
    pins, free = _split(cell.requirements)
    test = TestResult(test="", level="resolve", components=(), outcome="failed", reason=conflict.sentence)
    red = RedCell(
        versions=pins, test=test, requirements=cell.requirements, python=cell.python, until=cell.exclude_newer
    )
    members = refused(conflict, cell)

    def run(planned: PlannedCell) -> ProbeAnswer:
        return run_test(planned, test, runner)

    traced = [member.name for member in members if member.name in pins]
    steps = trace_refusal(red, traced, free, runner.catalog, runner.components)
    result = drive(steps, Target(cell, pins, "", test), runner, run)
    by_name = {culprit.name: culprit for culprit in result.culprits}
    culprits = tuple(
        by_name.get(member.name, Culprit(name=member.name, version=member.version, shown_by="metadata"))
        for member in members
    )
    result = result.model_copy(update={"culprits": culprits, "findings": ()})
    moved = which_side_moved(red, result, runner.catalog, runner.components, conflict)
    return Diagnosis.of(verdict, test, result, now(), moved=moved, chain=conflict.chain)


def _split(requirements: Iterable[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The versions that requirements pin, and the other requirements as they are."""
    pins: dict[str, str] = {}
    free: list[str] = []
    for text in requirements:
        name, _, version = text.partition("==")
        if version and not set("*,;@[") & set(text):
            pins[canonicalize_name(name)] = version
        else:
            free.append(text)
    return pins, tuple(free)
