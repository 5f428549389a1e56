"""What changed overnight."""

from __future__ import annotations

import click

from stackcompat.blame.diagnosis import DIAGNOSES, Diagnoses
from stackcompat.cli.common import every_run, open_index, open_output, open_store, out, output_option, project_option
from stackcompat.nightly.changes import night
from stackcompat.pipeline.cells import now
from stackcompat.plan.checkout import find_checkout
from stackcompat.report.nightly import night_json, night_lines, night_markdown

__all__ = ["night_"]


@click.command("night")
@click.argument("matrix", default="nightly")
@output_option
@project_option
def night_(matrix: str, output: str | None, project_folder: str | None) -> None:
    """Say what the last run of MATRIX changed and whose release did it; writes NIGHT.md and night.json."""
    project = find_checkout(project_folder)
    destination = open_output(output, project)
    store = open_store(project)
    runs = every_run(store, matrix)
    evidence = store.of_keys(cell.key for run in runs for cell in run.cells if cell.key)
    summary = night(project.components(), runs, evidence, open_index(), now(), Diagnoses(store.kept(DIAGNOSES)))
    (destination / "NIGHT.md").write_text(night_markdown(summary), encoding="utf-8")
    (destination / "night.json").write_text(night_json(summary), encoding="utf-8")
    for line in night_lines(summary):
        out.print(line, markup=False)
