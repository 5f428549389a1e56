"""Version 5: the last one that had no table with its version. All before it were SQLite.

The version is in ``PRAGMA user_version``; the first tables had none, and count as 0.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from pydantic import ValidationError
from sqlalchemy.engine import Connection

from stackcompat.core.record import read_stored
from stackcompat.evidence.greens import GreenRelease, green_releases
from stackcompat.evidence.limits import limits_of
from stackcompat.evidence.outline import outline_of
from stackcompat.evidence.results import Evidence

revision = "0005"
down_revision = None

#: The tables as version 5 had them. A database can have some of them already.
_TABLES = """
    CREATE TABLE IF NOT EXISTS closures (id VARCHAR NOT NULL, record TEXT NOT NULL, PRIMARY KEY (id));
    CREATE TABLE IF NOT EXISTS evidence (id VARCHAR NOT NULL, "key" VARCHAR NOT NULL, attempt INTEGER NOT NULL,
        outcome VARCHAR NOT NULL, started VARCHAR NOT NULL, record TEXT NOT NULL, PRIMARY KEY (id));
    CREATE TABLE IF NOT EXISTS greens (test VARCHAR NOT NULL, distribution VARCHAR NOT NULL, version VARCHAR NOT
        NULL, PRIMARY KEY (test, distribution, version));
    CREATE TABLE IF NOT EXISTS known_results (context VARCHAR NOT NULL, test VARCHAR NOT NULL, imports VARCHAR
        NOT NULL, fingerprint VARCHAR NOT NULL, closure VARCHAR NOT NULL, state VARCHAR NOT NULL, started
        VARCHAR NOT NULL, record TEXT NOT NULL, PRIMARY KEY (context, test, imports, fingerprint));
    CREATE TABLE IF NOT EXISTS known_tests (context VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL, closure
        VARCHAR NOT NULL, started VARCHAR NOT NULL, record TEXT NOT NULL, PRIMARY KEY (context, fingerprint));
    CREATE TABLE IF NOT EXISTS latest (kind VARCHAR NOT NULL, "key" VARCHAR NOT NULL, made VARCHAR NOT NULL,
        record TEXT NOT NULL, PRIMARY KEY (kind, "key"));
    CREATE TABLE IF NOT EXISTS limits (test VARCHAR NOT NULL, evidence VARCHAR NOT NULL, PRIMARY KEY (test,
        evidence));
    CREATE TABLE IF NOT EXISTS outlines (evidence VARCHAR NOT NULL, record TEXT NOT NULL, PRIMARY KEY
        (evidence));
    CREATE TABLE IF NOT EXISTS resolutions (cell VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL, resolved
        VARCHAR NOT NULL, record TEXT NOT NULL, PRIMARY KEY (cell));
    CREATE TABLE IF NOT EXISTS results (id VARCHAR NOT NULL, record TEXT NOT NULL, PRIMARY KEY (id));
    CREATE TABLE IF NOT EXISTS runs (id INTEGER NOT NULL, matrix VARCHAR NOT NULL, started VARCHAR NOT NULL,
        record TEXT NOT NULL, part VARCHAR DEFAULT '' NOT NULL, PRIMARY KEY (id));
    CREATE TABLE IF NOT EXISTS surfaces (id VARCHAR NOT NULL, record TEXT NOT NULL, PRIMARY KEY (id));
"""

#: Their indexes, which need the columns that an older table gets first.
_INDEXES = """
    CREATE INDEX IF NOT EXISTS ix_evidence_key ON evidence ("key");
    CREATE INDEX IF NOT EXISTS ix_evidence_started ON evidence (started);
    CREATE INDEX IF NOT EXISTS known_closures ON known_results (context, closure);
    CREATE INDEX IF NOT EXISTS known_fingerprints ON known_results (context, fingerprint);
    CREATE UNIQUE INDEX IF NOT EXISTS runs_once ON runs (matrix, started, part);
