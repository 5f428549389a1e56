"""The command that measures the smoke tests themselves."""

from __future__ import annotations

import sys
from fnmatch import fnmatch

import click
from rich.markup import escape

from stackcompat.calibration import Calibration, calibrate, calibrate_crossings, load_cases
from stackcompat.cli.common import (
    jobs_option,
    json_option,
    make_bench,
    make_exchange_bench,
    open_index,
    out,
    project_option,
    reporting,
    write_json,
)
from stackcompat.project import find_project
from stackcompat.record import UsageError

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

    Exit code: 0 when every case, and with --blame every culprit, came out as known, 1 when one did not.
    """
    project = find_project(project_folder)
    path = project.matrices / "known-cases.toml"
    every = load_cases(path)
    known = [case for case in every if not cases or any(fnmatch(case.id, pattern) for pattern in cases)]
    if not known:
        raise UsageError(f"CASE: {', '.join(cases)} fits no case in {path.name}; an id such as {every[0].id} does")
    pythons = sorted({case.python for case in known} | {case.writer.python for case in known if case.writer} - {""})
    bench, catalog = make_bench(project, jobs, pythons), open_index()
    with reporting(verbose=False) as reporter:
        found = calibrate(known, bench, catalog, reporter, rerun=rerun, blaming=blaming)
        exchange = make_exchange_bench(project, jobs, pythons, plain=bench)
        found += calibrate_crossings(known, exchange, catalog, reporter, rerun=rerun)
    write_json(json_file, [entry.model_dump(mode="json") for entry in found])
    for entry in found:
        if entry.wrong:
            out.print(f"[red]✗[/] {escape(entry.case.id)}: {escape(entry.wrong)}")
    red = [entry for entry in found if entry.case.verdict != "works"]
    green = [entry for entry in found if entry.case.verdict == "works"]
    out.print(f"{sum(not e.wrong for e in red)} / {len(red)} known breaks caught as they are known")
    out.print(f"{sum(not e.wrong for e in green)} / {len(green)} healthy combinations green")
    blamed = [entry for entry in found if entry.blame is not None]
    for entry in blamed:
        _print_blame(entry)
    if blaming:
        probes, linear = (sum(getattr(e.blame.found, n) for e in blamed if e.blame) for n in ("probes", "linear"))
        out.print(
            f"{sum(e.exact for e in blamed)} / {sum(bool(e.case.culprit) for e in found)} culprits exact, "
            f"by {probes} probes; release by release it would have been {linear}"
        )
    if len(found) < len(known):
        out.print(f"{len(known) - len(found)} cases need a Python that is not here", style="yellow")
    sys.exit(1 if any(entry.wrong or (entry.blame and not entry.exact) for entry in found) else 0)


def _print_blame(entry: Calibration) -> None:
    """One line: whom the case was laid to, and whom it is known to be laid to where that differs."""
    assert entry.blame is not None
    found = entry.blame.found
    names = ", ".join(f"{culprit.name} {culprit.version}" for culprit in found.culprits) or "nobody"
    known = "" if entry.exact else f", known to be {', '.join(entry.case.culprit)}"
    doubt = f" ({found.doubt})" if found.doubt else ""
    sign = "[green]✓[/]" if entry.exact else "[red]✗[/]"
    out.print(
        f"{sign} {escape(f'{entry.case.id}: {names}{known}{doubt}; {found.probes} probes, linear {found.linear}')}"
    )
