"""The command that finds which releases of two components work together."""

from __future__ import annotations

import calendar
import datetime as dt
import sys
from typing import Any

import click
from rich.table import Table

from stackcompat.cli.common import (
    COULD_NOT_TELL,
    jobs_option,
    json_option,
    make_runner,
    open_index,
    out,
    project_option,
    reporting,
    write_json,
)
from stackcompat.core.dates import parse_date
from stackcompat.core.record import StackcompatError, UsageError
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.ecosystem.interpreters import find_interpreters, how_to_get, this_platform
from stackcompat.frontier.answers import NO_VERDICT
from stackcompat.frontier.driver import Survey
from stackcompat.frontier.frontier import FRONTIERS, StoredFrontier
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.search import DEAREST, explore
from stackcompat.frontier.static.wheels import WheelNames
from stackcompat.plan.checkout import find_checkout
from stackcompat.report.text import interval_words
from stackcompat.run.package_cache import default_cache

__all__ = ["answer", "frontier_", "moment", "print_frontier"]


@click.command("frontier")
@click.argument("first")
@click.argument("second")
@click.option("--python", help="Such as 3.12; default: the newest that is found here.")
@click.option("--since", metavar="DATE", help="Only releases uploaded from then on, such as 2025-01 or 2025-01-15.")
@click.option("--until", metavar="DATE", help="Only releases uploaded until then.")
@click.option(
    "--level",
    type=click.Choice(LEVELS[3:]),
    default="interop",
    show_default=True,
    help="How deep to go where imports are green.",
)
@click.option(
    "--budget",
    type=click.IntRange(DEAREST),
    help=f"The most runs to make now, at least the {DEAREST} of one question; default: as many as it takes.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses the sample that is checked.")
@jobs_option
@json_option
@project_option
def frontier_(
    first: str,
    second: str,
    python: str | None,
    since: str | None,
    until: str | None,
    level: Level,
    budget: int | None,
    seed: int,
    jobs: int,
    json_file: str | None,
    project_folder: str | None,
) -> None:
    """Find which releases of FIRST work with which of SECOND (components or distributions), from few runs.

    \b
    stackcompat frontier flax jax --python 3.12 --since 2025-01

    What follows from what was seen is marked inferred, and a random sample of it is checked. The answer is kept in the
    store, and published with the next report.

    Exit code: 0 when each pair has a verdict and the sample agreed; 2 bad usage; 3 when the budget ended before.
    """  # noqa: D301  (as above)
    project = find_checkout(project_folder)
    newest = next(iter(find_interpreters().values()), None)
    python = python or (newest.python if newest else "3.12")
    bench = make_runner(project, jobs, [python], level)
    if python not in bench.interpreters:
        raise StackcompatError(how_to_get(python))
    catalog = open_index()
    survey = Survey(
        (first, second),
        project.components(),
        catalog,
        python=python,
        since=moment("--since", since, end=False),
        until=moment("--until", until, end=True),
    )
    space = survey.space
    levels: list[Level] = ["import"] if level == "import" else ["import", level]
    readings = WheelNames(default_cache() / "names", catalog.sources, newest)
    with reporting(verbose=False) as reporter:
        foreseen = survey.forecast(readings.of, reporter)
        readings.keep()
        reporter.stage("pairs", sum(map(len, space.rows().values())))
        found = explore(
            space,
            lambda questions: survey.ask(questions, bench, reporter),
            levels=levels,
            budget=budget,
            seed=seed,
            batch=jobs,
            forecast=foreseen.names(levels),
        )
    bench.cache.trim()
    chart = StoredFrontier.of(
        found, foreseen.at(level), python=python, platform=this_platform(), level=level, seen=dt.datetime.now(dt.UTC)
    )
    if chart.told:
        bench.store.keep(FRONTIERS, chart)
    write_json(json_file, answer(chart))
    if json_file != "-":
        print_frontier(chart)
    sys.exit(0 if found.complete else COULD_NOT_TELL)


def moment(option: str, text: str | None, *, end: bool) -> dt.datetime | None:
    """The beginning or the end of a day or of a month such as 2025-01."""
    if text is None:
        return None
    try:
        if len(text) == len("2025-01"):
            month = dt.date.fromisoformat(f"{text}-01")
            day = month.replace(day=calendar.monthrange(month.year, month.month)[1]) if end else month
            return dt.datetime.combine(day, dt.time(23, 59, 59) if end else dt.time(), dt.UTC)
        moment = parse_date(text)
    except ValueError as error:
        raise UsageError(f'{option}: "{text}" is not a day such as 2025-01-15 or a month such as 2025-01') from error
    return moment if end or len(text) > len("2025-01-15") else moment.replace(hour=0, minute=0, second=0)


def answer(chart: StoredFrontier) -> dict[str, Any]:
    """The JSON twin of what `frontier` prints. Versions are keyed by component name."""
    first, second = chart.first, chart.second

    def named(pair: Pair) -> dict[str, str]:
        return {first.name: first.versions[pair[0]], second.name: second.versions[pair[1]]}

    return {
        "schema_version": 1,
        "first": first.name,
        "second": second.name,
        "python": chart.python,
        "platform": chart.platform,
        "level": chart.level,
        "runs": chart.runs,
        "reused": chart.reused,
        "complete": chart.complete,
        "disagreement": chart.disagreement,
        "checks": [
            {**named(check.pair), "inferred": check.inferred, "observed": check.observed} for check in chart.checks
        ],
        "counts": chart.counts(),
        "forecast": {"precision": chart.precision, "recall": chart.recall},
        "edges": [
            {first.name: version, "works": [list(ends) for ends in chart.intervals(0, row)]}
            for row, version in enumerate(first.versions)
        ],
        "pairs": [
            {**named(finding.pair), **finding.model_dump(mode="json", exclude={"pair"})} for finding in chart.findings
        ],
    }


def print_frontier(chart: StoredFrontier) -> None:
    """A row for each release of the first, and what it cost."""
    first, second, known = chart.first, chart.second, chart.by_pair()
    table = Table(first.name, f"works with {second.name}", "works", "broken", "inferred", box=None, header_style="bold")
    for row, version in reversed(list(enumerate(first.versions))):
        here = [known[row, column] for column in range(len(second.versions))]
        table.add_row(
            version,
            interval_words(chart.intervals(0, row)),
            str(sum(finding.verdict == "works" for finding in here)),
            str(sum(finding.verdict == "broken" for finding in here)),
            str(sum(finding.inferred for finding in here)),
        )
    out.print(table)
    counts = chart.counts()
    inferred = counts.pop("inferred")
    permitted = sum(counts.values()) - counts.pop("unresolvable", 0)
    said = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
    out.print(f"{permitted} pairs that metadata permits: {said}; {inferred} of these inferred")
    earlier = f" (and {chart.reused} made before)" if chart.reused else ""
    wrong = sum(not check.agrees for check in chart.checks)
    out.print(
        f"{chart.runs} runs{earlier}; {len(chart.checks)} inferred pairs were checked, {wrong} came out otherwise"
    )
    accuracy = (chart.precision, chart.recall)
    shares = [f"{share:.0%}" if share is not None else "none to tell by" for share in accuracy]
    out.print(f"forecast from source, against what was observed: precision {shares[0]}, recall {shares[1]}")
    if not chart.complete:
        silent = sum(counts.get(verdict, 0) for verdict in NO_VERDICT)
        out.print(f"Not complete: {silent} pairs have no verdict; the same command goes on from here.", style="yellow")
