"""The commands that judge a release before it is made, and that prove on history that they judge right."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click
from rich.markup import escape

from stackcompat.cli.common import (
    file_option,
    jobs_option,
    make_exchange_runner,
    make_runner,
    open_index,
    out,
    project_option,
    reporting,
    write_text,
)
from stackcompat.core.dates import parse_date
from stackcompat.core.record import UsageError
from stackcompat.gate.gate import run_aa_gate, run_gate
from stackcompat.gate.model import GateReport
from stackcompat.gate.options import GateOptions
from stackcompat.gate.policy import ArtifactsRule, GatePolicy, Waivers, load_policy, load_waivers
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.checkout import Checkout, find_checkout
from stackcompat.plan.known_cases import KnownCase, load_cases
from stackcompat.report.gate import gate_json, gate_junit, gate_markdown, gate_words, replay_json, replay_markdown
from stackcompat.validation.replay import load_replay, replay

__all__ = ["gate_", "replay_"]

EXIT_CODES = {"PASS": 0, "BLOCK": 1, "CANNOT-TELL": 3, "NEEDS-REVIEW": 4}


@click.command("gate")
@click.argument("candidates", nargs=-1, metavar="CANDIDATE...")
@click.option("--policy", "policy_file", metavar="FILE", help="Default: matrices/gate.toml of the project.")
@click.option("--waivers", "waivers_file", metavar="FILE", help="Default: matrices/waivers.toml, if it is there.")
@click.option(
    "--against",
    multiple=True,
    metavar="VERSION",
    help="What the candidate would replace; of several candidates name==VERSION. Default: the last release before it.",
)
@click.option("--exclude-newer", metavar="DATE", help="Go back to that day; the candidate may be newer.")
@click.option("--python", "pythons", multiple=True, help="Such as 3.12, once or more; default: the policy's.")
@click.option("--index", default="", metavar="VARIABLE", help="Variable with the address of an index to take it from.")
@click.option("--budget", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Default: the policy's.")
@click.option("--rerun", is_flag=True, help="Run again what has evidence already.")
@click.option("--aa", is_flag=True, help="Candidate = control: measures the gate's own false reds.")
@file_option("json", "the decision as JSON (reports/gate.schema.json)")
@file_option("markdown", "the decision for a job summary or a pull request")
@file_option("junit", "a test case for each requirement")
@jobs_option
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
    aa: bool,
    json_file: str | None,
    markdown_file: str | None,
    junit_file: str | None,
    jobs: int,
    project_folder: str | None,
) -> None:
    """Say whether CANDIDATE may be released: with it and with what it replaces, all else alike.

    A candidate is a wheel, an sdist, a source folder such as ./alpha, git+ADDRESS[@REVISION][#subdirectory=FOLDER] or
    name==version, also of a pre-release; with --index a bare name too. Several are judged as one set.

    \b
    stackcompat gate dist/alpha-1.3.0-py3-none-any.whl
    stackcompat gate alpha==1.3.0rc1 --python 3.12 --json gate.json --markdown gate.md
    stackcompat gate alpha==1.2.0 --exclude-newer 2026-08-16

    Exit code: 0 PASS; 1 BLOCK; 2 bad usage; 3 CANNOT-TELL; 4 NEEDS-REVIEW.
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)
    if bool(candidates) == aa:
        raise UsageError("CANDIDATE: give at least one such as alpha==1.3.0rc1, or --aa without any")
    refused = {"--against": against, "--index": index, "--budget": budget, "--rerun": rerun}
    if aa and (said := [name for name, value in refused.items() if value]):
        raise UsageError(f"--aa: goes without {said[0]}; every required cell is run twice, anew, and to the end")
    project = find_checkout(project_folder)
    components = project.components()
    policy = load_policy(_default(policy_file, project, "gate.toml"), components)
    waivers = Waivers()
    waivers_path = _default(waivers_file, project, "waivers.toml")
    if waivers_file or waivers_path.exists():
        waivers = load_waivers(waivers_path, components)
    for python in pythons:
        if not re.fullmatch(r"3\.\d+", python):
            raise UsageError(f'--python: "{python}" is not a Python such as 3.12')
    try:
        as_of = parse_date(exclude_newer) if exclude_newer else None
    except ValueError as error:
        raise UsageError(f"--exclude-newer: {error}") from None
    wanted = pythons or policy.pythons
    bench = make_runner(project, jobs, wanted, policy.level)
    terms = GateOptions(policy=policy, waivers=waivers, pythons=wanted, known=_known(project), as_of=as_of)
    exchange = _exchange(policy, project, bench)
    with reporting(verbose=False) as reporter:
        if aa:
            report = run_aa_gate(terms, bench, open_index(), reporter, exchange=exchange)
        else:
            report = run_gate(
                candidates,
                terms,
                bench,
                open_index(),
                reporter,
                index=index,
                against=against,
                budget=budget,
                rerun=rerun,
                exchange=exchange,
            )
    bench.cache.trim()
    write_text("--json", json_file, gate_json(report))
    write_text("--markdown", markdown_file, gate_markdown(report))
    write_text("--junit", junit_file, gate_junit(report))
    if "-" not in (json_file, markdown_file, junit_file):
        _print(report)
    sys.exit(EXIT_CODES[report.decision])


