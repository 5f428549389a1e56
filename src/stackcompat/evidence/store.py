"""Where evidence, resolutions and the records of runs are kept: one embedded SQLite file.

Evidence is only ever added, and each record is written in one transaction, so a stop at any instant (``kill -9``
included) loses nothing that was finished.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection

from stackcompat.blame.diagnosis import Charge
from stackcompat.core.record import UsageError
from stackcompat.core.requirements import python_key
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.evidence.shards import join, missing
from stackcompat.frontier.frontier import Chart
from stackcompat.resolve.islands import Archipelago
from stackcompat.resolve.lock import Resolution

__all__ = ["Store"]

#: So many keys are looked up one by one.
FEW = 500


_metadata = sa.MetaData()


_evidence = sa.Table(
    "evidence",
    _metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("key", sa.String, index=True, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("started", sa.String, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)


_resolutions = sa.Table(
    "resolutions",
    _metadata,
    sa.Column("cell", sa.String, primary_key=True),
    sa.Column("fingerprint", sa.String, nullable=False),
    sa.Column("resolved", sa.String, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)


_runs = sa.Table(
    "runs",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("matrix", sa.String, nullable=False),
    sa.Column("started", sa.String, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)


_islands = sa.Table(
    "islands",
    _metadata,
    sa.Column("python", sa.String, primary_key=True),
    sa.Column("platform", sa.String, primary_key=True),
    sa.Column("record", sa.Text, nullable=False),
)


_charts = sa.Table(
    "frontiers",
    _metadata,
    *(sa.Column(name, sa.String, primary_key=True) for name in ("first", "second", "python", "platform", "level")),
    sa.Column("seen", sa.String, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)


_charges = sa.Table(
    "charges",
    _metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("made", sa.String, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)


#: Seconds to wait for another process that writes.
_PATIENCE = 60.0


def _log_ahead(cursor: sqlite3.Cursor) -> None:
    """Let readers and a writer go on beside each other. SQLite by itself does not wait here for who does the same."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


