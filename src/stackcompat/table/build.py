"""From the store's records to everything that a report shows. Pure: same records and same time, same summary."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

from stackcompat.blame.diagnosis import Diagnoses
from stackcompat.core.requirements import python_key
from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import RunRecord
from stackcompat.frontier.frontier import StoredFrontier, without_superseded
from stackcompat.resolve.islands import Islands
from stackcompat.table.accelerators import accelerator_rows
from stackcompat.table.cells import CellRow, cell_row, lock_text
from stackcompat.table.claim import claim, headline
from stackcompat.table.components import ReservedName, component_row
from stackcompat.table.exchange import exchange_squares, passed_reads
from stackcompat.table.failures import group_failures
from stackcompat.table.features import feature_rows
from stackcompat.table.frontiers import frontier_row
from stackcompat.table.judged import judge_cells
from stackcompat.table.pairs import PairRow, pair_rows
from stackcompat.table.pinned import pinned_sets
from stackcompat.table.runs import measured_rows, run_row
from stackcompat.table.summary import SCHEMA_VERSION, Summary
from stackcompat.table.today import today_rows
from stackcompat.table.warnings import warning_rows
from stackcompat.verdict.history import LAST_RUNS, History, HistoryEntry, first_red, last_green
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
) -> Summary:
    """Everything that the reports show.

    Args:
        components: The components of the ecosystem.
        runs: The runs to show.
        evidence: The evidence, by the planned cells' keys.
        now: The time of the table.
        islands: Which newest releases can be installed together, on each Python.
        past: The runs that the history of cells and pairs comes from, those of `runs` among them.
        diagnoses: What searches for culprits have shown.
        frontiers: The frontiers that are known.
    """
    cells = judge_cells(components, runs, evidence, diagnoses)
    failures, failures_of_cell = group_failures(cells, components, diagnoses)
    reads = passed_reads(runs, evidence)
    reserved = _reserved_names(runs)
    rows = tuple(
        component_row(component, components, cells, reserved, now, reads) for component in components.components
    )
    history = History(past, evidence, diagnoses)
    past_of_cell, past_of_pair = history.of_cells(), history.of_pairs(components)
    pairs = pair_rows(
        rows, judge_pairs([cell.verdict for cell in cells], evidence, components, diagnoses), failures, now
    )
    pairs = tuple(_with_history(row, past_of_pair.get((row.first, row.second), ())) for row in pairs)
    table = tuple(cell_row(cell, failures_of_cell.get(cell.id, ())) for cell in cells)
    table = tuple(_with_history(row, past_of_cell.get(row.id, ())) for row in table)
    today = today_rows(cells, runs)
    counts = Counter(cell.verdict.verdict for cell in cells)
    sentence = claim(today, rows, pairs)
    return Summary(
        schema_version=SCHEMA_VERSION,
        generated=now,
        headline=headline(sentence, today, counts, components, now),
        claim=sentence,
        today=today,
        counts=dict(counts),
        could_not_tell=counts["invalid"] + counts["infra-error"],
        runs=tuple(run_row(run) for run in runs),
        measured=measured_rows(cells),
        components=rows,
        pairs=pairs,
        failures=failures,
        features=feature_rows(cells, components),
        cells=table,
        exchanges=exchange_squares(runs, evidence, components, diagnoses),
        pinned=pinned_sets(cells),
        accelerators=accelerator_rows(rows, cells, components),
        warnings=warning_rows(cells),
        islands=tuple(sorted(islands, key=lambda group: python_key(group.python), reverse=True)),
        frontiers=tuple(frontier_row(frontier) for frontier in without_superseded(frontiers)),
        installed={cell.id: cell.verdict.installed for cell in cells},
        locks={row.id: lock_text(cell) for cell, row in zip(cells, table, strict=True) if row.lock},
    )


def _reserved_names(runs: Iterable[RunRecord]) -> dict[str, ReservedName]:
    """The components of which the index had no more than a name, by what the last run says."""
    return {name: ReservedName(version, run.started) for run in runs for name, version in run.reserved.items()}


def _with_history(row: Row, past: tuple[HistoryEntry, ...]) -> Row:
    update = {"history": past[-LAST_RUNS:], "first_red": first_red(past), "last_green": last_green(past)}
    return row.model_copy(update=update)
