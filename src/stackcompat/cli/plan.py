"""The command that shows the cells of a matrix, or splits them into shards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from stackcompat.cli.answers import answer_options, tell
from stackcompat.cli.completion import complete_matrix
from stackcompat.cli.console import out, reporting, warn_of_missing
from stackcompat.cli.options import build_option, jobs_option, project_option
from stackcompat.cli.runners import make_runner
from stackcompat.cli.workspace import open_index, open_store
from stackcompat.core.dates import now
from stackcompat.core.text import counted
from stackcompat.ecosystem.interpreters import find_interpreters, this_platform
from stackcompat.evidence.database import exists
from stackcompat.evidence.shards import all_shards
from stackcompat.pipeline.execution import due_cells, lock_matrix, plan_shards
from stackcompat.plan.ecosystem import Ecosystem, find_ecosystem
from stackcompat.plan.matrix import Matrix
from stackcompat.plan.plan import Plan, make_plan

__all__ = ["plan"]


@click.command()
@click.argument("name", metavar="MATRIX", shell_complete=complete_matrix)
@click.option(
    "--shards",
    "number",
    type=click.IntRange(1, 256),
    help="Lock the cells too, and split them into so many parts.",
)
@build_option
@jobs_option
@project_option
@answer_options
def plan(
    name: str, number: int | None, jobs: int, project_folder: str | None, form: str, json_file: str | None
) -> None:
    """Show the cells of MATRIX (a file, or the name of one in matrices/) without running any.

    With --shards, other machines that start from this store run a part each: stackcompat run MATRIX --shard 1/N.
    """
    project = find_ecosystem(project_folder)
    matrix = project.matrix(name)
    if number is not None:
        _plan_shards(project, matrix, number, jobs, form, json_file)
        return
    interpreters = find_interpreters(matrix.pythons)
    warn_of_missing([python for python in matrix.pythons if python not in interpreters])
    planned = make_plan(
        matrix,
        project.components(),
        open_index(),
        platform=matrix.platform or this_platform(),
        pythons=[python for python in matrix.pythons if python in interpreters],
        now=now(),
    )
    tell(form, json_file, planned.model_dump(mode="json"), partial(_print_plan, planned, project, matrix))


def _print_plan(planned: Plan, project: Ecosystem, matrix: Matrix) -> None:
    """Print the cells of a plan, and how much of the allowed combinations its covering arrays cover."""
    table = Table("cell", "Python", "policy", "what", box=None, header_style="bold")
    for cell in planned.cells:
        table.add_row(cell.id, cell.python, cell.policy, escape(cell.label or ", ".join(cell.requirements)))
    out.print(table)
    out.print(f"{counted(len(planned.cells), 'cell')}", style="bold")
    for label, percent in planned.coverage.items():
        out.print(f"{label}: {percent:.1f} % of the allowed combinations are covered")
    _print_answered(project, matrix)


def _print_answered(project: Ecosystem, matrix: Matrix) -> None:
    """Print how much of the covering arrays had a verdict after the last run of the matrix, if there was one."""
    if not exists(project.store):
        return
    for record in open_store(project, reading=True).runs():
        if record.matrix == matrix.name:
            when = f"{record.started:%Y-%m-%d %H:%M} UTC"
            for label, percent in record.answered.items():
                out.print(f"{label}: {percent:.1f} % had a verdict after the run of {when}")


def _plan_shards(project: Ecosystem, matrix: Matrix, number: int, jobs: int, form: str, json_file: str | None) -> None:
    """Lock a matrix, and print its shards: each with its cells and how many of them have no evidence yet."""
    runner = make_runner(project, jobs, matrix.pythons, matrix.level)
    with reporting(verbose=False) as reporter:
        runner = runner.reporting(reporter)
        # Readers need what writers wrote, so a matrix of level exchange is one part, and needs no plan for several.
        record = lock_matrix(matrix, runner) if matrix.level == "exchange" else plan_shards(matrix, runner, number)
    due = {planned.key for planned in due_cells(record.cells, runner.store)}
    parts: list[dict[str, Any]] = []
    for shard in all_shards(1 if matrix.level == "exchange" else number):
        mine = [planned for planned in record.cells if shard.owns(planned)]
        cells, waiting = [planned.cell.id for planned in mine], {planned.key for planned in mine} & due
        parts.append({"shard": str(shard), "cells": cells, "due": len(waiting)})
    answer = {"matrix": record.matrix, "cells": len(record.cells), "due": len(due), "shards": parts}
    tell(form, json_file, answer, partial(_print_shards, parts))


def _print_shards(parts: Sequence[Mapping[str, Any]]) -> None:
    for part in parts:
        out.print(f"shard {part['shard']}: {counted(len(part['cells']), 'cell')}, {part['due']} to run")
