"""The commands that judge a release before it ships, and that measure these judgements on history."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.markup import escape

from stackcompat.cli.console import out, reporting
from stackcompat.cli.options import file_option, jobs_option, project_option, write_text
from stackcompat.cli.workspace import make_exchange_runner, make_runner
from stackcompat.core.dates import parse_date
from stackcompat.core.errors import UsageError
from stackcompat.gate.gate import run_aa_gate, run_gate
from stackcompat.gate.model import GateReport
from stackcompat.gate.options import GateOptions
from stackcompat.gate.policy import ArtifactsRule, GatePolicy, load_policy
from stackcompat.gate.waivers import Waivers, load_waivers
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.checkout import Checkout, find_checkout
from stackcompat.plan.known_cases import KnownCase, load_cases
from stackcompat.report.gate import gate_json, gate_junit, gate_markdown, gate_words, replay_json, replay_markdown
from stackcompat.validation.replay import Replayed, load_replay, replay

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
    help="The release that the candidate would replace; with several candidates name==VERSION. Default: the last one.",
)
@click.option("--exclude-newer", metavar="DATE", help="Take the index back to that day; the candidate can be newer.")
@click.option("--python", "pythons", multiple=True, help="Such as 3.12, once or more. Default: those of the policy.")
@click.option("--index", default="", metavar="VARIABLE", help="Variable with the address of an index to take it from.")
@click.option(
    "--budget",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="No cell is begun that would end later. Default: that of the policy.",
)
@click.option("--rerun", is_flag=True, help="Run again what has evidence already.")
@click.option("--aa", is_flag=True, help="Judge the newest release against itself, to count the gate's own false reds.")
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
        _refuse_with_aa({"--against": against, "--index": index, "--budget": budget, "--rerun": rerun})
    for python in pythons:
        if not re.fullmatch(r"3\.\d+", python):
            raise UsageError(f'--python: "{python}" is not a Python such as 3.12')
    project = find_checkout(project_folder)
    options = _gate_options(project, policy_file, waivers_file, pythons, exclude_newer)
    runner = make_runner(project, jobs, options.pythons, options.policy.level)
    exchange = _exchange_runner(options.policy, project, runner)
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
            )
    runner.cache.trim()
    write_text("--json", json_file, gate_json(report))
    write_text("--markdown", markdown_file, gate_markdown(report))
    write_text("--junit", junit_file, gate_junit(report))
    if "-" not in (json_file, markdown_file, junit_file):
        _print(report)
    sys.exit(EXIT_CODES[report.decision])


def _refuse_with_aa(values: Mapping[str, object]) -> None:
    """Refuse the options, by name, that have a value and mean nothing in an A/A run."""
    given = [name for name, value in values.items() if value]
    if given:
        raise UsageError(f"--aa: goes without {given[0]}; every required cell is run twice, anew, and to the end")


def _gate_options(
    project: Checkout,
    policy_file: str | None,
    waivers_file: str | None,
    pythons: tuple[str, ...],
    exclude_newer: str | None,
) -> GateOptions:
    """What candidates are judged by, from the files of a project and the options of the command line."""
    components = project.components()
    policy = load_policy(_default(policy_file, project, "gate.toml"), components)
    waivers = Waivers()
    waivers_path = _default(waivers_file, project, "waivers.toml")
    if waivers_file or waivers_path.exists():
        waivers = load_waivers(waivers_path, components)
    try:
        as_of = parse_date(exclude_newer) if exclude_newer else None
    except ValueError as error:
        raise UsageError(f"--exclude-newer: {error}") from None
    return GateOptions(
        policy=policy, waivers=waivers, pythons=pythons or policy.pythons, known=_known(project), as_of=as_of
    )


def _exchange_runner(policy: GatePolicy, project: Checkout, runner: Runner) -> Runner | None:
    """The runner of the tests that write and read artifacts; None where no rule of the policy needs it."""
    if not any(isinstance(rule, ArtifactsRule) for rule in policy.rules):
        return None
    return make_exchange_runner(project, runner)


def _default(given: str | None, project: Checkout, name: str) -> Path:
    """The file that was given, or the one of the project with this name."""
    return Path(given) if given else project.matrices / name


def _known(project: Checkout) -> tuple[KnownCase, ...]:
    path = project.matrices / "known-cases.toml"
    return load_cases(path) if path.exists() else ()


_STYLES = {"PASS": "green", "BLOCK": "red", "satisfied": "green", "failed": "red"}


def _print(report: GateReport) -> None:
    """The decision for a person at a terminal."""
    out.print(escape(gate_words(report)), style=_STYLES.get(report.decision, "yellow"))
    if report.alike is not None:
        out.print(f"  {report.alike.summary()}")
    for requirement in report.requirements:
        style = _STYLES.get(requirement.state, "yellow")
        weight = f"{requirement.weight:>9}"
        out.print(f"  [{style}]{requirement.state:>9}[/] {weight}  {escape(requirement.sentence)}")
    for flaky in report.flaky:
        out.print(f"  flaky: {escape(flaky.test)} failed in {flaky.failed} of {flaky.runs} runs", style="yellow")
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
    """Measure the gate on history: judge releases of the past as on the day before their upload.

    FILE holds the cases. Default: matrices/replay.toml of the project.

    Exit code: 0 when every decision matches what is known, 1 when one does not.
    """
    project = find_checkout(project_folder)
    path = _default(cases_file, project, "replay.toml")
    cases = load_replay(path)
    policy = load_policy(path.parent / cases.policy, project.components())
    pythons = tuple(dict.fromkeys(python for case in cases.cases for python in case.pythons or policy.pythons))
    runner = make_runner(project, jobs, pythons, policy.level)
    exchange = _exchange_runner(policy, project, runner)
    with reporting(verbose=False) as reporter:
        replayed = replay(cases.cases, policy, runner.reporting(reporter), exchange=exchange)
    runner.cache.trim()
    write_text("--json", json_file, replay_json(cases.title, replayed))
    write_text("--markdown", markdown_file, replay_markdown(cases.title, replayed))
    if "-" not in (json_file, markdown_file):
        _print_replay(replayed)
    sys.exit(1 if any(row.wrong for row in replayed) else 0)


def _print_replay(replayed: Sequence[Replayed]) -> None:
    """The cases of history for a person at a terminal."""
    for row in replayed:
        sign = "[red]✗[/]" if row.wrong else "[green]✓[/]"
        sentence = row.wrong or f"{row.report.decision}: {row.report.summary()}"
        out.print(f"{sign} {escape(', '.join(row.case.candidates))}: {escape(sentence)}")
    right = sum(not row.wrong for row in replayed)
    out.print(f"{right} of {len(replayed)} decisions match what is known")
