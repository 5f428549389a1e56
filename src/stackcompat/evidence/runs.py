"""The record of one execution of a matrix: its cells, their locks, and what they exchanged."""

from __future__ import annotations

import datetime as dt

from stackcompat.core.record import Record
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Resolution

__all__ = ["Crossing", "ExchangePlan", "PlannedCell", "RunRecord"]


class PlannedCell(Record):
    """A cell of a run.

    Attributes:
        cell: The cell.
        resolution: What it resolved to.
        key: The key of its evidence; empty if it has no lock.
        tests: The only tests to run; all if none is given.
    """

    cell: Cell
    resolution: Resolution
    key: str = ""
    tests: tuple[str, ...] = ()


class Crossing(Record):
    """One environment writes artifacts, another reads them.

    Attributes:
        writer: The id of the cell that writes; the key of that cell is that of the evidence on writing.
        reader: The id of the cell that reads.
        key: The key of the evidence on reading; empty if one of the two cells has no lock.
        square: The label of the square that it belongs to; empty if it belongs to none.
        promised: By artifact, or pattern of names, whether a component promises that it can be read in this crossing.
    """

    writer: str
    reader: str
    key: str = ""
    square: str = ""
    promised: dict[str, bool] = {}


class ExchangePlan(Record):
    """Crossings and their cells.

    Attributes:
        cells: The writers and readers; the key of each is that of the evidence on its writing.
        crossings: Which of them reads what which of them wrote.
    """

    cells: tuple[PlannedCell, ...]
    crossings: tuple[Crossing, ...]

    def cell(self, cell_id: str) -> PlannedCell:
        """The cell with this id. Raises KeyError."""
        found = next((cell for cell in self.cells if cell.cell.id == cell_id), None)
        if found is None:
            raise KeyError(cell_id)
        return found

    def alone(self, cell_id: str) -> tuple[Crossing, ...]:
        """The crossings of a cell with itself, one for each key."""
        by_key = {
            crossing.key: crossing for crossing in self.crossings if crossing.writer == crossing.reader == cell_id
        }
        return tuple(by_key.values())


class RunRecord(Record):
    """One execution of a matrix.

    Attributes:
        matrix: The matrix's name.
        started: When it began.
        title: The matrix's title.
        components: The matrix's components.
        pythons: The Pythons that were tried.
        missing_pythons: The matrix's Pythons that this machine does not have.
        coverage: By covering array, the percentage of the allowed combinations that are locked together in some cell.
        answered: By covering array, the percentage that has a verdict; empty if the run was stopped before, or is a
            shard.
        unanswered: Why other combinations have no verdict, in sentences.
        rounds: How many cells each round after the first array added.
        reserved: Components of which the index had no more than a name, with the release that reserves it.
        cells: The planned cells.
        exchange: What was exchanged, for a matrix of that level.
        shard: The part of the cells that it ran, such as ``2/4``; empty if it ran all.
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
        keys = {cell.key for cell in self.cells}
        if self.exchange is not None:
            keys |= {cell.key for cell in self.exchange.cells}
            keys |= {crossing.key for crossing in self.exchange.crossings}
        return frozenset(keys - {""})
