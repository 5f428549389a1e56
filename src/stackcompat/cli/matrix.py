"""Commands on a whole matrix: plan, run, report."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from stackcompat.advice.advice import collect_advice
from stackcompat.advice.advisory import load_links
from stackcompat.advice.timeline import Timeline, timelines
from stackcompat.blame.diagnosis import DIAGNOSES, Diagnoses
from stackcompat.cli.common import (
    err,
    every_run,
    glyph,
    jobs_option,
    json_option,
    make_exchange_runner,
    make_runner,
    open_index,
    open_output,
    open_store,
    out,
    output_option,
    project_option,
    reporting,
    write_json,
)
from stackcompat.core.record import UsageError
from stackcompat.core.vocabulary import Verdict
from stackcompat.ecosystem.interpreters import find_interpreters, this_platform
from stackcompat.ecosystem.releases import IndexUnreachable
from stackcompat.evidence.runs import RunRecord
from stackcompat.evidence.shards import Shard
from stackcompat.evidence.shards import shards as all_shards
from stackcompat.evidence.store import Store
from stackcompat.frontier.frontier import FRONTIERS
from stackcompat.pipeline.cells import now
from stackcompat.pipeline.exchange import execute_exchange
from stackcompat.pipeline.execution import due_cells, execute, lock_matrix
from stackcompat.plan.checkout import Checkout, find_checkout
from stackcompat.plan.matrix import Matrix
from stackcompat.plan.plan import make_plan
from stackcompat.report.advice import advice_files
from stackcompat.report.write import write
from stackcompat.resolve.islands import ISLANDS
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from stackcompat.verdict.exchange import judge_crossings
from stackcompat.verdict.verdict import judge

__all__ = ["merge", "plan", "publish", "report", "run"]

#: Since when the days are replayed on which the newest releases did not work together.
REPLAYED = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


@click.command()
@click.argument("matrix")
@click.option("--shards", type=click.IntRange(1, 256), help="Lock the cells too, and split them into so many parts.")
@jobs_option
@project_option
@json_option
def plan(matrix: str, shards: int | None, jobs: int, project_folder: str | None, json_file: str | None) -> None:
    """Show the cells of MATRIX (a file, or the name of one in matrices/) without running any.

    With --shards, other machines that start from this store run a part each: stackcompat run MATRIX --shard 1/N.
    """
    project = find_checkout(project_folder)
    loaded = project.matrix(matrix)
    if shards is not None:
        _plan_shards(project, loaded, shards, jobs, json_file)
        return
    here = find_interpreters(loaded.pythons)
    for python in loaded.pythons:
        if python not in here:
            err.print(_not_tried(python), style="yellow")
    available = [python for python in loaded.pythons if python in here]
    made = make_plan(
        loaded,
        project.components(),
        open_index(),
        platform=loaded.platform or this_platform(),
        pythons=available,
        now=now(),
    )
    write_json(json_file, made.model_dump(mode="json"))
    if json_file == "-":
        return
    table = Table("cell", "Python", "policy", "what", box=None, header_style="bold")
    for cell in made.cells:
        table.add_row(cell.id, cell.python, cell.policy, escape(cell.label or ", ".join(cell.requirements)))
    out.print(table)
    out.print(f"{len(made.cells)} cells", style="bold")
    for label, percent in made.coverage.items():
        out.print(f"{label}: {percent:.1f} % of the allowed combinations are covered")
    if project.store.is_file():
        for last in (one for one in open_store(project).runs() if one.matrix == loaded.name):
            for label, percent in last.answered.items():
                out.print(f"{label}: {percent:.1f} % had a verdict after the run of {last.started:%Y-%m-%d %H:%M} UTC")


def _plan_shards(project: Checkout, loaded: Matrix, number: int, jobs: int, json_file: str | None) -> None:
    """The shards, each with its cells and how many of them have no evidence yet."""
    runner = make_runner(project, jobs, loaded.pythons, loaded.level)
    with reporting(verbose=False) as reporter:
        record = lock_matrix(loaded, runner.reporting(reporter))
    due = {planned.key for planned in due_cells(record.cells, runner.store)}
    parts = []
    # Readers need what writers wrote, so a matrix of level exchange is one part.
    for shard in all_shards(1 if loaded.level == "exchange" else number):
        mine = [planned for planned in record.cells if shard.owns(planned)]
        waiting = {planned.key for planned in mine} & due
        parts.append({"shard": str(shard), "cells": [one.cell.id for one in mine], "due": len(waiting)})
    write_json(json_file, {"matrix": record.matrix, "cells": len(record.cells), "due": len(due), "shards": parts})
    if json_file != "-":
        for part in parts:
            out.print(f"shard {part['shard']}: {len(part['cells'])} cells, {part['due']} to run")  # type: ignore[arg-type]


@click.command()
@click.argument("matrix")
@jobs_option
@click.option("--rerun", is_flag=True, help="Run again what has evidence already.")
@click.option("--relock", is_flag=True, help="Resolve again what was resolved already.")
@click.option("--shard", metavar="I/N", help="Run only this part, as planned with --shards N; then merge the stores.")
@click.option(
    "--continue", "go_on", is_flag=True, help="Go on with the last run, also a merged one: plan nothing anew."
)
@click.option("--report/--no-report", "reports", default=True, help="Write reports/ afterwards.")
@click.option("-v", "--verbose", is_flag=True, help="A line for each cell, also where this is not a terminal.")
@project_option
def run(
    matrix: str,
    jobs: int,
    rerun: bool,
    relock: bool,
    shard: str | None,
    go_on: bool,
    reports: bool,
    verbose: bool,
    project_folder: str | None,
) -> None:
    """Run MATRIX: lock its cells, run what has no evidence yet, confirm what is red, publish the table.

    Stopped at any moment (Ctrl-C), it goes on where it was when started again.
    """
    part = Shard.parse(shard) if shard else None
    if part is not None and reports:
        raise UsageError("--shard: a part is no table; add --no-report, and merge the stores of all parts afterwards")
    if go_on and (part is not None or relock):
        raise UsageError("--continue: goes on with the locks of the last run; leave out --shard and --relock")
    project = find_checkout(project_folder)
    loaded = project.matrix(matrix)
    if part is not None and part.of > 1 and loaded.level == "exchange":
        raise UsageError(
            "--shard: a matrix of level exchange is not run in parts: its readers need what its writers wrote"
        )
    runner = make_runner(project, jobs, loaded.pythons, loaded.level)
    with reporting(verbose) as reporter:
        runner = runner.reporting(reporter)
        if loaded.level == "exchange":
            exchange = make_exchange_runner(project, runner)
            record = execute_exchange(loaded, exchange, rerun=rerun, relock=relock, go_on=go_on)
        else:
            record = execute(loaded, runner, rerun=rerun, relock=relock, shard=part, go_on=go_on)
    runner.cache.trim()
    evidence = runner.store.of_keys(record.evidence_keys())
    mine = [cell for cell in record.cells if part is None or part.owns(cell)]
    verdicts = [judge(cell, evidence.get(cell.key, ())) for cell in mine]
    crossed = [verdict for _, verdict in judge_crossings(record.exchange, evidence)] if record.exchange else []
    for python in record.missing_pythons:
        err.print(_not_tried(python), style="yellow")
    if verdicts:
        _print_counts([verdict.verdict for verdict in verdicts], "cells")
    if crossed:
        _print_counts([verdict.verdict for verdict in crossed], "crossings")
    _print_coverage(record)
    if reports:
        publish(project, runner.store, project.reports)


def _not_tried(python: str) -> str:
    return f"Python {python} was not found on this machine, so its cells are not tried."


def _print_coverage(record: RunRecord) -> None:
    for label, percent in record.coverage.items():
        said = f"{label}: {percent:.1f} % of the allowed combinations are locked together"
        said += f", {record.answered[label]:.1f} % have a verdict" if label in record.answered else ""
        out.print(escape(said))
    if record.rounds:
        cells = " and ".join(map(str, record.rounds))
        out.print(f"cells made in further rounds, for what had no verdict: {cells}")
    for sentence in record.unanswered:
        out.print(escape(sentence))


def _print_counts(verdicts: Sequence[Verdict], noun: str) -> None:
    counts = Counter(verdicts)
    parts = [f"{glyph(name)} {number} {name}" for name, number in counts.items()]
    out.print(f"{len(verdicts)} {noun}: " + ", ".join(parts))


def publish(project: Checkout, store: Store, destination: Path) -> None:
    runs = store.runs()
    if not runs:
        raise UsageError(f"{store.path.name}: holds no run yet; run a matrix first, for example: stackcompat run quick")
    past = [record for run in runs for record in every_run(store, run.matrix)]
    keys = {key for record in (*runs, *past) for key in record.evidence_keys()}
    summary = summarise(
        project.components(),
        runs,
        store.of_keys(keys),
        now(),
        store.kept(ISLANDS),
        past,
        Diagnoses(store.kept(DIAGNOSES)),
        store.kept(FRONTIERS),
    )
    more, days = _advice(project, summary)
    write(destination, summary, more, days)
    out.print(summary.headline)
    page = destination / "index.html"
    out.print(f"Table: {os.path.relpath(page)}, {os.path.relpath(destination / 'COMPATIBILITY.md')}")


def _advice(project: Checkout, summary: Summary) -> tuple[dict[str, str] | None, tuple[Timeline, ...]]:
    """What follows from the table together with the index; None without it: then it stays as it was."""
    links = load_links(project.matrices / "advisories.toml")
    catalog = open_index()
    try:
        days = timelines(summary, catalog, REPLAYED)
        collected = collect_advice(summary, project.components(), catalog, links, days)
        return advice_files(summary, collected), days
    except IndexUnreachable as error:
        err.print(f"Advisories and bounds stay as they were: {error}", style="yellow")
        return None, ()


@click.command()
@output_option
@project_option
def report(output: str | None, project_folder: str | None) -> None:
    """Write the compatibility table from the store: compat.json, COMPATIBILITY.md, index.html, badges, JUnit."""
    project = find_checkout(project_folder)
    publish(project, open_store(project), open_output(output, project))


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
        absent = store.merge(others)
    finally:
        for other in others:
            other.close()
    for shard in absent:
        err.print(f"Shard {shard} is missing: what it should have run shows as untested.", style="yellow")
    out.print(f"{len(stores)} stores merged")
