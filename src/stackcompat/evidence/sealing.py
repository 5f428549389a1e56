"""Checksums for rows without one: those of a tool that is older than checksums, which wrote while a newer one migrated.

Each table has an index of these rows alone. So it takes no time to see that there are none.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stackcompat.evidence.tables import UNSEALED, checksum, metadata

__all__ = ["has_unsealed", "seal"]


def _tables() -> list[sa.Table]:
    return [table for table in metadata.sorted_tables if "checksum" in table.columns]


def has_unsealed(connection: Connection) -> bool:
    """Whether a table has rows without a checksum."""
    found = (sa.exists(sa.select(sa.literal_column("1")).select_from(table).where(UNSEALED)) for table in _tables())
    return bool(connection.execute(sa.select(sa.or_(*found))).scalar_one())


def seal(connection: Connection) -> int:
    """Give each row without a checksum its own, one row in memory at a time. Returns how many there were.

    Args:
        connection: A connection that is the only one that writes (:func:`stackcompat.evidence.dialects.begin_writing`).
    """
    sealed = 0
    for table in _tables():
        keys = list(table.primary_key)
        for key in connection.execute(sa.select(*keys).where(UNSEALED)).all():
            is_row = sa.and_(*(column == value for column, value in zip(keys, key, strict=True)))
            row = connection.execute(sa.select(table).where(is_row)).mappings().one()
            connection.execute(sa.update(table).where(is_row).values(checksum=checksum(table, row)))
            sealed += 1
    return sealed
