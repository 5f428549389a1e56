"""The command that measures the smoke tests themselves."""

from __future__ import annotations

import sys
from fnmatch import fnmatch

import click
from rich.markup import escape

from stackcompat.calibration import calibrate, calibrate_crossings, load_cases
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
@jobs_option
@json_option
@project_option
def calibrate_(
    cases: tuple[str, ...], rerun: bool, jobs: int, json_file: str | None, project_folder: str | None
) -> None:
    """Measure the smoke tests: try every known case (or those whose id fits CASE, * allowed), print caught / known.

    Exit code: 0 when every case came out as known, 1 when one did not.
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
        found = calibrate(known, bench, catalog, reporter, rerun=rerun)
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
    if len(found) < len(known):
        out.print(f"{len(known) - len(found)} cases need a Python that is not here", style="yellow")
    sys.exit(1 if any(entry.wrong for entry in found) else 0)
