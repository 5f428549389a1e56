"""The command that finds which releases of two components work together."""

from __future__ import annotations

import calendar
import datetime as dt
import sys
from functools import partial
from typing import Any

import click
from rich.table import Table

from stackcompat.cli.answers import answer_options, tell
from stackcompat.cli.console import out, reporting
from stackcompat.cli.exit_codes import of_frontier
from stackcompat.cli.options import (
    executor_option,
    from_option,
    jobs_option,
    project_option,
    python_option,
    reuse_option,
)
from stackcompat.cli.runners import make_runner, refuse_missing
from stackcompat.cli.workspace import open_index
from stackcompat.core.dates import end_of_day, parse_date
from stackcompat.core.errors import UsageError
from stackcompat.core.folders import default_cache
from stackcompat.core.text import counted
from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.ecosystem.interpreters import USUAL_PYTHON, find_interpreters, this_platform
from stackcompat.frontier.answers import Frontier
from stackcompat.frontier.driver import answer_questions
from stackcompat.frontier.forecast import Forecast, make_forecast
from stackcompat.frontier.frontier import FRONTIERS, StoredFrontier, is_part_of
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.search import MAX_RUNS_PER_QUESTION, explore
from stackcompat.frontier.static.wheels import WheelNames
from stackcompat.frontier.survey import Survey, make_survey
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.ecosystem import find_ecosystem
from stackcompat.report.frontier_text import frontier_words, working_partners
from stackcompat.table.frontiers import FrontierRow, frontier_row

__all__ = ["answer", "frontier_", "moment", "print_frontier", "search_frontier"]


@click.command("frontier")
@click.argument("first")
@click.argument("second")
@python_option("--python", help="Such as 3.12; default: the newest that is found here.")
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
@reuse_option
@jobs_option
@executor_option
@answer_options
@from_option
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
    no_reuse: bool,
    jobs: int,
    form: str,
    json_file: str | None,
    project_folder: str | None,
) -> None:
    """Find which releases of FIRST work with which releases of SECOND (components or distributions), from few runs.

    \b
    stackcompat frontier flax jax --python 3.12 --since 2025-01

    Verdicts that follow from tested pairs are marked inferred. A random sample of them is tested, which bounds how many
    can be wrong. The store keeps the answer, and the next report publishes it.

    Exit code: 0 each pair has a verdict, and the sample agreed or at most 10 % of the inferred pairs are wrong; 2 bad
    usage; 3 the budget ended before that, or a Python is missing.
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)
    earliest, latest = moment("--since", since, end=False), moment("--until", until, end=True)
    newest = next(iter(find_interpreters().values()), None)
    python = python or (newest.python if newest else USUAL_PYTHON)
    index = open_index()
    # A baseline can need another Python.
    runner = make_runner(find_ecosystem(project_folder), jobs, None, level, reuse=not no_reuse)
    refuse_missing([python], runner.interpreters)
    survey = make_survey(
        (first, second),
        runner.components,
        index,
        python=python,
        since=earliest,
        until=latest,
    )
    wheels = WheelNames(default_cache() / "names", index.sources, newest)
    with reporting(verbose=False) as reporter:
        forecast = make_forecast(survey, wheels.of, reporter)
        wheels.keep()
        found = search_frontier(
            survey, forecast, runner.reporting(reporter), level=level, budget=budget, seed=seed, batch=jobs
        )
    runner.cache.trim()
    frontier = StoredFrontier.of(
        found, forecast.at(level), python=python, platform=this_platform(), level=level, seen=dt.datetime.now(dt.UTC)
    )
    wider = next((kept for kept in runner.store.kept(FRONTIERS) if is_part_of(frontier, kept, earliest, latest)), None)
    if frontier.adds_to_metadata and wider is None:
        runner.store.keep(FRONTIERS, frontier)
    tell(form, json_file, answer(frontier), partial(_print, frontier, wider))
    sys.exit(of_frontier(complete=frontier.complete))


def _print(frontier: StoredFrontier, wider: StoredFrontier | None) -> None:
    """Print a frontier, and that the store has a wider one, if it has."""
    print_frontier(frontier)
    if wider is not None:
        out.print(f"The answer of {wider.seen:%Y-%m-%d} stays in the store: it has these releases and others.")


def search_frontier(
    survey: Survey, forecast: Forecast, runner: Runner, *, level: Level, budget: int | None, seed: int, batch: int
) -> Frontier:
    """Search the pairs of a survey with cells.

    Args:
        survey: The two components.
        forecast: The names that pairs are predicted to lack.
        runner: Runs the cells, and reports each answer.
        level: How deep a pair has to work.
        budget: The most runs to make; None for as many as it takes.
        seed: Chooses the sample that is tested.
        batch: How many questions are asked at once.
    """
    levels: list[Level] = ["import"] if level == "import" else ["import", level]
    runner.reporter.stage("pairs", sum(map(len, survey.space.rows().values())))
    return explore(
        survey.space,
        lambda questions: answer_questions(survey, questions, runner),
        levels=levels,
        budget=budget,
        seed=seed,
        batch=batch,
        forecast=forecast.names(levels),
    )


def moment(option: str, text: str | None, *, end: bool) -> dt.datetime | None:
    """The beginning or the end of a day, or of a month such as 2025-01.

    Args:
        option: The name of the option, for messages.
        text: The value of the option; None if it is not given.
        end: Whether the end is meant.

    Raises:
        UsageError: The text is neither a day nor a month.
    """
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
    """A frontier as JSON. The versions of a pair are keyed by the names of its components."""
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
        "accuracy": frontier.accuracy.model_dump(mode="json") if frontier.accuracy else None,
        "checks": [
            {**versions(check.pair), "inferred": check.inferred, "observed": check.observed, "reason": check.reason}
            for check in frontier.checks
        ],
        "counts": frontier.counts(),
        "forecast": {"precision": frontier.precision, "recall": frontier.recall},
        "edges": [
            {
                first.name: version,
                "works": [list(ends) for ends in frontier.intervals(0, row)],
                "intervals": [interval._asdict() for interval in frontier.working_intervals(0, row)],
            }
            for row, version in enumerate(first.versions)
        ],
        "pairs": [
            {**versions(finding.pair), **finding.model_dump(mode="json", exclude={"pair"})}
            for finding in frontier.findings
        ],
    }


def print_frontier(frontier: StoredFrontier) -> None:
    """Print a row for each release of the first side, and how many pairs were tested, inferred and run."""
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
    works, broken = counts.get("works", 0), counts.get("broken", 0)
    verb, other = "works" if works == 1 else "work", "is" if broken == 1 else "are"
    out.print(f"{counted(works, 'pair')} {verb}, {broken} {other} broken.")
    out.print(f"{frontier_words(published)}.")
    now, before = frontier.runs, frontier.reused
    out.print(
        f"{counted(now, 'run')} {'was' if now == 1 else 'were'} made now, {before} {'was' if before == 1 else 'were'} "
        "made before."
    )
    if not frontier.complete:
        out.print(f"{_what_is_open(published)}; the same command goes on from here.", style="yellow")


def _what_is_open(row: FrontierRow) -> str:
    """A sentence about what an incomplete search leaves open."""
    silent = len(row.pairs) - row.pairs_answered
    if silent:
        return f"Not complete: {silent} pair{'s have' if silent > 1 else ' has'} no verdict"
    return "Not complete: a sample of the inferred pairs is still to be tested"