def _exchange(policy: GatePolicy, project: Checkout, bench: Runner) -> Runner | None:
    """The bench for artifacts, where a rule of the policy wants it."""
    if not any(isinstance(rule, ArtifactsRule) for rule in policy.rules):
        return None
    return make_exchange_runner(project, bench)


def _default(given: str | None, project: Checkout, name: str) -> Path:
    return Path(given) if given else project.matrices / name


def _known(project: Checkout) -> tuple[KnownCase, ...]:
    path = project.matrices / "known-cases.toml"
    return load_cases(path) if path.exists() else ()


_STYLES = {"PASS": "green", "BLOCK": "red", "satisfied": "green", "failed": "red"}


def _print(report: GateReport) -> None:
    out.print(escape(gate_words(report)), style=_STYLES.get(report.decision, "yellow"))
    if report.alike is not None:
        out.print(f"  {report.alike.said()}")
    for one in report.requirements:
        style = _STYLES.get(one.state, "yellow")
        out.print(f"  [{style}]{one.state:>9}[/] {one.weight:>8}  {escape(one.sentence)}")
    for flaky in report.flaky:
        out.print(f"  flaky: {escape(flaky.test)} failed {flaky.failed} times of {flaky.runs}", style="yellow")
    for waiver in report.waivers:
        if waiver.state != "used":
            note = f"{waiver.kind} of {waiver.what} is {waiver.state}: {waiver.note}"
            out.print(f"  {escape(note)}", style="yellow")
    if report.not_tested:
        out.print(f"  not tested: {len(report.not_tested)}, see --markdown or --json", style="dim")


@click.command("replay")
@click.argument("cases_file", metavar="FILE", required=False)
@file_option("json", "every decision as JSON")
@file_option("markdown", "a report to be published")
@jobs_option
@project_option
def replay_(
    cases_file: str | None,
    json_file: str | None,
    markdown_file: str | None,
    jobs: int,
    project_folder: str | None,
) -> None:
    """Prove the gate on history: judge releases of the past as on the day before their upload.

    FILE holds the cases; default: matrices/replay.toml of the project.

    Exit code: 0 when every decision is as history knows it, 1 when one is not.
    """
    project = find_checkout(project_folder)
    path = _default(cases_file, project, "replay.toml")
    told = load_replay(path)
    policy = load_policy(path.parent / told.policy, project.components())
    pythons = tuple(dict.fromkeys(python for case in told.cases for python in case.pythons or policy.pythons))
    bench = make_runner(project, jobs, pythons, policy.level)
    with reporting(verbose=False) as reporter:
        exchange = _exchange(policy, project, bench)
        replayed = replay(told.cases, policy, bench, open_index(), reporter, exchange=exchange)
    bench.cache.trim()
    write_text("--json", json_file, replay_json(told.title, replayed))
    write_text("--markdown", markdown_file, replay_markdown(told.title, replayed))
    if "-" not in (json_file, markdown_file):
        for one in replayed:
            names = ", ".join(one.case.candidates)
            said = one.wrong or f"{one.report.decision}: {one.report.said()}"
            out.print(f"{'[red]✗[/]' if one.wrong else '[green]✓[/]'} {escape(names)}: {escape(said)}")
        out.print(f"{sum(not one.wrong for one in replayed)} / {len(replayed)} decisions as history knows them")
    sys.exit(1 if any(one.wrong for one in replayed) else 0)
