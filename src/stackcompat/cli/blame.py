"""The command that searches for the culprit of a cell or of a crossing."""

from __future__ import annotations

from functools import partial

import click

from stackcompat.blame.exchange import choose_test
from stackcompat.cli.answers import answer_options, tell, tell_at_once
from stackcompat.cli.blame_all import blame_all
from stackcompat.cli.completion import complete_cell
from stackcompat.cli.culprit_output import crossing_json, diagnosis_json, print_crossing_diagnoses, print_diagnosis
from stackcompat.cli.culprit_search import (
    EVERY_KIND_OF_TEST,
    about_option,
    exchange_plans,
    find_crossing_culprits,
    find_culprit,
    keep_diagnosis,
    probes_option,
)
from stackcompat.cli.lookup import UnknownCell, find_cell, find_crossing
from stackcompat.cli.options import executor_option, from_option, jobs_option, project_option
from stackcompat.cli.published import PublishedCell, culprit_json, find_published, print_culprit
from stackcompat.cli.runners import make_exchange_runner, make_runner, refuse_missing
from stackcompat.cli.workspace import open_store
from stackcompat.core.errors import UsageError
from stackcompat.evidence.runs import PlannedCell
from stackcompat.evidence.store import Store
from stackcompat.pipeline.judging import judge_kept
from stackcompat.plan.ecosystem import Ecosystem, find_ecosystem
from stackcompat.verdict.exchange import CrossingVerdict

__all__ = ["blame_"]


@click.command("blame")
@click.argument("cell", required=False, shell_complete=complete_cell)
@probes_option
@about_option
@click.option(
    "--minutes",
    type=click.FloatRange(min=0),
    help="Without CELL: begin no search after so many minutes; default: no limit.",
)
@jobs_option
@executor_option
@answer_options
@from_option
@project_option
def blame_(
    cell: str | None,
    probes: int,
    about: str,
    minutes: float | None,
    jobs: int,
    form: str,
    json_file: str | None,
    project_folder: str | None,
) -> None:
    """Find who broke CELL of the last runs (its id, or the first characters): the smallest set of versions.

    For a crossing, CELL is the id of the cell that writes, a +, and the id of the cell that reads. The answer is then
    the smallest set on either side.

    \b
    stackcompat blame 1a2b3c
    stackcompat blame 1a2b3c+4d5e6f --about orbax-pytree
    stackcompat blame --minutes 30    # every failure of the last runs that was not searched for yet

    The search tries further combinations, and keeps the evidence of each. A search that was stopped goes on from there
    the next time. The reports that are written from then on have the answer. Where the store does not know CELL,
    nothing is searched: the answer is that of the published table.
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)
    project = find_ecosystem(project_folder)
    store = open_store(project)
    if cell is None:
        if about:
            raise UsageError("--about: is about one cell; name the cell, or leave the option out")
        tell_at_once(form, json_file, partial(blame_all, project, store, probes, minutes, jobs))
        return
    if minutes is not None:
        raise UsageError("--minutes: is for all failures; leave CELL out, or use --probes")
    if "+" in cell:
        _blame_crossing(project, store, find_crossing(store, cell), probes, about, form, json_file)
    else:
        try:
            planned = find_cell(store, cell)
        except UnknownCell:
            published = find_published(project, cell)
            if published is None:
                raise
            _tell_published(published, about, form, json_file)
            return
        _blame_cell(project, store, planned, probes, about, form, json_file)


def _tell_published(cell: PublishedCell, about: str, form: str, json_file: str | None) -> None:
    """Print the published culprit of a cell that the store does not know."""
    if about:
        raise UsageError(
            "--about: needs a search, and the store does not know this cell; run its matrix, or use --from"
        )
    tell(form, json_file, culprit_json(cell), partial(print_culprit, cell))


def _blame_cell(
    project: Ecosystem, store: Store, planned: PlannedCell, probes: int, about: str, form: str, json_file: str | None
) -> None:
    """Search for the culprit of one cell, keep the diagnosis and print it."""
    verdict, _ = judge_kept(planned, store, project.components())
    runner = make_runner(project, 1, [planned.cell.python], EVERY_KIND_OF_TEST)
    refuse_missing([planned.cell.python], runner.interpreters)
    diagnosis = find_culprit(verdict, runner, project, probes, about)
    runner.cache.trim()
    keep_diagnosis(verdict, diagnosis, store)
    question = {"schema_version": 1, "cell": planned.cell.id, "sentence": verdict.sentence}
    tell(form, json_file, question | diagnosis_json(diagnosis), partial(print_diagnosis, diagnosis))


def _blame_crossing(
    project: Ecosystem,
    store: Store,
    verdict: CrossingVerdict,
    probes: int,
    about: str,
    form: str,
    json_file: str | None,
) -> None:
    """Search for the culprits of one crossing, keep the diagnoses and print them."""
    test = choose_test(verdict, about)
    pythons = [planned.cell.python for planned in verdict.sides.values()]
    runner = make_runner(project, 1, pythons)
    refuse_missing(pythons, runner.interpreters)
    diagnoses = find_crossing_culprits(
        verdict, test, make_exchange_runner(project, runner), exchange_plans(store), probes
    )
    runner.cache.trim()
    question = {"schema_version": 1, "crossing": verdict.id, "sentence": verdict.sentence}
    tell(form, json_file, question | crossing_json(diagnoses), partial(print_crossing_diagnoses, diagnoses))
