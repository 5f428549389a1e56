"""The command that tries one combination by hand."""

from __future__ import annotations

import sys
from functools import partial
from typing import NoReturn

import click
from rich.markup import escape

from stackcompat.cli.answers import answer_options, tell
from stackcompat.cli.cell_arguments import parse_cell, read_lock, warn_of_near_names
from stackcompat.cli.cell_output import print_reproduction, print_verdict, verdict_json
from stackcompat.cli.console import out, reporting
from stackcompat.cli.culprit_output import diagnosis_json, print_diagnosis
from stackcompat.cli.culprit_search import about_option, find_culprit, probes_option
from stackcompat.cli.exit_codes import of_try
from stackcompat.cli.options import (
    build_option,
    executor_option,
    from_option,
    isolation_option,
    project_option,
    python_option,
    reuse_option,
)
from stackcompat.cli.runners import make_runner
from stackcompat.core.errors import UsageError
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.ecosystem.components import Components
from stackcompat.ecosystem.interpreters import USUAL_PYTHON, find_interpreters
from stackcompat.pipeline.runner import Runner
from stackcompat.pipeline.try_cell import resolve_only, try_cell
from stackcompat.plan.cell import Cell
from stackcompat.plan.ecosystem import find_ecosystem
from stackcompat.resolve.lock import Lock
from stackcompat.verdict.depth import Depth, short_of
from stackcompat.verdict.outcomes import cure

__all__ = ["try_"]


@click.command("try")
@click.argument("requirements", nargs=-1, metavar="REQUIREMENT...")
@python_option("--python", help="Such as 3.12; default: the newest that is found here.")
@click.option("--exclude-newer", metavar="DATE", help="Only releases uploaded until then, such as 2026-09-20.")
@click.option("--override", "overrides", multiple=True, metavar="REQUIREMENT", help="Force what metadata forbids.")
@click.option(
    "--also", multiple=True, metavar="REQUIREMENT", help="Install this too; it does not count for the result."
)
@click.option("--lock", "lock_file", metavar="FILE|URL", help="A lock to run as it is, in place of requirements.")
@click.option("--level", type=click.Choice(LEVELS[1:]), default="interop", show_default=True, help="How deep to go.")
@click.option(
    "--require",
    "required",
    type=click.Choice(LEVELS[2:-1]),
    help="Could not tell (exit code 3) unless everything that is asked for was tried this deep.",
)
@click.option("--rerun", is_flag=True, help="Run again even if there is evidence already.")
@reuse_option
@isolation_option
@build_option
@executor_option
@click.option("--blame", "blaming", is_flag=True, help="If it is red, find the smallest set of versions to blame.")
@probes_option
@about_option
@click.option("-v", "--verbose", is_flag=True, help="Show every test, and how to reproduce what is red.")
@answer_options
@from_option
@project_option
def try_(
    requirements: tuple[str, ...],
    python: str | None,
    exclude_newer: str | None,
    overrides: tuple[str, ...],
    also: tuple[str, ...],
    lock_file: str | None,
    level: Level,
    required: Level | None,
    rerun: bool,
    no_reuse: bool,
    blaming: bool,
    probes: int,
    about: str,
    verbose: bool,
    form: str,
    json_file: str | None,
    project_folder: str | None,
) -> None:
    """Resolve, install and run one combination, and say in a sentence what was found.

    \b
    stackcompat try "jax==0.11.2" "flax==0.12.9" --python 3.12
    stackcompat try jax flax --exclude-newer 2026-09-20 --require interop
    stackcompat try "jax==0.10.2" "jaxlib==0.12.0.1" --override "jaxlib==0.12.0.1"
    stackcompat try --lock reports/locks/0a1b2c3d4e5f.txt --python 3.12

    A combination works up to the level to which its shallowest requirement was tried. With --level resolve nothing is
    installed, and the exit code is 0 if the combination resolves.

    Exit code: 0 works; 1 broken, unresolvable or uninstallable; 2 bad usage; 3 could not tell, or not as deep as
    --require asks.
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)
    if bool(requirements) == bool(lock_file):
        raise UsageError('try: give either requirements such as "jax==0.11.2", or --lock FILE|URL')
    if required is not None and LEVELS.index(required) > LEVELS.index(level):
        raise UsageError(f"--require: {required} is deeper than --level {level}; give --level {required} or deeper")
    project = find_ecosystem(project_folder)
    python = python or next(iter(find_interpreters()), USUAL_PYTHON)
    only_resolve = level == "resolve" and lock_file is None
    cell = parse_cell(requirements, python, exclude_newer, overrides, also=also, runs=not only_resolve)
    runner = make_runner(project, 1, None, level, reuse=not no_reuse)  # a baseline can need another Python
    warn_of_near_names(cell, runner.components, runner.catalog)
    if only_resolve:
        _resolve(cell, runner, form, json_file)
    lock = read_lock(lock_file, python) if lock_file else None
    if lock is not None:
        cell = _cell_of_lock(cell, lock, runner.components)
    with reporting(verbose=False) as reporter:
        verdict, evidence = try_cell(cell, runner.reporting(reporter), level, lock=lock, rerun=rerun)
    diagnosis = None
    unexplained = [test for test in verdict.broken_features if not cure(test)]
    if blaming and (verdict.verdict in ("broken", "unresolvable") or unexplained):
        diagnosis = find_culprit(verdict, runner.reusing(None), project, probes, about)
    too_shallow = short_of(required, verdict.components, verdict.asked) if required is not None else ()
    answer = verdict_json(verdict, evidence) | {"required": required, "short_of_required": list(too_shallow)}

    def show() -> None:
        print_verdict(verdict, evidence, verbose)
        if verbose:
            print_reproduction(verdict, project)
        for name in too_shallow if verdict.verdict == "works" else ():
            out.print(escape(_too_shallow(name, verdict.components[name], required)), style="yellow")
        if diagnosis:
            print_diagnosis(diagnosis)

    tell(form, json_file, answer | (diagnosis_json(diagnosis) if diagnosis else {}), show)
    sys.exit(of_try(verdict.verdict, deep_enough=not too_shallow))


def _resolve(cell: Cell, runner: Runner, form: str, json_file: str | None) -> NoReturn:
    """Say what a cell resolves to, and run nothing."""
    verdict = resolve_only(cell, runner)
    tell(form, json_file, verdict_json(verdict, ()), partial(print_verdict, verdict, (), verbose=False))
    sys.exit(0 if verdict.lock_id else of_try(verdict.verdict, deep_enough=True))


def _cell_of_lock(cell: Cell, lock: Lock, components: Components) -> Cell:
    """The cell that asks for everything in a lock. It is about the components in it; the rest is what they need."""
    rest = tuple(pin.name for pin in lock.pins if components.of_distribution(pin.name) is None)
    requirements = tuple(f"{pin.name}=={pin.version}" for pin in lock.pins)
    return cell.model_copy(update={"requirements": requirements, "accompanying": rest})


def _too_shallow(name: str, depth: Depth, required: Level | None) -> str:
    """Which requirement was not tried deep enough, and what to do."""
    return (
        f"  {name} does not reach {required}: {depth.words()}, because no deeper test of it applies here and passes; "
        f"write one, or ask for --require {depth.level}"
    )
