"""Runs migrations on the connection that :mod:`stackcompat.evidence.database` gives. Alembic executes this file."""

from __future__ import annotations

from alembic import context

from stackcompat.evidence.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
context.run_migrations()
