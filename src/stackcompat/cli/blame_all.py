"""Searching for the culprits of all failures of the last runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from rich.markup import escape

from stackcompat.blame.diagnosis import DIAGNOSES, Diagnoses, unsearched_cells, unsearched_crossings
from stackcompat.blame.driver import Inquiry, diagnose_cells
from stackcompat.blame.exchange import diagnose_crossings
from stackcompat.cli.console import out, reporting
from stackcompat.cli.culprit_output import crossing_json, diagnosis_json, print_crossing_diagnoses, print_diagnosis
from stackcompat.cli.culprit_search import EVERY_KIND_OF_TEST, exchange_plans, keep_diagnosis, keep_sides
from stackcompat.cli.runners import make_exchange_runner, make_runner
from stackcompat.evidence.store import Store
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.ecosystem import Ecosystem
from stackcompat.plan.published_sets import published_sets
from stackcompat.verdict.exchange import CrossingVerdict, judge_crossings
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.outcomes import pass_times, why
from stackcompat.verdict.verdict import CellVerdict, judge

__all__ = ["blame_all"]


def blame_all(project: Ecosystem, store: Store, probes: int, minutes: float | None, jobs: int) -> dict[str, Any]:
    """Search for the culprit of each distinct failure of the last runs that was not searched for yet.

    Args:
        project: The ecosystem.
        store: Has the runs and the evidence, and keeps the diagnoses.
        probes: How many environments each search may ask for.
        minutes: No search is begun after so many minutes; None: no limit.
        jobs: How many searches go on at once.

    Returns:
        The answer as JSON: what each search found, and how many failures are left for the next time.
    """
    due = unsearched_cells(_cell_verdicts(project, store), Diagnoses(store.kept(DIAGNOSES)))
    pythons = sorted({verdict.cell.python for verdict in due})
    runner = make_runner(project, jobs, pythons, EVERY_KIND_OF_TEST)
    inquiries = [
        Inquiry(verdict, published_sets(project, verdict.cell, runner.catalog))
        for verdict in due
        if verdict.cell.python in runner.interpreters
    ]
    seconds = None if minutes is None else minutes * 60
    began = time.monotonic()
    found = _blame_cells(inquiries, runner, store, probes, seconds)
    if seconds is not None:
        seconds -= time.monotonic() - began
    crossings_found, crossings_due = _blame_crossings(project, store, probes, seconds, jobs)
    runner.cache.trim()
    found += crossings_found
    searched = len(found)
    left = len(due) + crossings_due - searched
    out.print(
        f"{searched} {'failure' if searched == 1 else 'failures'} searched"
        + (f", {left} left for the next time" if left else "")
    )
    return {"schema_version": 1, "searched": found, "left": left}


def _cell_verdicts(project: Ecosystem, store: Store) -> list[CellVerdict]:
    """The verdicts on the cells of the last runs."""
    planned = {cell.key: cell for record in store.runs() for cell in record.cells if cell.key}
    evidence = store.of_keys(planned)
    components = project.components()
    greens = Greens(store.green_releases(), components)
    passes = pass_times(run for runs in evidence.values() for run in runs)
    return [
        judge(cell, evidence.get(key, ()), components, greens=greens, passes=passes) for key, cell in planned.items()
    ]


def _crossing_verdicts(store: Store) -> list[CrossingVerdict]:
    """The verdicts on the crossings of the last runs."""
    verdicts: list[CrossingVerdict] = []
    for record in store.runs():
        if record.exchange is not None:
            judged = judge_crossings(record.exchange, store.of_keys(record.evidence_keys()))
            verdicts += [verdict for _, verdict in judged]
    return verdicts


def _blame_cells(
    inquiries: Sequence[Inquiry], runner: Runner, store: Store, probes: int, seconds: float | None
) -> list[dict[str, Any]]:
    """Search for the culprit of each inquiry, keep and print the diagnoses, and return each as JSON."""
    found = []
    with reporting(verbose=False) as reporter:
        searches = diagnose_cells(inquiries, runner.reporting(reporter), budget=probes, seconds=seconds)
        for inquiry, diagnosis in searches:
            keep_diagnosis(inquiry.verdict, diagnosis, store)
            out.print(f"{inquiry.verdict.cell.id}: {escape(inquiry.verdict.sentence)}")
            print_diagnosis(diagnosis)
            question = {"cell": inquiry.verdict.cell.id, "sentence": inquiry.verdict.sentence}
            found.append(question | diagnosis_json(diagnosis))
    return found


def _blame_crossings(
    project: Ecosystem, store: Store, probes: int, seconds: float | None, jobs: int
) -> tuple[list[dict[str, Any]], int]:
    """Do the same for the crossings; return each diagnosis as JSON, and how many searches were due."""
    due = unsearched_crossings(_crossing_verdicts(store), Diagnoses(store.kept(DIAGNOSES)))
    if not due:
        return [], 0
    pythons = {verdict.id: {side.cell.python for side in verdict.sides.values()} for verdict, _ in due}
    runner = make_exchange_runner(project, make_runner(project, jobs, sorted(set().union(*pythons.values()))))
    possible = [(verdict, test) for verdict, test in due if pythons[verdict.id] <= runner.interpreters.keys()]
    found = []
    with reporting(verbose=False) as reporter:
        shown = runner.reporting(reporter)
        searches = diagnose_crossings(possible, shown, plans=exchange_plans(store), budget=probes, seconds=seconds)
        for (verdict, test), diagnoses in searches:
            keep_sides(diagnoses, store)
            out.print(f"{verdict.id}: {escape(test.artifact)}: {escape(why(test))}")
            print_crossing_diagnoses(diagnoses)
            question = {"crossing": verdict.id, "sentence": f"{test.artifact}: {why(test)}"}
            found.append(question | crossing_json(diagnoses))
    return found, len(due)
