"""Whose releases keep an artifact from being read: the search for a culprit, on either side of a crossing.

First what the writer left is held and the reader's releases move, then the reader is held and the writer's move. What
is followed is one test of the reader that fails, or sees other values than were written; a probe is a crossing of that
one artifact like any other, and evidence like any other. Each side keeps its own Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stackcompat.blame.culprit import ProbeAnswer, RedCell
from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.blame.driver import PrefixedReporter, Prober, Target, judged, search_each
from stackcompat.blame.search import BUDGET, search
from stackcompat.core.record import UsageError
from stackcompat.evidence.results import TestResult
from stackcompat.evidence.runs import ExchangePlan, PlannedCell
from stackcompat.pipeline.cells import now
from stackcompat.pipeline.exchange import cross
from stackcompat.pipeline.progress import Reporter
from stackcompat.pipeline.runner import BulkCatalog, Runner
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Resolution
from stackcompat.verdict.exchange import CrossingVerdict, ExchangeSide, written
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.signature import failure_of, leading

__all__ = ["SIDES", "blame_crossing", "blame_crossings", "follow"]

#: In the order in which they are searched: moving the reader costs one environment a probe, moving the writer two.
SIDES: tuple[ExchangeSide, ...] = ("reader", "writer")


def follow(verdict: CrossingVerdict, about: str = "") -> TestResult:
    """The reader's test that a search follows; with `about`, one of that artifact, or with it in its name or message.

    Raises UsageError where there is none.
    """
    if not verdict.red:
        raise UsageError(f"blame: the crossing {verdict.id} is {verdict.verdict}; allowed are broken and changed")
    said = [t for t in verdict.red if t.artifact == about]
    said = said or [t for t in verdict.red if about in t.test or about in failure_of(t).message]
    if not said:
        named = ", ".join(dict.fromkeys(test.artifact for test in verdict.red))
        raise UsageError(f'--about: no failure has "{about}" in it; the artifacts that are not read well are {named}')
    worst = next(a.verdict for a in verdict.artifacts if said[0] in a.failures)
    return leading([t for a in verdict.artifacts if a.verdict == worst for t in a.failures if t in said])


def blame_crossing(
    verdict: CrossingVerdict,
    test: TestResult,
    bench: Runner,
    catalog: BulkCatalog,
    reporter: Reporter,
    *,
    plans: Sequence[ExchangePlan] = (),
    budget: int = BUDGET,
) -> dict[ExchangeSide, Diagnosis]:
    """Who is to blame, on each side, for the reader's failing `test` in the crossing of `verdict`.

    `plans` are those in whose evidence sets that pass are looked for. The reader's side may ask half of the `budget`.
    """
    found: dict[ExchangeSide, Diagnosis] = {}
    left = budget
    for side in SIDES:
        share = left - left // 2 if side == "reader" else left
        one = _search(side, verdict, test, bench, catalog, reporter, plans, share)
        left -= one.probes
        found[side] = one
    return found


def blame_crossings(
    asked: Sequence[tuple[CrossingVerdict, TestResult]],
    bench: Runner,
    catalog: BulkCatalog,
    reporter: Reporter,
    *,
    plans: Sequence[ExchangePlan] = (),
    budget: int = BUDGET,
    seconds: float | None = None,
) -> Iterable[tuple[tuple[CrossingVerdict, TestResult], dict[ExchangeSide, Diagnosis]]]:
    """The same for several failures, as the searches end. None is begun after `seconds`."""

    def find(one: tuple[CrossingVerdict, TestResult]) -> dict[ExchangeSide, Diagnosis]:
        told = PrefixedReporter(reporter, one[0].id)
        return blame_crossing(*one, bench, catalog, told, plans=plans, budget=budget)

    return search_each(asked, find, bench, reporter, budget=budget, seconds=seconds)


def _search(
    side: ExchangeSide,
    verdict: CrossingVerdict,
    test: TestResult,
    bench: Runner,
    catalog: BulkCatalog,
    reporter: Reporter,
    plans: Sequence[ExchangePlan],
    budget: int,
) -> Diagnosis:
    cell = verdict.sides[side].cell
    (other,) = (planned for name, planned in verdict.sides.items() if name != side)
    opposite = other.resolution.lock.versions() if other.resolution.lock else {}
    prober = _Prober(side, verdict, test, bench, catalog, reporter)
    red = RedCell(
        versions=verdict.installed(side),
        test=test if side == "reader" else _from_afar(test),
        requirements=cell.requirements,
        python=cell.python,
        passing=tuple(prober.passing(plans)),
        # On this side's Python, what the other side has is known to do only where the two are the same.
        sets=(tuple(f"{name}=={version}" for name, version in opposite.items()),),
        near=True,
    )
    catalog.prefetch({**red.versions, **opposite})
    found = prober.drive(search(red, catalog, bench.components, budget), budget)
    return Diagnosis.of(verdict, test, found, now(), side=side)


def _from_afar(test: TestResult) -> TestResult:
    """A reader's failing test as it is about the writer: who called whom in the reader says nothing there."""
    failure = test.failure
    if failure is None:
        return test
    packages = (failure.package,) if failure.package else ()
    return test.model_copy(update={"failure": failure.model_copy(update={"packages": packages})})


class _Prober(Prober):
    """Answers probes about one side of a crossing; the other one is held."""

    def __init__(
        self,
        side: ExchangeSide,
        verdict: CrossingVerdict,
        test: TestResult,
        bench: Runner,
        catalog: BulkCatalog,
        reporter: Reporter,
    ) -> None:
        lock = verdict.sides[side].resolution.lock
        assert lock is not None  # it has read, or was read
        super().__init__(Target(verdict.sides[side].cell, lock.versions(), lock.id, test), bench, catalog, reporter)
        self._side = side
        self._held = verdict.writer if side == "reader" else verdict.reader

    def passing(self, plans: Iterable[ExchangePlan]) -> Iterable[dict[str, str]]:
        """Sets of versions on this Python with which the test is known to pass beside the side that is held."""
        here = self._held.resolution.lock
        near: dict[str, dict[str, str]] = {}
        for plan in plans:
            cells = {planned.cell.id: planned for planned in plan.cells}
            for crossing in plan.crossings:
                ends = (cells[crossing.writer].resolution.lock, cells[crossing.reader].resolution.lock)
                held, moving = ends if self._side == "reader" else ends[::-1]
                if moving is not None and held == here and (moving.python, moving.platform) == self._place():
                    near[crossing.key] = moving.versions()
        for key, evidence in self._bench.store.of_keys(near).items():
            if judged(evidence, self._target.test).outcome == "pass":
                yield near[key]

    def settle(self, cell: Cell, resolution: Resolution) -> ProbeAnswer:
        """What crossing the lock that `cell` resolved to with the side that is held says."""
        moved = PlannedCell(cell=cell, resolution=resolution)
        writer, reader = (moved, self._held) if self._side == "writer" else (self._held, moved)
        test = self._target.test
        writes, reads = cross(writer, reader, self._bench, [test.artifact])
        if written(writes):
            answer = judged(reads, test)
        else:
            writing = (s.result.test for s in classify(writes) if s.result.artifact == test.artifact)
            answer = judged(writes, test.model_copy(update={"test": next(writing, "")}))
            # What is not written is another failure, whatever it says, and nobody's here where the writer is held.
            outcome = "infra" if self._side == "reader" else "other" if answer.decides else answer.outcome
            answer = answer.model_copy(update={"outcome": outcome, "signature": answer.detail})
        return answer.model_copy(update={"evidence": tuple(run.id for run in (*writes, *reads))})
