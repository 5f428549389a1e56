"""The rows that records become, and the statements that put them into the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stackcompat.evidence import tables as db
from stackcompat.evidence.dialects import insert_into
from stackcompat.evidence.greens import green_releases
from stackcompat.evidence.limits import limits_of
from stackcompat.evidence.outline import outline_of
from stackcompat.evidence.reading import is_whole
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import RunRecord

__all__ = ["SOME", "is_row_of", "keep_later", "newest_first", "parts", "put_run", "row_of_run", "rows_of"]

#: The most values that one query names. SQLite limits their number.
MOST_VALUES = 500

#: The options of a query that keeps some of its rows in memory at a time, whatever the database.
SOME = {"yield_per": 10}


def parts(values: Iterable[str]) -> Iterator[list[str]]:
    """The distinct values in parts, each small enough for one query."""
    distinct = sorted(set(values))
    return (distinct[first : first + MOST_VALUES] for first in range(0, len(distinct), MOST_VALUES))


def rows_of(evidence: Evidence, text: str) -> dict[sa.Table, list[dict[str, Any]]]:
    """The rows that a record of evidence becomes, by table: itself, and what it adds to what is known.

    Args:
        evidence: The record.
        text: The same as JSON.
    """
    row = {
        "id": evidence.id,
        "key": evidence.key,
        "attempt": evidence.attempt,
        "outcome": evidence.outcome,
        "started": evidence.started.isoformat(),
        "record": text,
    }
    outline = outline_of(text)
    return {
        db.evidence: [row],
        db.outlines: [{"evidence": evidence.id, "record": outline.record}],
        db.results: [{"id": address, "record": result} for address, result in outline.results.items()],
        db.greens: [green._asdict() for green in green_releases(evidence)],
        db.limits: [{"test": test, "evidence": evidence.id} for test in limits_of(evidence)],
    }


def keep_later(connection: Connection, table: sa.Table, row: db.Row, *, fuller: bool = False) -> None:
    """Keep the record of a row, unless a later one with its key is there that is not damaged.

    Args:
        connection: The connection.
        table: The table: `resolutions` or `latest`.
        row: The row.
        fuller: Of two that were made at the same moment, whether the longer one stays: an archive leaves out
            tracebacks. Else the new one stays.
    """
    insert = insert_into(connection, table)
    is_same = sa.and_(*(column == row[column.name] for column in table.primary_key))
    there = connection.execute(sa.select(table).where(is_same)).mappings().one_or_none()
    if there is not None and not is_whole(table, there):
        connection.execute(sa.delete(table).where(is_same, table.c.checksum == there["checksum"]))
    keys = [column.name for column in table.primary_key]
    columns = {column.name: column for column in insert.excluded if column.name not in keys}
    moment = "resolved" if table is db.resolutions else "made"
    new, here = insert.excluded, table.c
    later = new[moment] >= here[moment]
    if fuller:
        rank = [sa.tuple_(row[moment], sa.func.length(row.record), row.record) for row in (new, here)]
        later = rank[0] > rank[1]
    statement = insert.on_conflict_do_update(index_elements=keys, set_=columns, where=later)
    connection.execute(statement, db.sealed(table, row))


def row_of_run(run: RunRecord) -> dict[str, str]:
    """The row of an execution."""
    part = " ".join(text for text in (run.plan, run.shard or ("joined" if run.shards else "")) if text)
    return {"matrix": run.matrix, "started": run.started.isoformat(), "part": part, "record": run.to_json()}


def put_run(connection: Connection, run: RunRecord) -> None:
    """Put an execution into the store, in place of an earlier record of it."""
    insert = insert_into(connection, db.runs)
    replaced = {"record": insert.excluded.record, "checksum": insert.excluded.checksum}
    statement = insert.on_conflict_do_update(index_elements=["matrix", "started", "part"], set_=replaced)
    connection.execute(statement, db.sealed(db.runs, row_of_run(run)))


def is_row_of(run: RunRecord) -> sa.ColumnElement[bool]:
    """The condition that only the row of this execution meets."""
    row = row_of_run(run)
    return sa.and_(*(db.runs.c[name] == row[name] for name in ("matrix", "started", "part")))


def newest_first(matrix: str) -> sa.Select[Any]:
    """The executions of a matrix, newest first."""
    query = sa.select(db.runs).where(db.runs.c.matrix == matrix)
    return query.order_by(db.runs.c.started.desc(), db.runs.c.id.desc())
