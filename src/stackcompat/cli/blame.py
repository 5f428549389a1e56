"""The command that searches for who broke a cell or a crossing, and how each command prints what was found."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.markup import escape

from stackcompat.blame.diagnosis import DIAGNOSES, Diagnoses, Diagnosis, unsearched_cells, unsearched_crossings
from stackcompat.blame.driver import Inquiry, diagnose_cell, diagnose_cells
from stackcompat.blame.exchange import choose_test, diagnose_crossing, diagnose_crossings
from stackcompat.blame.search import BUDGET
from stackcompat.cli.console import out, reporting
from stackcompat.cli.options import jobs_option, json_option, project_option, write_json
from stackcompat.cli.workspace import find_cell, find_crossing, make_exchange_runner, make_runner, open_store
from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.interpreters import how_to_get
from stackcompat.evidence.results import TestResult
from stackcompat.evidence.runs import ExchangePlan, PlannedCell
from stackcompat.evidence.store import Store
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.checkout import Checkout, find_checkout, published_sets
from stackcompat.verdict.artifacts import ExchangeSide
from stackcompat.verdict.exchange import CrossingVerdict, judge_crossings
from stackcompat.verdict.outcomes import why
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = [
    "about_option",
    "blame_",
    "crossing_json",
    "diagnosis_json",
    "find_crossing_culprits",
    "find_culprit",
    "print_crossing_diagnoses",
    "print_diagnosis",
    "probes_option",
]

#: A runner for this level has every kind of test.
_EVERY_KIND_OF_TEST: Level = "upstream"

probes_option = click.option(
    "--probes", type=click.IntRange(1), default=BUDGET, show_default=True, help="Environments that blame may try."
)


about_option = click.option(
    "--about", default="", metavar="TEXT", help="Blame follows the failure with this in its test's name or its message."
)


@click.command("blame")
@click.argument("cell", required=False)
@probes_option
@about_option
@click.option(
    "--minutes", type=click.FloatRange(min=0), help="Without CELL: no search is begun after so long; default: no limit."
)
@jobs_option
@json_option
@project_option
def blame_(
    cell: str | None,
    probes: int,
    about: str,
    minutes: float | None,
    jobs: int,
    json_file: str | None,
    project_folder: str | None,
) -> None:
    """Find who broke CELL of the last runs (its id, or the first characters): the smallest set of versions.

    For a crossing, CELL is the id of the cell that writes, a +, and the id of the cell that reads. Then it is the
    smallest set on either side.

    \b
    stackcompat blame 1a2b3c
    stackcompat blame 1a2b3c+4d5e6f --about orbax-pytree
    stackcompat blame --minutes 30    # every failure of the last runs that was not searched for yet

    It tries further combinations, each of which is evidence like any other. When it is stopped, it goes on where it was
    the next time. What it finds is in the reports that are written from then on.
    """  # noqa: D301  (\b is click's mark for a paragraph to be left as it is)
    project = find_checkout(project_folder)
    store = open_store(project)
    if cell is None:
        for option, value in (("--about", about), ("--json", json_file)):
            if value:
                raise UsageError(f"{option}: is about one cell; name it, or leave the option away")
        _blame_all(project, store, probes, minutes, jobs)
        return
    if minutes is not None:
        raise UsageError("--minutes: is for all failures; leave CELL away, or use --probes")
    if "+" in cell:
        _blame_crossing(project, store, find_crossing(store, cell), probes, about, json_file)
    else:
        _blame_cell(project, store, find_cell(store, cell), probes, about, json_file)


def _blame_cell(
    project: Checkout, store: Store, planned: PlannedCell, probes: int, about: str, json_file: str | None
) -> None:
    """Search for who broke one cell, keep what is found and print it."""
    verdict = judge(planned, store.of_key(planned.key) if planned.key else ())
    runner = make_runner(project, 1, [planned.cell.python], _EVERY_KIND_OF_TEST)
    _refuse_missing([planned.cell.python], runner)
    diagnosis = find_culprit(verdict, runner, project, probes, about)
    runner.cache.trim()
    _keep(verdict, diagnosis, store)
    question = {"schema_version": 1, "cell": planned.cell.id, "sentence": verdict.sentence}
    write_json(json_file, question | diagnosis_json(diagnosis))
    if json_file != "-":
        print_diagnosis(diagnosis)


def _blame_crossing(
    project: Checkout, store: Store, verdict: CrossingVerdict, probes: int, about: str, json_file: str | None
) -> None:
    """Search for who keeps an artifact of one crossing from being read, keep what is found and print it."""
    test = choose_test(verdict, about)
    pythons = [planned.cell.python for planned in verdict.sides.values()]
    runner = make_runner(project, 1, pythons)
    _refuse_missing(pythons, runner)
    diagnoses = find_crossing_culprits(verdict, test, make_exchange_runner(project, runner), _plans(store), probes)
    runner.cache.trim()
    question = {"schema_version": 1, "crossing": verdict.id, "sentence": verdict.sentence}
    write_json(json_file, question | crossing_json(diagnoses))
    if json_file != "-":
        print_crossing_diagnoses(diagnoses)


def _refuse_missing(pythons: Sequence[str], runner: Runner) -> None:
    """Say how to get a Python that is not on this machine."""
    for python in pythons:
        if python not in runner.interpreters:
            raise StackcompatError(how_to_get(python))


def _plans(store: Store) -> list[ExchangePlan]:
    """What crossed in the last runs."""
    return [record.exchange for record in store.runs() if record.exchange is not None]


def _blame_all(project: Checkout, store: Store, probes: int, minutes: float | None, jobs: int) -> None:
    """Search for the culprit of each distinct failure of the last runs that was not searched for yet."""
    due = unsearched_cells(_cell_verdicts(store), Diagnoses(store.kept(DIAGNOSES)))
    pythons = sorted({verdict.cell.python for verdict in due})
    runner = make_runner(project, jobs, pythons, _EVERY_KIND_OF_TEST)
    inquiries = [
        Inquiry(verdict, published_sets(project, verdict.cell, runner.catalog))
        for verdict in due
        if verdict.cell.python in runner.interpreters
    ]
    seconds = None if minutes is None else minutes * 60
    began = time.monotonic()
    searched = _blame_cells(inquiries, runner, store, probes, seconds)
    if seconds is not None:
        seconds -= time.monotonic() - began
    crossings_searched, crossings_due = _blame_crossings(project, store, probes, seconds, jobs)
    runner.cache.trim()
    searched += crossings_searched
    left = len(due) + crossings_due - searched
    out.print(
        f"{searched} {'failure' if searched == 1 else 'failures'} searched"
        + (f", {left} left for the next time" if left else "")
    )


def _cell_verdicts(store: Store) -> list[CellVerdict]:
    """The verdicts on the cells of the last runs."""
    planned = {cell.key: cell for record in store.runs() for cell in record.cells if cell.key}
    evidence = store.of_keys(planned)
    return [judge(cell, evidence.get(key, ())) for key, cell in planned.items()]


def _crossing_verdicts(store: Store) -> list[CrossingVerdict]:
    """The verdicts on the crossings of the last runs."""
    verdicts: list[CrossingVerdict] = []
    for record in store.runs():
        if record.exchange is not None:
            judged = judge_crossings(record.exchange, store.of_keys(record.evidence_keys()))
            verdicts += [verdict for _, verdict in judged]
    return verdicts


def _blame_cells(inquiries: Sequence[Inquiry], runner: Runner, store: Store, probes: int, seconds: float | None) -> int:
    """Search in each of the cells, keep what is found and print it; how many searches were made."""
    searched = 0
    with reporting(verbose=False) as reporter:
        searches = diagnose_cells(inquiries, runner.reporting(reporter), budget=probes, seconds=seconds)
        for inquiry, diagnosis in searches:
            _keep(inquiry.verdict, diagnosis, store)
            out.print(f"{inquiry.verdict.cell.id}: {escape(inquiry.verdict.sentence)}")
            print_diagnosis(diagnosis)
            searched += 1
    return searched


def _blame_crossings(project: Checkout, store: Store, probes: int, seconds: float | None, jobs: int) -> tuple[int, int]:
    """The same for each distinct failure of a crossing: how many searches were made, and how many are due."""
    due = unsearched_crossings(_crossing_verdicts(store), Diagnoses(store.kept(DIAGNOSES)))
    if not due:
        return 0, 0
    pythons = {verdict.id: {side.cell.python for side in verdict.sides.values()} for verdict, _ in due}
    runner = make_exchange_runner(project, make_runner(project, jobs, sorted(set().union(*pythons.values()))))
    possible = [(verdict, test) for verdict, test in due if pythons[verdict.id] <= runner.interpreters.keys()]
    searched = 0
    with reporting(verbose=False) as reporter:
        shown = runner.reporting(reporter)
        searches = diagnose_crossings(possible, shown, plans=_plans(store), budget=probes, seconds=seconds)
        for (verdict, test), diagnoses in searches:
            _keep_sides(diagnoses, store)
            out.print(f"{verdict.id}: {escape(test.artifact)}: {escape(why(test))}")
            print_crossing_diagnoses(diagnoses)
            searched += 1
    return searched, len(due)


def _keep(verdict: CellVerdict, diagnosis: Diagnosis, store: Store) -> None:
    """Keep who broke a cell.

    What broke a feature is not kept, and neither is why a cell does not resolve: the resolver says so every time.
    """
    if _says_something(diagnosis) and diagnosis.failing.test in {test.test for test in verdict.failures}:
        store.keep(DIAGNOSES, diagnosis)


def _keep_sides(diagnoses: Mapping[ExchangeSide, Diagnosis], store: Store) -> None:
    """Keep who is to blame on either side of a crossing."""
    for diagnosis in diagnoses.values():
        if _says_something(diagnosis):
            store.keep(DIAGNOSES, diagnosis)


def _says_something(diagnosis: Diagnosis) -> bool:
    """False for a search that the machine or the index kept from finding anybody: it has to be made again."""
    return bool(diagnosis.culprits) or not diagnosis.infra


def find_culprit(verdict: CellVerdict, runner: Runner, project: Checkout, probes: int, about: str) -> Diagnosis:
    """Who broke a cell; progress is shown.

    Args:
        verdict: The verdict on the cell.
        runner: Resolves and runs the cells that the search asks for.
        project: The checkout, whose metapackages say which sets are published.
        probes: How many environments the search may ask for.
        about: A part of the message, or of the name, of the test to follow.
    """
    inquiry = Inquiry(verdict, published_sets(project, verdict.cell, runner.catalog), about)
    with reporting(verbose=False) as reporter:
        return diagnose_cell(inquiry, runner.reporting(reporter), budget=probes)


def find_crossing_culprits(
    verdict: CrossingVerdict, test: TestResult, runner: Runner, plans: Sequence[ExchangePlan], probes: int
) -> dict[ExchangeSide, Diagnosis]:
    """Who is to blame on each side of a crossing. It is kept; progress is shown.

    Args:
        verdict: The verdict on the crossing.
        test: The reader's failing test.
        runner: Runs the crossings that the searches ask for.
        plans: Plans in whose evidence sets that pass are looked for.
        probes: How many environments the searches may ask for.
    """
    with reporting(verbose=False) as reporter:
        diagnoses = diagnose_crossing(verdict, test, runner.reporting(reporter), plans=plans, budget=probes)
    _keep_sides(diagnoses, runner.store)
    return diagnoses


def diagnosis_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """The JSON twin of what is printed."""
    moved = diagnosis.moved
    return {
        "culprit": [
            {
                "name": culprit.name,
                "version": culprit.version,
                "last_good": culprit.last_good,
                "first_bad": culprit.first_bad,
                "fixed_in": culprit.fixed_in,
                "never_passed": culprit.never_passed,
                "unresolved": list(culprit.unresolved),
                "shown_by": culprit.shown_by,
                "moved_by": moved.sentence if moved else "",
            }
            for culprit in diagnosis.culprits
        ],
        "moved": moved.model_dump(mode="json") if moved else None,
        "probes": diagnosis.probes,
        "linear": diagnosis.linear,
        "blamed_test": diagnosis.failing.test,
        "blamed_failure": why(diagnosis.failing),
        "doubt": diagnosis.doubt,
        "chain": list(diagnosis.chain),
        "known_to_work": diagnosis.passing,
        "other_findings": [failure.model_dump(mode="json") for failure in diagnosis.findings],
        "probe_evidence": list(diagnosis.evidence),
    }


def crossing_json(diagnoses: Mapping[ExchangeSide, Diagnosis]) -> dict[str, Any]:
    """The JSON twin of what is printed of a crossing: the culprits of both sides, then each side's own answer."""
    sides = {side: diagnosis_json(diagnosis) for side, diagnosis in diagnoses.items()}
    return {
        "culprit": [{"side": side} | culprit for side, answer in sides.items() for culprit in answer["culprit"]],
        "probes": sum(answer["probes"] for answer in sides.values()),
        "linear": sum(answer["linear"] for answer in sides.values()),
        "sides": sides,
    }


