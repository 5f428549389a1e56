"""Searches for the culprit of a broken crossing, on the side of the reader and on that of the writer.

First the writer is held and the reader's releases move. Then the reader is held and the writer's releases move. The
search follows one test of the reader that fails, or that sees other values than were written. Each probe is a crossing
of that one artifact, and its runs are evidence like any other. Each side keeps its own Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.blame.driver import PrefixedReporter, search_each
from stackcompat.blame.probe import ProbeAnswer, ProbeOutcome, RedCell
from stackcompat.blame.prober import Target, drive, judge_probe
from stackcompat.blame.search import BUDGET, search
from stackcompat.core.dates import now
from stackcompat.core.errors import UsageError
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import ExchangePlan, PlannedCell
from stackcompat.pipeline.exchange import cross
from stackcompat.pipeline.runner import Runner
from stackcompat.verdict.artifacts import ExchangeSide
from stackcompat.verdict.exchange import CrossingVerdict, written
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.signature import failure_of, leading

__all__ = ["SIDES", "choose_test", "diagnose_crossing", "diagnose_crossings"]

#: The sides in the order of their searches: a probe that moves the reader costs one environment, the writer two.
SIDES: tuple[ExchangeSide, ...] = ("reader", "writer")


def choose_test(verdict: CrossingVerdict, about: str = "") -> TestResult:
    """The reader's failing test that a search follows.

    Args:
        verdict: The verdict on the crossing.
        about: The artifact of the test, or a part of the test's name or message.

    Raises:
        UsageError: Nothing failed in the crossing, or no failure fits `about`.
    """
    if not verdict.red:
        raise UsageError(f"blame: the crossing {verdict.id} is {verdict.verdict}; allowed are broken and changed")
    fitting = [test for test in verdict.red if test.artifact == about]
    fitting = fitting or [test for test in verdict.red if about in test.test or about in failure_of(test).message]
    if not fitting:
        names = ", ".join(dict.fromkeys(test.artifact for test in verdict.red))
        raise UsageError(f'--about: no failure has "{about}" in it; the artifacts that are not read well are {names}')
    worst = next(artifact.verdict for artifact in verdict.artifacts if fitting[0] in artifact.failures)
    as_bad = [artifact for artifact in verdict.artifacts if artifact.verdict == worst]
    return leading([test for artifact in as_bad for test in artifact.failures if test in fitting])


def diagnose_crossing(
    verdict: CrossingVerdict,
    test: TestResult,
    runner: Runner,
    *,
    plans: Sequence[ExchangePlan] = (),
    budget: int = BUDGET,
) -> dict[ExchangeSide, Diagnosis]:
    """Search for the culprit on each side of a crossing.

    Args:
        verdict: The verdict on the crossing.
        test: The reader's failing test.
        runner: Runs the crossings that the searches ask for, and reports progress.
        plans: Plans of exchanges, whose evidence can hold sets that pass.
        budget: How many environments both searches can ask for; the reader's side can ask for half of them.
    """
    diagnoses: dict[ExchangeSide, Diagnosis] = {}
    left = budget
    for side in SIDES:
        share = left - left // 2 if side == "reader" else left
        diagnoses[side] = _diagnose_side(side, verdict, test, runner, plans, share)
        left -= diagnoses[side].probes
    return diagnoses


def diagnose_crossings(
    due: Sequence[tuple[CrossingVerdict, TestResult]],
    runner: Runner,
    *,
    plans: Sequence[ExchangePlan] = (),
    budget: int = BUDGET,
    seconds: float | None = None,
) -> Iterator[tuple[tuple[CrossingVerdict, TestResult], dict[ExchangeSide, Diagnosis]]]:
    """Search for the culprits of several crossings. The diagnoses of each are yielded when both of its searches end.

    Args:
        due: The verdicts on the crossings, each with the reader's failing test.
        runner: Runs the crossings that the searches ask for. As many searches run at once as it has workers.
        plans: Plans of exchanges, whose evidence can hold sets that pass.
        budget: How many environments can be asked for in each crossing.
        seconds: No search begins after so many seconds; None: no limit.
    """

    def find(crossing: tuple[CrossingVerdict, TestResult]) -> dict[ExchangeSide, Diagnosis]:
        verdict, test = crossing
        reporter = PrefixedReporter(runner.reporter, verdict.id)
        return diagnose_crossing(verdict, test, runner.reporting(reporter), plans=plans, budget=budget)

    return search_each(due, find, runner, seconds=seconds)


def _diagnose_side(
    side: ExchangeSide,
    verdict: CrossingVerdict,
    test: TestResult,
    runner: Runner,
    plans: Sequence[ExchangePlan],
    budget: int,
) -> Diagnosis:
    """Search one side while the other side is held."""
    moving = verdict.sides[side]
    held = verdict.writer if side == "reader" else verdict.reader
    lock = moving.resolution.lock
    assert lock is not None  # a crossing is red only if both sides are locked
    target = Target(moving.cell, lock.versions(), lock.id, test)
    held_versions = held.resolution.lock.versions() if held.resolution.lock else {}
    red = RedCell(
        versions=target.versions,
        test=test if side == "reader" else _without_callers(test),
        requirements=moving.cell.requirements,
        python=moving.cell.python,
        passing=tuple(_known_to_pass(side, held, target, runner, plans)),
        # The versions of the other side read what they wrote. On the Python of this side, that has to be tried.
        sets=(tuple(f"{name}=={version}" for name, version in held_versions.items()),),
        near=True,
        is_cell=False,
    )
    runner.catalog.prefetch({**red.versions, **held_versions})

    def run(planned: PlannedCell) -> ProbeAnswer:
        return _cross(side, planned, held, test, runner)

    steps = search(red, runner.catalog, runner.components, budget)
    result = drive(steps, target, runner, run)
    return Diagnosis.of(verdict, test, result, now(), side=side)


def _without_callers(test: TestResult) -> TestResult:
    """The reader's failing test without the callers on its traceback: these say nothing of the writer."""
    failure = test.failure
    if failure is None:
        return test
    packages = (failure.package,) if failure.package else ()
    return test.model_copy(update={"failure": failure.model_copy(update={"packages": packages})})


