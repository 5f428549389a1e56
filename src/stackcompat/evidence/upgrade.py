"""How the database of an older version is brought up to date."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stackcompat.evidence.tables import VERSION, latest, metadata

__all__ = ["bring_up_to_date"]


def bring_up_to_date(connection: Connection) -> None:
    """Make the tables that are missing, and take over what older versions kept in other tables.

    Another process can do the same at the same moment, so it does no harm to execute a statement twice.
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


#: Tables of version 0 whose records stand in `latest` since. Each has the kind of its records, the columns that make up
#: a record's key, and the column with its time (empty: the record itself has it as ``seen``).
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
    """A diagnosis of version 0 as one record; its blame and the result of its search were records inside it."""
    blame: dict[str, Any] = record["blame"]
    result: dict[str, Any] = blame["found"]
    moved: dict[str, Any] | None = blame.get("moved")
    if moved is not None and moved["kind"] == "born red":
        moved = moved | {"kind": "never passed"}
    about = {name: value for name, value in record.items() if name != "blame"}
    return about | result | {"moved": moved, "chain": blame.get("chain", [])}


def _kept_elsewhere(connection: Connection) -> list[dict[str, Any]]:
    """The rows of the tables that only version 0 had, as rows of `latest`."""
    existing = set(sa.inspect(connection).get_table_names())
    rows_of_latest = []
    for name, (kind, key, made) in _BEFORE_1.items():
        if name not in existing:
            continue
        for row in connection.execute(sa.text(f"SELECT * FROM {name}")).mappings():  # noqa: S608  (our own names)
            record = _renamed(json.loads(row["record"]))
            if kind == "diagnosis":
                record = _flat_diagnosis(record)
            moment = dt.datetime.fromisoformat(row[made] if made else record["seen"])
            rows_of_latest.append(
                {
                    "kind": kind,
                    "key": "/".join(row[column] for column in key),
                    "made": moment.astimezone(dt.UTC).isoformat(timespec="microseconds"),
                    "record": json.dumps(record),
                }
            )
    return rows_of_latest
