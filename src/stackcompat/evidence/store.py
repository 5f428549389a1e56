"""The store: where evidence, resolutions and the records of runs are kept, in one SQLite file (see `database`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from stackcompat.core.record import Kind, RecordType
from stackcompat.evidence import tables as db
from stackcompat.evidence.database import open_database
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.evidence.shards import join, missing
from stackcompat.resolve.lock import Resolution

__all__ = ["Store"]

#: Up to this many keys are looked up one by one. For more, reading everything once is faster and has no limit.
FEW = 500


class Store:
    """The store in one file. Several threads and processes can use it at once.

    Args:
        path: The file; it is made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = open_database(path)

    def close(self) -> None:
        """Release the database's files."""
        self.engine.dispose()

    # -- evidence -----------------------------------------------------------------------------------------------------

    def add(self, evidence: Evidence) -> None:
        """Keep `evidence` for good. Adding the same record twice is the same as adding it once."""
        row = {
            "id": evidence.id,
            "key": evidence.key,
            "attempt": evidence.attempt,
            "outcome": evidence.outcome,
            "started": evidence.started.isoformat(),
            "record": evidence.to_json(),
        }
        with self.engine.begin() as connection:
            connection.execute(_insert(db.evidence), row)

    def of_key(self, key: str) -> tuple[Evidence, ...]:
        """Every run that answered the question `key`, oldest first."""
        return self.of_keys([key]).get(key, ())

    def of_keys(self, keys: Iterable[str]) -> dict[str, tuple[Evidence, ...]]:
        """Evidence by key, oldest first, for those of `keys` that have any."""
        wanted = set(keys)
        query = sa.select(db.evidence.c.key, db.evidence.c.record).order_by(db.evidence.c.started)
        if len(wanted) <= FEW:
            query = query.where(db.evidence.c.key.in_(wanted))
        found: dict[str, list[Evidence]] = {}
        with self.engine.connect() as connection:
            for row in connection.execute(query):
                if row.key in wanted:
                    found.setdefault(row.key, []).append(Evidence.model_validate_json(row.record))
        return {key: tuple(records) for key, records in found.items()}

    # -- resolutions --------------------------------------------------------------------------------------------------

    def resolution(self, cell_id: str, fingerprint: str) -> Resolution | None:
        """What a cell resolved to, if that is known.

        Args:
            cell_id: The cell.
            fingerprint: What the index looks like; what was resolved when it looked otherwise does not count.
        """
        query = sa.select(db.resolutions.c.record).where(
            db.resolutions.c.cell == cell_id, db.resolutions.c.fingerprint == fingerprint
        )
        return self._resolution(query)

    def any_resolution(self, cell_id: str) -> Resolution | None:
        """What a cell resolved to when it was last asked for, however the index looked then."""
        return self._resolution(sa.select(db.resolutions.c.record).where(db.resolutions.c.cell == cell_id))

    def _resolution(self, query: sa.Select[Any]) -> Resolution | None:
        with self.engine.connect() as connection:
            record = connection.execute(query).scalar()
        return Resolution.model_validate_json(record) if record is not None else None

    def keep_resolution(self, cell_id: str, fingerprint: str, resolution: Resolution) -> None:
        """Remember what a cell resolved to, in place of what was remembered before.

        Args:
            cell_id: The cell.
            fingerprint: What the index looks like.
            resolution: What the cell resolved to.
        """
        row = {
            "cell": cell_id,
            "fingerprint": fingerprint,
            "resolved": dt.datetime.now(dt.UTC).isoformat(),
            "record": resolution.to_json(),
        }
        with self.engine.begin() as connection:
            connection.execute(sa.insert(db.resolutions).prefix_with("OR REPLACE").values(row))

    # -- records of which the latest counts ---------------------------------------------------------------------------

    def keep(self, kind: Kind[RecordType], record: RecordType) -> None:
        """Remember `record`, unless a later record of its `kind` about the same is there already."""
        moment = kind.made(record).astimezone(dt.UTC).isoformat(timespec="microseconds")
        row = {"kind": kind.name, "key": kind.key(record), "made": moment, "record": record.to_json()}
        with self.engine.begin() as connection:
            connection.execute(_insert(db.latest), row)

    def kept(self, kind: Kind[RecordType]) -> tuple[RecordType, ...]:
        """The latest records of a `kind`, oldest first."""
        table = db.latest.c
        query = sa.select(table.record).where(table.kind == kind.name).order_by(table.made, table.key)
        with self.engine.connect() as connection:
            records = connection.execute(query).scalars().all()
        return tuple(kind.record.model_validate_json(record) for record in records)

    # -- runs ---------------------------------------------------------------------------------------------------------

    def add_run(self, run: RunRecord, *, instead_of: RunRecord | None = None) -> None:
        """Keep the record of one execution of a matrix.

        Args:
            run: The record.
            instead_of: An earlier record of the same execution, which is dropped.
        """
        row = {"matrix": run.matrix, "started": run.started.isoformat(), "record": run.to_json()}
        with self.engine.begin() as connection:
            if instead_of is not None:
                connection.execute(sa.delete(db.runs).where(db.runs.c.record == instead_of.to_json()))
            connection.execute(sa.insert(db.runs).values(row))

    def runs(self) -> tuple[RunRecord, ...]:
        """The newest execution of each matrix, by matrix name."""
        oldest_first = sa.select(db.runs.c.id, db.runs.c.matrix).order_by(db.runs.c.started, db.runs.c.id)
        with self.engine.connect() as connection:
            newest = {row.matrix: row.id for row in connection.execute(oldest_first)}
            query = sa.select(db.runs.c.record).where(db.runs.c.id.in_(newest.values())).order_by(db.runs.c.matrix)
            records = connection.execute(query).scalars().all()
        return tuple(RunRecord.model_validate_json(record) for record in records)

    def history(self, matrix: str, last: int | None = None) -> tuple[RunRecord, ...]:
        """Executions of a matrix, oldest first.

        Args:
            matrix: The matrix's name.
            last: Only this many of the newest; all without it.
        """
        with self.engine.connect() as connection:
            records = connection.execute(_newest_first(matrix).limit(last)).scalars().all()
        return tuple(RunRecord.model_validate_json(record) for record in reversed(records))

    def chronicle(self, matrix: str, whole: int, wanted: Callable[[PlannedCell], bool]) -> tuple[RunRecord, ...]:
        """All executions of a matrix, oldest first, the older ones with some of their cells only.

        Records are cut down while they are read, so memory holds no more than what is returned.

        Args:
            matrix: The matrix's name.
            whole: How many of the newest executions keep all of their cells.
            wanted: The cells that the others keep.
        """
        runs = []
        with self.engine.connect().execution_options(yield_per=1) as connection:
            for place, record in enumerate(connection.execute(_newest_first(matrix)).scalars()):
                run = RunRecord.model_validate_json(record)
                if place >= whole:
                    run = run.model_copy(update={"cells": tuple(filter(wanted, run.cells))})
                runs.append(run)
        return tuple(reversed(runs))

    # -- other stores -------------------------------------------------------------------------------------------------

    def merge(self, others: Iterable[Store]) -> tuple[str, ...]:
        """Take over everything that other stores hold; the shards of a run become one run.

        Merging the same stores again changes nothing.

        Returns:
            The shards that are missing, such as ``nightly 2/4``.
        """
        runs: list[RunRecord] = []
        for other in others:
            for table in (db.evidence, db.resolutions, db.latest):
                self._take_rows(other, table)
            with other.engine.connect() as connection:
                records = connection.execute(sa.select(db.runs.c.record)).scalars().all()
            runs += [RunRecord.model_validate_json(record) for record in records]
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(db.runs.c.matrix, db.runs.c.started)).all()
        known = {(row.matrix, row.started) for row in rows}
        for run in join(runs):
            # A run that went on since has other cells, and is the same run.
            if (run.matrix, run.started.isoformat()) not in known:
                self.add_run(run)
        return missing(runs)

    def _take_rows(self, other: Store, table: sa.Table) -> None:
        """Take over the rows that another store has in a table."""
        with other.engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
        with self.engine.begin() as connection:
            for row in rows:
                connection.execute(_insert(table), row)


def _newest_first(matrix: str) -> sa.Select[Any]:
    """The records of a matrix's executions, newest first."""
    query = sa.select(db.runs.c.record).where(db.runs.c.matrix == matrix)
    return query.order_by(db.runs.c.started.desc(), db.runs.c.id.desc())


def _insert(table: sa.Table) -> sa.Insert:
    """Adds a row, unless it is there; of two resolutions of a cell, or two records about one thing, the later stays."""
    if table is db.evidence:
        return sa.insert(table).prefix_with("OR IGNORE")
    insert = sqlite.insert(table)
    keys = [column.name for column in table.primary_key]
    columns = {column.name: column for column in insert.excluded if column.name not in keys}
    moment = "resolved" if table is db.resolutions else "made"
    return insert.on_conflict_do_update(
        index_elements=keys, set_=columns, where=insert.excluded[moment] >= table.c[moment]
    )
