"""Looking things up in the runs of a store: a cell, a crossing, the runs of a matrix."""

from __future__ import annotations

from pathlib import Path

from stackcompat.core.errors import UsageError
from stackcompat.evidence.runs import Crossing, PlannedCell, RunRecord
from stackcompat.evidence.store import Store
from stackcompat.table.judged import distinct_cells
from stackcompat.verdict.exchange import CrossingVerdict, judge_crossing
from stackcompat.verdict.history import LAST_RUNS, is_today

__all__ = ["UnknownCell", "every_run", "find_cell", "find_crossing"]


class UnknownCell(UsageError):
    """The runs of a store have no such cell."""


def find_cell(store: Store, cell: str) -> PlannedCell:
    """The cell of the last runs whose id begins with `cell`, as the tables show it.

    Raises:
        UnknownCell: There is none.
        UsageError: There is more than one.
    """
    distinct = distinct_cells(store.runs())
    matches = {cell_id: entries[0][0] for cell_id, entries in distinct.items() if cell_id.startswith(cell)}
    if len(matches) != 1:
        ids = ", ".join(sorted(matches)[:5]) or "none"
        kind = UsageError if matches else UnknownCell
        raise kind(f'CELL: "{cell}" fits {len(matches)} cells of the last runs ({ids}); give one cell\'s id')
    (planned,) = matches.values()
    return planned


def find_crossing(store: Store, crossing: str) -> CrossingVerdict:
    """The verdict on a crossing of the last runs, by the first characters of the ids of its writer and its reader.

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


def every_run(store: Store, matrix: str, *, is_default: bool = False) -> tuple[RunRecord, ...]:
    """All runs of a matrix, at least one.

    Only the cells with the newest releases of everything are read from the runs before the last :data:`LAST_RUNS`.

    Args:
        store: Has the runs.
        matrix: A file, or the name of a matrix.
        is_default: Whether nobody gave it, which the message of an error then says.

    Raises:
        UsageError: The matrix never ran.
    """
    name = Path(matrix).stem
    runs = store.chronicle(name, LAST_RUNS, is_today)
    if not runs:
        others = ", ".join(sorted(store.matrices()))
        known = f"; the runs there are of {others}; give one of them, or run it first" if others else "; run it first"
        which = f'none is given, so that it is "{name}", which' if is_default else f'"{name}"'
        raise UsageError(f"MATRIX: {which} has no run in {store.label}{known}: stackcompat run {name}")
    return runs
