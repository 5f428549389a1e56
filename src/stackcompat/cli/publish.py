"""The command that writes the table. Other commands write it by the same function."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import click

from stackcompat.advice.advice import Advice, collect_advice
from stackcompat.advice.advisory import load_links
from stackcompat.advice.timeline import timelines
from stackcompat.blame.diagnosis import DIAGNOSES, Diagnoses
from stackcompat.cli.archives import take_over
from stackcompat.cli.console import err, out
from stackcompat.cli.lookup import every_run
from stackcompat.cli.options import open_output, output_option, project_option, publish_option
from stackcompat.cli.workspace import open_index, open_store
from stackcompat.core.dates import now
from stackcompat.core.errors import RUN_FIRST, UsageError
from stackcompat.core.folders import from_here
from stackcompat.core.text import counted
from stackcompat.ecosystem.releases import Catalog, CatalogAt, IndexUnreachable
from stackcompat.evidence.runs import RunRecord
from stackcompat.evidence.store import Store
from stackcompat.frontier.frontier import FRONTIERS
from stackcompat.plan.ecosystem import Ecosystem, find_ecosystem
from stackcompat.report.advice import advice_files, kept_advice
from stackcompat.report.links import Links
from stackcompat.report.read import read_table
from stackcompat.report.write import write, write_kept
from stackcompat.resolve.islands import ISLANDS
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from stackcompat.verdict.greens import Greens

__all__ = ["past_runs", "report", "table_of", "write_table"]

#: The beginning of the published timelines.
REPLAYED = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


@click.command()
@output_option
@publish_option
@project_option
@click.option(
    "--from",
    "source",
    metavar="FILE|URL|DIR",
    help="First take over this archive of evidence; or, if it is a folder, take its published table, not the store's.",
)
def report(output: str | None, publish: bool, project_folder: str | None, source: str | None) -> None:
    """Write the compatibility table from the store: compat.json, COMPATIBILITY.md, index.html, badges, JUnit.

    --publish writes what a repository keeps: the texts for people, compat.json, locks, constraints and advice. All
    else follows from these, and stackcompat site makes it.
    """
    project = find_ecosystem(project_folder)
    destination = open_output(output, project, publish=publish)
    if source is None or not Path(source).is_dir():
        store = open_store(project, reading=source is None)
        if source is not None:
            take_over(source, project, store)
        write_table(project, store, destination)
        return
    summary = read_table(Path(source))
    _write(project, summary, CatalogAt(open_index(), summary.generated), destination)


def write_table(project: Ecosystem, store: Store, destination: Path) -> None:
    """Write the compatibility table.

    Args:
        project: The ecosystem with the components and links of advisories.
        store: Has the runs, the evidence, and all else that the table shows.
        destination: The folder to write into.

    Raises:
        UsageError: The store holds no run yet; or the table would be published in place of one that knows more cells.
    """
    _write(project, table_of(project, store, past_runs(store), now()), open_index(), destination)


def past_runs(store: Store) -> list[RunRecord]:
    """The runs of all matrices of a store, as tables read them: by matrix, oldest first.

    Raises:
        UsageError: The store holds no run yet.
    """
    past = [record for matrix in store.matrices() for record in every_run(store, matrix)]
    if not past:
        raise UsageError(f"{store.label}: holds no run yet; {RUN_FIRST}")
    return past


def table_of(project: Ecosystem, store: Store, past: Sequence[RunRecord], moment: dt.datetime) -> Summary:
    """The compatibility table.

    Args:
        project: The ecosystem with the components.
        store: Has the evidence, and all else that the table shows.
        past: The runs of all matrices; see :func:`past_runs`.
        moment: The time of the table.
    """
    newest = {record.matrix: record for record in past}
    keys = {key for record in past for key in record.evidence_keys()}
    outlines = store.outlines_of_keys(keys)
    return summarise(
        project.components(),
        tuple(newest.values()),
        outlines.evidence,
        moment,
        store.kept(ISLANDS),
        past,
        Diagnoses(store.kept(DIAGNOSES)),
        store.kept(FRONTIERS),
        Greens(store.green_releases(), project.components()),
        outlines.longest,
        project.places,
    )


def _write(project: Ecosystem, summary: Summary, catalog: Catalog, destination: Path) -> None:
    """Write the reports of a table.

    Args:
        project: The ecosystem with the components and links of advisories.
        summary: The table.
        catalog: What releases declare, and when they were uploaded.
        destination: The folder to write into.

    Raises:
        UsageError: The table would be published in place of one that knows more cells.
    """
    is_published = destination == project.published
    if is_published:
        _refuse_to_lose_cells(destination, summary)
    advice = _advice(project, summary, catalog)
    table = from_here(destination / "COMPATIBILITY.md")
    if is_published:
        links = Links(beside=False, site=project.site_address)
        write_kept(destination, summary, None if advice is None else kept_advice(summary, advice, links), links)
        seen = f"{table}; stackcompat site makes pages of it"
    else:
        files = None if advice is None else advice_files(summary, advice)
        write(destination, summary, files, () if advice is None else advice.timelines)
        seen = f"{from_here(destination / 'index.html')}, {table}"
    out.print(summary.headline)
    out.print(f"Table: {seen}")


def _refuse_to_lose_cells(published: Path, summary: Summary) -> None:
    """Raise UsageError if the published table knows more cells than the one that is to replace it."""
    path = published / "compat.json"
    if not path.is_file():
        return
    before, after = read_table(published).tested_cells(), summary.tested_cells()
    if after < before:
        raise UsageError(
            f"--publish: {from_here(path)} knows {counted(before, 'cell')} and this table {after}; run more of them, "
            "take over their evidence by --from, or remove the published table first"
        )


def _advice(project: Ecosystem, summary: Summary, catalog: Catalog) -> Advice | None:
    """The advice that follows from a table. Without an index there is none: None."""
    links = load_links(project.matrices / "advisories.toml")
    try:
        days = timelines(summary, catalog, REPLAYED)
        return collect_advice(summary, project.components(), catalog, links, days)
    except IndexUnreachable as error:
        err.print(f"Advisories and bounds stay as they were: {error}", style="yellow")
        return None
