"""Commands on a whole matrix: plan it, run it, merge the stores of its shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from stackcompat.cli.console import err, glyph, out, reporting
from stackcompat.cli.options import jobs_option, json_option, project_option, write_json
from stackcompat.cli.publish import publish
from stackcompat.cli.workspace import make_exchange_runner, make_runner, open_index, open_store
from stackcompat.core.errors import UsageError
from stackcompat.core.vocabulary import Verdict
from stackcompat.ecosystem.interpreters import find_interpreters, this_platform
from stackcompat.evidence.runs import RunRecord
from stackcompat.evidence.shards import Shard, shards
from stackcompat.evidence.store import Store
from stackcompat.pipeline.cells import now
from stackcompat.pipeline.exchange_execution import execute_exchange
from stackcompat.pipeline.execution import due_cells, execute, lock_matrix
from stackcompat.plan.checkout import Checkout, find_checkout
from stackcompat.plan.goal import Plan
from stackcompat.plan.matrix import Matrix
from stackcompat.plan.plan import make_plan
from stackcompat.verdict.exchange import judge_crossings
from stackcompat.verdict.verdict import judge

__all__ = ["merge", "plan", "run"]


@click.command()
@click.argument("name", metavar="MATRIX")
@click.option(
    "--shards",
    "number",
    type=click.IntRange(1, 256),
    help="Lock the cells too, and split them into so many parts.",
)
@jobs_option
@project_option
@json_option
def plan(name: str, number: int | None, jobs: int, project_folder: str | None, json_file: str | None) -> None:
    """Show the cells of MATRIX (a file, or the name of one in matrices/) without running any.

    With --shards, other machines that start from this store run a part each: stackcompat run MATRIX --shard 1/N.
    """
    project = find_checkout(project_folder)
    matrix = project.matrix(name)
    if number is not None:
        _plan_shards(project, matrix, number, jobs, json_file)
        return
    interpreters = find_interpreters(matrix.pythons)
    _warn_of_missing([python for python in matrix.pythons if python not in interpreters])
    planned = make_plan(
        matrix,
        project.components(),
        open_index(),
        platform=matrix.platform or this_platform(),
        pythons=[python for python in matrix.pythons if python in interpreters],
        now=now(),
    )
    write_json(json_file, planned.model_dump(mode="json"))
    if json_file != "-":
        _print_plan(planned)
        _print_answered(project, matrix)


def _print_plan(planned: Plan) -> None:
    """Print the cells of a plan, and what its covering arrays cover."""
    table = Table("cell", "Python", "policy", "what", box=None, header_style="bold")
    for cell in planned.cells:
        table.add_row(cell.id, cell.python, cell.policy, escape(cell.label or ", ".join(cell.requirements)))
    out.print(table)
    out.print(f"{len(planned.cells)} cells", style="bold")
    for label, percent in planned.coverage.items():
        out.print(f"{label}: {percent:.1f} % of the allowed combinations are covered")


def _print_answered(project: Checkout, matrix: Matrix) -> None:
    """Print how much of the covering arrays had a verdict after the last run, if there was one."""
    if not project.store.is_file():
        return
    for record in open_store(project).runs():
        if record.matrix == matrix.name:
            when = f"{record.started:%Y-%m-%d %H:%M} UTC"
            for label, percent in record.answered.items():
                out.print(f"{label}: {percent:.1f} % had a verdict after the run of {when}")


def _plan_shards(project: Checkout, matrix: Matrix, number: int, jobs: int, json_file: str | None) -> None:
    """Lock a matrix, and print its shards: each with its cells and how many of them have no evidence yet."""
    runner = make_runner(project, jobs, matrix.pythons, matrix.level)
    with reporting(verbose=False) as reporter:
        record = lock_matrix(matrix, runner.reporting(reporter))
    due = {planned.key for planned in due_cells(record.cells, runner.store)}
    parts = []
    # Readers need what writers wrote, so a matrix of level exchange is one part.
    for shard in shards(1 if matrix.level == "exchange" else number):
        mine = [planned for planned in record.cells if shard.owns(planned)]
        cells, waiting = [planned.cell.id for planned in mine], {planned.key for planned in mine} & due
        parts.append({"shard": str(shard), "cells": cells, "due": len(waiting)})
        if json_file != "-":
            out.print(f"shard {shard}: {len(cells)} cells, {len(waiting)} to run")
    write_json(json_file, {"matrix": record.matrix, "cells": len(record.cells), "due": len(due), "shards": parts})


@click.command()
@click.argument("name", metavar="MATRIX")
@jobs_option
@click.option("--rerun", is_flag=True, help="Run again what has evidence already.")
@click.option("--relock", is_flag=True, help="Resolve again what was resolved already.")
@click.option(
    "--shard", "part", metavar="I/N", help="Run only this part, as planned with --shards N; then merge the stores."
)
@click.option(
    "--continue", "go_on", is_flag=True, help="Go on with the last run, also a merged one: plan nothing anew."
)
@click.option("--report/--no-report", "reports", default=True, help="Write reports/ afterwards.")
@click.option("-v", "--verbose", is_flag=True, help="A line for each cell, also where this is not a terminal.")
@project_option
def run(
    name: str,
    jobs: int,
    rerun: bool,
    relock: bool,
    part: str | None,
    go_on: bool,
    reports: bool,
    verbose: bool,
    project_folder: str | None,
) -> None:
    """Run MATRIX: lock its cells, run what has no evidence yet, confirm what is red, publish the table.

    Stopped at any moment (Ctrl-C), it goes on where it was when started again.
    """
    shard = Shard.parse(part) if part else None
    if shard is not None and reports:
        raise UsageError("--shard: a part is no table; add --no-report, and merge the stores of all parts afterwards")
    if go_on and (shard is not None or relock):
        raise UsageError("--continue: goes on with the locks of the last run; leave out --shard and --relock")
    project = find_checkout(project_folder)
    matrix = project.matrix(name)
    if shard is not None and shard.of > 1 and matrix.level == "exchange":
        raise UsageError(
            "--shard: a matrix of level exchange is not run in parts: its readers need what its writers wrote"
        )
    runner = make_runner(project, jobs, matrix.pythons, matrix.level)
    with reporting(verbose) as reporter:
        runner = runner.reporting(reporter)
        if matrix.level == "exchange":
            exchange = make_exchange_runner(project, runner)
            record = execute_exchange(matrix, exchange, rerun=rerun, relock=relock, go_on=go_on)
        else:
            record = execute(matrix, runner, rerun=rerun, relock=relock, shard=shard, go_on=go_on)
    runner.cache.trim()
    _warn_of_missing(record.missing_pythons)
    _print_verdicts(record, runner.store, shard)
    _print_coverage(record)
    if reports:
        publish(project, runner.store, project.reports)


def _warn_of_missing(pythons: Sequence[str]) -> None:
    for python in pythons:
        err.print(f"Python {python} was not found on this machine, so its cells are not tried.", style="yellow")


def _print_verdicts(record: RunRecord, store: Store, shard: Shard | None) -> None:
    """Print how many cells (of a shard: its own) and crossings of a run have which verdict."""
    evidence = store.of_keys(record.evidence_keys())
    mine = [planned for planned in record.cells if shard is None or shard.owns(planned)]
    if mine:
        _print_counts([judge(planned, evidence.get(planned.key, ())).verdict for planned in mine], "cells")
    crossings = judge_crossings(record.exchange, evidence) if record.exchange else []
    verdicts = [verdict.verdict for _, verdict in crossings]
    if verdicts:
        _print_counts(verdicts, "crossings")


def _print_counts(verdicts: Sequence[Verdict], noun: str) -> None:
    counts = Counter(verdicts)
    parts = [f"{glyph(verdict)} {number} {verdict}" for verdict, number in counts.items()]
    out.print(f"{len(verdicts)} {noun}: " + ", ".join(parts))


def _print_coverage(record: RunRecord) -> None:
    """Print how far the covering arrays of a run came."""
    for label, percent in record.coverage.items():
        locked = f"{label}: {percent:.1f} % of the allowed combinations are locked together"
        answered = f", {record.answered[label]:.1f} % have a verdict" if label in record.answered else ""
        out.print(escape(locked + answered))
    if record.rounds:
        cells = " and ".join(str(number) for number in record.rounds)
        out.print(f"cells made in further rounds, for what had no verdict: {cells}")
    for sentence in record.unanswered:
        out.print(escape(sentence))


@click.command()
@click.argument("stores", nargs=-1, required=True, type=click.Path(path_type=Path))
@project_option
def merge(stores: tuple[Path, ...], project_folder: str | None) -> None:
    """Take over the evidence, locks and runs of STORES (files) into the project's store; shards become one run."""
    for path in stores:
        if not path.is_file():
            raise UsageError(f"STORE: {path} is no file; give the evidence.sqlite of a run")
    store = open_store(find_checkout(project_folder))
    others = [Store(path) for path in stores]
    try:
        missing = store.merge(others)
    finally:
        for other in others:
            other.close()
    for shard in missing:
        err.print(f"Shard {shard} is missing: what it should have run shows as untested.", style="yellow")
    out.print(f"{len(stores)} stores merged")
