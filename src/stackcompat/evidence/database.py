"""How the database behind the store is opened: SQLite in one file, or PostgreSQL at a URL.

Each change is one transaction. So a stop at any instant, even by ``kill -9``, loses nothing that was finished.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import ExceptionContext

from stackcompat.core.errors import StackcompatError, UsageError
from stackcompat.core.record import Record
from stackcompat.core.text import and_list
from stackcompat.evidence.dialects import add_rows, begin_writing
from stackcompat.evidence.fields import known_fields, unknown_fields
from stackcompat.evidence.sealing import has_unsealed, seal
from stackcompat.evidence.tables import VERSION, VERSION_TABLE, fields, metadata

__all__ = ["Place", "StoreFailed", "exists", "is_file", "is_read_only", "open_database", "place_name", "why_unusable"]

#: Where a store is: the file of a SQLite database, or the URL of a PostgreSQL database.
Place = Path | str

#: The seconds to wait for another process that writes.
_PATIENCE = 60.0

#: The seconds that a thread waits for its turn with a connection: others can wait for another process meanwhile.
_TURN_SECONDS = 1800

#: The seconds to wait until a server takes a connection.
_CONNECT_SECONDS = 20

#: The URLs that are taken, and what they become for SQLAlchemy.
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "postgresql+psycopg": ""}


class StoreFailed(StackcompatError):
    """The database failed in the middle of the work. What was finished before is kept.

    Args:
        sentence: What happened, in one sentence.
        reason: The same in a few words.
    """

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


# ---------------------------------------------------------------------------------------------------------------------
# Places
# ---------------------------------------------------------------------------------------------------------------------


def is_file(place: Place) -> bool:
    """Whether a place is a file of this machine, and no URL of a server."""
    return isinstance(place, Path) or "://" not in place


def is_read_only(place: Place) -> bool:
    """Whether a store is a file that this process can read and not write."""
    path = Path(place)
    return is_file(place) and path.is_file() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def place_name(place: Place) -> str:
    """What messages call a place: its path, or its URL without its user, password and parameters."""
    if is_file(place):
        return str(place)
    scheme = str(place).partition("://")[0]
    try:
        url = sa.make_url(str(place))
    except (sa.exc.ArgumentError, ValueError):
        return f"{scheme}://..."
    # In a URL with signs that should have been written as %XX, the end of a password can look like these.
    host, database = (str(part or "").rpartition("@")[2] for part in (url.host, url.database))
    return f"{scheme}://{host}{f':{url.port}' if url.port else ''}/{database}"


def exists(place: Place) -> bool:
    """Whether a store was made at a place before.

    Raises:
        UsageError: The place is a URL that cannot be opened.
    """
    if is_file(place):
        return Path(place).is_file()
    engine = _engine(place)
    try:
        with _refusing(place), engine.connect() as connection:
            return _version(connection) is not None
    finally:
        engine.dispose()


# ---------------------------------------------------------------------------------------------------------------------
# Opening
# ---------------------------------------------------------------------------------------------------------------------


def open_database(place: Place, records: Iterable[type[Record]], *, dry: bool = False) -> Engine:
    """Open a database. The database of an older version is brought up to date.

    Args:
        place: The file, or the URL. A file that is missing is made, and so is its folder.
        records: The classes of the records that this tool keeps in it.
        dry: Whether nothing will be kept in it, so that nothing is noted in a database of this version.

    Returns:
        An engine whose connections let readers and a writer work at the same time. Where the database fails later, its
        statements raise :class:`StoreFailed`.

    Raises:
        UsageError: It is no such database and cannot become one, or a newer version of this tool has written it.
    """
    engine = _engine(place)
    try:
        with _refusing(place):
            if is_file(place):
                Path(place).parent.mkdir(parents=True, exist_ok=True)
            _bring_up_to_date(engine, place, known_fields(records), dry=dry or is_read_only(place))
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def _refusing(place: Place) -> Iterator[None]:
    """Turn what is wrong with a place into one sentence."""
    try:
        yield
    except (OSError, StoreFailed, sa.exc.DBAPIError) as error:
        reason = error.reason if isinstance(error, StoreFailed) else _reason(error)
        raise UsageError(f"{place_name(place)}: cannot be the store of evidence: {reason}") from None


def _bring_up_to_date(engine: Engine, place: Place, known: frozenset[tuple[str, str]], *, dry: bool) -> None:
    """Make the tables, or bring those of an older version up to date, unless a newer tool was at work.

    What an older tool has written since, without checksums, gets them.

    Args:
        engine: The database.
        place: Its place.
        known: The fields that this tool knows, see :func:`stackcompat.evidence.fields.known_fields`.
        dry: Whether the fields are not noted.
    """
    name = place_name(place)
    with engine.connect() as connection:
        version = _version(connection)
        _refuse_newer(connection, name, version, known)
        complete = version == VERSION and not _lacking_columns(connection)
        if complete and (dry or (known <= _fields_in(connection) and not has_unsealed(connection))):
            return
    with engine.connect() as connection:
        begin_writing(connection, "all")
        version = _version(connection)
        _refuse_newer(connection, name, version, known)
        if version is None:
            metadata.create_all(connection)
            _note_version(connection)
        elif version < VERSION:
            _migrate(connection)
        lacking = _lacking_columns(connection)
        if lacking:
            raise UsageError(f"{name}: cannot be the store of evidence: it lacks {and_list(lacking)}; give another one")
        rows = [{"record": record, "field": field} for record, field in known - _fields_in(connection)]
        add_rows(connection, fields, rows)
        seal(connection)
        connection.commit()


def _version(connection: Connection) -> int | None:
    """The version of the tables; None if the store was not made yet."""
    names = set(sa.inspect(connection).get_table_names())
    versions = []
    if VERSION_TABLE in names:
        table = sa.table(VERSION_TABLE, sa.column("version_num"))
        text = connection.execute(sa.select(table.c.version_num)).scalar_one()
        versions.append(int(text) if str(text).isdigit() else VERSION + 1)
    if connection.dialect.name == "sqlite":
        version = connection.execute(sa.text("PRAGMA user_version")).scalar_one()
        if version or names.intersection(("evidence", "runs", "islands", "frontiers", "charges")):
            versions.append(version)
    return max(versions, default=None)


def _note_version(connection: Connection) -> None:
    """Note in a database that its tables are those of this version."""
    table = sa.Table(VERSION_TABLE, sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True))
    table.create(connection)
    connection.execute(sa.insert(table).values(version_num=f"{VERSION:04}"))
    _note_for_older_tools(connection)


def _note_for_older_tools(connection: Connection) -> None:
    """Note the version where tools look that are older than version 6, so that they leave the store alone."""
    if connection.dialect.name == "sqlite":
        connection.execute(sa.text(f"PRAGMA user_version={VERSION}"))


def _migrate(connection: Connection) -> None:
    """Bring the tables of an older version up to date, in the transaction of the connection."""
    # It takes half a second to import, and hardly any command needs it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    _note_for_older_tools(connection)


def _refuse_newer(connection: Connection, name: str, version: int | None, known: frozenset[tuple[str, str]]) -> None:
    """Refuse a store that a newer version of this tool has written."""
    if version is not None and version > VERSION:
        raise UsageError(
            f"{name}: a newer stackcompat has written this store (its version is {version}, this one reads up to "
            f"{VERSION}); update stackcompat"
        )
    seen = _fields_in(connection) if version == VERSION and sa.inspect(connection).has_table(fields.name) else ()
    unknown = unknown_fields(seen, known)
    if unknown:
        raise UsageError(
            f"{name}: a newer stackcompat has written this store (its records have {and_list(unknown[:3])}, which this "
            "one does not know); update stackcompat"
        )


def _fields_in(connection: Connection) -> frozenset[tuple[str, str]]:
    """The fields that the tools had which wrote to a database."""
    return frozenset((row.record, row.field) for row in connection.execute(sa.select(fields)))


def _lacking_columns(connection: Connection) -> list[str]:
    """The columns that a store has and this database has not, each with its table."""
    found = sa.inspect(connection).get_multi_columns(filter_names=list(metadata.tables))
    there = {(table, column["name"]) for (_, table), columns in found.items() for column in columns}
    return [
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if (table.name, column.name) not in there
    ]


# ---------------------------------------------------------------------------------------------------------------------
# Engines
# ---------------------------------------------------------------------------------------------------------------------


def _engine(place: Place) -> Engine:
    """The engine of a place. It connects later."""
    engine = _sqlite_engine(Path(place)) if is_file(place) else _server_engine(str(place))
    name = place_name(place)

    @sa.event.listens_for(engine, "handle_error")
    def _explain(context: ExceptionContext) -> None:
        if isinstance(context.sqlalchemy_exception, sa.exc.DBAPIError):
            _raise_explained(name, context.sqlalchemy_exception)

    return engine


def _sqlite_engine(path: Path) -> Engine:
    if is_read_only(path):
        reading = _reading_engine(path)
        return _engine_of_copy(reading) if _is_older(reading) else reading
    # As many connections as there are threads: one that waits for another process must not keep others from theirs.
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": _PATIENCE}, max_overflow=-1)

    @sa.event.listens_for(engine, "connect")
    def _durable(connection: sqlite3.Connection, _: object) -> None:
        connection.text_factory = _decoded
        cursor = connection.cursor()
        _log_ahead(cursor)
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    return engine


def _reading_engine(path: Path) -> Engine:
    """The engine of a file that cannot be written. SQLite then cannot make the files beside it that it shares."""
    log = path.with_name(f"{path.name}-wal")
    # Nobody writes, so nothing has to be shared, unless a writer left changes that were not taken over yet.
    alone = "" if log.is_file() and log.stat().st_size else "&immutable=1"
    address = f"{path.absolute().as_uri()}?mode=ro{alone}"
    engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True), poolclass=sa.NullPool)

    @sa.event.listens_for(engine, "connect")
    def _lenient(connection: sqlite3.Connection, _: object) -> None:
        connection.text_factory = _decoded

    return engine


def _is_older(engine: Engine) -> bool:
    """Whether an older version of this tool has written a database, so that it is read after a migration only."""
    with engine.connect() as connection:
        version = _version(connection)
    return version is not None and version < VERSION


def _engine_of_copy(reading: Engine) -> Engine:
    """The engine of a copy of a file that cannot be written. The copy lasts as long as the engine."""
    folder = tempfile.TemporaryDirectory(prefix="stackcompat-")
    path = Path(folder.name, "evidence.sqlite")
    with closing(reading.raw_connection()) as source, closing(sqlite3.connect(path)) as copy:
        source.driver_connection.backup(copy)  # type: ignore[union-attr]  # it is one of sqlite3
    reading.dispose()
    engine = _sqlite_engine(path)
    sa.event.listen(engine, "engine_disposed", lambda _: folder.cleanup())
    return engine


def _decoded(raw: bytes) -> str:
    """The text of a value. One that was damaged is no reason not to read the others: its checksum tells."""
    return raw.decode("utf-8", "replace")


def _server_engine(address: str) -> Engine:
    """The engine of a URL."""
    name = place_name(address)
    scheme = address.partition("://")[0]
    if scheme not in _DRIVERS:
        raise UsageError(
            f"STORE: {name} is neither a file nor a URL that begins with postgresql:// or postgresql+psycopg://"
        )
    try:
        url = sa.make_url(address)
    except (sa.exc.ArgumentError, ValueError):
        raise UsageError(
            f"STORE: {name} is no URL such as postgresql://user:password@host:5432/name; in user and password, "
            "write what is neither a letter nor a digit as %XX"
        ) from None
    if _DRIVERS[scheme]:
        url = url.set(drivername=_DRIVERS[scheme])
    try:
        return sa.create_engine(
            url, pool_pre_ping=True, pool_timeout=_TURN_SECONDS, connect_args={"connect_timeout": _CONNECT_SECONDS}
        )
    except ModuleNotFoundError:
        raise UsageError(
            f"STORE: {name} needs psycopg, which is not installed: pip install 'stackcompat[postgresql]'"
        ) from None


def _raise_explained(name: str, error: sa.exc.DBAPIError) -> NoReturn:
    """Raise what went wrong with a database, in one sentence. What is a mistake of this tool stays as it is."""
    code, state = getattr(error.orig, "sqlite_errorcode", None), getattr(error.orig, "sqlstate", None)
    reason = _reason(error)
    if code == sqlite3.SQLITE_FULL or state == "53100":
        sentence = f"the disk is full for {name}; what was finished is kept, the same command goes on from here"
    elif code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or state in ("XX001", "XX002"):
        sentence = (
            f"{name} is damaged ({reason}); take over a copy of it, or an archive of its evidence, into a new store"
        )
    elif state in ("42501", "25006"):
        sentence = f"{name} cannot be written: {reason}"
    elif isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.InternalError):
        sentence = f"{name} cannot be read or written: {reason}"
    else:
        raise error
    raise StoreFailed(sentence, reason) from None


def _reason(error: BaseException) -> str:
    """What a system or a database says is wrong: the first line of it."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    said = str(error.orig if isinstance(error, sa.exc.DBAPIError) else error)
    return (said.strip().splitlines() or ["it does not say why"])[0]


