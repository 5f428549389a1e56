"""Build the summary, from which all reports are rendered. Pure: equal records and times give equal summaries."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import TypeVar

from stackcompat.blame.diagnosis import Diagnoses
from stackcompat.core.requirements import python_key
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import RunRecord
from stackcompat.frontier.frontier import StoredFrontier, newest_incomplete, without_superseded
from stackcompat.plan.places import USUAL_PLACES, Places
from stackcompat.resolve.islands import Islands
from stackcompat.table.accelerators import accelerator_rows
from stackcompat.table.cells import CellRow, cell_row, lock_text
from stackcompat.table.components import ReservedName, component_row
from stackcompat.table.exchange import exchange_squares, locks_of_ends, passed_reads
from stackcompat.table.failures import group_failures, own_test_failures
from stackcompat.table.features import feature_rows
from stackcompat.table.frontiers import FrontierRow, frontier_row, without_contradictions, without_refuted
from stackcompat.table.headline import with_headline
from stackcompat.table.judged import JudgedCell, judge_cells
from stackcompat.table.pairs import PairRow, pair_rows
from stackcompat.table.pinned import pinned_sets
from stackcompat.table.runs import measurement_rows, run_row
from stackcompat.table.summary import SCHEMA_VERSION, Summary
from stackcompat.table.today import today_rows
from stackcompat.table.warnings import warning_rows
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.history import LAST_RUNS, History, HistoryEntry, first_red, last_green
from stackcompat.verdict.judge import Judge
from stackcompat.verdict.outcomes import PassTimes, pass_times
from stackcompat.verdict.pairs import judge_pairs

__all__ = ["summarise"]

Row = TypeVar("Row", CellRow, PairRow)


def summarise(
    components: Components,
    runs: tuple[RunRecord, ...],
    evidence: Mapping[str, tuple[Evidence, ...]],
    now: dt.datetime,
    islands: Iterable[Islands] = (),
    past: Iterable[RunRecord] = (),
    diagnoses: Diagnoses | None = None,
    frontiers: Iterable[StoredFrontier] = (),
    greens: Greens | None = None,
    passes: PassTimes | None = None,
    places: Places = USUAL_PLACES,
) -> Summary:
    """Build the summary.

    Args:
        components: The components of the ecosystem.
        runs: The runs to show.
        evidence: The evidence, by the keys of planned cells and crossings.
        now: The time of the table.
        islands: On each Python, which newest releases can be installed together.
        past: The runs for the history of cells and pairs. They include `runs`.
        diagnoses: The results of searches for culprits.
        frontiers: The frontiers in the store.
        greens: The releases with which each smoke test was seen to pass; see :func:`stackcompat.verdict.verdict.judge`.
        passes: How long the tests took where they passed; None: as the evidence says, if it has all measurements.
        places: Where the ecosystem has its published table and its tests, for the commands in the table.
    """
    if passes is None:
        passes = pass_times(chain.from_iterable(evidence.values()))
    judge = Judge(components, passes, greens)
    cells = judge_cells(components, runs, evidence, diagnoses, judge)
    failures, failures_of_cell = group_failures(cells, components, diagnoses, places)
    reads = passed_reads(runs, evidence)
    reserved = _reserved_names(runs)
    rows = tuple(
        component_row(component, components, cells, reserved, now, reads) for component in components.components
    )
    history = History(components, past, evidence, diagnoses, judge=judge)
    pairs = pair_rows(rows, judge_pairs([cell.verdict for cell in cells], components, diagnoses), failures, now)
    pairs = _pairs_with_history(pairs, history)
    frontier_rows = _frontier_rows(tuple(frontiers), pairs)
    own_tests = own_test_failures(cells, failures)
    cell_rows = _cells_with_history(cells, failures_of_cell, own_tests, history, components, places)
    squares = exchange_squares(runs, evidence, components, diagnoses, places)
    today = today_rows(cells, runs)
    counts = Counter(cell.verdict.verdict for cell in cells)
    summary = Summary(
        schema_version=SCHEMA_VERSION,
        generated=now,
        headline="",
        claim="",
        today=today,
        counts=dict(counts),
        could_not_tell=counts["invalid"] + counts["infra-error"],
        runs=tuple(run_row(run, evidence) for run in runs),
        measured=measurement_rows(cells),
        components=rows,
        pairs=without_refuted(pairs, frontier_rows, cell_rows),
        failures=failures,
        features=feature_rows(cells, components),
        cells=cell_rows,
        exchanges=squares,
        pinned=pinned_sets(cells),
        accelerators=accelerator_rows(rows, cells, components),
        warnings=warning_rows(cells),
        distributions=tuple(sorted({name for cell in cells if cell.runs for name in cell.verdict.installed})),
        islands=tuple(sorted(islands, key=lambda group: python_key(group.python), reverse=True)),
        frontiers=frontier_rows,
        installed={cell.id: cell.verdict.installed for cell in cells},
        locks=locks_of_ends(runs, squares)
        | {row.id: lock_text(cell) for cell, row in zip(cells, cell_rows, strict=True) if row.lock},
    )
    return with_headline(summary)


def _frontier_rows(frontiers: tuple[StoredFrontier, ...], pairs: tuple[PairRow, ...]) -> tuple[FrontierRow, ...]:
    """The frontiers as they are published; `pairs` is what cells say."""
    return tuple(
        frontier_row(without_contradictions(frontier, pairs), newest_incomplete(frontier, frontiers))
        for frontier in without_superseded(frontiers)
    )


def _reserved_names(runs: Iterable[RunRecord]) -> dict[str, ReservedName]:
    """The components of which the index has only a name, as the last run that mentions them says."""
    return {name: ReservedName(version, run.started) for run in runs for name, version in run.reserved.items()}


def _pairs_with_history(pairs: Iterable[PairRow], history: History) -> tuple[PairRow, ...]:
    """The rows of pairs with their history."""
    past = history.of_pairs()
    return tuple(_with_history(row, past.get((row.first, row.second), ())) for row in pairs)


def _cells_with_history(
    cells: Iterable[JudgedCell],
    failures: Mapping[str, tuple[str, ...]],
    own_tests: Mapping[str, tuple[str, ...]],
    history: History,
    components: Components,
    places: Places,
) -> tuple[CellRow, ...]:
    """The rows of cells with their history.

    Args:
        cells: The cells.
        failures: By cell id, the ids of the failures in the cell.
        own_tests: By cell id, the ids of the failures of tests that releases ship.
        history: What earlier runs showed.
        components: The components of the ecosystem.
        places: Where the ecosystem has its published table and its tests.
    """
    past = history.of_cells()
    return tuple(
        _with_history(
            cell_row(cell, failures.get(cell.id, ()), own_tests.get(cell.id, ()), components=components, places=places),
            past.get(cell.id, ()),
        )
        for cell in cells
    )


def _with_history(row: Row, past: tuple[HistoryEntry, ...]) -> Row:
    update = {"history": past[-LAST_RUNS:], "first_red": first_red(past), "last_green": last_green(past)}
    return row.model_copy(update=update)