def _known_to_pass(
    side: ExchangeSide, held: PlannedCell, target: Target, runner: Runner, plans: Iterable[ExchangePlan]
) -> Iterator[dict[str, str]]:
    """Sets of versions for this side, on its Python, with which the test passes in a crossing with the `held` side."""
    place = (target.cell.python, target.cell.platform)
    versions: dict[str, dict[str, str]] = {}
    for plan in plans:
        cells = {planned.cell.id: planned for planned in plan.cells}
        for crossing in plan.crossings:
            writer, reader = cells[crossing.writer].resolution.lock, cells[crossing.reader].resolution.lock
            moving, opposite = (reader, writer) if side == "reader" else (writer, reader)
            is_with_held = opposite == held.resolution.lock
            if moving is not None and is_with_held and (moving.python, moving.platform) == place:
                versions[crossing.key] = moving.versions()
    for key, evidence in runner.store.of_keys(versions).items():
        if judge_probe(evidence, target.test).outcome == "pass":
            yield versions[key]


def _cross(side: ExchangeSide, moved: PlannedCell, held: PlannedCell, test: TestResult, runner: Runner) -> ProbeAnswer:
    """Cross the `moved` cell of one side with the cell that is held, and say what that shows of the failing `test`."""
    writer, reader = (moved, held) if side == "writer" else (held, moved)
    writes, reads = cross(writer, reader, runner, [test.artifact])
    answer = judge_probe(reads, test) if written(writes) else _not_written(side, writes, test)
    return answer.model_copy(update={"evidence": tuple(run.id for run in (*writes, *reads))})


def _not_written(side: ExchangeSide, writes: Sequence[Evidence], test: TestResult) -> ProbeAnswer:
    """The answer of a probe whose writer left nothing.

    If the writer moves, its own test decides: a failure there is another failure. If the writer is held, it has written
    before, so the machine is at fault.
    """
    statuses = classify(writes)
    writing = next((s.result.test for s in statuses if s.result.artifact == test.artifact), "")
    answer = judge_probe(writes, test.model_copy(update={"test": writing}))
    outcome: ProbeOutcome = "infra" if side == "reader" else "other" if answer.decides else answer.outcome
    return answer.model_copy(update={"outcome": outcome, "signature": answer.detail})
