"""Answers the probes of a search from real cells, and from what is known of them already.

A probe is resolved, locked, run and confirmed like any other cell, with the failing test alone. What it shows is
evidence, whose address is the exact versions and the test: so no probe is run twice, and a search that was stopped goes
on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from stackcompat.blame.probe import Probe, ProbeAnswer, Search, Value
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.cells import plan_cell, run_cells
from stackcompat.pipeline.locking import lock_cells
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Lock, Resolution
from stackcompat.verdict.outcomes import TestStatus, classify, why
from stackcompat.verdict.signature import failure_of, same_failure

__all__ = ["RunProbe", "Target", "answer_probe", "drive", "judge_probe", "run_test", "status_of"]

#: Runs a locked cell, and says what that shows of the failing test.
RunProbe = Callable[[PlannedCell], ProbeAnswer]

#: A step of progress names so many moved distributions.
_SHOWN = 4


class Target(NamedTuple):
    """What a search follows: a failing test in a cell.

    Attributes:
        cell: The cell.
        versions: All that is installed in it; of a cell that does not resolve, what it pins.
        lock_id: What it was locked to; empty where it does not resolve.
        test: The failing test.
    """

    cell: Cell
    versions: dict[str, str]
    lock_id: str
    test: TestResult


def drive(steps: Search[Value], target: Target, runner: Runner, run: RunProbe, *, budget: int) -> Value:
    """What a search returns when its probes are answered from real cells.

    Args:
        steps: The search.
        target: What it follows.
        runner: Resolves and runs the cells, and is told of progress.
        run: Runs a locked cell.
        budget: How many environments the search may ask for.
    """
    runner.reporter.stage("blame", budget)
    try:
        probe = next(steps)
        while True:
            answer = answer_probe(probe, target, runner, run)
            runner.reporter.step(f"{_moved(probe, answer, target)}: {answer.outcome}")
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
    if resolution.lock.id == target.lock_id:
        return ProbeAnswer(outcome="same", versions=versions)
    answer = run(_pinned_to(resolution.lock, cell, forced=forced))
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
    said: dict[str, object] = {"detail": status.note or why(status.result), "warnings": status.result.warnings}
    match status.state:
        case "passed":
            said["outcome"] = "pass"
        case "confirmed" | "feature-broken" if same_failure(failure_of(status.result), failure_of(test)):
            said["outcome"] = "same"
        case "confirmed" | "feature-broken":
            said |= {"outcome": "other", "signature": why(status.result)}
        case "unconfirmed" | "infra":
            said["outcome"] = "infra"
        case "flaky" | "not-applicable" | "blocked":
            said["outcome"] = "unresolved"
    return answer.model_copy(update=said)


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
    """`cell` asking for exactly what is in `lock`. However the lock was found, its evidence has one address then."""
    exact = tuple(f"{name}=={version}" for name, version in lock.versions().items())
    pinned = cell.model_copy(update={"requirements": exact, "overrides": exact if forced else ()})
    return PlannedCell(cell=pinned, resolution=Resolution(outcome="locked", lock=lock))


def _not_locked(resolution: Resolution, probe: Probe) -> ProbeAnswer:
    """What it says that there is no lock: nothing of the failure, unless that was the question."""
    if resolution.conflict is not None:
        return ProbeAnswer(outcome="same" if probe.resolves else "unresolved", detail=resolution.conflict.sentence)
    is_infra = resolution.outcome not in ("no-wheel-for-platform", "failed")
    return ProbeAnswer(outcome="infra" if is_infra else "unresolved", detail=resolution.detail or resolution.outcome)


def _moved(probe: Probe, answer: ProbeAnswer, target: Target) -> str:
    """What a probe has that the red cell has not, in short. Where nothing was installed, it is what was asked for."""
    versions = answer.versions or probe.pins
    moved = [f"{name} {version}" for name, version in versions.items() if target.versions.get(name) != version]
    if not moved and not answer.versions:
        moved = list(probe.free)
    if len(moved) > _SHOWN:
        moved = [*moved[:_SHOWN], "..."]
    return ", ".join(moved) or "nothing moved"
