"""The database behind the store: its tables, how it is opened, and how an older one is brought up to date.

SQLite in one file. Each change is one transaction, so that a stop at any instant (``kill -9`` included) loses nothing
that was finished.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from stackcompat.core.record import UsageError

__all__ = ["VERSION", "evidence", "latest", "metadata", "open_database", "resolutions", "runs"]

#: The version of the tables; SQLite keeps it in ``PRAGMA user_version``. 0 is a database from before there was one.
VERSION = 1

metadata = sa.MetaData()

#: Every run of every cell. Rows are only ever added.
evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("key", sa.String, index=True, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("started", sa.String, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)
#: What each cell resolved to when the index looked like `fingerprint`.
resolutions = sa.Table(
    "resolutions",
    metadata,
    sa.Column("cell", sa.String, primary_key=True),
    sa.Column("fingerprint", sa.String, nullable=False),
    sa.Column("resolved", sa.String, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)
#: Executions of matrices.
runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("matrix", sa.String, nullable=False),
    sa.Column("started", sa.String, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)
#: Records of which the latest counts, by kind and key.
latest = sa.Table(
    "latest",
    metadata,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("made", sa.String, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
)

#: Seconds to wait for another process that writes.
_PATIENCE = 60.0


def open_database(path: Path) -> Engine:
    """Open the database in the file `path`, which is made if it is not there; an older one is brought up to date.

    Args:
        path: The file; its folder is made if need be.

    Returns:
        An engine whose connections let readers and a writer go on beside each other.

    Raises:
        UsageError: The file cannot be such a database, or a newer version of this tool has written it.
    """
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": _PATIENCE})

    @sa.event.listens_for(engine, "connect")
    def _durable(connection: object, _: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]  # a DBAPI connection has no static type here
        _log_ahead(cursor)
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with engine.begin() as connection:
            found = connection.execute(sa.text("PRAGMA user_version")).scalar_one()
            if found < VERSION:
                _bring_up_to_date(connection)
    except (OSError, sa.exc.DBAPIError) as error:
        engine.dispose()
        reason = error.strerror if isinstance(error, OSError) else error.orig
        raise UsageError(f"{path}: cannot be the store of evidence: {reason}") from None
    if found > VERSION:
        engine.dispose()
        raise UsageError(
            f"{path}: a newer stackcompat has written this store (its version is {found}, this one reads up to "
            f"{VERSION}); update stackcompat"
        )
    return engine


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


def _bring_up_to_date(connection: Connection) -> None:
    """Make the tables that are missing, and take over what older versions kept elsewhere.

    Another process may do the same at the same moment: every statement may be executed twice.
    """
    connection.execute(sa.text("BEGIN IMMEDIATE"))
    for table in metadata.sorted_tables:
        connection.execute(sa.schema.CreateTable(table, if_not_exists=True))
        for index in table.indexes:
            connection.execute(sa.schema.CreateIndex(index, if_not_exists=True))
    for row in _kept_elsewhere(connection):
        connection.execute(sa.insert(latest).prefix_with("OR IGNORE").values(row))
    for name in _BEFORE_1:
        connection.execute(sa.text(f"DROP TABLE IF EXISTS {name}"))
    connection.execute(sa.text(f"PRAGMA user_version={VERSION}"))


#: Tables that version 0 had for what stands in `latest` since: the kind, and how its key and time are had from a row.
_BEFORE_1: dict[str, tuple[str, tuple[str, ...], str]] = {
    "islands": ("islands", ("python", "platform"), ""),
    "frontiers": ("frontier", ("first", "second", "python", "platform", "level"), "seen"),
    "charges": ("diagnosis", ("id",), "made"),
}


#: Fields that records of version 0 had under other names.
_NAMES_BEFORE_1 = {
    "left": "excluded",
    "born_red": "never_passed",
    "holes": "unresolved",
    "spared": "skipped",
    "faults": "infra",
}


def _renamed(value: Any) -> Any:
    """A JSON value of version 0 with the field names of version 1."""
    if isinstance(value, dict):
        return {_NAMES_BEFORE_1.get(key, key): _renamed(held) for key, held in value.items()}
    if isinstance(value, list):
        return [_renamed(held) for held in value]
    return value


def _flat_diagnosis(record: dict[str, Any]) -> dict[str, Any]:
    """A diagnosis of version 0, in which the blame and the result of the search were records of their own, as one."""
    blame: dict[str, Any] = record["blame"]
    result: dict[str, Any] = blame["found"]
    moved: dict[str, Any] | None = blame.get("moved")
    if moved is not None and moved["kind"] == "born red":
        moved = moved | {"kind": "never passed"}
    own = {name: value for name, value in record.items() if name != "blame"}
    return own | result | {"moved": moved, "chain": blame.get("chain", [])}


def _kept_elsewhere(connection: Connection) -> list[dict[str, Any]]:
    """The rows of the tables that only version 0 had, as rows of `latest`."""
    there = set(sa.inspect(connection).get_table_names())
    found = []
    for name, (kind, key, made) in _BEFORE_1.items():
        rows = connection.execute(sa.text(f"SELECT * FROM {name}")).mappings() if name in there else ()  # noqa: S608
        for row in rows:
            record = _renamed(json.loads(row["record"]))
            if kind == "diagnosis":
                record = _flat_diagnosis(record)
            moment = dt.datetime.fromisoformat(row[made] if made else record["seen"])
            found.append(
                {
                    "kind": kind,
                    "key": "/".join(row[column] for column in key),
                    "made": moment.astimezone(dt.UTC).isoformat(timespec="microseconds"),
                    "record": json.dumps(record),
                }
            )
    return found
