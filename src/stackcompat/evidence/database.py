"""The database behind the store: how it is opened.

SQLite in one file. Each change is one transaction, so that a stop at any instant (``kill -9`` included) loses nothing
that was finished.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from stackcompat.core.errors import UsageError
from stackcompat.evidence.tables import VERSION
from stackcompat.evidence.upgrade import bring_up_to_date

__all__ = ["open_database"]

#: Seconds to wait for another process that writes.
_PATIENCE = 60.0


def open_database(path: Path) -> Engine:
    """Open a database; an older one is brought up to date.

    Args:
        path: The file; it is made if it is not there, and its folder too.

    Returns:
        An engine whose connections let readers and a writer work at the same time.

    Raises:
        UsageError: The file cannot be such a database, or a newer version of this tool has written it.
    """
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": _PATIENCE})

    @sa.event.listens_for(engine, "connect")
    def _durable(connection: object, _: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]  # a DBAPI connection has no static type here
        _log_ahead(cursor)
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with engine.begin() as connection:
            version = connection.execute(sa.text("PRAGMA user_version")).scalar_one()
            if version < VERSION:
                bring_up_to_date(connection)
    except (OSError, sa.exc.DBAPIError) as error:
        engine.dispose()
        reason = error.strerror if isinstance(error, OSError) else error.orig
        raise UsageError(f"{path}: cannot be the store of evidence: {reason}") from None
    if version > VERSION:
        engine.dispose()
        raise UsageError(
            f"{path}: a newer stackcompat has written this store (its version is {version}, this one reads up to "
            f"{VERSION}); update stackcompat"
        )
    return engine


def _log_ahead(cursor: sqlite3.Cursor) -> None:
    """Let readers and a writer work at the same time. SQLite does not wait here for a process that does the same."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return
