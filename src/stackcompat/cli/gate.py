"""The command that decides whether a release may ship."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from stackcompat.cli.answers import format_option, page_out, say, tell
from stackcompat.cli.console import err, out, reporting
from stackcompat.cli.dry_run import print_times, times_json
from stackcompat.cli.exit_codes import of_decision
from stackcompat.cli.options import (
    build_option,
    executor_option,
    file_option,
    from_option,
    jobs_option,
    project_option,
    python_option,
    reuse_option,
    strict_isolation_option,
    write_text,
)
from stackcompat.cli.runners import make_exchange_runner, make_runner
from stackcompat.core.dates import parse_date
from stackcompat.core.errors import UsageError
from stackcompat.core.text import counted, time_words
from stackcompat.gate.cells import ExcludedCell, UntriedCell
from stackcompat.gate.gate import GatePreview, preview_gate, run_aa_gate, run_gate
from stackcompat.gate.model import GateReport
from stackcompat.gate.options import GateOptions
from stackcompat.gate.policy import ArtifactsRule, GatePolicy, load_policy
from stackcompat.gate.waivers import Waivers, load_waivers
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.ecosystem import Ecosystem, find_ecosystem
from stackcompat.plan.known_cases import KnownCase, load_cases
from stackcompat.report.gate import gate_json, gate_junit, gate_markdown, gate_words

__all__ = ["artifacts_runner", "gate_", "project_file"]


@click.command("gate")
@click.argument("candidates", nargs=-1, metavar="CANDIDATE...")
@click.option("--policy", "policy_file", metavar="FILE", help="Default: matrices/gate.toml of the project.")
@click.option("--waivers", "waivers_file", metavar="FILE", help="Default: matrices/waivers.toml, if it is there.")
@click.option(
    "--against",
    multiple=True,
    metavar="VERSION",
    help="The release that the candidate would replace; with several candidates name==VERSION. Default: the last one.",
)
@click.option("--exclude-newer", metavar="DATE", help="Take the index back to that day; the candidate can be newer.")
@python_option("--python", "pythons", multiple=True, help="Such as 3.12, once or more. Default: those of the policy.")
@click.option("--index", default="", metavar="VARIABLE", help="Variable with the address of the candidate's index.")
@click.option(
    "--budget",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Begin no cell that would end after so long. Default: that of the policy.",
)
@click.option("--rerun", is_flag=True, help="Run again what has evidence already.")
@reuse_option
@strict_isolation_option
@build_option
@click.option("--fail-fast", is_flag=True, help="End as soon as a BLOCK is certain; the rest is not tried.")
@click.option("--dry-run", is_flag=True, help="Say which cells would run and how long they took; run nothing.")
@click.option("--aa", is_flag=True, help="Judge the newest release against itself, to count the gate's own false reds.")
@format_option()
@file_option("json", "the decision as JSON (reports/gate.schema.json); with --dry-run the cells")
@file_option("markdown", "the decision for a job summary or a pull request")
@file_option("junit", "a test case for each requirement")
@jobs_option
@executor_option
@from_option
@project_option
def gate_(
    candidates: tuple[str, ...],
    policy_file: str | None,
    waivers_file: str | None,
    against: tuple[str, ...],
    exclude_newer: str | None,
    pythons: tuple[str, ...],
    index: str,
    budget: float | None,
    rerun: bool,
    no_reuse: bool,
    fail_fast: bool,
    dry_run: bool,
    aa: bool,
    form: str,
    json_file: str | None,
    markdown_file: str | None,
    junit_file: str | None,
    jobs: int,
    project_folder: str | None,
) -> None:
    """Say whether CANDIDATE can be released.

    The same tests run with the candidate and with the release that it would replace; everything else is equal.

    A candidate is a wheel, an sdist, a source folder such as ./alpha, git+ADDRESS[@REVISION][#subdirectory=FOLDER] or
    name==version, which can be a pre-release. With --index it can be a bare name. Several are judged as one set.

    \b
    stackcompat gate dist/alpha-1.3.0-py3-none-any.whl
    stackcompat gate alpha==1.3.0rc1 --python 3.12 --json gate.json --markdown gate.md
    stackcompat gate alpha==1.2.0 --exclude-newer 2026-08-16

    Exit code: 0 PASS; 1 BLOCK; 2 bad usage; 3 CANNOT-TELL; 4 NEEDS-REVIEW.
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)
    if bool(candidates) == aa:
        raise UsageError("CANDIDATE: give at least one such as alpha==1.3.0rc1, or --aa without any")
    if aa:
        further = {"--rerun": rerun, "--fail-fast": fail_fast, "--dry-run": dry_run}
        _refuse_with_aa({"--against": against, "--index": index, "--budget": budget, **further})
    if dry_run and (markdown_file or junit_file):
        raise UsageError("--dry-run: makes no decision; leave out --markdown and --junit")
    project = find_ecosystem(project_folder)
    options = _gate_options(project, policy_file, waivers_file, pythons, exclude_newer)
    runner = make_runner(project, jobs, options.pythons, options.policy.level, reuse=not no_reuse, dry=dry_run)
    # Nothing that is being judged leaves programs for others.
    runner = replace(runner, leaves_programs=False)
    exchange = artifacts_runner(options.policy, project, runner)
    if dry_run:
        with reporting(verbose=False) as reporter:
            previews = preview_gate(
                candidates,
                options,
                runner.reporting(reporter),
                index=index,
                against=against,
                rerun=rerun,
                exchange=exchange,
            )
        tell(form, json_file, _previews_json(previews, jobs), partial(_print_previews, previews, jobs))
        return
    with reporting(verbose=False) as reporter:
        if aa:
            report = run_aa_gate(options, runner.reporting(reporter), exchange=exchange)
        else:
            report = run_gate(
                candidates,
                options,
                runner.reporting(reporter),
                index=index,
                against=against,
                budget=budget,
                rerun=rerun,
                exchange=exchange,
                tell=_tell,
                fail_fast=fail_fast,
            )
    runner.cache.trim()
    write_text("--json", json_file, gate_json(report))
    write_text("--markdown", markdown_file, gate_markdown(report))
    write_text("--junit", junit_file, gate_junit(report))
    if "-" not in (json_file, markdown_file, junit_file):
        _tell_report(form, report)
    sys.exit(of_decision(report.decision))


