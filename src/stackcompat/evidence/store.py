"""The store: it keeps evidence, resolutions, the records of executions and further records in one database.

A row that cannot be read, or is not as it was written, is told and left out; the others are used.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from pydantic_core import from_json
from sqlalchemy.engine import Connection

from stackcompat.core.record import Kind, Record, RecordType, digest
from stackcompat.core.vocabulary import Level
from stackcompat.evidence import known
from stackcompat.evidence import tables as db
from stackcompat.evidence.closure import Closure, Surface
from stackcompat.evidence.database import Place, is_file, open_database, place_name
from stackcompat.evidence.dialects import Writing, add_rows, begin_writing, holds, put_rows
from stackcompat.evidence.greens import GreenRelease
from stackcompat.evidence.outline import Outlines, SharedPins, outline_of
from stackcompat.evidence.pruning import Pruned, prune
from stackcompat.evidence.reading import Reader, is_whole
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.rows import is_row_of, keep_later, newest_first, parts, put_run, rows_of
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.evidence.taking import Source, take_everything
from stackcompat.resolve.lock import Resolution

__all__ = ["EvidenceOutlines", "KeptResolution", "RunTime", "Store"]


class KeptResolution(NamedTuple):
    """A resolution as the store keeps it.

    Attributes:
        resolution: The resolution.
        fingerprint: The state of the index when it was made.
        resolved: When it was made.
    """

    resolution: Resolution
    fingerprint: str
    resolved: dt.datetime


class RunTime(NamedTuple):
    """How long the first run of a cell took.

    Attributes:
        roots: The distributions that were asked for by name.
        python: The Python, such as ``3.12``.
        level: The deepest level of its tests.
        seconds: The wall clock of the run.
    """

    roots: tuple[str, ...]
    python: str
    level: Level
    seconds: float


class EvidenceOutlines(NamedTuple):
    """Evidence as tables need it.

    Attributes:
        evidence: The evidence by key, oldest first.
        longest: The seconds that tests took at most where they passed, by platform and test.
    """

    evidence: dict[str, tuple[Evidence, ...]]
    longest: dict[tuple[str, str], float]


#: The classes of the records in the tables of the store.
_RECORDS: tuple[type[Record], ...] = (
    Evidence,
    RunRecord,
    Resolution,
    Closure,
    Surface,
    known.KeptResult,
    known.KnownTests,
)


class Store:
    """The store in one database. Several threads, processes and, with PostgreSQL, machines can use it at once.

    Args:
        place: The file, or the URL of a PostgreSQL database. A file that is missing is made.
        tell: Is given a sentence about each row that is left out because it cannot be read; None if nobody is told.
        kinds: The kinds of further records that this tool keeps in it.

    Raises:
        UsageError: There can be no store, or a newer stackcompat has written it.
    """

    #: Whether nothing is ever kept in it.
    _KEEPS_NOTHING = False

    def __init__(
        self, place: Place, tell: Callable[[str], None] | None = None, kinds: Iterable[Kind[Any]] = ()
    ) -> None:
        self.place = place
        #: What messages call it.
        self.name = place_name(place)
        records = [*_RECORDS, *(kind.record for kind in kinds)]
        self.engine = open_database(place, records, dry=self._KEEPS_NOTHING)
        self._reader = Reader(self.name, tell)

    @property
    def path(self) -> Path:
        """The file of a store that is in one."""
        return Path(self.place)

    @property
    def label(self) -> str:
        """What messages call it where its folder is clear: the name of its file, or its URL."""
        return self.path.name if is_file(self.place) else self.name

    def close(self) -> None:
        """Close the files or connections of the database, and tell how many rows were left out."""
        self.engine.dispose()
        self._reader.close()

    @property
    def left_out(self) -> int:
        """How many rows were left out so far because they cannot be read."""
        return self._reader.left_out

    @contextmanager
    def _writing(self, writing: Writing = "rows") -> Iterator[Connection]:
        """A connection in a transaction that ends with the block."""
        with self.engine.connect() as connection:
            begin_writing(connection, writing)
            yield connection
            connection.commit()

    # -- evidence -----------------------------------------------------------------------------------------------------

    def add(self, evidence: Evidence) -> None:
        """Keep `evidence` for good. A record that is there already is not added again."""
        text = evidence.to_json()
        rows = rows_of(evidence, text)
        with self._writing() as connection:
            for table, some in rows.items():
                add_rows(connection, table, some)

    def green_releases(self) -> tuple[GreenRelease, ...]:
        """Every release with which a smoke test was seen to pass, in any run."""
        columns = db.greens.c
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(columns.test, columns.distribution, columns.version)).all()
        return tuple(GreenRelease(*row) for row in rows)

    def of_key(self, key: str) -> tuple[Evidence, ...]:
        """The evidence with this key, oldest first."""
        return self.of_keys([key]).get(key, ())

    def of_keys(self, keys: Iterable[str]) -> dict[str, tuple[Evidence, ...]]:
        """The evidence for each of `keys`, oldest first. Keys without evidence are left out."""
        found: dict[str, list[Evidence]] = {}
        with self.engine.connect() as connection:
            for result in _of_keys(connection, sa.select(db.evidence), keys):
                for row in result.mappings():
                    evidence = self._reader.read(db.evidence, row, Evidence)
                    if evidence is not None:
                        found.setdefault(row["key"], []).append(evidence)
        return {key: tuple(records) for key, records in found.items()}

    def outlines_of_keys(self, keys: Iterable[str]) -> EvidenceOutlines:
        """The evidence for each of `keys` as tables need it; see :mod:`stackcompat.evidence.outline`."""
        outlined = db.evidence.outerjoin(db.outlines, db.outlines.c.evidence == db.evidence.c.id)
        query = sa.select(db.evidence.c.id, db.evidence.c.key, *db.outlines.c).select_from(outlined)
        found: dict[str, list[Evidence]] = {}
        with self.engine.connect() as connection:
            outlines = Outlines(partial(_results_of, connection))
            for result in _of_keys(connection, query, keys):
                rows = result.mappings().all()
                for row, outline in zip(rows, outlines.read(map(_outline_text, rows)), strict=True):
                    evidence = outline
                    if outline is None or outline.key != row["key"]:
                        evidence = self._outlined_anew(connection, row["id"], outlines)
                    if evidence is not None:
                        found.setdefault(row["key"], []).append(evidence)
        return EvidenceOutlines({key: tuple(records) for key, records in found.items()}, outlines.longest)

    def _outlined_anew(self, connection: Connection, id_: str, outlines: Outlines) -> Evidence | None:
        """The outline of a run whose kept outline is missing or damaged; None if the run itself cannot be read."""
        row = connection.execute(sa.select(db.evidence).where(db.evidence.c.id == id_)).mappings().one_or_none()
        if row is None:  # another process has dropped it since its outline was read
            return None
        evidence = self._reader.read(db.evidence, row, Evidence)
        return outlines.add(outline_of(row["record"])) if evidence is not None else None

    def since(self, moment: dt.datetime) -> tuple[Evidence, ...]:
        """The runs that began at `moment` or later, oldest first."""
        query = sa.select(db.evidence).where(db.evidence.c.started >= moment.isoformat())
        return tuple(self._every(db.evidence, Evidence, query.order_by(db.evidence.c.started)))

    def size(self) -> int:
        """How many runs it has evidence of."""
        with self.engine.connect() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(db.evidence)).scalar_one()

    def every_evidence(self) -> Iterator[Evidence]:
        """The evidence of all runs, oldest first, one record in memory at a time."""
        query = sa.select(db.evidence).order_by(db.evidence.c.started, db.evidence.c.id)
        return self._every(db.evidence, Evidence, query)

    def _every(
        self,
        table: sa.Table,
        record: type[RecordType],
        query: sa.Select[Any],
        read: Callable[[str], RecordType] | None = None,
    ) -> Generator[RecordType]:
        """The records of the rows that a query of a whole table finds, one row in memory at a time.

        Args:
            table: The table.
            record: The class of its records.
            query: The query.
            read: As in :meth:`Reader.read`.
        """
        for row in self._rows(query):
            found = self._reader.read(table, row, record, read)
            if found is not None:
                yield found

    def _rows(self, query: sa.Select[Any]) -> Generator[sa.RowMapping]:
        """The rows that a query finds, some in memory at a time."""
        connecting = self.engine.connect().execution_options(yield_per=10)
        with connecting as connection, connection.execute(query) as result:
            yield from result.mappings()

    def every_row(self, table: sa.Table, record: type[RecordType]) -> Iterator[tuple[dict[str, Any], RecordType]]:
        """The rows of a table in the order of their keys, each with its record, one in memory at a time.

        Args:
            table: The table.
            record: The class of its records.
        """
        for row in self._rows(sa.select(table).order_by(*table.primary_key)):
            found = self._reader.read(table, row, record)
            if found is not None:
                yield {**row}, found

    def put(self, table: sa.Table, rows: Sequence[db.Row]) -> None:
        """Put rows into a table, in place of those with the same keys."""
        with self._writing("all") as connection:
            put_rows(connection, table, rows)

    def with_test(self, test: str) -> tuple[Evidence, ...]:
        """The evidence of all keys whose runs had the test with this name, oldest first."""
        named = json.dumps(test, ensure_ascii=False)
        with self.engine.connect() as connection:
            is_named = holds(connection, db.evidence.c.record, named)
        query = sa.select(db.evidence).where(is_named).order_by(db.evidence.c.started)
        runs = self._every(db.evidence, Evidence, query)
        return tuple(run for run in runs if any(result.test == test for result in run.tests))

    def with_limit(self, test: str, newest: int) -> tuple[Evidence, ...]:
        """The newest runs in which a feature test failed, newest first.

        Args:
            test: The name of the test.
            newest: The number of runs.
        """
        query = sa.select(db.evidence).join(db.limits, db.limits.c.evidence == db.evidence.c.id)
        query = query.where(db.limits.c.test == test).order_by(db.evidence.c.started.desc()).limit(newest)
        return tuple(self._every(db.evidence, Evidence, query))

    def run_times(self, newest: int) -> tuple[RunTime, ...]:
        """How long the newest first runs took, newest first.

        Args:
            newest: The number of runs.
        """
        outlined = db.evidence.join(db.outlines, db.outlines.c.evidence == db.evidence.c.id)
        query = sa.select(db.outlines.c.record).select_from(outlined)
        query = query.where(db.evidence.c.attempt == 0, db.evidence.c.outcome == "ran")
        query = query.order_by(db.evidence.c.started.desc(), db.evidence.c.id).limit(newest)
        with self.engine.connect() as connection:
            records = connection.execute(query).scalars().all()
        return tuple(time for time in map(_run_time, records) if time is not None)

    # -- results that hold in other locks -----------------------------------------------------------------------------

    def learn(
        self,
        surfaces: Mapping[str, Surface],
        sightings: Sequence[known.Sighting],
        tests: known.KnownTests | None,
        alike: Callable[[TestResult, TestResult], bool],
    ) -> None:
        """Keep what a run showed for other locks; see :func:`stackcompat.evidence.known.learn`."""
        with self._writing("known") as connection:  # so that two runs of one test come one after the other
            known.learn(connection, self._reader, surfaces, sightings, tests, alike)

    def surfaces(self, ids: Collection[str]) -> dict[str, Surface]:
        """The surfaces with these ids. Those that are not known are left out."""
        with self.engine.connect() as connection:
            return known.read_surfaces(connection, self._reader, ids)

    def recall(self, contexts: Collection[str], fingerprint_of: known.FingerprintOf) -> list[known.KnownResult]:
        """The results of tests that hold in a lock; see :func:`stackcompat.evidence.known.recall`."""
        with self.engine.connect() as connection:
            return known.recall(connection, self._reader, contexts, fingerprint_of)

    def recall_tests(self, context: str, fingerprint_of: known.FingerprintOf) -> known.KnownTests | None:
        """The tests that are collected in a lock; see :func:`stackcompat.evidence.known.recall_tests`."""
        with self.engine.connect() as connection:
            return known.recall_tests(connection, self._reader, context, fingerprint_of)

    # -- resolutions --------------------------------------------------------------------------------------------------

    def kept_resolution(self, cell_id: str) -> KeptResolution | None:
        """The last resolution of a cell; None if there is none."""
        query = sa.select(db.resolutions).where(db.resolutions.c.cell == cell_id)
        with self.engine.connect() as connection:
            row = connection.execute(query).mappings().one_or_none()
        resolution = self._reader.read(db.resolutions, row, Resolution) if row is not None else None
        if row is None or resolution is None:
            return None
        return KeptResolution(resolution, row["fingerprint"], dt.datetime.fromisoformat(row["resolved"]))

    def keep_resolution(self, cell_id: str, kept: KeptResolution) -> None:
        """Keep the resolution of a cell in place of an earlier one."""
        row = {
            "cell": cell_id,
            "fingerprint": kept.fingerprint,
            "resolved": kept.resolved.astimezone(dt.UTC).isoformat(),
            "record": kept.resolution.to_json(),
        }
        with self._writing() as connection:
            put_rows(connection, db.resolutions, [row])

    # -- records of which the latest counts ---------------------------------------------------------------------------

    def keep(self, kind: Kind[RecordType], record: RecordType) -> None:
        """Keep `record` in place of earlier ones with its key. A later record of this `kind` with its key stays."""
        moment = kind.made(record).astimezone(dt.UTC).isoformat(timespec="microseconds")
        row = {"kind": kind.name, "key": kind.key(record), "made": moment, "record": record.to_json()}
        with self._writing() as connection:
            keep_later(connection, db.latest, row)

    def kept(self, kind: Kind[RecordType]) -> tuple[RecordType, ...]:
        """The kept records of a `kind`, oldest first: the latest for each key."""
        table = db.latest.c
        query = sa.select(db.latest).where(table.kind == kind.name).order_by(table.made, table.key)
        return tuple(self._every(db.latest, kind.record, query))

    # -- runs ---------------------------------------------------------------------------------------------------------

    def add_run(self, run: RunRecord, *, instead_of: RunRecord | None = None) -> None:
        """Keep the record of one execution of a matrix.

        Args:
            run: The record.
            instead_of: An earlier record of the same execution. It is dropped.
        """
        with self._writing() as connection:
            if instead_of is not None:
                connection.execute(sa.delete(db.runs).where(is_row_of(instead_of)))
            put_run(connection, run)

    def runs(self) -> tuple[RunRecord, ...]:
        """The newest execution of each matrix, in the order of the names of the matrices."""
        pins = SharedPins()
        newest: list[RunRecord] = []
        for matrix in self.matrices():
            with closing(self._executions(matrix, pins.read)) as runs:
                newest += itertools.islice(runs, 1)
        return tuple(newest)

    def _executions(self, matrix: str, read: Callable[[str], RunRecord] | None = None) -> Generator[RunRecord]:
        """The executions of a matrix that can be read, newest first."""
        with closing(self._every(db.runs, RunRecord, newest_first(matrix), read)) as runs:
            yield from runs

    def matrices(self) -> tuple[str, ...]:
        """The names of the matrices that were executed, in order."""
        query = sa.select(db.runs.c.matrix).distinct().order_by(db.runs.c.matrix)
        with self.engine.connect() as connection:
            return tuple(connection.execute(query).scalars())

    def every_run(self) -> Iterator[RunRecord]:
        """All executions of all matrices, by matrix and time, one record in memory at a time."""
        query = sa.select(db.runs).order_by(db.runs.c.matrix, db.runs.c.started, db.runs.c.part)
        return self._every(db.runs, RunRecord, query)

    def history(self, matrix: str, last: int | None = None) -> tuple[RunRecord, ...]:
        """Executions of a matrix, oldest first.

        Args:
            matrix: The name of the matrix.
            last: How many of the newest executions; all if None.
        """
        with closing(self._executions(matrix)) as runs:
            newest = tuple(itertools.islice(runs, last))
        return newest[::-1]

    def chronicle(self, matrix: str, whole: int, wanted: Callable[[PlannedCell], bool]) -> tuple[RunRecord, ...]:
        """All executions of a matrix, oldest first. Older ones are cut down to some of their cells.

        Each record is cut down when it is read, so that memory never holds all cells of all executions.

        Args:
            matrix: The name of the matrix.
            whole: How many of the newest executions keep all of their cells.
            wanted: Whether an older execution keeps a cell.
        """
        runs = []
        for place, record in enumerate(self._executions(matrix, SharedPins().read)):
            run = record
            if place >= whole:
                run = run.model_copy(update={"cells": tuple(filter(wanted, run.cells))})
            runs.append(run)
        return tuple(reversed(runs))

    def prune(self, is_kept: Callable[[RunRecord], bool], before: dt.datetime, *, dry: bool = False) -> Pruned:
        """Drop runs of matrices, and evidence that nothing else rests on; see :mod:`stackcompat.evidence.pruning`.

        Args:
            is_kept: Whether a run of a matrix is kept.
            before: Evidence that began then or later is kept.
            dry: Whether nothing is dropped.
        """
        with self._writing("all") as connection:
            pruned = prune(connection, self._reader, is_kept, before, dry=dry)
        if not dry and self.engine.dialect.name == "sqlite":  # a server gives room back by itself
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(sa.text("VACUUM"))
        return pruned

    # -- other stores -------------------------------------------------------------------------------------------------

    def merge(self, others: Iterable[Store], kinds: Iterable[Kind[Any]] = ()) -> tuple[str, ...]:
        """Take over all records of other stores. The shards of an execution become one record.

        Merging the same stores again changes nothing, and neither does their order. All is one transaction: if a record
        is refused, nothing is taken over.

        Args:
            others: The other stores.
            kinds: The kinds whose records are read before they are taken over. Records of other kinds are copied.

        Returns:
            The shards that are missing, such as ``nightly 2/4``.

        Raises:
            UsageError: A record cannot be read, or is not as it was written; or an execution is of another project, or
                of another plan than that of the other stores.
        """
        readers: dict[str, type[Record]] = {kind.name: kind.record for kind in kinds}
        sources = [Source(other.name, other.engine) for other in others]
        with self._writing("all") as connection:  # so that two merges come one after the other
            return take_everything(connection, sources, readers, self._reader)


# ---------------------------------------------------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------------------------------------------------


def _of_keys(connection: Connection, query: sa.Select[Any], keys: Iterable[str]) -> Iterator[sa.CursorResult[Any]]:
    """The rows of a query about evidence with these keys, oldest first, in some parts. A key is in one of them."""
    for some in parts(keys):
        in_order = query.where(db.evidence.c.key.in_(some)).order_by(db.evidence.c.started, db.evidence.c.id)
        yield connection.execute(in_order)


def _results_of(connection: Connection, addresses: Iterable[str]) -> dict[str, str]:
    """The results with these addresses, as JSON. One that has another address was damaged, and is left out."""
    found: dict[str, str] = {}
    for some in parts(addresses):
        rows = connection.execute(sa.select(db.results.c.id, db.results.c.record).where(db.results.c.id.in_(some)))
        found |= {row.id: row.record for row in rows if digest(row.record) == row.id}
    return found


def _outline_text(row: db.Row) -> str | None:
    """The outline in a row that has one; None if it is missing, or not as it was written."""
    as_written = row["evidence"] is not None and is_whole(db.outlines, row)
    return row["record"] if as_written else None


def _run_time(record: str) -> RunTime | None:
    """How long a run took, by its outline; None if that cannot be read."""
    try:
        run = from_json(record)
        return RunTime(tuple(run["roots"]), run["python"], run["level"], float(run["seconds"]))
    except (ValueError, LookupError, TypeError):
        return None
