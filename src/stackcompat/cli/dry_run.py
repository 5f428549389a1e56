"""What --dry-run prints: which cells would run, what is known already, and how long they took before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from stackcompat.cli.console import glyph, out
from stackcompat.core.text import counted, time_words
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import RunRecord
from stackcompat.pipeline.baselines import greens_of
from stackcompat.pipeline.exchange_execution import lock_exchange
from stackcompat.pipeline.execution import last_run, lock_matrix
from stackcompat.pipeline.preview import CellPreview, due_crossings, preview_cells
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.matrix import Matrix
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.verdict import by_smoke_tests, judge

__all__ = ["preview_json", "preview_matrix", "print_preview", "print_times", "times_json"]


def preview_matrix(matrix: Matrix, runner: Runner, *, relock: bool, go_on: bool) -> RunRecord:
    """The record of the run that `stackcompat run` would begin or, with `go_on`, continue.

    Args:
        matrix: The matrix.
        runner: Locks its cells. For a matrix of level exchange it is that of the tests of artifacts.
        relock: Whether cells are resolved again although the index says nothing new about them.
        go_on: Whether the last run would be continued.

    Raises:
        UsageError: As of :func:`stackcompat.pipeline.execution.execute`.
        StackcompatError: As of :func:`stackcompat.pipeline.execution.execute`.
    """
    if go_on:
        return last_run(matrix, runner.store)
    lock = lock_exchange if matrix.level == "exchange" else lock_matrix
    return lock(matrix, runner, relock=relock)


def preview_json(matrix: Matrix, record: RunRecord, runner: Runner, *, rerun: bool) -> dict[str, Any]:
    """What a run that has not begun would run, as JSON: a row for each cell, and how long those that are due took.

    Args:
        matrix: The matrix.
        record: The run, in which nothing was run.
        runner: Has the store and the components.
        rerun: Whether cells that have evidence would run, too.
    """
    cells = record.exchange.cells if record.exchange else record.cells
    previews = preview_cells(cells, runner.store, matrix.level, rerun=rerun)
    evidence, greens = runner.store.of_keys(record.evidence_keys()), greens_of(runner)
    rows = [_row(preview, evidence, runner, greens) for preview in previews]
    answer = {"schema_version": 1, "matrix": matrix.name, "cells": rows}
    answer |= times_json([preview.seconds for preview in previews if preview.is_due], runner.executor.workers)
    if record.exchange:
        keys = {crossing.key for crossing in record.exchange.crossings if crossing.key}
        answer |= {
            "crossings": len(keys),
            "crossings_due": due_crossings(record.exchange, runner.store, rerun=rerun),
        }
    return answer


def _row(
    preview: CellPreview, evidence: Mapping[str, Sequence[Evidence]], runner: Runner, greens: Greens
) -> dict[str, Any]:
    """What is known of a cell: whether it is due, which cell it shares its run with, or its verdict."""
    planned, verdict = preview.planned, None
    if not preview.is_due and not preview.shares:
        judged = judge(planned, tuple(evidence.get(planned.key, ())), runner.components, greens=greens)
        verdict = by_smoke_tests(judged, runner.components).verdict
    return {
        "cell": planned.cell.id,
        "python": planned.cell.python,
        "policy": planned.cell.policy,
        "what": planned.cell.label or ", ".join(planned.cell.requirements),
        "due": preview.is_due,
        "shares": preview.shares,
        "verdict": verdict,
        "seconds": preview.seconds,
    }


def print_preview(answer: Mapping[str, Any], record: RunRecord) -> None:
    """Print each cell of a run that has not begun, with its verdict or that it would run.

    Args:
        answer: The answer of :func:`preview_json`.
        record: The run.
    """
    table = Table("cell", "Python", "policy", "what", "now", "before", box=None, header_style="bold")
    for row in answer["cells"]:
        before = "" if row["seconds"] is None else time_words(row["seconds"])
        table.add_row(row["cell"], row["python"], row["policy"], escape(row["what"]), _now(row), before)
    out.print(table)
    due, cells = answer["due"], len(answer["cells"])
    out.print(f"{counted(cells, 'cell')}: {due} would run, {cells - due} need not", style="bold")
    print_times(answer)
    if record.exchange:
        crossings, to_run = answer["crossings"], answer["crossings_due"]
        out.print(f"{counted(crossings, 'crossing')}: {to_run} would run, {crossings - to_run} need not")
    elif record.coverage:
        out.print("Cells of further rounds, for what gets no verdict, are not among them.")


def _now(row: Mapping[str, Any]) -> str:
    """What is known of a cell, as rich's markup."""
    if row["due"]:
        return "would run"
    return f"as {row['shares']}" if row["shares"] else f"{glyph(row['verdict'])} {row['verdict']}"


def times_json(seconds: Sequence[float | None], jobs: int) -> dict[str, Any]:
    """How long cells that would run took before, as JSON.

    Args:
        seconds: The seconds of each; None: it is not known.
        jobs: How many run at once.
    """
    known = [second for second in seconds if second is not None]
    return {
        "due": len(seconds),
        "timed": len(known),
        "seconds": sum(known),
        "seconds_at_once": max(*known, sum(known) / jobs) if known else 0.0,
        "jobs": jobs,
    }


def print_times(times: Mapping[str, Any]) -> None:
    """Print what :func:`times_json` says."""
    due, timed = times["due"], times["timed"]
    if timed:
        some = "They" if timed == due else f"{timed} of them"
        taken, at_once = time_words(times["seconds"]), time_words(times["seconds_at_once"])
        out.print(f"{some} took {taken} before; with {times['jobs']} at once, {at_once} or more.")
    if timed < due:
        out.print(f"It is not known how long {due - timed} of them take.")
