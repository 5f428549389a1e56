"""The command that writes down what surprises people about the ecosystem."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Column, Table

from stackcompat.cli.answers import answer_options, tell
from stackcompat.cli.console import out
from stackcompat.cli.options import project_option
from stackcompat.core.files import write_whole
from stackcompat.ecosystem.suite import Suite
from stackcompat.plan.ecosystem import find_ecosystem
from stackcompat.plan.known_cases import load_cases
from stackcompat.report.surprises import Surprise, surprises_page, surprising

__all__ = ["surprises"]


@click.command("surprises")
@click.option(
    "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write them to FILE as a page."
)
@answer_options
@project_option
def surprises(output: Path | None, form: str, json_file: str | None, project_folder: str | None) -> None:
    """Print what good guesses about the ecosystem get wrong, as known cases and smoke tests show it."""
    project = find_ecosystem(project_folder)
    path = project.matrices / "known-cases.toml"
    found = surprising(load_cases(path) if path.exists() else (), Suite(project.suite, b"").surprises())
    if output is not None:
        write_whole(output, surprises_page(found))
        return
    answer = [surprise._asdict() for surprise in found]
    tell(form, json_file, answer, partial(_print, found), markdown=partial(surprises_page, found))


def _print(found: Sequence[Surprise]) -> None:
    """Print a row for each surprise."""
    if not found:
        out.print("No known case and no smoke test of this ecosystem says what people expect.")
        return
    heads = ("people expect", "what happens", "with", "shown by")
    table = Table(*(Column(head, overflow="fold") for head in heads), box=None, header_style="bold", pad_edge=False)
    for surprise in found:
        table.add_row(*map(escape, surprise))
    out.print(table)
