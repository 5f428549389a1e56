"""Answers the probes of a search from stored evidence, or by running cells.

A probe is resolved, locked, run and confirmed like any other cell, but only the failing test runs in it. Its runs are
evidence, stored under the exact versions and the test. So no probe is run twice, and a search that was stopped goes on
where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from stackcompat.blame.probe import Probe, ProbeAnswer, ProbeOutcome, Search, Value
from stackcompat.core.vocabulary import Level
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.baselines import run_baselines
from stackcompat.pipeline.cells import plan_cell, run_cells
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock, Resolution
from stackcompat.verdict.outcomes import TestStatus, classify, why
from stackcompat.verdict.signature import failure_of, same_failure
from stackcompat.verdict.verdict import judge

__all__ = [
    "STAGE",
    "RunProbe",
    "Target",
    "answer_probe",
    "drive",
    "judge_probe",
    "run_every_test",
    "run_test",
    "status_of",
]

#: Runs a locked cell, and says what that shows of the failing test.
RunProbe = Callable[[PlannedCell], ProbeAnswer]

#: What the search is called where its progress is shown.
STAGE = "which release breaks it"

#: How deep a set is tried with every test: as deep as ``stackcompat try`` goes.
_EVERY_TEST: Level = "interop"

#: What the verdict on a set that was tried with every test says; any other verdict leaves it open.
_OUTCOMES: dict[str, ProbeOutcome] = {"works": "pass", "broken": "other", "infra-error": "infra", "invalid": "infra"}

#: A step of progress names at most so many distributions that moved.
_SHOWN = 4


class Target(NamedTuple):
    """What a search follows: a failing test in a cell.

    Attributes:
        cell: The cell.
        versions: All that is installed in the cell; if it does not resolve, what it pins.
        lock_id: The id of its lock; empty if it does not resolve.
        test: The failing test.
    """

    cell: Cell
    versions: dict[str, str]
    lock_id: str
    test: TestResult


def drive(steps: Search[Value], target: Target, runner: Runner, run: RunProbe) -> Value:
    """Drive a search to its end with answers from real cells, and return what it found.

    Args:
        steps: The search.
        target: What it follows.
        runner: Resolves and runs the cells, and reports progress.
        run: Runs a locked cell.
    """
    runner.reporter.stage(STAGE, None)  # it ends as soon as the culprit is found, whatever the budget
    try:
        probe = next(steps)
        while True:
            answer = answer_probe(probe, target, runner, run)
            runner.reporter.step(f"{_moved(probe, answer, target)}: {_words(probe, answer)}")
            probe = steps.send(answer)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def answer_probe(probe: Probe, target: Target, runner: Runner, run: RunProbe) -> ProbeAnswer:
    """Resolve, run and confirm one probe.

    Exact versions that metadata forbids together are forced by overrides.

    Args:
        probe: The question.
        target: The failure that it is about.
        runner: Resolves and runs the cells.
        run: Runs a locked cell.
    """
    cell = _cell(probe, target)
    resolution = lock_cells([cell], runner.quiet())[cell.id]
    forced = resolution.outcome == "conflict" and not probe.free and not probe.resolves
    if forced:
        cell = cell.model_copy(update={"overrides": cell.requirements})
        resolution = lock_cells([cell], runner.quiet())[cell.id]
    if resolution.lock is None:
        return _not_locked(resolution, probe)
    versions = resolution.lock.versions()
    if probe.resolves:
        return ProbeAnswer(outcome="pass", versions=versions)
    if resolution.lock.id == target.lock_id and not probe.every_test:
        return ProbeAnswer(outcome="same", versions=versions)
    planned = _pinned_to(resolution.lock, cell, forced=forced)
    answer = run_every_test(planned, runner) if probe.every_test else run(planned)
    return answer.model_copy(update={"versions": versions, "forced": forced})


def run_test(planned: PlannedCell, test: TestResult, runner: Runner) -> ProbeAnswer:
    """Run a locked cell with the failing `test` alone, and say what that shows of it."""
    cell, lock = planned.cell, planned.resolution.lock
    assert lock is not None
    reason = runner.pointless(cell, lock, test.level, test.test)
    if reason:
        return ProbeAnswer(outcome="unresolved", detail=reason)
    due = plan_cell(cell, planned.resolution, runner, test.level, (test.test,))
    run_cells([due], runner.quiet(), test.level)
    return judge_probe(runner.store.of_key(due.key), test)


def run_every_test(planned: PlannedCell, runner: Runner) -> ProbeAnswer:
    """Run a locked cell with every smoke test, as ``stackcompat try`` does, and say whether it works."""
    due = plan_cell(planned.cell, planned.resolution, runner, _EVERY_TEST)
    run_cells([due], runner.quiet(), _EVERY_TEST)
    greens = run_baselines([due], runner.quiet())
    evidence = runner.store.of_key(due.key)
    verdict = judge(due, evidence, runner.components, greens=greens)
    return ProbeAnswer(
        outcome=_OUTCOMES.get(verdict.verdict, "unresolved"),
        signature=verdict.sentence,
        detail=verdict.sentence,
        ran=True,
        evidence=tuple(run.id for run in evidence),
    )


def judge_probe(evidence: Sequence[Evidence], test: TestResult) -> ProbeAnswer:
    """What the runs of a probe say of the failing `test`."""
    answer = ProbeAnswer(outcome="infra", ran=True, evidence=tuple(run.id for run in evidence))
    if not any(run.outcome == "ran" for run in evidence):
        cannot_be_installed = any(run.outcome in ("uninstallable", "no-wheel-for-platform") for run in evidence)
        detail = (evidence[-1].detail or evidence[-1].outcome) if evidence else "it was not run"
        outcome = "unresolved" if cannot_be_installed else "infra"
        return answer.model_copy(update={"outcome": outcome, "detail": detail})
    status = status_of(test.test, evidence)
    if status is None:
        return answer.model_copy(update={"outcome": "unresolved", "detail": f"{test.test} does not apply"})
    update: dict[str, object] = {"detail": status.note or why(status.result), "warnings": status.result.warnings}
    match status.state:
        case "passed":
            update["outcome"] = "pass"
        case "confirmed" | "feature-broken" | "hangs" if same_failure(failure_of(status.result), failure_of(test)):
            update["outcome"] = "same"
        case "confirmed" | "feature-broken":
            update |= {"outcome": "other", "signature": why(status.result)}
        case "unconfirmed" | "hangs" | "infra":
            update["outcome"] = "infra"
        case "flaky" | "not-applicable" | "blocked":
            update["outcome"] = "unresolved"
    return answer.model_copy(update=update)


def status_of(test: str, evidence: Iterable[Evidence]) -> TestStatus | None:
    """The status of the test with this name; None where no run had it."""
    return next((status for status in classify(evidence) if status.result.test == test), None)


def _cell(probe: Probe, target: Target) -> Cell:
    """The cell that a probe asks for: like the red one, with other requirements."""
    red = target.cell
    pins = [f"{name}=={version}" for name, version in probe.pins.items()]
    unmoved = {name: source for name, source in red.local.items() if probe.pins.get(name) == target.versions.get(name)}
    return red.model_copy(
        update={
            "requirements": tuple(sorted((*pins, *probe.free))),
            "overrides": red.overrides if probe.resolves else (),
            "exclude_newer": probe.until if probe.free else None,
            "newest": (),
            "development": (),
            "local": unmoved,
            "policy": "blame",
            "label": f"blame of {red.id}",
        }
    )


def _pinned_to(lock: Lock, cell: Cell, *, forced: bool) -> PlannedCell:
    """`cell` with exactly the versions of `lock` as its requirements, so that equal locks share their evidence."""
    exact = tuple(f"{name}=={version}" for name, version in lock.versions().items())
    pinned = cell.model_copy(update={"requirements": exact, "overrides": exact if forced else ()})
    return PlannedCell(cell=pinned, resolution=Resolution(outcome="locked", lock=lock))


def _not_locked(resolution: Resolution, probe: Probe) -> ProbeAnswer:
    """The answer of a probe without a lock. It says nothing of the failure, unless only the lock was asked for."""
    if resolution.conflict is not None:
        return ProbeAnswer(outcome="same" if probe.resolves else "unresolved", detail=resolution.conflict.sentence)
    is_infra = resolution.outcome not in ("no-wheel-for-platform", "failed")
    return ProbeAnswer(outcome="infra" if is_infra else "unresolved", detail=resolution.detail or resolution.outcome)


def _words(probe: Probe, answer: ProbeAnswer) -> str:
    """What came of a probe, in words."""
    if probe.every_test:
        words = {"pass": "every test passes", "other": "other tests fail"}
        return words.get(answer.outcome, "not known whether every test passes")
    words = {"pass": "works", "same": "fails in the same way", "other": "fails in another way", "infra": "no answer"}
    return words.get(answer.outcome, "tells nothing: " + (answer.detail or "the test does not apply"))


def _moved(probe: Probe, answer: ProbeAnswer, target: Target) -> str:
    """How a probe differs from the red cell, in short: by the installed versions, or by what it asked for."""
    versions = answer.versions or probe.pins
    moved = [f"{name} {version}" for name, version in versions.items() if target.versions.get(name) != version]
    if not moved and not answer.versions:
        moved = list(probe.free)
    if len(moved) > _SHOWN:
        moved = [*moved[:_SHOWN], "..."]
    return f"with {', '.join(moved)}" if moved else "with all as it is in the red cell"
