"""The command that publishes the table, and publishing for any command."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import click

from stackcompat.advice.advice import collect_advice
from stackcompat.advice.advisory import load_links
from stackcompat.advice.timeline import Timeline, timelines
from stackcompat.blame.diagnosis import DIAGNOSES, Diagnoses
from stackcompat.cli.console import err, out
from stackcompat.cli.options import open_output, output_option, project_option
from stackcompat.cli.workspace import every_run, open_index, open_store
from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.releases import IndexUnreachable
from stackcompat.evidence.store import Store
from stackcompat.frontier.frontier import FRONTIERS
from stackcompat.pipeline.cells import now
from stackcompat.plan.checkout import Checkout, find_checkout
from stackcompat.report.advice import advice_files
from stackcompat.report.write import write
from stackcompat.resolve.islands import ISLANDS
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary

__all__ = ["publish", "report"]

#: Since when the days are looked for on which the newest releases did not work together.
REPLAYED = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


@click.command()
@output_option
@project_option
def report(output: str | None, project_folder: str | None) -> None:
    """Write the compatibility table from the store: compat.json, COMPATIBILITY.md, index.html, badges, JUnit."""
    project = find_checkout(project_folder)
    publish(project, open_store(project), open_output(output, project))


def publish(project: Checkout, store: Store, destination: Path) -> None:
    """Write the compatibility table.

    Args:
        project: The checkout with the components and links of advisories.
        store: Has the runs and the evidence.
        destination: The folder to write into.

    Raises:
        UsageError: The store holds no run yet.
    """
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
    files, days = _advice(project, summary)
    write(destination, summary, files, days)
    out.print(summary.headline)
    page, table = os.path.relpath(destination / "index.html"), os.path.relpath(destination / "COMPATIBILITY.md")
    out.print(f"Table: {page}, {table}")


def _advice(project: Checkout, summary: Summary) -> tuple[dict[str, str] | None, tuple[Timeline, ...]]:
    """The files that follow from the table together with the index; None without the index: they stay as they were."""
    links = load_links(project.matrices / "advisories.toml")
    catalog = open_index()
    try:
        days = timelines(summary, catalog, REPLAYED)
        collected = collect_advice(summary, project.components(), catalog, links, days)
        return advice_files(summary, collected), days
    except IndexUnreachable as error:
        err.print(f"Advisories and bounds stay as they were: {error}", style="yellow")
        return None, ()
