"""Commands on a whole matrix: plan, run, report."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path

import click
from rich.table import Table

from stackcompat.advisory import load_links
from stackcompat.campaign import execute, now
from stackcompat.cli.common import (
    err,
    glyph,
    jobs_option,
    json_option,
    make_bench,
    open_index,
    open_store,
    out,
    project_option,
    reporting,
    write_json,
)
from stackcompat.interpreter import find_interpreters, this_platform
from stackcompat.plan import make_plan
from stackcompat.project import Project, find_project
from stackcompat.record import UsageError
from stackcompat.releases import IndexUnreachable
from stackcompat.report import Summary, summarise, write
from stackcompat.report.advice import advice
from stackcompat.store import Store
from stackcompat.verdict import CellVerdict, Verdict, judge

__all__ = ["plan", "publish", "report", "run"]

#: How far back the days are replayed on which the newest releases did not work together.
REPLAYED = dt.timedelta(days=365)

#: How many runs of a matrix the history of a cell is told from.
LAST_RUNS = 30


@click.command()
@click.argument("matrix")
@project_option
@json_option
def plan(matrix: str, project_folder: str | None, json_file: str | None) -> None:
    """Show the cells of MATRIX (a file, or the name of one in matrices/) without running any."""
    project = find_project(project_folder)
    path, loaded = project.matrix(matrix)
    available = [p for p in loaded.pythons if p in find_interpreters(loaded.pythons)]
    made = make_plan(
        loaded,
        project.components(),
        open_index(),
        platform=loaded.platform or this_platform(),
        pythons=available,
        now=now(),
        source=str(path),
    )
    write_json(json_file, made.model_dump(mode="json"))
    if json_file == "-":
        return
    table = Table("cell", "Python", "policy", "what", box=None, header_style="bold")
    for cell in made.cells:
        table.add_row(cell.id, cell.python, cell.policy, cell.label or ", ".join(cell.requirements))
    out.print(table)
    out.print(f"{len(made.cells)} cells", style="bold")
    for label, percent in made.coverage.items():
        out.print(f"{label}: {percent:.1f} % of the allowed combinations are covered")


@click.command()
@click.argument("matrix")
@jobs_option
@click.option("--rerun", is_flag=True, help="Run again what has evidence already.")
@click.option("--relock", is_flag=True, help="Resolve again what was resolved already.")
@click.option("--report/--no-report", "reports", default=True, help="Write reports/ afterwards.")
@click.option("-v", "--verbose", is_flag=True, help="A line for each cell, also where this is not a terminal.")
@project_option
def run(
    matrix: str, jobs: int, rerun: bool, relock: bool, reports: bool, verbose: bool, project_folder: str | None
) -> None:
    """Run MATRIX: lock its cells, run what has no evidence yet, confirm what is red, publish the table.

    Stopped at any moment (Ctrl-C), it goes on where it was when started again.
    """
    project = find_project(project_folder)
    path, loaded = project.matrix(matrix)
    bench = make_bench(project, jobs, loaded.pythons)
    with reporting(verbose) as reporter:
        record = execute(loaded, path, bench, open_index(), reporter, rerun=rerun, relock=relock)
    bench.cache.trim()
    evidence = bench.store.of_keys(cell.key for cell in record.cells)
    verdicts = [judge(cell, evidence.get(cell.key, ())) for cell in record.cells]
    for python in record.missing_pythons:
        err.print(f"Python {python} was not found on this machine, so its cells were not tried.", style="yellow")
    _print_counts(verdicts)
    if reports:
        publish(project, bench.store, project.reports)


def _print_counts(verdicts: Sequence[CellVerdict]) -> None:
    counts: dict[Verdict, int] = {}
    for verdict in verdicts:
        counts[verdict.verdict] = counts.get(verdict.verdict, 0) + 1
    parts = [f"{glyph(name)} {number} {name}" for name, number in counts.items()]
    out.print(f"{len(verdicts)} cells: " + ", ".join(parts))


def publish(project: Project, store: Store, destination: Path) -> None:
    runs = store.runs()
    if not runs:
        raise UsageError(f"{store.path.name}: holds no run yet; run a matrix first, for example: stackcompat run quick")
    past = [record for run in runs for record in store.history(run.matrix, LAST_RUNS)]
    keys = {cell.key for record in past for cell in record.cells if cell.key}
    summary = summarise(project.components(), runs, store.of_keys(keys), now(), past)
    write(destination, summary, _advice(project, summary))
    out.print(summary.headline)
    page = destination / "index.html"
    out.print(f"Table: {os.path.relpath(page)}, {os.path.relpath(destination / 'COMPATIBILITY.md')}")


def _advice(project: Project, summary: Summary) -> dict[str, str]:
    """What follows from the table together with the index; without the index only the table is written."""
    links = load_links(project.matrices / "advisories.toml")
    try:
        return advice(summary, project.components(), open_index(), links, summary.generated - REPLAYED)
    except IndexUnreachable as error:
        err.print(f"Advisories and bounds are left out: {error}", style="yellow")
        return {}


@click.command()
@click.option("-o", "--output", metavar="DIR", help="Where to write; default: reports/ of the project.")
@project_option
def report(output: str | None, project_folder: str | None) -> None:
    """Write the compatibility table from the store: compat.json, COMPATIBILITY.md, index.html, badges, JUnit."""
    project = find_project(project_folder)
    publish(project, open_store(project), Path(output) if output else project.reports)