def _log_ahead(cursor: sqlite3.Cursor) -> None:
    """Turn on write-ahead logging, so that readers and a writer work at the same time.

    SQLite itself does not wait here for another process that turns it on.
    """
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


# ---------------------------------------------------------------------------------------------------------------------
# Looking
# ---------------------------------------------------------------------------------------------------------------------


def why_unusable(place: Place) -> str:
    """Why a database cannot be read or written, in a few words; empty if it can. Nothing is changed.

    Args:
        place: The file, which must be there, or the URL. A database of an older version counts as usable.
    """
    if not is_file(place):
        return _why_server_unusable(str(place))
    try:
        address = f"{Path(place).absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(address, uri=True, timeout=5)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
    except sqlite3.Error as error:
        return str(error)
    return _why_newer(version)


def _why_server_unusable(address: str) -> str:
    version: Any = None
    try:
        engine = _engine(address)
    except UsageError as error:
        return str(error)
    try:
        with engine.connect() as connection:
            version = _version(connection)
            schema = connection.execute(sa.text("SELECT has_schema_privilege(current_schema(), 'CREATE')")).scalar()
    except (StackcompatError, sa.exc.DBAPIError) as error:
        return error.reason if isinstance(error, StoreFailed) else _reason(error)
    finally:
        engine.dispose()
    return _why_newer(version) or ("" if schema or version is not None else "its user may make no tables")


def _why_newer(version: int | None) -> str:
    return f"a newer stackcompat has written it (version {version})" if version and version > VERSION else ""