def _tell_report(form: str, report: GateReport) -> None:
    """Give the decision as --format asks for."""
    if form == "table":
        say(partial(_print, report))
    else:
        page_out(gate_json(report) if form == "json" else gate_markdown(report))


def _refuse_with_aa(values: Mapping[str, object]) -> None:
    """Refuse an option that means nothing in an A/A run; `values` has the value of each such option, by name."""
    given = [name for name, value in values.items() if value]
    if given:
        raise UsageError(f"--aa: goes without {given[0]}; every required cell is run twice, anew, and to the end")


def _gate_options(
    project: Ecosystem,
    policy_file: str | None,
    waivers_file: str | None,
    pythons: tuple[str, ...],
    exclude_newer: str | None,
) -> GateOptions:
    """The options of the gate, from the files of a project and from the command line.

    Args:
        project: The ecosystem.
        policy_file: The value of --policy.
        waivers_file: The value of --waivers.
        pythons: The values of --python; none: those of the policy.
        exclude_newer: The value of --exclude-newer.
    """
    components = project.components()
    policy = load_policy(project_file(policy_file, project, "gate.toml"), components)
    waivers = Waivers()
    waivers_path = project_file(waivers_file, project, "waivers.toml")
    if waivers_file or waivers_path.exists():
        waivers = load_waivers(waivers_path, components)
    try:
        as_of = parse_date(exclude_newer) if exclude_newer else None
    except ValueError as error:
        raise UsageError(f"--exclude-newer: {error}") from None
    return GateOptions(
        policy=policy, waivers=waivers, pythons=pythons or policy.pythons, known=_known(project), as_of=as_of
    )


