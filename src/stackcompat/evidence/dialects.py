"""What SQLite and PostgreSQL call differently: adding rows whose key can be there, and who may write at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from stackcompat.evidence.tables import Row, sealed

__all__ = ["Writing", "add_rows", "begin_writing", "holds", "insert_into", "mend_rows", "put_rows"]

#: What a transaction writes. ``rows``: rows of its own, so that several can write at once where the database allows it.
#: ``known``: what it has read of known results, so that it is the only one that does. ``all``: anything, so that no
#: other one writes.
Writing = Literal["rows", "known", "all"]

#: The locks of PostgreSQL that a transaction holds until its end. Every client of the database has to know the numbers.
_LOCKS: Mapping[Writing, tuple[str, ...]] = {
    "rows": ("pg_advisory_xact_lock_shared(7301)",),
    "known": ("pg_advisory_xact_lock_shared(7301)", "pg_advisory_xact_lock(7302)"),
    "all": ("pg_advisory_xact_lock(7301)",),
}


def begin_writing(connection: Connection, writing: Writing) -> None:
    """Begin a transaction that writes, once no other one is under way that it could get in the way of.

    Args:
        connection: A connection that is in no transaction.
        writing: What the transaction writes.
    """
    if connection.dialect.name == "sqlite":
        connection.execute(sa.text("BEGIN IMMEDIATE"))
        return
    for lock in _LOCKS[writing]:
        connection.execute(sa.text(f"SELECT {lock}"))


def holds(connection: Connection, column: sa.Column[str], text: str) -> sa.ColumnElement[bool]:
    """The condition that a column holds a text, in the dialect of a database."""
    find = sa.func.instr if connection.dialect.name == "sqlite" else sa.func.strpos
    return find(column, text) > 0


def insert_into(connection: Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """The statement that adds rows to a table, in the dialect of a database."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def add_rows(connection: Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Add the rows whose keys are not there yet. The other ones stay as they are."""
    _execute(connection, table, insert_into(connection, table).on_conflict_do_nothing(), rows)


def mend_rows(connection: Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Add rows whose keys are the addresses of their content. One that is there and differs is damaged: it goes."""
    insert = insert_into(connection, table)
    keys = [column.name for column in table.primary_key]
    columns = {column.name: column for column in insert.excluded if column.name not in keys}
    differs = sa.or_(*(table.c[name] != column for name, column in columns.items()))
    _execute(connection, table, insert.on_conflict_do_update(index_elements=keys, set_=columns, where=differs), rows)


def put_rows(connection: Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Add rows, in place of those with the same keys."""
    insert = insert_into(connection, table)
    keys = [column.name for column in table.primary_key]
    columns = {column.name: column for column in insert.excluded if column.name not in keys}
    _execute(connection, table, insert.on_conflict_do_update(index_elements=keys, set_=columns), rows)


def _execute(connection: Connection, table: sa.Table, insert: sa.Insert, rows: Sequence[Row]) -> None:
    """Execute a statement that adds rows, in the order of their keys: two writers then never wait for each other."""
    if rows:
        keys = [column.name for column in table.primary_key if column.name in rows[0]]
        connection.execute(insert, [sealed(table, row) for row in sorted(rows, key=lambda row: [row[k] for k in keys])])
