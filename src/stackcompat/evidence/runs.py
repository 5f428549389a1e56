"""The record of one execution of a matrix: its cells, their locks, and the crossings between them."""

from __future__ import annotations

import datetime as dt

from stackcompat.core.record import Record
from stackcompat.plan.cell import Cell
from stackcompat.resolve.lock import Resolution

__all__ = ["Crossing", "ExchangePlan", "PlannedCell", "RunRecord"]


class PlannedCell(Record):
    """A cell of an execution, with its lock.

    Attributes:
        cell: The cell.
        resolution: Its lock, or why it has none.
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
        writer: The id of the cell that writes. The evidence on writing has the key of this cell.
        reader: The id of the cell that reads.
        key: The key of the evidence on reading; empty if one of the two cells has no lock.
        square: The label of the square that the crossing belongs to; empty if it belongs to none.
        promised: By artifact or pattern of names, whether a component promises that the reader can read it.
    """

    writer: str
    reader: str
    key: str = ""
    square: str = ""
    promised: dict[str, bool] = {}


class ExchangePlan(Record):
    """Crossings and their cells.

    Attributes:
        cells: The writers and readers. The evidence on the writing of a cell has the key of the cell.
        crossings: The crossings between these cells.
    """

    cells: tuple[PlannedCell, ...]
    crossings: tuple[Crossing, ...]

    def cell(self, cell_id: str) -> PlannedCell:
        """The cell with this id. Raises KeyError if there is none."""
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
    """The record of one execution of a matrix.

    Attributes:
        matrix: The name of the matrix.
        started: When the execution began.
        title: The title of the matrix.
        components: The components of the matrix.
        pythons: The Pythons that were tried.
        missing_pythons: The Pythons of the matrix that this machine does not have.
        coverage: By covering array, the percentage of the allowed combinations that are locked together in some cell.
        answered: By covering array, the percentage of the allowed combinations that have a verdict. Empty if the
            execution was stopped too early, or is a shard.
        unanswered: Why the other combinations have no verdict, in sentences.
        rounds: How many cells each round after the first array added.
        reserved: The components that are only a reserved name, each with the release that reserves it.
        cells: The planned cells.
        exchange: The crossings; None for a matrix of another level than ``exchange``.
        shard: The shard that was run, such as ``2/4``; empty if all cells were run.
        shards: The shards that were joined, each with the start of its run; empty if the matrix was run in one part.
        plan: The id of the plan that the shards share; empty if there was none.
        planned: When that plan was made.
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
    shards: dict[str, dt.datetime] = {}
    plan: str = ""
    planned: dt.datetime | None = None

    def evidence_keys(self) -> frozenset[str]:
        """The keys of all evidence on the cells and crossings of this execution."""
        keys = {cell.key for cell in self.cells}
        if self.exchange is not None:
            keys |= {cell.key for cell in self.exchange.cells}
            keys |= {crossing.key for crossing in self.exchange.crossings}
        return frozenset(keys - {""})