def artifacts_runner(policy: GatePolicy, project: Ecosystem, runner: Runner) -> Runner | None:
    """The runner of the tests that write and read artifacts; None if no rule of the policy needs it.

    Args:
        policy: The policy.
        project: The ecosystem with these tests.
        runner: The runner of the cells; the new one shares all else with it.
    """
    if not any(isinstance(rule, ArtifactsRule) for rule in policy.rules):
        return None
    return make_exchange_runner(project, runner)


def project_file(given: str | None, project: Ecosystem, name: str) -> Path:
    """The file that an option gives, or the matrix file of the project.

    Args:
        given: The value of the option; None if it is not given.
        project: The ecosystem.
        name: The name of the matrix file.
    """
    return Path(given) if given else project.matrices / name


def _known(project: Ecosystem) -> tuple[KnownCase, ...]:
    """The known cases of a project; none if it has no such file."""
    path = project.matrices / "known-cases.toml"
    return load_cases(path) if path.exists() else ()


def _previews_json(previews: Sequence[GatePreview], jobs: int) -> dict[str, Any]:
    """The cells of the gate as JSON, and how long those that would run took before."""
    cells = [_preview_json(preview) for preview in previews]
    due = [preview.seconds for preview in previews if preview.is_due]
    return {"schema_version": 1, "cells": cells} | times_json(due, jobs)


def _preview_json(preview: GatePreview) -> dict[str, Any]:
    state, what = _state_of(preview)
    return {"state": state, "weight": preview.cell.weight, "cell": what, "seconds": preview.seconds}


def _state_of(preview: GatePreview) -> tuple[str, str]:
    """What would become of a cell, and which cell it is."""
    cell = preview.cell
    if isinstance(cell, ExcludedCell):
        return "excluded", f"{cell.place}: {cell.exclusions[0].sentence}"
    if isinstance(cell, UntriedCell):
        return "untried", f"{cell.place}: {cell.why}"
    return ("would run" if preview.is_due else "known"), cell.place


def _print_previews(previews: Sequence[GatePreview], jobs: int) -> None:
    """Print each cell of the gate, with whether it would run.

    Args:
        previews: The cells, the most telling first.
        jobs: How many arms would run at once.
    """
    table = Table("now", "weight", "cell", "before", box=None, header_style="bold")
    for preview in previews:
        state, what = _state_of(preview)
        before = "" if preview.seconds is None else time_words(preview.seconds)
        table.add_row(state, preview.cell.weight, escape(what), before)
    out.print(table)
    due = [preview.seconds for preview in previews if preview.is_due]
    out.print(
        f"{counted(len(previews), 'cell')}: {len(due)} would run, {len(previews) - len(due)} need not", style="bold"
    )
    print_times(times_json(due, jobs))


def _tell(reason: str) -> None:
    """Print the reason of a BLOCK while other cells still run."""
    err.print(escape(f"BLOCK is certain: {reason}"), style="red")


#: The colour of each decision and of each state of a requirement; any other one is yellow.
_STYLES = {"PASS": "green", "BLOCK": "red", "satisfied": "green", "failed": "red"}


def _print(report: GateReport) -> None:
    """Print the decision, each requirement, and the flaky tests and waivers that a person should know of."""
    out.print(escape(gate_words(report)), style=_STYLES.get(report.decision, "yellow"))
    if report.alike is not None:
        out.print(f"  {report.alike.summary()}")
    for requirement in report.requirements:
        style = _STYLES.get(requirement.state, "yellow")
        weight = f"{requirement.weight:>9}"
        out.print(f"  [{style}]{requirement.state:>9}[/] {weight}  {escape(requirement.sentence)}")
    for flaky in report.flaky:
        out.print(
            f"  flaky: {escape(flaky.test)} failed in {flaky.failed} of {counted(flaky.runs, 'run')}", style="yellow"
        )
    for waiver in report.waivers:
        if waiver.state != "used":
            note = f"{waiver.kind} of {waiver.what} is {waiver.state}: {waiver.note}"
            out.print(f"  {escape(note)}", style="yellow")
    if report.closed.sentence:
        out.print(f"  {escape(report.closed.sentence)}", style="yellow")
    if report.not_tested:
        out.print(f"  not tested: {len(report.not_tested)}, see --markdown or --json", style="dim")
