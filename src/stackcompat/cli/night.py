"""The command that says what changed overnight."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import click

from stackcompat.blame.diagnosis import DIAGNOSES, Diagnoses
from stackcompat.cli.answers import format_option, page_out, say
from stackcompat.cli.completion import complete_matrix
from stackcompat.cli.console import out
from stackcompat.cli.exit_codes import FailOn
from stackcompat.cli.fail_on import end_of_run, fail_on_option, state_of_run
from stackcompat.cli.lookup import every_run
from stackcompat.cli.options import from_option, is_given, open_output, output_option, project_option, publish_option
from stackcompat.cli.workspace import open_index, open_store
from stackcompat.core.dates import now
from stackcompat.core.files import write_all
from stackcompat.core.redact import masked
from stackcompat.core.text import printable
from stackcompat.nightly.changes import night
from stackcompat.plan.ecosystem import find_ecosystem
from stackcompat.report.nightly import night_json, night_lines, night_markdown
from stackcompat.verdict.greens import Greens

__all__ = ["night_"]


@click.command("night")
@click.argument("matrix", default="nightly", shell_complete=complete_matrix)
@output_option
@publish_option
@format_option()
@fail_on_option
@from_option
@project_option
def night_(
    matrix: str, output: str | None, publish: bool, form: str, fail_on: tuple[FailOn, ...], project_folder: str | None
) -> None:
    """Say what the last run of MATRIX changed and whose release did it; writes NIGHT.md and night.json.

    Without MATRIX it is nightly.

    Exit code: 0 done, whatever changed; 2 bad usage; with --fail-on also 1 and 3, after everything is written.
    """
    project = find_ecosystem(project_folder)
    destination = open_output(output, project, publish=publish)
    store = open_store(project, reading=True)
    runs = every_run(store, matrix, is_default=not is_given("matrix"))
    evidence = store.of_keys(cell.key for run in runs for cell in run.cells if cell.key)
    diagnoses = Diagnoses(store.kept(DIAGNOSES))
    greens = Greens(store.green_releases(), project.components())
    summary = night(project.components(), runs, evidence, open_index(), now(), diagnoses, greens, project.places)
    as_markdown, as_json = (printable(masked(text(summary))) for text in (night_markdown, night_json))
    write_all(destination, {"NIGHT.md": as_markdown, "night.json": as_json})
    if form == "table":
        say(partial(_print, night_lines(summary)))
    else:
        page_out(as_json if form == "json" else as_markdown)
    if fail_on:
        end_of_run(fail_on, state_of_run(runs[-1], store, project.components(), greens))


def _print(lines: Sequence[str]) -> None:
    for line in lines:
        out.print(line, markup=False)
