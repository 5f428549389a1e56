"""The command that measures the smoke tests themselves."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fnmatch import fnmatch

import click
from rich.markup import escape

from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.cli.console import out, reporting
from stackcompat.cli.exit_codes import COULD_NOT_TELL
from stackcompat.cli.options import jobs_option, json_option, project_option, write_json
from stackcompat.cli.workspace import make_exchange_runner, make_runner
from stackcompat.core.errors import UsageError
from stackcompat.plan.checkout import find_checkout
from stackcompat.plan.known_cases import load_cases
from stackcompat.validation.calibration import Calibration, calibrate, calibrate_crossings, healthy_neighbours

__all__ = ["calibrate_"]


@click.command("calibrate")
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@click.option("--rerun", is_flag=True, help="Run again what has evidence already.")
@click.option("--blame", "blaming", is_flag=True, help="Also find the culprit of each known break, and compare.")
@jobs_option
@json_option
@project_option
def calibrate_(
    cases: tuple[str, ...], rerun: bool, blaming: bool, jobs: int, json_file: str | None, project_folder: str | None
) -> None:
    """Measure the smoke tests: try every known case (or those whose id fits CASE, * allowed), print caught / known.

    Exit code: 0 when every case came out as known, and with --blame every culprit and its edges; 1 when one did not;
    3 when some could not be tried.
    """
    project = find_checkout(project_folder)
    path = project.matrices / "known-cases.toml"
    known = load_cases(path)
    chosen = [case for case in known if not cases or any(fnmatch(case.id, pattern) for pattern in cases)]
    if not chosen:
        raise UsageError(f"CASE: {', '.join(cases)} fits no case in {path.name}; an id such as {known[0].id} does")
    pythons = {case.python for case in chosen} | {case.writer.python for case in chosen if case.writer}
    runner = make_runner(project, jobs, sorted(pythons - {""}))
    with reporting(verbose=False) as reporter:
        runner = runner.reporting(reporter)
        calibrations = calibrate(chosen, runner, rerun=rerun, blaming=blaming)
        calibrations += calibrate_crossings(chosen, make_exchange_runner(project, runner), rerun=rerun)
    runner.cache.trim()
    calibrations = tuple(
        calibration.model_copy(update={"neighbours": healthy_neighbours(calibration, known, runner.components)})
        for calibration in calibrations
    )
    write_json(json_file, [calibration.model_dump(mode="json") for calibration in calibrations])
    if json_file != "-":
        _print(calibrations, len(chosen), blaming=blaming)
    sys.exit(_exit_code(calibrations, len(chosen)))


def _exit_code(calibrations: Sequence[Calibration], chosen: int) -> int:
    conclusive = [calibration for calibration in calibrations if not calibration.inconclusive]
    if not all(_is_right(calibration) for calibration in conclusive):
        return 1
    return COULD_NOT_TELL if len(conclusive) < chosen else 0


def _is_right(calibration: Calibration) -> bool:
    """Whether the verdict is the known one, and where a culprit was searched for, culprit and edges are."""
    if calibration.wrong:
        return False
    return calibration.blame is None or (calibration.exact and all(calibration.neighbours.values()))


def _print(calibrations: Sequence[Calibration], chosen: int, *, blaming: bool) -> None:
    """Print which cases did not come out as they are known, and how many did."""
    for calibration in calibrations:
        if calibration.wrong:
            sign = "[yellow]?[/]" if calibration.inconclusive else "[red]✗[/]"
            out.print(f"{sign} {escape(calibration.case.id)}: {escape(calibration.wrong)}")
    conclusive = [calibration for calibration in calibrations if not calibration.inconclusive]
    breaks = [c for c in conclusive if c.case.verdict != "works" or c.case.limits]
    healthy = [calibration for calibration in conclusive if calibration not in breaks]
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
    """Print the culprit of each case for which one was searched, and how many of the known culprits were found."""
    diagnoses = []
    for calibration in calibrations:
        if calibration.blame is not None:
            diagnoses.append(calibration.blame)
            _print_culprit(calibration, calibration.blame)
    asked = [c for c in calibrations if c.case.culprit and c.case.writer is None]
    probes = sum(diagnosis.probes for diagnosis in diagnoses)
    linear = sum(diagnosis.linear for diagnosis in diagnoses)
    out.print(
        f"{sum(calibration.exact for calibration in asked)} / {len(asked)} culprits exact, by {probes} probes; "
        f"release by release it would have been {linear}"
    )
    outside = [beyond for calibration in calibrations for beyond in calibration.neighbours.values()]
    out.print(f"{sum(outside)} / {len(outside)} known healthy neighbours beyond the red releases that were found")


def _print_culprit(calibration: Calibration, diagnosis: Diagnosis) -> None:
    """Print the culprit that a search found, how it differs from the known one, and what healthy case it includes."""
    names = ", ".join(f"{culprit.name} {culprit.version}" for culprit in diagnosis.culprits) or "nobody"
    known = "" if calibration.exact else f", known to be {', '.join(calibration.case.culprit)}"
    doubt = f" ({diagnosis.doubt})" if diagnosis.doubt else ""
    sign = "[green]✓[/]" if calibration.exact else "[red]✗[/]"
    cost = f"{diagnosis.probes} probes, linear {diagnosis.linear}"
    out.print(f"{sign} {escape(f'{calibration.case.id}: {names}{known}{doubt}; {cost}')}")
    for name, beyond in calibration.neighbours.items():
        if not beyond:
            sentence = f"{calibration.case.id}: {name} is healthy, amid releases that were found to be red"
            out.print(f"[red]✗[/] {escape(sentence)}")
