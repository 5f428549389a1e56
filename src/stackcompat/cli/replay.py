"""The command that measures the gate on releases of the past."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

import click
from rich.markup import escape

from stackcompat.cli.answers import format_option, page_out, say
from stackcompat.cli.console import out, reporting
from stackcompat.cli.exit_codes import of_replay
from stackcompat.cli.gate import artifacts_runner, project_file
from stackcompat.cli.options import executor_option, file_option, jobs_option, project_option, write_text
from stackcompat.cli.runners import make_runner
from stackcompat.gate.policy import load_policy
from stackcompat.plan.ecosystem import find_ecosystem
from stackcompat.report.gate import replay_json, replay_markdown
from stackcompat.validation.replay import Replayed, load_replay, replay

__all__ = ["replay_"]


@click.command("replay")
@click.argument("cases_file", metavar="FILE", required=False)
@format_option()
@file_option("json", "every decision as JSON")
@file_option("markdown", "a report to be published")
@jobs_option
@executor_option
@project_option
def replay_(
    cases_file: str | None,
    form: str,
    json_file: str | None,
    markdown_file: str | None,
    jobs: int,
    project_folder: str | None,
) -> None:
    """Measure the gate on history: judge releases of the past as on the day before their upload.

    FILE holds the cases. Default: matrices/replay.toml of the project.

    Exit code: 0 when every decision matches what is known, 1 when one does not.
    """
    project = find_ecosystem(project_folder)
    path = project_file(cases_file, project, "replay.toml")
    cases = load_replay(path)
    policy = load_policy(path.parent / cases.policy, project.components())
    pythons = tuple(dict.fromkeys(python for case in cases.cases for python in case.pythons or policy.pythons))
    runner = make_runner(project, jobs, pythons, policy.level)
    exchange = artifacts_runner(policy, project, runner)
    with reporting(verbose=False) as reporter:
        replayed = replay(cases.cases, policy, runner.reporting(reporter), exchange=exchange)
    runner.cache.trim()
    write_text("--json", json_file, replay_json(cases.title, replayed))
    write_text("--markdown", markdown_file, replay_markdown(cases.title, replayed))
    if "-" not in (json_file, markdown_file):
        _tell_replay(form, cases.title, replayed)
    sys.exit(of_replay(right=not any(row.wrong for row in replayed)))


def _tell_replay(form: str, title: str, replayed: Sequence[Replayed]) -> None:
    """Give the decisions as --format asks for."""
    if form == "table":
        say(partial(_print_replay, replayed))
    else:
        page_out((replay_json if form == "json" else replay_markdown)(title, replayed))


def _print_replay(replayed: Sequence[Replayed]) -> None:
    """Print each case with its decision, and how many decisions are right."""
    for row in replayed:
        sign = "[red]✗[/]" if row.wrong else "[green]✓[/]"
        sentence = row.wrong or f"{row.report.decision}: {row.report.summary()}"
        out.print(f"{sign} {escape(', '.join(row.case.candidates))}: {escape(sentence)}")
    right = sum(not row.wrong for row in replayed)
    out.print(f"{right} of {len(replayed)} decisions match what is known")
