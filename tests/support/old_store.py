"""Stores as older versions of the tool left them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

#: The tables that have checksums since version 6.
_SEALED = (
    "evidence",
    "outlines",
    "resolutions",
    "runs",
    "latest",
    "closures",
    "surfaces",
    "known_results",
    "known_tests",
)


def make_old(path: Path, version: int, further: str = "") -> None:
    """Take back what later versions did to the tables of a store.

    Args:
        path: The store.
        version: The version, 5 or an earlier one.
        further: Further statements.
    """
    dropped = [f"DROP INDEX {name}_unsealed; ALTER TABLE {name} DROP COLUMN checksum;" for name in _SEALED]
    statements = [*dropped, "DROP TABLE fields; DROP TABLE stackcompat_version;", f"PRAGMA user_version={version};"]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript("\n".join([*statements, further]))
