"""Blame, for real: probes answered from cells, and from what is known of them already.

Every probe is resolved, locked, run and confirmed like any other cell, with the one test that fails and nothing else;
what it showed is evidence, addressed by the exact versions and the test, so no probe is ever run twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from packaging.utils import canonicalize_name

from stackcompat.blame.cause import moved_by
from stackcompat.blame.culprit import Culprit, OtherFailure, Probe, ProbeAnswer, RedCell
from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.blame.search import BUDGET, Search, Value, search, trace_refusal
from stackcompat.core.record import UsageError
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.pipeline.cells import now, plan_cell, run_cells
from stackcompat.pipeline.locking import as_completed, lock_cells
from stackcompat.pipeline.progress import Reporter, Silent
from stackcompat.pipeline.runner import BulkCatalog, Runner
from stackcompat.plan.cell import Cell
from stackcompat.resolve.conflict_core import refused
from stackcompat.resolve.lock import Lock, Resolution
from stackcompat.verdict.outcomes import TestStatus, classify, why
from stackcompat.verdict.signature import failure_of, leading, same_failure
from stackcompat.verdict.verdict import CellVerdict

__all__ = ["Inquiry", "PrefixedReporter", "Prober", "Target", "blame", "blame_each", "judged", "search_each"]

Item = TypeVar("Item")


Result = TypeVar("Result")


class Target(NamedTuple):
    """What is followed: one failing test, in one cell that was locked to `versions`."""

    cell: Cell
    versions: dict[str, str]
    lock_id: str
    test: TestResult


def blame(
    verdict: CellVerdict,
    bench: Runner,
    catalog: BulkCatalog,
    reporter: Reporter,
    *,
    sets: Sequence[tuple[str, ...]] = (),
    budget: int = BUDGET,
    about: str = "",
) -> Diagnosis:
    """Who broke the cell of `verdict`.

    `sets` are requirements that somebody publishes as working together; `about` is a part of the name of the test or of
    the message to follow, where there are several. Of a cell that works it is who broke a feature there. Raises
    UsageError where no failure has it, and for a cell in which nothing failed: nobody is to blame for it.
    """
    if verdict.verdict == "unresolvable":
        return _blame_refusal(verdict, bench, catalog)
    failures = verdict.failures if verdict.verdict == "broken" else verdict.broken_features
    if not failures:
        raise UsageError(f"blame: the cell {verdict.cell.id} is {verdict.verdict}; allowed are broken and unresolvable")
    test = _followed(failures, about)
    prober = Prober(Target(verdict.cell, verdict.installed, verdict.lock_id, test), bench, catalog, reporter)
    red = RedCell(
        versions=verdict.installed,
        test=test,
        requirements=verdict.cell.requirements,
        python=verdict.cell.python,
        until=verdict.cell.exclude_newer,
        passing=tuple(prober.known()),
        sets=tuple(sets),
    )
    catalog.prefetch(red.versions)
    found = prober.drive(search(red, catalog, bench.components, budget), budget)
    found = found.model_copy(update={"findings": (*_others(failures, test), *found.findings)})
    moved = moved_by(red, found, catalog, bench.components)
    return Diagnosis.of(verdict, test, found, now(), moved=moved)


class Inquiry(NamedTuple):
    """A red cell, and how its culprit is to be looked for: see :func:`blame`."""

    verdict: CellVerdict
    sets: tuple[tuple[str, ...], ...] = ()
    about: str = ""


def blame_each(
    inquiries: Sequence[Inquiry],
    bench: Runner,
    catalog: BulkCatalog,
    reporter: Reporter,
    *,
    budget: int = BUDGET,
    seconds: float | None = None,
) -> Iterable[tuple[Inquiry, Diagnosis]]:
    """Who broke each of several cells, as the searches end; as many at once as the bench has workers.

    A search asks one question after the other, so only several of them use all of a machine. None is begun after
    `seconds`.
    """

    def find(inquiry: Inquiry) -> Diagnosis:
        verdict, sets, about = inquiry
        told = PrefixedReporter(reporter, verdict.cell.id)
        return blame(verdict, bench, catalog, told, sets=sets, budget=budget, about=about)

    return search_each(inquiries, find, bench, reporter, budget=budget, seconds=seconds)


def search_each(
    items: Sequence[Item],
    find: Callable[[Item], Result],
    bench: Runner,
    reporter: Reporter,
    *,
    budget: int,
    seconds: float | None,
) -> Iterable[tuple[Item, Result]]:
    """What `find` comes to for each of `items`, as the searches end; see :func:`blame_each`."""
    reporter.stage("blame", budget * len(items))
    began = time.monotonic()

    def in_time(item: Item) -> Result | None:
        return find(item) if seconds is None or time.monotonic() - began <= seconds else None

    for item, found in as_completed(items, in_time, bench.executor):
        if found is not None:
            yield item, found


class PrefixedReporter:
    """A reporter for one of several searches: each step says which it is of."""

    def __init__(self, reporter: Reporter, name: str) -> None:
        self._reporter = reporter
        self._name = name

    def stage(self, title: str, total: int) -> None:
        """The stage is that of all searches."""

    def step(self, text: str) -> None:
        """See :class:`~stackcompat.pipeline.progress.Reporter`."""
        self._reporter.step(f"{self._name}: {text}")


def _followed(failures: Sequence[TestResult], about: str) -> TestResult:
    """The failing test to follow. With `about`, only tests that have it in their name or message count."""
    said = [test for test in failures if about in test.test or about in failure_of(test).message]
    if not said:
        named = ", ".join(dict.fromkeys(test.test for test in failures))
        raise UsageError(f'--about: no failing test has "{about}" in its name or message; those that fail are {named}')
    return leading(said)


def _others(failures: Sequence[TestResult], followed: TestResult) -> tuple[OtherFailure, ...]:
    """The failures of the same cell that were not followed."""
    signatures = dict.fromkeys(why(t) for t in failures if not same_failure(failure_of(t), failure_of(followed)))
    return tuple(OtherFailure(moved={}, signature=signature) for signature in signatures)


class Prober:
    """Answers probes about one target."""

    def __init__(self, target: Target, bench: Runner, catalog: BulkCatalog, reporter: Reporter) -> None:
        self._target = target
        self._bench = bench
        self._catalog = catalog
        self._reporter = reporter

    def drive(self, asking: Search[Value], budget: int = BUDGET) -> Value:
        """What a search comes to that asks at most `budget` questions."""
        self._reporter.stage("blame", budget)
        try:
            probe = next(asking)
            while True:
                answer = self.answer(probe)
                self._reporter.step(f"{self._moved(probe, answer)}: {answer.outcome}")
                probe = asking.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def _moved(self, probe: Probe, answer: ProbeAnswer) -> str:
        """What a probe has that the red cell has not, in short: versions, or what was asked for and cannot be had."""
        versions = answer.versions or probe.pins
        moved = [
            f"{name} {version}" for name, version in versions.items() if self._target.versions.get(name) != version
        ]
        if not moved and not answer.versions:
            moved = list(probe.free)
        return ", ".join([*moved[:4], "..."] if len(moved) > 4 else moved) or "nothing moved"

    def known(self) -> Iterable[dict[str, str]]:
        """Sets of versions on this Python, near the red one, with which the test is known to pass."""
        here = self._target.versions
        near = {}
        for record in self._bench.store.runs():
            for cell in record.cells:
                lock = cell.resolution.lock
                if lock is None or not cell.key or (lock.python, lock.platform) != self._place():
                    continue
                versions = lock.versions()
                if versions.keys() == here.keys() and sum(versions[name] != here[name] for name in here) <= 8:
                    near[cell.key] = versions
        for key, evidence in self._bench.store.of_keys(near).items():
            status = _status(evidence, self._target.test.test)
            if status is not None and status.state == "passed":
                yield near[key]

    def _place(self) -> tuple[str, str]:
        return self._target.cell.python, self._target.cell.platform

    def answer(self, probe: Probe) -> ProbeAnswer:
        """Resolve, run and confirm one probe."""
        cell = self._cell(probe)
        resolution = self._resolve(cell)
        forced = False
        if resolution.outcome == "conflict" and not probe.free and not probe.resolves:
            cell = cell.model_copy(update={"overrides": cell.requirements})
            resolution, forced = self._resolve(cell), True
        if resolution.lock is None:
            return _not_locked(resolution, probe)
        if probe.resolves:
            return ProbeAnswer(outcome="pass", versions=resolution.lock.versions())
        return self._run(cell, resolution.lock, forced)

    def _resolve(self, cell: Cell) -> Resolution:
        return lock_cells([cell], self._bench.quiet())[cell.id]

    def _cell(self, probe: Probe) -> Cell:
        red = self._target.cell
        versions = self._target.versions
        local = {name: source for name, source in red.local.items() if probe.pins.get(name) == versions.get(name)}
        requirements = tuple(sorted((*(f"{name}=={version}" for name, version in probe.pins.items()), *probe.free)))
        return red.model_copy(
            update={
                "requirements": requirements,
                "overrides": red.overrides if probe.resolves else (),
                "exclude_newer": probe.until if probe.free else None,
                "newest": (),
                "development": (),
                "local": local,
                "policy": "blame",
                "label": f"blame of {red.id}",
            }
        )

    def _run(self, cell: Cell, lock: Lock, forced: bool) -> ProbeAnswer:
        """Run the test in `lock`. The cell asks for exactly what is in it, however it was found: one lock, one key."""
        versions = lock.versions()
        if lock.id == self._target.lock_id:
            return ProbeAnswer(outcome="same", versions=versions)
        exact = tuple(f"{name}=={version}" for name, version in versions.items())
        exactly = cell.model_copy(update={"requirements": exact, "overrides": exact if forced else ()})
        return self.settle(exactly, Resolution(outcome="locked", lock=lock)).model_copy(
            update={"versions": versions, "forced": forced}
        )

    def settle(self, cell: Cell, resolution: Resolution) -> ProbeAnswer:
        """What running the test says, in the lock that `cell` resolved to."""
        test = self._target.test
        assert resolution.lock is not None
        reason = self._bench.pointless(cell, resolution.lock, test.level, test.test)
        if reason:
            return ProbeAnswer(outcome="unresolved", detail=reason)
        planned = plan_cell(cell, resolution, self._bench, test.level, (test.test,))
        run_cells([planned], self._bench.quiet(), test.level)
        return judged(self._bench.store.of_key(planned.key), test)


def _not_locked(resolution: Resolution, probe: Probe) -> ProbeAnswer:
    """What it means that there is no lock: nothing of the failure, unless it was the question."""
    if resolution.conflict is not None:
        return ProbeAnswer(outcome="same" if probe.resolves else "unresolved", detail=resolution.conflict.sentence)
    nowhere = resolution.outcome in ("no-wheel-for-platform", "failed")
    return ProbeAnswer(outcome="unresolved" if nowhere else "infra", detail=resolution.detail or resolution.outcome)


def _status(evidence: Iterable[Evidence], test: str) -> TestStatus | None:
    return next((status for status in classify(evidence) if status.result.test == test), None)


def judged(evidence: Sequence[Evidence], test: TestResult) -> ProbeAnswer:
    """What the runs of a probe say of the failure in question."""
    answer = ProbeAnswer(outcome="infra", ran=True, evidence=tuple(run.id for run in evidence))
    if not any(run.outcome == "ran" for run in evidence):
        installs = not any(run.outcome in ("uninstallable", "no-wheel-for-platform") for run in evidence)
        detail = (evidence[-1].detail or evidence[-1].outcome) if evidence else "it was not run"
        return answer.model_copy(update={"outcome": "infra" if installs else "unresolved", "detail": detail})
    status = _status(evidence, test.test)
    if status is None:
        return answer.model_copy(update={"outcome": "unresolved", "detail": f"{test.test} does not apply"})
    more: dict[str, object] = {"detail": status.note or why(status.result), "warnings": status.result.warnings}
    match status.state:
        case "passed":
            more["outcome"] = "pass"
        case "confirmed" | "feature-broken" if same_failure(failure_of(status.result), failure_of(test)):
            more["outcome"] = "same"
        case "confirmed" | "feature-broken":
            more |= {"outcome": "other", "signature": why(status.result)}
        case "unconfirmed" | "infra":
            more["outcome"] = "infra"
        case "flaky" | "not-applicable" | "blocked":
            more["outcome"] = "unresolved"
    return answer.model_copy(update=more)


def _blame_refusal(verdict: CellVerdict, bench: Runner, catalog: BulkCatalog) -> Diagnosis:
    """Who makes a cell unresolvable: the resolver has said it; the releases around are asked for, nothing is run."""
    cell, conflict = verdict.cell, verdict.conflict
    assert conflict is not None
    members = refused(conflict, cell)
    exact: dict[str, str] = {}
    free: list[str] = []
    for text in cell.requirements:
        name, _, version = text.partition("==")
        if version and not set("*,;@[") & set(text):
            exact[canonicalize_name(name)] = version
        else:
            free.append(text)
    test = TestResult(test="", level="resolve", components=(), outcome="failed", reason=conflict.sentence)
    red = RedCell(
        versions=exact, test=test, requirements=cell.requirements, python=cell.python, until=cell.exclude_newer
    )
    prober = Prober(Target(cell, exact, "", test), bench, catalog, Silent())
    traced = [member.name for member in members if member.name in exact]
    found = prober.drive(trace_refusal(red, traced, tuple(free), catalog, bench.components))
    known = {culprit.name: culprit for culprit in found.culprits}
    culprits = tuple(
        known.get(member.name, Culprit(name=member.name, version=member.version, shown_by="metadata"))
        for member in members
    )
    found = found.model_copy(update={"culprits": culprits, "findings": ()})
    moved = moved_by(red, found, catalog, bench.components, conflict)
    return Diagnosis.of(verdict, test, found, now(), moved=moved, chain=conflict.chain)
