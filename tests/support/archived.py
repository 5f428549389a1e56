"""A store with a bit of everything that an archive takes along."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

from stackcompat.blame.diagnosis import DIAGNOSES, Diagnoses
from stackcompat.cli.archives import KINDS
from stackcompat.evidence.archive import ArchiveSummary, export_archive, import_archive
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.shards import PLANS, ShardPlan
from stackcompat.evidence.store import KeptResolution, Store
from stackcompat.frontier.frontier import FRONTIERS
from stackcompat.frontier.search import explore
from stackcompat.resolve.islands import ISLANDS
from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from stackcompat.verdict.greens import Greens
from support.command_line import BLAMED
from support.islands_world import IslandsWorld
from support.made_up import COMPONENTS, NOW, history
from support.planted import Planted, chart_of, stairs, table

__all__ = ["HISTORY", "NAMES", "RUNS", "export", "fill", "import_", "table_of"]

HISTORY = history()
#: The evidence of all cells, each with a log.
RUNS: tuple[Evidence, ...] = tuple(
    run.model_copy(update={"log": f"the log of {run.id}\n"}) for runs in HISTORY.evidence.values() for run in runs
)
NAMES = tuple(component.name for component in COMPONENTS.components)


def fill(store: Store, runs: Iterable[Evidence] = RUNS, *, whole: bool = True) -> Store:
    """Keep `runs` in a store; if `whole`, also the run of the matrix, its locks, and a record of each kind."""
    for run in runs:
        store.add(run)
    if not whole:
        return store
    record = HISTORY.record()
    store.add_run(record)
    store.add_run(record.model_copy(update={"started": record.started - dt.timedelta(days=1), "rounds": ()}))
    for planned in record.cells:
        store.keep_resolution(planned.cell.id, KeptResolution(planned.resolution, "index", NOW))
    store.keep(DIAGNOSES, BLAMED)
    store.keep(FRONTIERS, chart_of(explore(table(3, 4), Planted(stairs([(0, 2), (0, 2), (1, 3)], 4)))))
    store.keep(ISLANDS, IslandsWorld("abc", ["ab"]).find())
    store.keep(PLANS, ShardPlan(of=4, question="q", record=record))
    return store


def export(store: Store, path: Path) -> ArchiveSummary:
    """Export a store with all kinds of records, as the command line does."""
    return export_archive(store, path, KINDS, NAMES)


def import_(path: Path, store: Store, names: Iterable[str] = NAMES) -> ArchiveSummary:
    """Import an archive, as the command line does."""
    return import_archive(path, path.name, store, KINDS, names)


def table_of(store: Store) -> Summary:
    """The table that a store gives, without the tracebacks."""
    runs = store.runs()
    keys = {key for run in runs for key in run.evidence_keys()}
    summary = summarise(
        COMPONENTS,
        runs,
        store.of_keys(keys),
        NOW,
        store.kept(ISLANDS),
        tuple(record for run in runs for record in store.history(run.matrix)),
        Diagnoses(store.kept(DIAGNOSES)),
        store.kept(FRONTIERS),
        Greens(store.green_releases(), COMPONENTS),
    )
    of_tests = {row.id: "" for row in summary.failures if row.details.startswith("Traceback")}
    failures = tuple(row.model_copy(update={"details": of_tests.get(row.id, row.details)}) for row in summary.failures)
    return summary.model_copy(update={"failures": failures})
