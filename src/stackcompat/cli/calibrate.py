"""The command that measures the smoke tests themselves."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

import click
from rich.markup import escape

from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.cli.answers import answer_options, tell
from stackcompat.cli.console import out, reporting
from stackcompat.cli.exit_codes import ExitCode, of_calibration
from stackcompat.cli.options import executor_option, jobs_option, project_option
from stackcompat.cli.runners import make_exchange_runner, make_runner
from stackcompat.core.errors import UsageError
from stackcompat.core.files import write_whole
from stackcompat.core.text import counted
from stackcompat.plan.ecosystem import find_ecosystem
from stackcompat.plan.known_cases import load_cases
from stackcompat.report.calibration import calibration_page, history_lines
from stackcompat.validation.calibration import (
    Calibration,
    calibrate,
    calibrate_crossings,
    healthy_neighbours,
    is_break,
)

__all__ = ["calibrate_"]


@click.command("calibrate")
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@click.option("--rerun", is_flag=True, help="Run again what has evidence already.")
@click.option("--blame", "blaming", is_flag=True, help="Also find the culprit of each known break, and compare.")
@click.option(
    "--write",
    "page",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what came out to FILE as a page; the measurements that it holds already stay in it.",
)
@jobs_option
@executor_option
@answer_options
@project_option
def calibrate_(
    cases: tuple[str, ...],
    rerun: bool,
    blaming: bool,
    page: Path | None,
    jobs: int,
    form: str,
    json_file: str | None,
    project_folder: str | None,
) -> None:
    """Measure the smoke tests: try every known case (or those whose id fits CASE, * allowed), print caught / known.

    Exit code: 0 when every case came out as known, and with --blame every culprit and its edges; 1 when one did not;
    3 when some could not be tried.
    """
    project = find_ecosystem(project_folder)
    path = project.matrices / "known-cases.toml"
    known = load_cases(path)
    chosen = [case for case in known if not cases or any(fnmatch(case.id, pattern) for pattern in cases)]
    if not chosen:
        raise UsageError(f"CASE: {', '.join(cases)} fits no case in {path.name}; an id such as {known[0].id} does")
    if page is not None and cases:
        raise UsageError("--write: the page is of all known cases; leave CASE out")
    runner = make_runner(project, jobs, None)
    with reporting(verbose=False) as reporter:
        runner = runner.reporting(reporter)
        calibrations = calibrate(chosen, runner, rerun=rerun, blaming=blaming)
        calibrations += calibrate_crossings(chosen, make_exchange_runner(project, runner), rerun=rerun)
    runner.cache.trim()
    calibrations = tuple(
        calibration.model_copy(update={"neighbours": healthy_neighbours(calibration, known, runner.components)})
        for calibration in calibrations
    )
    if page is not None:
        history = history_lines(page.read_text(encoding="utf-8")) if page.exists() else ()
        day = dt.datetime.now(dt.UTC).date()
        write_whole(page, calibration_page(calibrations, day, history))
    answer = [calibration.model_dump(mode="json") for calibration in calibrations]
    tell(form, json_file, answer, partial(_print, calibrations, len(chosen), blaming=blaming))
    sys.exit(_exit_code(calibrations, len(chosen)))


def _exit_code(calibrations: Sequence[Calibration], chosen: int) -> ExitCode:
    """The exit code; `chosen` is the number of cases that were asked for."""
    conclusive = [calibration for calibration in calibrations if not calibration.inconclusive]
    right = all(_is_right(calibration) for calibration in conclusive)
    return of_calibration(right=right, complete=len(conclusive) == chosen)


def _is_right(calibration: Calibration) -> bool:
    """Whether the verdict is the known one; and the culprit and its edges, if a culprit was searched for."""
    if calibration.wrong:
        return False
    return calibration.blame is None or (calibration.exact and all(calibration.neighbours.values()))


def _print(calibrations: Sequence[Calibration], chosen: int, *, blaming: bool) -> None:
    """Print the cases that did not come out as they are known, and the number of those that did."""
    for calibration in calibrations:
        if calibration.wrong:
            sign = "[yellow]?[/]" if calibration.inconclusive else "[red]✗[/]"
            out.print(f"{sign} {escape(calibration.case.id)}: {escape(calibration.wrong)}")
    conclusive = [calibration for calibration in calibrations if not calibration.inconclusive]
    breaks = [calibration for calibration in conclusive if is_break(calibration.case)]
    healthy = [calibration for calibration in conclusive if not is_break(calibration.case)]
    out.print(f"{_count_right(breaks)} / {len(breaks)} known breaks caught as they are known")
    out.print(f"{_count_right(healthy)} / {len(healthy)} healthy combinations green")
    if blaming:
        _print_culprits(calibrations)
    if len(conclusive) < len(calibrations):
        out.print(f"{len(calibrations) - len(conclusive)} cases were kept from a verdict (?)", style="yellow")
    if len(calibrations) < chosen:
        out.print(f"{chosen - len(calibrations)} cases need a Python that is not here", style="yellow")


def _count_right(calibrations: Sequence[Calibration]) -> int:
    return sum(not calibration.wrong for calibration in calibrations)


def _print_culprits(calibrations: Sequence[Calibration]) -> None:
    """Print the culprit of each case that was searched, and how many of the known culprits were found."""
    diagnoses = []
    for calibration in calibrations:
        if calibration.blame is not None:
            diagnoses.append(calibration.blame)
            _print_culprit(calibration, calibration.blame)
    asked = [c for c in calibrations if c.case.culprit and c.case.writer is None]
    probes = sum(diagnosis.probes for diagnosis in diagnoses)
    linear = sum(diagnosis.linear for diagnosis in diagnoses)
    saved = f"; release by release it would have been {linear}" if linear > probes else ""
    exact = sum(calibration.exact for calibration in asked)
    out.print(f"{exact} / {len(asked)} culprits exact, by {counted(probes, 'probe')}{saved}")
    outside = [beyond for calibration in calibrations for beyond in calibration.neighbours.values()]
    out.print(f"{sum(outside)} / {len(outside)} known healthy neighbours beyond the red releases that were found")


def _print_culprit(calibration: Calibration, diagnosis: Diagnosis) -> None:
    """Print the culprit that a search found, the known one if it differs, and healthy cases amid its red releases."""
    names = ", ".join(f"{culprit.name} {culprit.version}" for culprit in diagnosis.culprits) or "nobody"
    known = "" if calibration.exact else f", known to be {', '.join(calibration.case.culprit)}"
    doubt = f" ({diagnosis.doubt})" if diagnosis.doubt else ""
    sign = "[green]✓[/]" if calibration.exact else "[red]✗[/]"
    cost = f"{counted(diagnosis.probes, 'probe')}, linear {diagnosis.linear}"
    out.print(f"{sign} {escape(f'{calibration.case.id}: {names}{known}{doubt}; {cost}')}")
    for name, beyond in calibration.neighbours.items():
        if not beyond:
            sentence = f"{calibration.case.id}: {name} is healthy, amid releases that were found to be red"
            out.print(f"[red]✗[/] {escape(sentence)}")