def print_crossing_diagnoses(diagnoses: Mapping[ExchangeSide, Diagnosis]) -> None:
    """Print who is to blame on each side of a crossing."""
    for side, diagnosis in diagnoses.items():
        print_diagnosis(diagnosis, f"{side}: ")


def print_diagnosis(diagnosis: Diagnosis, prefix: str = "") -> None:
    """Print who is to blame: a sentence for each culprit, which side moved, and what the search took.

    Args:
        diagnosis: What the search found.
        prefix: Of a crossing, the side that it is about; then it is also said that nobody was found.
    """
    if diagnosis.culprits:
        names = " with ".join(f"{culprit.name} {culprit.version}" for culprit in diagnosis.culprits)
        out.print(f"{prefix}[bold]culprit:[/] {escape(names)}")
    elif prefix:
        out.print(f"{prefix}nobody was found to blame")
    for culprit in diagnosis.culprits:
        out.print(f"  {escape(culprit.sentence())}")
    if diagnosis.moved:
        out.print(f"  {escape(diagnosis.moved.sentence)}")
    if diagnosis.doubt:
        out.print(f"  not certain: {escape(diagnosis.doubt)}", style="yellow")
    for failure in diagnosis.findings:
        moved = ", ".join(f"{name} {version}" for name, version in list(failure.moved.items())[:3])
        out.print(f"  another failure{f' with {moved}' if moved else ''}: {escape(failure.signature)}", style="dim")
    taken = "1 probe" if diagnosis.probes == 1 else f"{diagnosis.probes} probes"
    out.print(f"  {taken}; release by release it would have been {diagnosis.linear}", style="dim")
