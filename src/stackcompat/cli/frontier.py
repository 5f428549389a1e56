"""The command that finds which releases of two components work together."""

from __future__ import annotations

import calendar
import datetime as dt
import sys
from dataclasses import replace
from typing import Any

import click
from rich.table import Table

from stackcompat.cli.console import out, reporting
from stackcompat.cli.exit_codes import COULD_NOT_TELL
from stackcompat.cli.options import jobs_option, json_option, project_option, write_json
from stackcompat.cli.workspace import make_runner, open_index
from stackcompat.core.dates import end_of_day, parse_date
from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.ecosystem.interpreters import find_interpreters, how_to_get, this_platform
from stackcompat.frontier.answers import Frontier
from stackcompat.frontier.driver import ask
from stackcompat.frontier.forecast import Forecast, make_forecast
from stackcompat.frontier.frontier import FRONTIERS, StoredFrontier
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.search import MAX_RUNS_PER_QUESTION, explore
from stackcompat.frontier.static.wheels import WheelNames
from stackcompat.frontier.survey import Survey, make_survey
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.checkout import find_checkout
from stackcompat.report.text import frontier_words, working_partners
from stackcompat.run.package_cache import default_cache
from stackcompat.table.frontiers import FrontierRow, frontier_row

__all__ = ["answer", "frontier_", "moment", "print_frontier", "search"]


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
    type=click.IntRange(MAX_RUNS_PER_QUESTION),
    help=f"The most runs to make now, at least {MAX_RUNS_PER_QUESTION}; default: as many as it takes.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Chooses the sample of inferred pairs that is tested."
)
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
    """Find which releases of FIRST work with which releases of SECOND (components or distributions), from few runs.

    \b
    stackcompat frontier flax jax --python 3.12 --since 2025-01

    What follows from tested pairs is marked inferred, and a random sample of it is tested. The answer is kept in the
    store, and published with the next report.

    Exit code: 0 when each pair has a verdict and the sample agreed; 2 bad usage; 3 when the budget ended before.
    """  # noqa: D301  (as above)
    newest = next(iter(find_interpreters().values()), None)
    python = python or (newest.python if newest else "3.12")
    index = open_index()
    runner = replace(make_runner(find_checkout(project_folder), jobs, [python], level), catalog=index)
    if python not in runner.interpreters:
        raise StackcompatError(how_to_get(python))
    survey = make_survey(
        (first, second),
        runner.components,
        index,
        python=python,
        since=moment("--since", since, end=False),
        until=moment("--until", until, end=True),
    )
    wheels = WheelNames(default_cache() / "names", index.sources, newest)
    with reporting(verbose=False) as reporter:
        forecast = make_forecast(survey, wheels.of, reporter)
        wheels.keep()
        found = search(survey, forecast, runner.reporting(reporter), level=level, budget=budget, seed=seed, batch=jobs)
    runner.cache.trim()
    frontier = StoredFrontier.of(
        found, forecast.at(level), python=python, platform=this_platform(), level=level, seen=dt.datetime.now(dt.UTC)
    )
    if frontier.adds_to_metadata:
        runner.store.keep(FRONTIERS, frontier)
    write_json(json_file, answer(frontier))
    if json_file != "-":
        print_frontier(frontier)
    sys.exit(0 if frontier.complete else COULD_NOT_TELL)


def search(
    survey: Survey, forecast: Forecast, runner: Runner, *, level: Level, budget: int | None, seed: int, batch: int
) -> Frontier:
    """Search the pairs of a survey with cells.

    Args:
        survey: The two components.
        forecast: What pairs are predicted to lack.
        runner: Runs the cells, and is told of each answer.
        level: How deep a pair has to work.
        budget: The most runs to make; None for as many as it takes.
        seed: Chooses the sample that is tested.
        batch: How many questions are asked at once.
    """
    levels: list[Level] = ["import"] if level == "import" else ["import", level]
    runner.reporter.stage("pairs", sum(map(len, survey.space.rows().values())))
    return explore(
        survey.space,
        lambda questions: ask(survey, questions, runner),
        levels=levels,
        budget=budget,
        seed=seed,
        batch=batch,
        forecast=forecast.names(levels),
    )


def moment(option: str, text: str | None, *, end: bool) -> dt.datetime | None:
    """The beginning or the end of a day or of a month such as 2025-01."""
    if text is None:
        return None
    try:
        if len(text) == len("2025-01"):
            month = dt.date.fromisoformat(f"{text}-01")
            day = month.replace(day=calendar.monthrange(month.year, month.month)[1]) if end else month
            return end_of_day(day) if end else dt.datetime.combine(day, dt.time(), dt.UTC)
        moment = parse_date(text)
    except ValueError as error:
        raise UsageError(f'{option}: "{text}" is not a day such as 2025-01-15 or a month such as 2025-01') from error
    return moment if end or len(text) > len("2025-01-15") else moment.replace(hour=0, minute=0, second=0)


def answer(frontier: StoredFrontier) -> dict[str, Any]:
    """The JSON twin of what `frontier` prints. Versions are keyed by component name."""
    first, second = frontier.first, frontier.second

    def versions(pair: Pair) -> dict[str, str]:
        return {first.name: first.versions[pair[0]], second.name: second.versions[pair[1]]}

    return {
        "schema_version": 1,
        "first": first.name,
        "second": second.name,
        "python": frontier.python,
        "platform": frontier.platform,
        "level": frontier.level,
        "runs": frontier.runs,
        "reused": frontier.reused,
        "complete": frontier.complete,
        "disagreement": frontier.disagreement,
        "checks": [
            {**versions(check.pair), "inferred": check.inferred, "observed": check.observed}
            for check in frontier.checks
        ],
        "counts": frontier.counts(),
        "forecast": {"precision": frontier.precision, "recall": frontier.recall},
        "edges": [
            {first.name: version, "works": [list(ends) for ends in frontier.intervals(0, row)]}
            for row, version in enumerate(first.versions)
        ],
        "pairs": [
            {**versions(finding.pair), **finding.model_dump(mode="json", exclude={"pair"})}
            for finding in frontier.findings
        ],
    }


def print_frontier(frontier: StoredFrontier) -> None:
    """Print a row for each release of the first side, what the verdicts rest on, and what they cost."""
    first, second = frontier.first.name, frontier.second.name
    published = frontier_row(frontier)
    table = Table(first, f"works with {second}", "works", "broken", "inferred", box=None, header_style="bold")
    for row, edge in reversed(list(enumerate(published.edges))):
        findings = frontier.along(0, row)
        verdicts = [finding.verdict for finding in findings]
        table.add_row(
            edge.version,
            working_partners(published, first, edge),
            str(verdicts.count("works")),
            str(verdicts.count("broken")),
            str(sum(finding.inferred for finding in findings)),
        )
    out.print(table)
    counts = frontier.counts()
    out.print(f"{counts.get('works', 0)} pairs work, {counts.get('broken', 0)} are broken.")
    out.print(f"{frontier_words(published)}.")
    out.print(f"{frontier.runs} runs were made now, {frontier.reused} were made before.")
    if not frontier.complete:
        out.print(f"{_what_is_open(published)}; the same command goes on from here.", style="yellow")


def _what_is_open(row: FrontierRow) -> str:
    """What a search that is not complete leaves open."""
    silent = len(row.pairs) - row.pairs_answered
    if silent:
        return f"Not complete: {silent} pair{'s have' if silent > 1 else ' has'} no verdict"
    return "Not complete: a sample of the inferred pairs is still to be tested"
