"""The record of one execution of a matrix: its cells, their locks, and what they exchanged."""

from __future__ import annotations

import datetime as dt

from stackcompat.core.record import Record
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Resolution

__all__ = ["Crossing", "ExchangePlan", "PlannedCell", "RunRecord"]


class PlannedCell(Record):
    """A cell of a run, what it resolved to, and where its evidence lies (no key: never got so far).

    `tests` are the only ones that are to run (none: all).
    """

    cell: Cell
    resolution: Resolution
    key: str = ""
    tests: tuple[str, ...] = ()


class Crossing(Record):
    """One environment writes artifacts, another reads them: the ids of the two cells, and where the evidence lies.

    `key` is that of the evidence on reading (empty: one of the two never got a lock); the one on writing is the writing
    cell's own. `square` is the label of the writers and readers that it is one of. `promised` says of artifacts (or of
    patterns of their names) whether a component promises that they are read in this crossing.
    """

    writer: str
    reader: str
    key: str = ""
    square: str = ""
    promised: dict[str, bool] = {}


class ExchangePlan(Record):
    """Crossings, and the cells on either side of them; the key of each cell is that of the evidence on its writing."""

    cells: tuple[PlannedCell, ...]
    crossings: tuple[Crossing, ...]

    def cell(self, cell_id: str) -> PlannedCell:
        """The cell with this id. Raises KeyError."""
        found = next((cell for cell in self.cells if cell.cell.id == cell_id), None)
        if found is None:
            raise KeyError(cell_id)
        return found

    def alone(self, cell_id: str) -> tuple[Crossing, ...]:
        """The crossings of a cell with itself."""
        own = {c.key: c for c in self.crossings if c.writer == c.reader == cell_id}
        return tuple(own.values())


class RunRecord(Record):
    """One execution of a matrix: which cells it planned, each with the resolution it got and the evidence key.

    `reserved` are components of which the index had no more than a name, and the release that reserves it.
    `shard` (such as ``2/4``) says that it ran only its part of them; empty: all.

    By covering array, `coverage` says how many percent of the allowed combinations are locked together in some cell,
    `answered` how many have a verdict (empty: it was stopped before, or is a shard); `unanswered` says in sentences why
    others have none. `rounds` is how many cells each round after the first array added.
    """

    matrix: str
    started: dt.datetime
    title: str
    components: tuple[str, ...]
    pythons: tuple[str, ...]
    missing_pythons: tuple[str, ...] = ()
    coverage: dict[str, float] = {}
    answered: dict[str, float] = {}
    unanswered: tuple[str, ...] = ()
    rounds: tuple[int, ...] = ()
    reserved: dict[str, str] = {}
    cells: tuple[PlannedCell, ...] = ()
    exchange: ExchangePlan | None = None
    shard: str = ""

    def evidence_keys(self) -> frozenset[str]:
        """The keys of all evidence that this run rests on."""
        found = {cell.key for cell in self.cells}
        if self.exchange is not None:
            found |= {cell.key for cell in self.exchange.cells} | {c.key for c in self.exchange.crossings}
        return frozenset(found - {""})
