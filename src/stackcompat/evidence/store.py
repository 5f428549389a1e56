"""Where evidence, resolutions and the records of runs are kept: one embedded SQLite file (see `database`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection

from stackcompat.core.record import Kind, RecordType
from stackcompat.evidence import database as db
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.evidence.shards import join, missing
from stackcompat.resolve.lock import Resolution

__all__ = ["Store"]

#: So many keys are looked up one by one.
FEW = 500


class Store:
    """An embedded SQLite database of evidence. Safe to use from several threads and processes at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = db.open_database(path)

    def close(self) -> None:
        """Release the database's files."""
        self.engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            yield connection

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
        with self._transaction() as connection:
            connection.execute(sa.insert(db.evidence).prefix_with("OR IGNORE").values(row))

    def of_key(self, key: str) -> tuple[Evidence, ...]:
        """Every run that answered the question `key`, oldest first."""
        query = sa.select(db.evidence.c.record).where(db.evidence.c.key == key).order_by(db.evidence.c.started)
        with self.engine.connect() as connection:
            return tuple(Evidence.model_validate_json(row.record) for row in connection.execute(query))

    def of_keys(self, keys: Iterable[str]) -> dict[str, tuple[Evidence, ...]]:
        """Evidence by key, for all `keys` that have any."""
        wanted = set(keys)
        found: dict[str, list[Evidence]] = {}
        query = sa.select(db.evidence.c.key, db.evidence.c.record).order_by(db.evidence.c.started)
        if len(wanted) <= FEW:  # for more of them, reading everything once is faster and has no limit
            query = query.where(db.evidence.c.key.in_(wanted))
        with self.engine.connect() as connection:
            for row in connection.execute(query):
                if row.key in wanted:
                    found.setdefault(row.key, []).append(Evidence.model_validate_json(row.record))
        return {key: tuple(records) for key, records in found.items()}

    def resolution(self, cell_id: str, fingerprint: str) -> Resolution | None:
        """What the cell resolved to when the index looked like `fingerprint`, if that is known."""
        query = sa.select(db.resolutions).where(db.resolutions.c.cell == cell_id)
        with self.engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None or row.fingerprint != fingerprint:
            return None
        return Resolution.model_validate_json(row.record)

    def any_resolution(self, cell_id: str) -> Resolution | None:
        """What the cell resolved to when last asked, whatever the index looked like."""
        query = sa.select(db.resolutions.c.record).where(db.resolutions.c.cell == cell_id)
        with self.engine.connect() as connection:
            row = connection.execute(query).first()
        return Resolution.model_validate_json(row.record) if row else None

    def keep_resolution(self, cell_id: str, fingerprint: str, resolution: Resolution) -> None:
        """Remember what the cell resolved to, in place of what was remembered before."""
        row = {
            "cell": cell_id,
            "fingerprint": fingerprint,
            "resolved": dt.datetime.now(dt.UTC).isoformat(),
            "record": resolution.to_json(),
        }
        with self._transaction() as connection:
            connection.execute(sa.insert(db.resolutions).prefix_with("OR REPLACE").values(row))

    def keep(self, kind: Kind[RecordType], record: RecordType) -> None:
        """Remember `record`, unless a later one of its `kind` about the same is there already."""
        moment = kind.made(record).astimezone(dt.UTC).isoformat(timespec="microseconds")
        row = {"kind": kind.name, "key": kind.key(record), "made": moment, "record": record.to_json()}
        with self._transaction() as connection:
            connection.execute(_unless_newer(db.latest), row)

    def kept(self, kind: Kind[RecordType]) -> tuple[RecordType, ...]:
        """The latest records of a `kind`, oldest first."""
        table = db.latest.c
        query = sa.select(table.record).where(table.kind == kind.name).order_by(table.made, table.key)
        with self.engine.connect() as connection:
            rows = connection.execute(query).scalars().all()
        return tuple(kind.record.model_validate_json(row) for row in rows)

    def add_run(self, run: RunRecord, *, instead_of: RunRecord | None = None) -> None:
        """Keep the record of one execution of a matrix, in place of an earlier record of the same one if there is."""
        row = {"matrix": run.matrix, "started": run.started.isoformat(), "record": run.to_json()}
        with self._transaction() as connection:
            if instead_of is not None:
                connection.execute(sa.delete(db.runs).where(db.runs.c.record == instead_of.to_json()))
            connection.execute(sa.insert(db.runs).values(row))

    def runs(self) -> tuple[RunRecord, ...]:
        """The newest execution of each matrix, by matrix name."""
        order = sa.select(db.runs.c.id, db.runs.c.matrix).order_by(db.runs.c.started, db.runs.c.id)
        with self.engine.connect() as connection:
            newest = {row.matrix: row.id for row in connection.execute(order)}
            query = sa.select(db.runs.c.record).where(db.runs.c.id.in_(newest.values())).order_by(db.runs.c.matrix)
            return tuple(RunRecord.model_validate_json(row.record) for row in connection.execute(query))

    def history(self, matrix: str, last: int | None = None) -> tuple[RunRecord, ...]:
        """The executions of `matrix`, oldest first: all of them, or the `last` so many."""
        query = sa.select(db.runs.c.record).where(db.runs.c.matrix == matrix)
        query = query.order_by(db.runs.c.started.desc(), db.runs.c.id.desc()).limit(last)
        with self.engine.connect() as connection:
            newest_first = connection.execute(query).all()
        return tuple(RunRecord.model_validate_json(row.record) for row in reversed(newest_first))

    def chronicle(self, matrix: str, whole: int, wanted: Callable[[PlannedCell], bool]) -> tuple[RunRecord, ...]:
        """The executions of `matrix`, oldest first: the last `whole` as they are, others with their `wanted` cells.

        However many there are, only so much is held at once.
        """
        query = sa.select(db.runs.c.record).where(db.runs.c.matrix == matrix)
        query = query.order_by(db.runs.c.started.desc(), db.runs.c.id.desc())
        found = []
        with self.engine.connect().execution_options(yield_per=1) as connection:
            for number, row in enumerate(connection.execute(query)):
                run = RunRecord.model_validate_json(row.record)
                if number >= whole:
                    run = run.model_copy(update={"cells": tuple(cell for cell in run.cells if wanted(cell))})
                found.append(run)
        return tuple(reversed(found))

    def merge(self, others: Iterable[Store]) -> tuple[str, ...]:
        """Take over everything that `others` hold; the shards of a run become one run. The shards that are missing.

        Merging the same stores again changes nothing.
        """
        told: list[RunRecord] = []
        for other in others:
            for table in (db.evidence, db.resolutions, db.latest):
                with other.engine.connect() as connection:
                    rows = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
                with self._transaction() as connection:
                    for row in rows:
                        connection.execute(_unless_newer(table), row)
            with other.engine.connect() as connection:
                records = connection.execute(sa.select(db.runs.c.record)).scalars().all()
            told += [RunRecord.model_validate_json(record) for record in records]
        with self.engine.connect() as connection:
            known = {
                (row.matrix, row.started) for row in connection.execute(sa.select(db.runs.c.matrix, db.runs.c.started))
            }
        for run in join(told):  # one that went on since has other cells, and is the same run
            if (run.matrix, run.started.isoformat()) not in known:
                self.add_run(run)
        return missing(told)


def _unless_newer(table: sa.Table) -> sa.Insert:
    """Adds a row. Of two resolutions of a cell, or of two records of a kind about the same, the later one stays."""
    if table is db.evidence:
        return sa.insert(table).prefix_with("OR IGNORE")
    insert = sqlite.insert(table)
    keys = [column.name for column in table.primary_key]
    columns = {column.name: column for column in insert.excluded if column.name not in keys}
    moment = "resolved" if table is db.resolutions else "made"
    return insert.on_conflict_do_update(
        index_elements=keys, set_=columns, where=insert.excluded[moment] >= table.c[moment]
    )
