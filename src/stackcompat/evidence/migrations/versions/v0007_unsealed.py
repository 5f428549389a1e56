"""Version 7: an index of the rows without a checksum for each table that has checksums."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_TABLES = (
    *("closures", "evidence", "known_results", "known_tests", "latest", "outlines", "resolutions", "runs"),
    "surfaces",
)


def upgrade() -> None:
    """Make the indexes."""
    condition = sa.text("checksum = ''")
    for name in _TABLES:
        op.create_index(f"{name}_unsealed", name, ["checksum"], sqlite_where=condition, postgresql_where=condition)
