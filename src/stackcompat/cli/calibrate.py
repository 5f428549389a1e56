"""The command that measures the smoke tests themselves."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fnmatch import fnmatch

import click
from rich.markup import escape

from stackcompat.cli.common import (
    COULD_NOT_TELL,
    jobs_option,
    json_option,
    make_exchange_runner,
    make_runner,
    out,
    project_option,
    reporting,
    write_json,
)
from stackcompat.core.record import UsageError
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
    every = load_cases(path)
    known = [case for case in every if not cases or any(fnmatch(case.id, pattern) for pattern in cases)]
    if not known:
        raise UsageError(f"CASE: {', '.join(cases)} fits no case in {path.name}; an id such as {every[0].id} does")
    pythons = sorted({case.python for case in known} | {case.writer.python for case in known if case.writer} - {""})
    runner = make_runner(project, jobs, pythons)
    with reporting(verbose=False) as reporter:
        runner = runner.reporting(reporter)
        found = calibrate(known, runner, rerun=rerun, blaming=blaming)
        found += calibrate_crossings(known, make_exchange_runner(project, runner), rerun=rerun)
    runner.cache.trim()
    found = tuple(
        entry.model_copy(update={"neighbours": healthy_neighbours(entry, every, runner.components)}) for entry in found
    )
    write_json(json_file, [entry.model_dump(mode="json") for entry in found])
    if json_file != "-":
        _print(found, len(known), blaming=blaming)
    told = [entry for entry in found if not entry.untold]
    if any(entry.wrong or (entry.blame and not (entry.exact and all(entry.neighbours.values()))) for entry in told):
        sys.exit(1)
    sys.exit(COULD_NOT_TELL if len(told) < len(known) else 0)


def _print(found: Sequence[Calibration], known: int, *, blaming: bool) -> None:
    """What came out otherwise than it is known, and how much did not."""
    for entry in found:
        if entry.wrong:
            sign = "[yellow]?[/]" if entry.untold else "[red]✗[/]"
            out.print(f"{sign} {escape(entry.case.id)}: {escape(entry.wrong)}")
    told = [entry for entry in found if not entry.untold]
    red = [entry for entry in told if entry.case.verdict != "works" or entry.case.limits]
    green = [entry for entry in told if entry not in red]
    out.print(f"{sum(not e.wrong for e in red)} / {len(red)} known breaks caught as they are known")
    out.print(f"{sum(not e.wrong for e in green)} / {len(green)} healthy combinations green")
    if blaming:
        _print_blames(found)
    if len(told) < len(found):
        out.print(f"{len(found) - len(told)} cases were kept from a verdict (?)", style="yellow")
    if len(found) < known:
        out.print(f"{known - len(found)} cases need a Python that is not here", style="yellow")


def _print_blames(found: Sequence[Calibration]) -> None:
    """A line for each case that was blamed on somebody, and how many of those known it was right about."""
    blamed = [(entry, entry.blame) for entry in found if entry.blame is not None]
    for entry, laid in blamed:
        names = ", ".join(f"{culprit.name} {culprit.version}" for culprit in laid.culprits) or "nobody"
        known = "" if entry.exact else f", known to be {', '.join(entry.case.culprit)}"
        doubt = f" ({laid.doubt})" if laid.doubt else ""
        sign = "[green]✓[/]" if entry.exact else "[red]✗[/]"
        said = f"{entry.case.id}: {names}{known}{doubt}; {laid.probes} probes, linear {laid.linear}"
        out.print(f"{sign} {escape(said)}")
        for name in (name for name, outside in entry.neighbours.items() if not outside):
            out.print(
                f"[red]✗[/] {escape(f'{entry.case.id}: {name} is healthy, amid releases that were found to be red')}"
            )
    asked = [entry for entry in found if entry.case.culprit and entry.case.writer is None]
    probes, linear = sum(laid.probes for _, laid in blamed), sum(laid.linear for _, laid in blamed)
    out.print(
        f"{sum(entry.exact for entry in asked)} / {len(asked)} culprits exact, by {probes} probes; "
        f"release by release it would have been {linear}"
    )
    placed = [outside for entry in found for outside in entry.neighbours.values()]
    out.print(f"{sum(placed)} / {len(placed)} known healthy neighbours beyond the red releases that were found")
