"""What commands work with: store, index and runner of a checkout, and what its last runs hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import uv

from stackcompat.core.errors import UsageError
from stackcompat.core.vocabulary import Level
from stackcompat.ecosystem.index import PackageIndex
from stackcompat.ecosystem.interpreters import find_interpreters
from stackcompat.ecosystem.suite import Suite
from stackcompat.evidence.runs import Crossing, PlannedCell, RunRecord
from stackcompat.evidence.store import Store
from stackcompat.pipeline.runner import JobTransform, Runner
from stackcompat.pipeline.upstream import OwnTests
from stackcompat.plan.checkout import Checkout
from stackcompat.resolve.resolver import Resolver
from stackcompat.run.local import LocalExecutor
from stackcompat.run.package_cache import PackageCache, cache_bound, default_cache
from stackcompat.run.sandbox import plugin_code
from stackcompat.table.judged import distinct_cells
from stackcompat.verdict.exchange import CrossingVerdict, judge_crossing
from stackcompat.verdict.history import LAST_RUNS, is_today

__all__ = [
    "every_run",
    "find_cell",
    "find_crossing",
    "make_exchange_runner",
    "make_runner",
    "open_index",
    "open_store",
]


def open_store(project: Checkout) -> Store:
    """The store of a checkout, closed when the command ends."""
    store = Store(project.store)
    click.get_current_context().call_on_close(store.close)
    return store


def open_index() -> PackageIndex:
    """The package index, with its pages kept in the tool's cache; its connections end when the command ends."""
    index = PackageIndex(default_cache() / "index")
    click.get_current_context().call_on_close(index.close)
    return index


def make_runner(project: Checkout, jobs: int, pythons: Sequence[str] | None, level: Level = "interop") -> Runner:
    """The runner for cells of a checkout, without progress.

    Args:
        project: The checkout with the components and the smoke tests.
        jobs: How many cells run at once.
        pythons: The Pythons that the cells want; all that are found here if None.
        level: How deep the cells go. Those of ``upstream`` also run the releases' own tests.
    """
    cache = PackageCache(default_cache(), uv.find_uv_bin(), cache_bound())
    catalog = open_index()
    interpreters = find_interpreters(pythons)
    paths = {python: interpreter.path for python, interpreter in interpreters.items()}
    return Runner(
        components=project.components(),
        catalog=catalog,
        store=open_store(project),
        cache=cache,
        interpreters=interpreters,
        resolver=Resolver(cache.packages, paths, cache.uv, cache.wheel, cache.in_use),
        executor=LocalExecutor(cache, jobs),
        suite=Suite(project.suite, plugin_code()),
        transform=OwnTests(catalog) if level == "upstream" else JobTransform(),
    )


def make_exchange_runner(project: Checkout, runner: Runner) -> Runner:
    """The runner for the tests that write and read artifacts; it shares all else with `runner`."""
    return runner.testing(Suite(project.exchange, runner.suite.plugin, project.suite))


def find_cell(store: Store, cell: str) -> PlannedCell:
    """The cell of the last runs whose id begins with `cell`, as the tables show it.

    Raises:
        UsageError: There is none, or more than one.
    """
    distinct = distinct_cells(store.runs())
    matches = {cell_id: entries[0][0] for cell_id, entries in distinct.items() if cell_id.startswith(cell)}
    if len(matches) != 1:
        ids = ", ".join(sorted(matches)[:5]) or "none"
        raise UsageError(f'CELL: "{cell}" fits {len(matches)} cells of the last runs ({ids}); give one cell\'s id')
    (planned,) = matches.values()
    return planned


def find_crossing(store: Store, crossing: str) -> CrossingVerdict:
    """The verdict on the crossing of the last runs whose writer and reader have ids that begin as asked.

    Args:
        store: Has the runs and the evidence.
        crossing: The beginning of the writer's id, +, and the beginning of the reader's id.

    Raises:
        UsageError: There is none, or more than one.
    """
    writer, _, reader = crossing.partition("+")
    matches: dict[tuple[str, str], tuple[Crossing, RunRecord]] = {}
    for record in store.runs():
        for candidate in record.exchange.crossings if record.exchange else ():
            ends = (candidate.writer, candidate.reader)
            if candidate.square and candidate.writer.startswith(writer) and candidate.reader.startswith(reader):
                matches.setdefault(ends, (candidate, record))
    if len(matches) != 1:
        ids = ", ".join(sorted("+".join(ends) for ends in matches)[:5]) or "none"
        sentence = f'CELL: "{crossing}" fits {len(matches)} crossings of the last runs ({ids})'
        raise UsageError(f"{sentence}; give the id of the cell that writes, +, and that of the one that reads")
    ((match, record),) = matches.values()
    assert record.exchange is not None
    return judge_crossing(match, record.exchange, store.of_keys(record.evidence_keys()))


def every_run(store: Store, matrix: str) -> tuple[RunRecord, ...]:
    """All runs of a matrix, of which there is at least one.

    Of the runs before the last :data:`LAST_RUNS`, only the cells with the newest releases of everything are read.

    Args:
        store: Has the runs.
        matrix: A file, or the name of a matrix.

    Raises:
        UsageError: The matrix never ran.
    """
    name = Path(matrix).stem
    runs = store.chronicle(name, LAST_RUNS, is_today)
    if not runs:
        raise UsageError(f'MATRIX: "{name}" has no run in {store.path.name}; run it first: stackcompat run {name}')
    return runs
