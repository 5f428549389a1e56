"""One execution of an exchange matrix: all cells of a policy write, and each reads what each of them wrote."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from stackcompat.core.dates import now
from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.interpreters import this_platform
from stackcompat.evidence.runs import ExchangePlan, PlannedCell, RunRecord
from stackcompat.pipeline.exchange import Square, plan_exchange, run_exchange
from stackcompat.pipeline.exchange_plan import choose, promised
from stackcompat.pipeline.execution import last_run, pythons_here
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.matrix import Matrix
from stackcompat.plan.plan import make_plan

__all__ = ["execute_exchange", "lock_exchange"]


def execute_exchange(
    matrix: Matrix, runner: Runner, *, rerun: bool = False, relock: bool = False, go_on: bool = False
) -> RunRecord:
    """Plan, lock and run the squares of a matrix.

    Args:
        matrix: The matrix.
        runner: Runs its cells. The record is kept in its store.
        rerun: Whether everything is run although there is evidence.
        relock: Whether cells are resolved again although the index says nothing new about them.
        go_on: Whether the last run is continued with its own locks. Then nothing is planned anew.

    Returns:
        The record of the run.

    Raises:
        UsageError: The matrix asks for an artifact or a release that does not exist, or there is no run to continue.
        StackcompatError: The matrix cannot run on this machine.
    """
    artifacts = _artifacts(matrix, runner)
    if go_on:
        record = last_run(matrix, runner.store)
        if record.exchange is not None:
            run_exchange(record.exchange, runner, artifacts=artifacts, rerun=rerun)
        return record
    record = lock_exchange(matrix, runner, relock=relock)
    # The record is stored before anything runs. So the finished part can be published if the run is stopped.
    runner.store.add_run(record)
    if record.exchange is not None:
        run_exchange(record.exchange, runner, artifacts=artifacts, rerun=rerun)
    return record


def lock_exchange(matrix: Matrix, runner: Runner, *, relock: bool = False) -> RunRecord:
    """Plan and lock the squares of a matrix without running them.

    Args:
        matrix: The matrix.
        runner: Has the index and the resolver.
        relock: Whether cells are resolved again although the index says nothing new about them.

    Returns:
        The record of a run in which nothing was run. It is not stored.
    """
    artifacts = _artifacts(matrix, runner)
    started = now()
    pythons = pythons_here(matrix, runner)
    plan = plan_exchange(_squares(matrix, runner, pythons, started), runner, artifacts=artifacts, again=relock)
    return RunRecord(
        matrix=matrix.name,
        started=started,
        title=matrix.title,
        components=matrix.components,
        pythons=tuple(pythons),
        missing_pythons=tuple(python for python in matrix.pythons if python not in runner.interpreters),
        exchange=_with_promises(plan, matrix, runner),
    )


def _artifacts(matrix: Matrix, runner: Runner) -> tuple[str, ...]:
    """The artifacts of a matrix; empty if it names none, which means all artifacts."""
    try:
        return choose(matrix.artifacts, runner.suite.artifacts())
    except UsageError as error:
        raise UsageError(f"{matrix.source}: artifacts: {error}") from None


def _squares(matrix: Matrix, runner: Runner, pythons: Sequence[str], at: dt.datetime) -> list[Square]:
    """A square for each policy of a matrix."""
    squares: dict[str, Square] = {}
    for number, policy in enumerate(matrix.policies):
        label = policy.label or policy.policy
        if label in squares:
            key = f"{matrix.source}: policies[{number}].label"
            raise UsageError(f"{key}: is that of another policy; allowed is one of its own")
        plan = make_plan(
            matrix.model_copy(update={"policies": (policy,)}),
            runner.components,
            runner.catalog,
            platform=this_platform(),
            pythons=pythons,
            now=at,
        )
        squares[label] = Square(label, writers=plan.cells, readers=plan.cells)
    return list(squares.values())


def _with_promises(plan: ExchangePlan, matrix: Matrix, runner: Runner) -> ExchangePlan:
    """The plan, in which each crossing says which promises of the matrix cover it."""
    days = {planned.cell.id: _upload_days(planned, matrix, runner) for planned in plan.cells}
    crossings = []
    for crossing in plan.crossings:
        covered = promised(matrix.promises, days[crossing.writer], days[crossing.reader])
        crossings.append(crossing.model_copy(update={"promised": covered}))
    return plan.model_copy(update={"crossings": tuple(crossings)})


def _upload_days(planned: PlannedCell, matrix: Matrix, runner: Runner) -> dict[str, dt.datetime]:
    """When the releases in a cell were uploaded, by component. Only components with a promise are included."""
    versions = planned.resolution.lock.versions() if planned.resolution.lock is not None else {}
    days = {}
    for name in {promise.component for promise in matrix.promises}:
        distribution = runner.components[name].distribution
        if distribution in versions:
            release = runner.catalog.project(distribution).find(versions[distribution])
            if release is not None:
                days[name] = release.uploaded
    return days
