"""The command that tries one combination by hand."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rich.markup import escape

from stackcompat.cli.blame import about_option, blame_answer, find_culprit, print_blame, probes_option
from stackcompat.cli.common import (
    COULD_NOT_TELL,
    EXIT_CODES,
    glyph,
    json_option,
    make_runner,
    out,
    project_option,
    reporting,
    write_json,
)
from stackcompat.core.dates import parse_date
from stackcompat.core.record import UsageError
from stackcompat.core.requirements import parse_requirement
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.ecosystem.interpreters import find_interpreters, this_platform
from stackcompat.evidence.results import Evidence, TestResult, WarningSeen
from stackcompat.pipeline.cells import try_cell
from stackcompat.plan.cell import Cell
from stackcompat.plan.checkout import find_checkout
from stackcompat.resolve.lock import Lock
from stackcompat.verdict.outcomes import why
from stackcompat.verdict.verdict import CellVerdict

__all__ = ["answer", "failure_row", "parse_cell", "print_verdict", "read_lock", "try_", "warnings_of"]

_OPTIONS = {"requirement": "REQUIREMENT", "python": "--python", "exclude-newer": "--exclude-newer"}


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
    """  # noqa: D301  (as above)
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
    found = None
    if blaming and (verdict.verdict in ("broken", "unresolvable") or verdict.broken_features):
        found = find_culprit(verdict, runner, runner.catalog, project, probes, about)
    write_json(json_file, answer(verdict, evidence) | (blame_answer(found) if found else {}))
    if json_file != "-":
        print_verdict(verdict, evidence, verbose)
        if found:
            print_blame(found)
    sys.exit(EXIT_CODES.get(verdict.verdict, COULD_NOT_TELL))


def read_lock(path: str, python: str) -> Lock:
    try:
        lock = Lock.parse(Path(path).read_text(encoding="utf-8"), python, this_platform())
    except OSError as error:
        raise UsageError(f"--lock: {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"--lock: {path}: {str(error).splitlines()[0]}") from None
    bare = [pin.name for pin in lock.pins if not pin.hashes]
    if bare or not lock.pins:
        reason = f"{bare[0]} has no hash" if bare else "it is empty"
        raise UsageError(f'--lock: {path}: {reason}; allowed are lines such as "alpha==1.2.3 --hash=sha256:..."')
    return lock


def parse_cell(
    requirements: Sequence[str],
    python: str,
    exclude_newer: str | None,
    overrides: Sequence[str],
    options: Mapping[str, str] = _OPTIONS,
) -> Cell:
    """The cell that a person asks for; `options` are the names by which mistakes are told."""

    def parse(option: str, text: str) -> Requirement:
        try:
            return parse_requirement(text)
        except ValueError as error:
            raise UsageError(f"{option}: {error}") from None

    if not re.fullmatch(r"3\.[0-9]+", python):
        raise UsageError(f'{options["python"]}: "{python}" is not a Python such as 3.12')
    parsed = [parse(options["requirement"], text) for text in requirements]
    for requirement in parsed:
        if requirement.url:
            where = f'{options["requirement"]}: "{requirement}"'
            raise UsageError(f"{where} has an address; use a matrix with a `local` policy for files")
    try:
        cutoff = parse_date(exclude_newer) if exclude_newer else None
    except ValueError as error:
        raise UsageError(f"{options['exclude-newer']}: {error}") from None
    return Cell(
        python=python,
        platform=this_platform(),
        requirements=tuple(sorted(str(requirement) for requirement in parsed)),
        overrides=tuple(sorted(str(parse("--override", text)) for text in overrides)),
        exclude_newer=cutoff,
        newest=tuple(
            canonicalize_name(r.name)
            for r in parsed
            if not any(s.operator in ("==", "===", "<", "<=") for s in r.specifier)
        ),
        label=", ".join(requirements),
    )


def answer(verdict: CellVerdict, evidence: Sequence[Evidence]) -> dict[str, Any]:
    """The JSON twin of what `try` prints."""
    return {
        "schema_version": 1,
        "verdict": verdict.verdict,
        "level": verdict.level,
        "sentence": verdict.sentence,
        "python": verdict.cell.python,
        "platform": verdict.cell.platform,
        "installed": verdict.installed,
        "forced": list(verdict.forced),
        "failures": [failure_row(test) for test in verdict.failures],
        "limits": [{"feature": test.feature} | failure_row(test) for test in verdict.broken_features],
        "conflict": verdict.conflict.model_dump(mode="json") if verdict.conflict else None,
        "held_back": [held.model_dump(mode="json") for held in verdict.held_back],
        "passed": verdict.passed,
        "not_applicable": verdict.not_applicable,
        "blocked": verdict.blocked,
        "warnings": [warning.model_dump(mode="json") for warning in warnings_of(evidence)],
        "evidence": list(verdict.evidence),
    }


def warnings_of(evidence: Iterable[Evidence]) -> tuple[WarningSeen, ...]:
    """Every warning of the runs, once."""
    every = (warning for run in evidence for test in run.tests for warning in test.warnings)
    return tuple({(one.category, one.raised_by, one.triggered_by, one.message): one for one in every}.values())


def failure_row(test: TestResult) -> dict[str, Any]:
    """A test that is not green, as JSON."""
    return {
        "test": test.test,
        "level": test.level,
        "components": list(test.components),
        "signature": why(test),
        "type": test.failure.type if test.failure else "",
        "message": test.failure.message if test.failure else test.reason,
        "packages": list(test.failure.packages) if test.failure else [],
        "traceback": test.failure.traceback if test.failure else "",
    }


def print_verdict(verdict: CellVerdict, evidence: Sequence[Evidence], verbose: bool) -> None:
    cell = verdict.cell
    forced = f" (forced: {', '.join(verdict.forced)})" if verdict.forced else ""
    at = f" at {verdict.level}" if verdict.verdict not in ("works", "untested") else f" up to {verdict.level}"
    out.print(
        f"{glyph(verdict.verdict)} [bold]{verdict.verdict}[/]{at} on Python {cell.python}{forced}: "
        f"{escape(verdict.sentence)}"
    )
    for held in verdict.held_back:
        out.print(
            f"  {held.name} {held.newest} is the newest, but {held.got} was chosen: held back by "
            f"{escape(held.by)} ({escape(held.bound)})",
            style="yellow",
        )
    shown = [f"{name} {verdict.installed[name]}" for name in cell.roots() if name in verdict.installed]
    if shown:
        out.print(f"  {', '.join(shown)}", style="dim")
    for test in verdict.failures:
        out.print(f"  [red]✗[/] {escape(test.test)}: {escape(why(test))}")
    for test in verdict.broken_features:
        out.print(f"  [yellow]![/] {escape(test.feature)} does not work: {escape(why(test))}")
    if verbose:
        for test in (test for run in evidence for test in run.tests):
            extra = f" ({escape(test.reason)})" if test.reason else ""
            out.print(f"  {test.outcome:>14} {test.seconds:6.2f} s  {escape(test.test)}{extra}")
    if verdict.passed or verdict.not_applicable:
        out.print(
            f"  {verdict.passed} passed, {verdict.not_applicable} not applicable, {verdict.blocked} blocked",
            style="dim",
        )
