"""Version 6: a checksum for each row with a record, and the fields that records have."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

#: The tables that get checksums, each with its key.
_TABLES = {
    "evidence": ("id",),
    "outlines": ("evidence",),
    "resolutions": ("cell",),
    "runs": ("id",),
    "latest": ("kind", "key"),
    "closures": ("id",),
    "surfaces": ("id",),
    "known_results": ("context", "test", "imports", "fingerprint"),
    "known_tests": ("context", "fingerprint"),
}


def upgrade() -> None:
    """Add the columns and the table, and work out the checksums of what is there."""
    connection = op.get_bind()
    for name, key in _TABLES.items():
        op.add_column(name, sa.Column("checksum", sa.String(), nullable=False, server_default=""))
        _add_checksums(connection, name, key)
    op.create_table(
        "fields",
        sa.Column("record", sa.String(), primary_key=True),
        sa.Column("field", sa.String(), primary_key=True),
    )


def _add_checksums(connection: sa.Connection, name: str, key: tuple[str, ...]) -> None:
    """Work out the checksums of all rows of a table, one row in memory at a time."""
    table = sa.Table(name, sa.MetaData(), autoload_with=connection)
    for row_key in connection.execute(sa.select(*(table.c[column] for column in key))).all():
        is_row = sa.and_(*(table.c[column] == value for column, value in zip(key, row_key, strict=True)))
        row = connection.execute(sa.select(table).where(is_row)).mappings().one()
        connection.execute(sa.update(table).where(is_row).values(checksum=_checksum(name, row)))


def _checksum(table: str, row: sa.RowMapping) -> str:
    made = hashlib.sha256()
    for name in sorted(map(str, row)):
        if name != "checksum" and (table, name) != ("runs", "id"):
            value = str(row[name]).encode("utf-8", "surrogatepass")
            made.update(f"{name} {len(value)} ".encode() + value)
    return made.hexdigest()[:32]
