"""The tables of the store's database."""

from __future__ import annotations

import sqlalchemy as sa

__all__ = ["VERSION", "evidence", "latest", "metadata", "resolutions", "runs"]

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
