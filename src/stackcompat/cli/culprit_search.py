"""Searching for culprits: the options that `blame`, `try` and `exchange` share, one search, and what of it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from stackcompat.blame.diagnosis import DIAGNOSES, Diagnosis
from stackcompat.blame.driver import Inquiry, diagnose_cell
from stackcompat.blame.exchange import diagnose_crossing
from stackcompat.blame.search import BUDGET
from stackcompat.cli.console import reporting
from stackcompat.core.vocabulary import Level
from stackcompat.evidence.results import TestResult
from stackcompat.evidence.runs import ExchangePlan
from stackcompat.evidence.store import Store
from stackcompat.pipeline.runner import Runner
from stackcompat.plan.ecosystem import Ecosystem
from stackcompat.plan.published_sets import published_sets
from stackcompat.verdict.artifacts import ExchangeSide
from stackcompat.verdict.exchange import CrossingVerdict
from stackcompat.verdict.verdict import CellVerdict

__all__ = [
    "EVERY_KIND_OF_TEST",
    "about_option",
    "exchange_plans",
    "find_crossing_culprits",
    "find_culprit",
    "keep_diagnosis",
    "keep_sides",
    "probes_option",
]

#: A runner of this level runs every kind of test, so a search can follow any failure.
EVERY_KIND_OF_TEST: Level = "upstream"


probes_option = click.option(
    "--probes",
    type=click.IntRange(1),
    default=BUDGET,
    show_default=True,
    help="The most environments that a search for a culprit tries.",
)


about_option = click.option(
    "--about",
    default="",
    metavar="TEXT",
    help="Follow the failure that has TEXT in its message or in the name of its test.",
)


def find_culprit(verdict: CellVerdict, runner: Runner, project: Ecosystem, probes: int, about: str) -> Diagnosis:
    """Search for the culprit of a cell, and show the progress.

    Args:
        verdict: The verdict on the cell.
        runner: Resolves and runs the cells that the search asks for.
        project: The ecosystem, whose metapackages say which sets are published.
        probes: How many environments the search may ask for.
        about: A part of the name or of the message of the test whose failure is followed.
    """
    inquiry = Inquiry(verdict, published_sets(project, verdict.cell, runner.catalog), about)
    with reporting(verbose=False) as reporter:
        return diagnose_cell(inquiry, runner.reporting(reporter), budget=probes)


def find_crossing_culprits(
    verdict: CrossingVerdict, test: TestResult, runner: Runner, plans: Sequence[ExchangePlan], probes: int
) -> dict[ExchangeSide, Diagnosis]:
    """Search for the culprits on each side of a crossing, show the progress, and keep the diagnoses.

    Args:
        verdict: The verdict on the crossing.
        test: The reader's failing test.
        runner: Runs the crossings that the searches ask for.
        plans: The plans of earlier crossings. Their evidence can have a set that passes, to start from.
        probes: How many environments the searches may ask for.
    """
    with reporting(verbose=False) as reporter:
        diagnoses = diagnose_crossing(verdict, test, runner.reporting(reporter), plans=plans, budget=probes)
    keep_sides(diagnoses, runner.store)
    return diagnoses


def exchange_plans(store: Store) -> list[ExchangePlan]:
    """The crossings of the last runs of each matrix that has any."""
    return [record.exchange for record in store.runs() if record.exchange is not None]


def keep_diagnosis(verdict: CellVerdict, diagnosis: Diagnosis, store: Store) -> None:
    """Keep the diagnosis of a cell in the store.

    The culprit of a single feature is not kept. The reason why a cell does not resolve is not kept either, because the
    resolver gives it every time.

    Args:
        verdict: The verdict on the cell.
        diagnosis: The result of the search.
        store: Keeps it.
    """
    if _is_worth_keeping(diagnosis) and diagnosis.failing.test in {test.test for test in verdict.failures}:
        store.keep(DIAGNOSES, diagnosis)


def keep_sides(diagnoses: Mapping[ExchangeSide, Diagnosis], store: Store) -> None:
    """Keep the diagnoses of both sides of a crossing in `store`."""
    for diagnosis in diagnoses.values():
        if _is_worth_keeping(diagnosis):
            store.keep(DIAGNOSES, diagnosis)


def _is_worth_keeping(diagnosis: Diagnosis) -> bool:
    """Whether a search need not be made again. It must be if infrastructure kept it from finding any culprit."""
    return bool(diagnosis.culprits) or not diagnosis.infra