class Store:
    """An embedded SQLite database of evidence. Safe to use from several threads and processes at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": _PATIENCE})

        @sa.event.listens_for(self.engine, "connect")
        def _durable(connection: object, _: object) -> None:
            cursor = connection.cursor()  # type: ignore[attr-defined]  # a DBAPI connection has no static type here
            _log_ahead(cursor)
            cursor.execute("PRAGMA synchronous=NORMAL")
            cursor.close()

        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._create()
        except (OSError, sa.exc.DBAPIError) as error:
            self.close()
            reason = error.strerror if isinstance(error, OSError) else error.orig
            raise UsageError(f"{path}: cannot be the store of evidence: {reason}") from None

    def _create(self) -> None:
        """Make what is not there yet; another process may do the same at the same moment."""
        with self.engine.begin() as connection:
            for table in _metadata.sorted_tables:
                connection.execute(sa.schema.CreateTable(table, if_not_exists=True))
                for index in table.indexes:
                    connection.execute(sa.schema.CreateIndex(index, if_not_exists=True))

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
            connection.execute(sa.insert(_evidence).prefix_with("OR IGNORE").values(row))

    def of_key(self, key: str) -> tuple[Evidence, ...]:
        """Every run that answered the question `key`, oldest first."""
        query = sa.select(_evidence.c.record).where(_evidence.c.key == key).order_by(_evidence.c.started)
        with self.engine.connect() as connection:
            return tuple(Evidence.model_validate_json(row.record) for row in connection.execute(query))

    def of_keys(self, keys: Iterable[str]) -> dict[str, tuple[Evidence, ...]]:
        """Evidence by key, for all `keys` that have any."""
        wanted = set(keys)
        found: dict[str, list[Evidence]] = {}
        query = sa.select(_evidence.c.key, _evidence.c.record).order_by(_evidence.c.started)
        if len(wanted) <= FEW:  # for more of them, reading everything once is faster and has no limit
            query = query.where(_evidence.c.key.in_(wanted))
        with self.engine.connect() as connection:
            for row in connection.execute(query):
                if row.key in wanted:
                    found.setdefault(row.key, []).append(Evidence.model_validate_json(row.record))
        return {key: tuple(records) for key, records in found.items()}

    def resolution(self, cell_id: str, fingerprint: str) -> Resolution | None:
        """What the cell resolved to when the index looked like `fingerprint`, if that is known."""
        query = sa.select(_resolutions).where(_resolutions.c.cell == cell_id)
        with self.engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None or row.fingerprint != fingerprint:
            return None
        return Resolution.model_validate_json(row.record)

    def any_resolution(self, cell_id: str) -> Resolution | None:
        """What the cell resolved to when last asked, whatever the index looked like."""
        query = sa.select(_resolutions.c.record).where(_resolutions.c.cell == cell_id)
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
            connection.execute(sa.insert(_resolutions).prefix_with("OR REPLACE").values(row))

    def keep_islands(self, archipelago: Archipelago) -> None:
        """Remember the islands of a Python and platform, in place of what was remembered before."""
        row = {"python": archipelago.python, "platform": archipelago.platform, "record": archipelago.to_json()}
        with self._transaction() as connection:
            connection.execute(sa.insert(_islands).prefix_with("OR REPLACE").values(row))

    def islands(self) -> tuple[Archipelago, ...]:
        """The islands that were found last, newest Python first."""
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(_islands.c.record)).all()
        found = [Archipelago.model_validate_json(row.record) for row in rows]
        return tuple(sorted(found, key=lambda one: python_key(one.python), reverse=True))

    def keep_chart(self, chart: Chart) -> None:
        """Remember a frontier in place of an earlier one of the same two components, Python, platform and level."""
        row = {
            "first": chart.first.name,
            "second": chart.second.name,
            "python": chart.python,
            "platform": chart.platform,
            "level": chart.level,
            "seen": chart.seen.astimezone(dt.UTC).isoformat(timespec="microseconds"),
            "record": chart.to_json(),
        }
        with self._transaction() as connection:
            connection.execute(_unless_known(_charts), row)

    def charts(self) -> tuple[Chart, ...]:
        """The newest frontier of each two components, Python, platform and level, by name, the newest Python first."""
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(_charts.c.record).order_by(*_charts.primary_key)).all()
        found = [Chart.model_validate_json(row.record) for row in rows]
        return tuple(sorted(found, key=lambda one: python_key(one.python), reverse=True))

    def keep_charge(self, charge: Charge) -> None:
        """Remember who is to blame for a failure; of two charges about the same one, the later one stays."""
        row = {"id": charge.id, "made": charge.made.isoformat(), "record": charge.to_json()}
        insert = sqlite.insert(_charges)
        newer = insert.on_conflict_do_update(
            index_elements=["id"],
            set_={"made": insert.excluded.made, "record": insert.excluded.record},
            where=insert.excluded.made >= _charges.c.made,
        )
        with self._transaction() as connection:
            connection.execute(newer, row)

    def charges(self) -> tuple[Charge, ...]:
        """Every charge, oldest first."""
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(_charges.c.record).order_by(_charges.c.made)).scalars().all()
        return tuple(Charge.model_validate_json(record) for record in rows)

    def add_run(self, run: RunRecord, *, instead_of: RunRecord | None = None) -> None:
        """Keep the record of one execution of a matrix, in place of an earlier record of the same one if there is."""
        row = {"matrix": run.matrix, "started": run.started.isoformat(), "record": run.to_json()}
        with self._transaction() as connection:
            if instead_of is not None:
                connection.execute(sa.delete(_runs).where(_runs.c.record == instead_of.to_json()))
            connection.execute(sa.insert(_runs).values(row))

    def runs(self) -> tuple[RunRecord, ...]:
        """The newest execution of each matrix, by matrix name."""
        order = sa.select(_runs.c.id, _runs.c.matrix).order_by(_runs.c.started, _runs.c.id)
        with self.engine.connect() as connection:
            newest = {row.matrix: row.id for row in connection.execute(order)}
            query = sa.select(_runs.c.record).where(_runs.c.id.in_(newest.values())).order_by(_runs.c.matrix)
            return tuple(RunRecord.model_validate_json(row.record) for row in connection.execute(query))

    def history(self, matrix: str, last: int | None = None) -> tuple[RunRecord, ...]:
        """The executions of `matrix`, oldest first: all of them, or the `last` so many."""
        query = sa.select(_runs.c.record).where(_runs.c.matrix == matrix)
        query = query.order_by(_runs.c.started.desc(), _runs.c.id.desc()).limit(last)
        with self.engine.connect() as connection:
            newest_first = connection.execute(query).all()
        return tuple(RunRecord.model_validate_json(row.record) for row in reversed(newest_first))

    def chronicle(self, matrix: str, whole: int, wanted: Callable[[PlannedCell], bool]) -> tuple[RunRecord, ...]:
        """The executions of `matrix`, oldest first: the last `whole` as they are, others with their `wanted` cells.

        However many there are, only so much is held at once.
        """
        query = sa.select(_runs.c.record).where(_runs.c.matrix == matrix)
        query = query.order_by(_runs.c.started.desc(), _runs.c.id.desc())
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
            for table in (_evidence, _resolutions, _charts):
                with other.engine.connect() as connection:
                    rows = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
                with self._transaction() as connection:
                    for row in rows:
                        connection.execute(_unless_known(table), row)
            for archipelago in other.islands():
                self.keep_islands(archipelago)
            for charge in other.charges():
                self.keep_charge(charge)
            with other.engine.connect() as connection:
                records = connection.execute(sa.select(_runs.c.record)).scalars().all()
            told += [RunRecord.model_validate_json(record) for record in records]
        with self.engine.connect() as connection:
            known = {
                (row.matrix, row.started) for row in connection.execute(sa.select(_runs.c.matrix, _runs.c.started))
            }
        for run in join(told):  # one that went on since has other cells, and is the same run
            if (run.matrix, run.started.isoformat()) not in known:
                self.add_run(run)
        return missing(told)


def _unless_known(table: sa.Table) -> sa.Insert:
    """Adds a row; of two resolutions of a cell, or of two frontiers of the same, the later one stays."""
    if table is _evidence:
        return sa.insert(table).prefix_with("OR IGNORE")
    insert = sqlite.insert(table)
    keys = [column.name for column in table.primary_key]
    columns = {column.name: column for column in insert.excluded if column.name not in keys}
    moment = "resolved" if table is _resolutions else "seen"
    return insert.on_conflict_do_update(
        index_elements=keys, set_=columns, where=insert.excluded[moment] > table.c[moment]
    )
