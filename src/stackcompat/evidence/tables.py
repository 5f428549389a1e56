"""The tables of the store's database."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

__all__ = [
    "UNSEALED",
    "VERSION",
    "VERSION_TABLE",
    "Row",
    "checksum",
    "closures",
    "evidence",
    "fields",
    "greens",
    "known_results",
    "known_tests",
    "latest",
    "limits",
    "metadata",
    "outlines",
    "resolutions",
    "results",
    "runs",
    "sealed",
    "surfaces",
]

#: The version of the tables: the newest of :mod:`stackcompat.evidence.migrations`. SQLite also keeps it in
#: ``PRAGMA user_version``, where tools look that are older than version 6.
VERSION = 7

#: The table in which a database has its version.
VERSION_TABLE = "stackcompat_version"

#: A row: values by the names of columns.
Row: TypeAlias = Mapping[str, Any] | sa.RowMapping

metadata = sa.MetaData()

#: Texts sort by their bytes in each database, so that stores which know the same have equal archives.
_NAME = sa.String().with_variant(postgresql.VARCHAR(collation="C"), "postgresql")
_TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _checksum() -> sa.Column[str]:
    """The column with the checksum of a row, see :func:`checksum`."""
    return sa.Column("checksum", _NAME, nullable=False, server_default="")


#: The condition that the rows without a checksum meet. A value that is bound would hide from SQLite that an index fits.
UNSEALED = sa.text("checksum = ''")


def checksum(table: sa.Table, row: Row) -> str:
    """The checksum of a row: of all its columns but itself and the number that a database gives to a run.

    It shows that a row was damaged, or changed by other means than this tool. Who can compute it can also forge it; a
    signature of an archive (:mod:`stackcompat.evidence.signature`) shows who made it.
    """
    made = hashlib.sha256()
    for name in sorted(table.columns.keys()):
        if name != "checksum" and not (table is runs and name == "id"):
            value = str(row[name]).encode("utf-8", "surrogatepass")
            made.update(f"{name} {len(value)} ".encode() + value)
    return made.hexdigest()[:32]


def sealed(table: sa.Table, row: Row) -> dict[str, Any]:
    """A row with its checksum, if the table has a column for that."""
    if "checksum" not in table.columns:
        return {**row}
    return {**row, "checksum": checksum(table, row)}


#: The evidence: every run of every cell. No row is ever changed or removed.
evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("id", _NAME, primary_key=True),
    sa.Column("key", _NAME, index=True, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("outcome", _NAME, nullable=False),
    sa.Column("started", _NAME, index=True, nullable=False),
    sa.Column("record", _TEXT, nullable=False),
    _checksum(),
)
#: The releases with which smoke tests passed: what the runs in `evidence` add up to.
greens = sa.Table(
    "greens",
    metadata,
    sa.Column("test", _NAME, primary_key=True),
    sa.Column("distribution", _NAME, primary_key=True),
    sa.Column("version", _NAME, primary_key=True),
)
#: The feature tests that failed, and the runs in which they did: what the runs in `evidence` add up to.
limits = sa.Table(
    "limits",
    metadata,
    sa.Column("test", _NAME, primary_key=True),
    sa.Column("evidence", _NAME, primary_key=True),
)
#: The evidence as tables need it, a small part of each record in `evidence` (:mod:`stackcompat.evidence.outline`).
outlines = sa.Table(
    "outlines",
    metadata,
    sa.Column("evidence", _NAME, primary_key=True),
    sa.Column("record", _TEXT, nullable=False),
    _checksum(),
)
#: The results of tests that outlines name, by content address.
results = sa.Table(
    "results",
    metadata,
    sa.Column("id", _NAME, primary_key=True),
    sa.Column("record", _TEXT, nullable=False),
)
#: The last resolution of each cell. `fingerprint` is the state of the index at that time.
resolutions = sa.Table(
    "resolutions",
    metadata,
    sa.Column("cell", _NAME, primary_key=True),
    sa.Column("fingerprint", _NAME, nullable=False),
    sa.Column("resolved", _NAME, nullable=False),
    sa.Column("record", _TEXT, nullable=False),
    _checksum(),
)
#: The records of executions of matrices, each once. `part` is empty for an execution in one part; it names the plan and
#: the shard of any other.
runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("matrix", _NAME, nullable=False),
    sa.Column("started", _NAME, nullable=False),
    sa.Column("record", _TEXT, nullable=False),
    _checksum(),
    sa.Column("part", _NAME, nullable=False, server_default=""),
    sa.Index("runs_once", "matrix", "started", "part", unique=True),
)
#: Further records by kind and key. Of each key only the latest is kept.
latest = sa.Table(
    "latest",
    metadata,
    sa.Column("kind", _NAME, primary_key=True),
    sa.Column("key", _NAME, primary_key=True),
    sa.Column("made", _NAME, nullable=False),
    sa.Column("record", _TEXT, nullable=False),
    _checksum(),
)
#: What tests were seen to depend on, each closure once.
closures = sa.Table(
    "closures",
    metadata,
    sa.Column("id", _NAME, primary_key=True),
    sa.Column("record", _TEXT, nullable=False),
    _checksum(),
)
#: By what a release can reach tests that do not name it.
surfaces = sa.Table(
    "surfaces",
    metadata,
    sa.Column("id", _NAME, primary_key=True),
    sa.Column("record", _TEXT, nullable=False),
    _checksum(),
)
#: The results of tests that can hold in other locks. `context` is the address of all that a test depends on outside of
#: the environment, `fingerprint` that of all inside. `imports` is empty but for tests of imports and what they block.
known_results = sa.Table(
    "known_results",
    metadata,
    sa.Column("context", _NAME, primary_key=True),
    sa.Column("test", _NAME, primary_key=True),
    sa.Column("imports", _NAME, primary_key=True),
    sa.Column("fingerprint", _NAME, primary_key=True),
    sa.Column("closure", _NAME, nullable=False),
    sa.Column("state", _NAME, nullable=False),
    sa.Column("started", _NAME, nullable=False),
    sa.Column("record", _TEXT, nullable=False),
    _checksum(),
    sa.Index("known_closures", "context", "closure"),
    sa.Index("known_fingerprints", "context", "fingerprint"),
)
#: The names of the tests that were collected. Here `context` is that of the whole suite.
known_tests = sa.Table(
    "known_tests",
    metadata,
    sa.Column("context", _NAME, primary_key=True),
    sa.Column("fingerprint", _NAME, primary_key=True),
    sa.Column("closure", _NAME, nullable=False),
    sa.Column("started", _NAME, nullable=False),
    sa.Column("record", _TEXT, nullable=False),
    _checksum(),
)
#: The fields of the records that the tools had which wrote here, by the class of the record. A tool that lacks one of
#: them would lose it, so it refuses the store.
fields = sa.Table(
    "fields",
    metadata,
    sa.Column("record", _NAME, primary_key=True),
    sa.Column("field", _NAME, primary_key=True),
)

for _table in metadata.sorted_tables:
    if "checksum" in _table.columns:
        sa.Index(f"{_table.name}_unsealed", _table.c.checksum, sqlite_where=UNSEALED, postgresql_where=UNSEALED)
