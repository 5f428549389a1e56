"""The command that tries one combination by hand."""

from __future__ import annotations

import sys

import click

from stackcompat.cli.blame import about_option, diagnosis_json, find_culprit, print_diagnosis, probes_option
from stackcompat.cli.cell_arguments import parse_cell, read_lock
from stackcompat.cli.cell_output import print_verdict, verdict_json
from stackcompat.cli.console import reporting
from stackcompat.cli.exit_codes import COULD_NOT_TELL, EXIT_CODES
from stackcompat.cli.options import json_option, project_option, write_json
from stackcompat.cli.workspace import make_runner
from stackcompat.core.errors import UsageError
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.ecosystem.interpreters import find_interpreters
from stackcompat.pipeline.cells import try_cell
from stackcompat.plan.checkout import find_checkout

__all__ = ["try_"]


@click.command("try")
@click.argument("requirements", nargs=-1, metavar="REQUIREMENT...")
@click.option("--python", help="Such as 3.12; default: the newest that is found here.")
@click.option("--exclude-newer", metavar="DATE", help="Only releases uploaded until then, such as 2026-09-20.")
@click.option("--override", "overrides", multiple=True, metavar="REQUIREMENT", help="Force what metadata forbids.")
@click.option("--lock", "lock_file", metavar="FILE", help="A lock to run as it is, in place of requirements.")
@click.option("--level", type=click.Choice(LEVELS[2:]), default="interop", show_default=True, help="How deep to go.")
@click.option("--rerun", is_flag=True, help="Run again even if there is evidence already.")
@click.option("--blame", "blaming", is_flag=True, help="If it is red, find the smallest set of versions to blame.")
@probes_option
@about_option
@click.option("-v", "--verbose", is_flag=True, help="Every test, not only what failed.")
@json_option
@project_option
def try_(
    requirements: tuple[str, ...],
    python: str | None,
    exclude_newer: str | None,
    overrides: tuple[str, ...],
    lock_file: str | None,
    level: Level,
    rerun: bool,
    blaming: bool,
    probes: int,
    about: str,
    verbose: bool,
    json_file: str | None,
    project_folder: str | None,
) -> None:
    """Resolve, install and run one combination, and say in a sentence what was found.

    \b
    stackcompat try "jax==0.11.2" "flax==0.12.9" --python 3.12
    stackcompat try jax flax --exclude-newer 2026-09-20
    stackcompat try "jax==0.10.2" "jaxlib==0.12.0.1" --override "jaxlib==0.12.0.1"
    stackcompat try --lock reports/locks/0a1b2c3d4e5f.txt --python 3.12

    Exit code: 0 works; 1 broken, unresolvable or uninstallable; 2 bad usage; 3 could not tell.
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)
    if bool(requirements) == bool(lock_file):
        raise UsageError('try: give either requirements such as "jax==0.11.2", or --lock FILE')
    project = find_checkout(project_folder)
    python = python or next(iter(find_interpreters()), "3.12")
    cell = parse_cell(requirements, python, exclude_newer, overrides)
    lock = read_lock(lock_file, python) if lock_file else None
    if lock is not None:
        cell = cell.model_copy(update={"requirements": tuple(f"{pin.name}=={pin.version}" for pin in lock.pins)})
    runner = make_runner(project, 1, [python], level)
    with reporting(verbose=False) as reporter:
        verdict, evidence = try_cell(cell, runner.reporting(reporter), level, lock=lock, rerun=rerun)
    diagnosis = None
    if blaming and (verdict.verdict in ("broken", "unresolvable") or verdict.broken_features):
        diagnosis = find_culprit(verdict, runner, project, probes, about)
    write_json(json_file, verdict_json(verdict, evidence) | (diagnosis_json(diagnosis) if diagnosis else {}))
    if json_file != "-":
        print_verdict(verdict, evidence, verbose)
        if diagnosis:
            print_diagnosis(diagnosis)
    sys.exit(EXIT_CODES.get(verdict.verdict, COULD_NOT_TELL))