"""


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *map(sa.column, columns))


_evidence = _table("evidence", "id", "record")
_greens = _table("greens", "test", "distribution", "version")
_limits = _table("limits", "test", "evidence")
_outlines = _table("outlines", "evidence", "record")
_results = _table("results", "id", "record")
_latest = _table("latest", "kind", "key", "made", "record")


def upgrade() -> None:
    """Make the missing tables, and move the records of older versions into them."""
    connection = op.get_bind()
    _execute(connection, _TABLES)
    _name_parts(connection)
    _execute(connection, _INDEXES)
    if connection.execute(sa.text("PRAGMA user_version")).scalar_one() == 5:
        return
    for row in _kept_elsewhere(connection):
        connection.execute(sa.insert(_latest).prefix_with("OR IGNORE").values(row))
    for name in _BEFORE_1:
        connection.execute(sa.text(f"DROP TABLE IF EXISTS {name}"))
    found_greens, found_limits = _summed_up(connection)
    for table, rows in ((_greens, [green._asdict() for green in sorted(found_greens)]), (_limits, found_limits)):
        _add(connection, table, rows)
    _outline(connection)


def _execute(connection: Connection, statements: str) -> None:
    for statement in filter(None, map(str.strip, statements.split(";"))):
        connection.execute(sa.text(statement))


def _name_parts(connection: Connection) -> None:
    """Add the column `part` of version 3 to the executions, and drop what an older version kept twice."""
    columns = {row["name"] for row in connection.execute(sa.text("PRAGMA table_info(runs)")).mappings()}
    if "part" in columns:
        return
    connection.execute(sa.text("ALTER TABLE runs ADD COLUMN part VARCHAR NOT NULL DEFAULT ''"))
    shard = "coalesce(json_extract(record, '$.shard'), '')"
    connection.execute(sa.text(f"UPDATE runs SET part = {shard} WHERE json_valid(record)"))  # noqa: S608  (our own text)
    connection.execute(
        sa.text("DELETE FROM runs WHERE id NOT IN (SELECT max(id) FROM runs GROUP BY matrix, started, part)")
    )


def _summed_up(connection: Connection) -> tuple[set[GreenRelease], list[dict[str, Any]]]:
    """What all runs add up to: the releases with which smoke tests passed, and the rows of the limits that they showed.

    Versions before 2 had no table of the first, versions before 4 none of the second. A run that cannot be read any
    more adds nothing.
    """
    found_greens: set[GreenRelease] = set()
    found_limits: list[dict[str, Any]] = []
    for id_, record in connection.execute(sa.select(_evidence.c.id, _evidence.c.record)):
        with contextlib.suppress(ValidationError):
            run = read_stored(Evidence, record)
            found_greens |= green_releases(run)
            found_limits += [{"test": test, "evidence": id_} for test in sorted(limits_of(run))]
    return found_greens, found_limits


def _outline(connection: Connection) -> None:
    """Add the outlines of all runs. Versions before 5 had none. A run that cannot be read any more gets none."""
    for id_ in connection.execute(sa.select(_evidence.c.id)).scalars().all():
        text = connection.execute(sa.select(_evidence.c.record).where(_evidence.c.id == id_)).scalar_one()
        with contextlib.suppress(ValueError):
            outline = outline_of(text)
            _add(connection, _outlines, [{"evidence": id_, "record": outline.record}])
            _add(connection, _results, [{"id": address, "record": text} for address, text in outline.results.items()])


def _add(connection: Connection, table: sa.TableClause, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add the rows that are not there yet."""
    if rows:
        connection.execute(sa.insert(table).prefix_with("OR IGNORE"), rows)


#: The tables of version 0 whose records are in `latest` since version 1. By table: the kind of its records, the columns
#: that make up the key of a record, and the column with its time. An empty column: the record has it in ``seen``.
_BEFORE_1: dict[str, tuple[str, tuple[str, ...], str]] = {
    "islands": ("islands", ("python", "platform"), ""),
    "frontiers": ("frontier", ("first", "second", "python", "platform", "level"), "seen"),
    "charges": ("diagnosis", ("id",), "made"),
}


#: The fields that had other names in version 0.
_NAMES_BEFORE_1 = {
    "left": "excluded",
    "born_red": "never_passed",
    "holes": "unresolved",
    "spared": "skipped",
    "faults": "infra",
}


def _renamed(value: Any) -> Any:
    """A JSON value of version 0, with the field names of version 1."""
    if isinstance(value, dict):
        return {_NAMES_BEFORE_1.get(key, key): _renamed(held) for key, held in value.items()}
    if isinstance(value, list):
        return [_renamed(held) for held in value]
    return value


def _flat_diagnosis(record: dict[str, Any]) -> dict[str, Any]:
    """A diagnosis of version 0 as one record. There, the blame and the result of the search were records inside it."""
    blame: dict[str, Any] = record["blame"]
    result: dict[str, Any] = blame["found"]
    moved: dict[str, Any] | None = blame.get("moved")
    if moved is not None and moved["kind"] == "born red":
        moved = moved | {"kind": "never passed"}
    about = {name: value for name, value in record.items() if name != "blame"}
    return about | result | {"moved": moved, "chain": blame.get("chain", [])}


def _kept_elsewhere(connection: Connection) -> list[dict[str, Any]]:
    """The records in the tables that only version 0 had, as rows of `latest`."""
    existing = set(sa.inspect(connection).get_table_names())
    rows_of_latest = []
    for name, (kind, key, made) in _BEFORE_1.items():
        if name not in existing:
            continue
        for row in connection.execute(sa.text(f"SELECT * FROM {name}")).mappings():  # noqa: S608  (our own names)
            try:
                record = _renamed(json.loads(row["record"]))
                if kind == "diagnosis":
                    record = _flat_diagnosis(record)
                moment = dt.datetime.fromisoformat(row[made] if made else record["seen"])
            except (ValueError, LookupError, TypeError):
                continue  # a search that cannot be read any more is done again
            rows_of_latest.append(
                {
                    "kind": kind,
                    "key": "/".join(row[column] for column in key),
                    "made": moment.astimezone(dt.UTC).isoformat(timespec="microseconds"),
                    "record": json.dumps(record),
                }
            )
    return rows_of_latest
