"""The commands that only look: at a cell of the last runs, or at the releases on the index."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import click
from rich.markup import escape
from rich.table import Table

from stackcompat.cli.answers import answer_options, tell
from stackcompat.cli.cell_output import print_reproduction, print_verdict, verdict_json, warnings_of
from stackcompat.cli.completion import complete_cell
from stackcompat.cli.console import out
from stackcompat.cli.lookup import UnknownCell, find_cell
from stackcompat.cli.options import from_option, project_option
from stackcompat.cli.published import find_published, print_published, published_json
from stackcompat.cli.workspace import open_index, open_store
from stackcompat.core.dates import now
from stackcompat.core.errors import UsageError
from stackcompat.ecosystem.releases import Release
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.judging import judge_kept
from stackcompat.plan.ecosystem import Ecosystem, find_ecosystem
from stackcompat.plan.selection import Selection, select
from stackcompat.verdict.verdict import CellVerdict

__all__ = ["releases", "show"]


@click.command()
@click.argument("cell", shell_complete=complete_cell)
@answer_options
@from_option
@project_option
def show(cell: str, form: str, json_file: str | None, project_folder: str | None) -> None:
    """Show everything that is known of CELL (its id, or the first characters): versions, tests, warnings, log.

    If the store does not know it, this is what the published table says.
    """
    project = find_ecosystem(project_folder)
    store = open_store(project, reading=True)
    try:
        planned = find_cell(store, cell)
    except UnknownCell:
        published = find_published(project, cell)
        if published is None:
            raise
        tell(form, json_file, published_json(published), partial(print_published, published))
        return
    verdict, evidence = judge_kept(planned, store, project.components())
    answer = {"cell": planned.cell.id} | verdict_json(verdict, evidence)
    tell(form, json_file, answer, partial(_print_cell, planned, verdict, evidence, project))


def _print_cell(planned: PlannedCell, verdict: CellVerdict, evidence: Sequence[Evidence], project: Ecosystem) -> None:
    """Print everything that the store knows of a cell."""
    out.print(f"cell {planned.cell.id}: {escape(f'{planned.cell.label} ({planned.cell.policy})')}", style="bold")
    print_verdict(verdict, evidence, verbose=True)
    out.print(", ".join(f"{name} {version}" for name, version in verdict.installed.items()), style="dim")
    for warning in warnings_of(evidence):
        raised_by, triggered_by = warning.raised_by or "the language", warning.triggered_by or "a test"
        out.print(
            f"warning by {raised_by} because of {triggered_by}: {warning.category}: {warning.message}", markup=False
        )
    for run in evidence:
        out.print(
            f"run {run.id} {run.started:%Y-%m-%d %H:%M} {run.interpreter} {run.outcome} {run.seconds:.1f} s "
            f"{run.log if run.is_confirmation else run.detail}",
            markup=False,
        )
    last = next((run for run in reversed(evidence) if not run.is_confirmation), None)
    if last is not None and last.log:
        out.print_kept(last.log, style="dim")
    print_reproduction(verdict, project)


@click.command()
@click.argument("distribution")
@click.option("--last", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@click.option("--all", "prereleases", is_flag=True, help="Pre-releases and yanked ones too.")
@answer_options
def releases(distribution: str, last: int, prereleases: bool, form: str, json_file: str | None) -> None:
    """List what the index has of DISTRIBUTION: versions, upload times, Pythons."""
    project = open_index().project(distribution)
    if not project.releases:
        raise UsageError(f'DISTRIBUTION: the index has no "{distribution}"; give the name that an installer takes')
    selection = Selection(last=last, yanked=prereleases, prereleases=prereleases)
    chosen = select(project, selection, python=None, now=now())
    answer = [release.model_dump(mode="json", exclude={"files"}) for release in chosen]
    tell(form, json_file, answer, partial(_print_releases, chosen))


def _print_releases(chosen: Sequence[Release]) -> None:
    """Print a row for each release, the newest first."""
    table = Table("version", "uploaded", "Python", "", box=None, header_style="bold")
    for release in reversed(chosen):
        marks = "yanked" if release.yanked else ""
        table.add_row(release.version, f"{release.uploaded:%Y-%m-%d %H:%M}", release.requires_python, marks)
    out.print(table)
