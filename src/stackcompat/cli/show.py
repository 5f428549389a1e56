"""Commands that only look: at a cell of the last runs, at what the index has."""

from __future__ import annotations

import click
from rich.table import Table

from stackcompat.cli.cell_output import print_verdict, warnings_of
from stackcompat.cli.console import out
from stackcompat.cli.options import json_option, project_option, write_json
from stackcompat.cli.workspace import find_cell, open_index, open_store
from stackcompat.core.errors import UsageError
from stackcompat.pipeline.cells import now
from stackcompat.plan.checkout import find_checkout
from stackcompat.plan.selection import Selection, select
from stackcompat.verdict.verdict import judge

__all__ = ["releases", "show"]


@click.command()
@click.argument("cell")
@project_option
def show(cell: str, project_folder: str | None) -> None:
    """Show everything that is known of CELL (its id, or the first characters): versions, tests, warnings, log."""
    store = open_store(find_checkout(project_folder))
    planned = find_cell(store, cell)
    evidence = store.of_key(planned.key) if planned.key else ()
    verdict = judge(planned, evidence)
    out.print(f"cell {planned.cell.id}: {planned.cell.label} ({planned.cell.policy})", style="bold")
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
            f"{run.detail}",
            markup=False,
        )
    if evidence and evidence[-1].log:
        out.print(evidence[-1].log, markup=False, style="dim")


@click.command()
@click.argument("distribution")
@click.option("--last", type=click.IntRange(1), default=20, show_default=True, help="How many.")
@click.option("--all", "prereleases", is_flag=True, help="Pre-releases and yanked ones too.")
@json_option
def releases(distribution: str, last: int, prereleases: bool, json_file: str | None) -> None:
    """List what the index has of DISTRIBUTION: versions, upload times, Pythons."""
    project = open_index().project(distribution)
    if not project.releases:
        raise UsageError(f'DISTRIBUTION: the index has no "{distribution}"; give the name that an installer takes')
    selection = Selection(last=last, yanked=prereleases, prereleases=prereleases)
    chosen = select(project, selection, python=None, now=now())
    write_json(json_file, [release.model_dump(mode="json", exclude={"files"}) for release in chosen])
    if json_file == "-":
        return
    table = Table("version", "uploaded", "Python", "", box=None, header_style="bold")
    for release in reversed(chosen):
        marks = "yanked" if release.yanked else ""
        table.add_row(release.version, f"{release.uploaded:%Y-%m-%d %H:%M}", release.requires_python, marks)
    out.print(table)
