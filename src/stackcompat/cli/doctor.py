"""The command that says whether this machine and this project have what runs need."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

import click
from rich.markup import escape

from stackcompat.cli.answers import answer_options, tell
from stackcompat.cli.console import glyph, out
from stackcompat.cli.exit_codes import of_doctor
from stackcompat.cli.health import Finding, examine
from stackcompat.cli.options import project_option
from stackcompat.core.errors import UsageError
from stackcompat.plan.ecosystem import Ecosystem, find_ecosystem

__all__ = ["doctor"]


@click.command()
@answer_options
@project_option
def doctor(form: str, json_file: str | None, project_folder: str | None) -> None:
    """Say what runs need and this machine or this project lacks, and what to do about it. Nothing is changed.

    It looks at the Pythons that the matrices name, the isolation of tests, the package index, the disk, uv and the
    store. Exit code: 0 all is good; 3 something is missing.
    """
    project = _project(project_folder)
    findings = tuple(examine(project))
    good = all(finding.good for finding in findings)
    folder = str(project.root) if project is not None else None
    answer = {"good": good, "project": folder, "findings": [found._asdict() for found in findings]}
    tell(form, json_file, answer, partial(_print, findings, project))
    sys.exit(of_doctor(good=good))


def _project(given: str | None) -> Ecosystem | None:
    """The ecosystem to look at; None if none is given and none is found."""
    try:
        return find_ecosystem(given)
    except UsageError:
        if given is not None:
            raise
        return None


def _print(findings: Sequence[Finding], project: Ecosystem | None) -> None:
    """Print each finding in one line: a sign, what was found, and what to do if that is not good."""
    for finding in findings:
        said = f"{finding.name}: {finding.sentence}" + (f"; {finding.advice}" if finding.advice else "")
        out.print(f"{glyph('works' if finding.good else 'broken')} {escape(said)}")
    if project is None:
        out.print("There is no ecosystem, so its Pythons and its store were not looked at.", style="dim")
