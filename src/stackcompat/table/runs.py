"""Rows about executions of matrices, and about how their cells were run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import Field

from stackcompat.core.record import Record
from stackcompat.core.requirements import python_key
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import RunRecord
from stackcompat.table.judged import JudgedCell
from stackcompat.verdict.closed import ClosedCount, count_closed
from stackcompat.verdict.reuse import ReuseCount, count_reuse

__all__ = ["MeasurementRow", "RunRow", "measurement_rows", "run_row"]


class RunRow(Record):
    """One execution of a matrix."""

    matrix: str
    title: str
    started: dt.datetime
    cells: int
    crossings: Annotated[int, Field(description="Number of crossings.")] = 0
    pythons: tuple[str, ...]
    missing_pythons: Annotated[
        tuple[str, ...], Field(description="Pythons that the matrix asks for and the machine does not have.")
    ]
    coverage: Annotated[
        dict[str, float],
        Field(description="For each covering array: percent of the allowed combinations that some lock holds."),
    ]
    answered: Annotated[
        dict[str, float],
        Field(description="For each covering array: percent of the allowed combinations that have a verdict."),
    ] = {}
    unanswered: Annotated[
        tuple[str, ...], Field(description="Why combinations have no verdict, with an example each.")
    ] = ()
    rounds: Annotated[
        tuple[int, ...], Field(description="Number of cells that each round added after the first covering array.")
    ] = ()
    reuse: Annotated[
        ReuseCount, Field(description="How many results of other cells its cells reuse, and what a check of them gave.")
    ] = ReuseCount()


class MeasurementRow(Record):
    """How cells were run on one Python: the interpreters, the limits, and how long it took."""

    python: str
    interpreters: tuple[str, ...]
    platforms: tuple[str, ...]
    networks: Annotated[tuple[str, ...], Field(description="What the tests could reach while they ran.")]
    closed: Annotated[ClosedCount, Field(description="How many runs were in a sandbox.")] = ClosedCount()
    memory_limits_mb: tuple[int, ...]
    time_limits_s: tuple[float, ...]
    runs: Annotated[int, Field(description="Number of new environments that were made.")]
    seconds: Annotated[float, Field(description="Wall clock of these runs together, in seconds.")]
    first_seen: dt.datetime
    last_seen: dt.datetime


def run_row(run: RunRecord, evidence: Mapping[str, tuple[Evidence, ...]]) -> RunRow:
    """The row of an execution of a matrix.

    Args:
        run: The execution.
        evidence: All runs, by the key of the evidence.
    """
    return RunRow(
        matrix=run.matrix,
        title=run.title,
        started=run.started,
        cells=len(run.cells),
        crossings=sum(bool(crossing.square) for crossing in run.exchange.crossings) if run.exchange else 0,
        pythons=run.pythons,
        missing_pythons=run.missing_pythons,
        coverage=run.coverage,
        answered=run.answered,
        unanswered=run.unanswered,
        rounds=run.rounds,
        reuse=count_reuse(evidence.get(key, ()) for key in sorted(run.evidence_keys())),
    )


def measurement_rows(cells: Iterable[JudgedCell]) -> tuple[MeasurementRow, ...]:
    """The rows of all Pythons, newest Python first."""
    by_python: dict[str, dict[str, Evidence]] = {}
    for cell in cells:
        for run in cell.runs:
            by_python.setdefault(run.python, {})[run.id] = run
    return tuple(
        _measured(python, tuple(by_python[python].values()))
        for python in sorted(by_python, key=python_key, reverse=True)
    )


def _measured(python: str, runs: tuple[Evidence, ...]) -> MeasurementRow:
    isolations = [run.isolation for run in runs if run.isolation is not None]
    return MeasurementRow(
        python=python,
        interpreters=tuple(sorted({run.interpreter for run in runs})),
        platforms=tuple(sorted({run.platform for run in runs})),
        networks=tuple(sorted({isolation.network for isolation in isolations})),
        closed=count_closed(runs),
        memory_limits_mb=tuple(sorted({isolation.memory_limit_mb for isolation in isolations})),
        time_limits_s=tuple(sorted({isolation.time_limit_s for isolation in isolations})),
        runs=sum(run.made_environment for run in runs),
        seconds=round(sum(run.seconds for run in runs), 1),
        first_seen=min(run.started for run in runs),
        last_seen=max(run.started for run in runs),
    )
