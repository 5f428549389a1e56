"""An archive: what a store knows, in one file that other machines and other tools can read, of Parquet or JSON lines.

In Parquet, each table is a column of structs, and a row has a value in one of these. In JSON lines, each line is an
object with the name of a table and a row of it. A lock is kept once, in the table ``locks``; everything else names it
by its id. Logs and tracebacks are left out. The metadata of the file, or its last line, has, by table, its version, the
number of its rows and the digest of their content. Both formats of the same store have the same digests.

The digests show that a file is whole. They are no signature: they do not show who wrote the file.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from pydantic import create_model

from stackcompat.core.errors import RUN_FIRST, UsageError
from stackcompat.core.record import Kind, Record, digest, read_stored
from stackcompat.evidence import tables as db
from stackcompat.evidence.closure import Closure, Surface
from stackcompat.evidence.columns import Column, column_of
from stackcompat.evidence.fields import known_fields, unknown_fields
from stackcompat.evidence.known import KeptResult, KnownTests
from stackcompat.evidence.results import CellResult, Evidence, Failure
from stackcompat.evidence.runs import RunRecord
from stackcompat.evidence.store import Store
from stackcompat.resolve.lock import Lock, Resolution

__all__ = ["ArchiveSummary", "export_archive", "import_archive", "is_json_lines"]

#: The version of the layout: what is a column, and what the metadata has.
LAYOUT = 1

#: The key of the metadata in the file.
_KEY = b"stackcompat"

#: The fields that are left out: what a person reads in them is long, and no verdict rests on it.
_LEFT_OUT: frozenset[tuple[type[Record], str]] = frozenset({(CellResult, "log"), (Failure, "traceback")})

#: How many records are made into columns, or back into records, at once.
_CHUNK = 50

#: A row group is written when its columns take so many bytes of memory.
_ROW_GROUP_BYTES = 128 * 2**20

#: The most bytes of a dictionary of distinct values. The hashes of all files of a night must have room in one.
_DICTIONARY_BYTES = 32 * 2**20


def is_json_lines(name: str) -> bool:
    """Whether an archive with this name is JSON lines, compressed or not."""
    return name.endswith((".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz"))


class ArchiveSummary(NamedTuple):
    """What an archive has.

    Attributes:
        rows: The number of rows of each table.
        digest: The digest of the content. Stores that know the same have archives with the same digest.
    """

    rows: dict[str, int]
    digest: str


# ---------------------------------------------------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------------------------------------------------


class _Table(NamedTuple):
    """A table of the archive.

    Attributes:
        name: Its name, which is also that of its column.
        version: Its version. A change that an older tool would misread adds one; a new field with a default does not.
        record: The class of its records.
        read: Gives the records that a store has, in an order that depends on their content alone.
        keep: Keeps records in a store.
        address: Gives the content address of a record, from the record and from its row. It is kept in the field ``id``
            and checked. None where records have none.
    """

    name: str
    version: int
    record: type[Record]
    read: Callable[[Store], Iterable[Any]]
    keep: Callable[[Store, Sequence[Any]], None]
    address: Callable[[Any, Mapping[str, Any]], str] | None = None


def _tables(kinds: Iterable[Kind[Any]]) -> tuple[_Table, ...]:
    """The tables of an archive, but the locks. The releases with which tests passed follow from the evidence."""
    return (
        _Table("evidence", 1, Evidence, Store.every_evidence, _each(Store.add), lambda run, _: str(run.id)),
        _rows_of(db.surfaces, 1, Surface),
        _rows_of(db.closures, 1, Closure),
        _rows_of(db.known_results, 1, KeptResult),
        _rows_of(db.known_tests, 1, KnownTests),
        _rows_of(db.resolutions, 1, Resolution),
        _Table("runs", 1, RunRecord, Store.every_run, _each(Store.add_run)),
        *map(_table_of, kinds),
    )


def _each(keep: Callable[[Store, Any], None]) -> Callable[[Store, Sequence[Any]], None]:
    """Keeps records one by one."""

    def keep_all(store: Store, records: Sequence[Any]) -> None:
        for record in records:
            keep(store, record)

    return keep_all


def _table_of(kind: Kind[Any]) -> _Table:
    """The table of the kept records of a kind."""
    keep = _each(lambda store, record: store.keep(kind, record))
    return _Table(kind.name, 1, kind.record, lambda store: store.kept(kind), keep)


def _rows_of(table: sa.Table, version: int, record: type[Record]) -> _Table:
    """The table of the rows that a table of the store has, as they are.

    Args:
        table: The table of the store. Its columns hold texts and whole numbers, and ``record`` a record as JSON.
        version: The version of its rows in an archive.
        record: The class of these records.
    """
    named = {column.name: column for column in table.columns if column.name != "checksum"}
    fields: dict[str, Any] = {name: (column.type.python_type, ...) for name, column in named.items()}
    row_class: type[Record] = create_model(
        f"Row of {table.name}", __base__=Record, **fields | {"record": (record, ...)}
    )

    def read(store: Store) -> Iterator[Record]:
        for row, held in store.every_row(table, record):
            yield row_class.model_validate({name: row[name] for name in named} | {"record": held})

    def keep(store: Store, rows: Sequence[Any]) -> None:
        store.put(table, [{**dict(row), "record": row.record.to_json()} for row in rows])

    return _Table(table.name, version, row_class, read, keep)


def _address_of_lock(_: Record, row: Mapping[str, Any]) -> str:
    """The content address of a lock: of all its fields, while :attr:`Lock.id` leaves out the sources of pins."""
    return digest({name: value for name, value in row.items() if name != "id"}, length=32)


#: The locks that other records name. They are found in these and kept with them.
_LOCKS = _Table("locks", 1, Lock, lambda _: (), _each(lambda _, __: None), _address_of_lock)


def _column(table: _Table, instead: Mapping[type[Record], Column]) -> Column:
    """The column of a table: a struct of the id, if its records have one, and of the fields.

    Args:
        table: The table.
        instead: By class of records, a column that stands for such records.
    """
    held, address = column_of(table.record, instead, _LEFT_OUT), table.address
    if address is None:
        return held

    def encode(record: Record) -> dict[str, Any]:
        row: dict[str, Any] = held.encode(record)
        return {"id": address(record, row), **row}

    return held._replace(type=pa.struct([pa.field("id", pa.string()), *held.type]), encode=encode)


# ---------------------------------------------------------------------------------------------------------------------
# Metadata
# ---------------------------------------------------------------------------------------------------------------------


class _TableHeader(Record):
    """What the metadata says of a table."""

    version: int
    rows: int
    digest: str


class _Header(Record):
    """The metadata of an archive.

    Attributes:
        layout: The version of the layout.
        components: The components of the project, by which another project's archive is told.
        tables: The tables by name.
        fields: The fields that the records of the tool had which wrote it, such as ``Evidence.outcome``. An older tool
            would lose those that it lacks. Empty if a tool wrote it that did not say so yet.
    """

    layout: int
    components: tuple[str, ...]
    tables: dict[str, _TableHeader]
    fields: tuple[str, ...] = ()

    def summary(self) -> ArchiveSummary:
        """The number of rows of each table, and the digest of all."""
        content = {name: [table.version, table.digest] for name, table in self.tables.items()}
        return ArchiveSummary({name: table.rows for name, table in self.tables.items()}, digest(content))


class _Content:
    """The number and the digest of the rows of a table, as they come."""

    def __init__(self) -> None:
        self._rows = 0
        self._hash = hashlib.sha256()

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows, as the file holds them."""
        self._rows += len(rows)
        for row in rows:
            self._hash.update(json.dumps(row, sort_keys=True, separators=(",", ":")).encode() + b"\n")

    def header(self, version: int) -> _TableHeader:
        """The header of the table with this version."""
        return _TableHeader(version=version, rows=self._rows, digest=self._hash.hexdigest())


# ---------------------------------------------------------------------------------------------------------------------
# Export
# ---------------------------------------------------------------------------------------------------------------------


def export_archive(store: Store, path: Path, kinds: Iterable[Kind[Any]], components: Iterable[str]) -> ArchiveSummary:
    """Write everything that a store knows into an archive: JSON lines if its name says so, else Parquet.

    Args:
        store: The store.
        path: The file. One that is there is replaced once the new one is complete.
        kinds: The kinds of further records to take along.
        components: The names of the project's components.

    Raises:
        UsageError: The file cannot be written, or the store knows nothing.
    """
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with unfinished.open("wb") as file:
            header = _write(store, file, path.name, _tables(kinds), tuple(sorted(components)))
        if not any(table.rows for table in header.tables.values()):
            raise UsageError(f"STORE: {store.name}: holds no run yet; {RUN_FIRST}")
        unfinished.replace(path)
    except OSError as error:
        raise UsageError(f"FILE: {path} cannot be written: {error.strerror or error}") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return header.summary()


def _write(store: Store, file: IO[bytes], name: str, tables: Sequence[_Table], components: tuple[str, ...]) -> _Header:
    """Write an archive with this name into a file that is open."""
    locks = _LocksFound()
    columns = {table.name: _column(table, {Lock: locks.reference}) for table in tables} | {_LOCKS.name: locks.column}
    contents = {name: _Content() for name in columns}
    schema = pa.schema([pa.field(name, column.type) for name, column in columns.items()])
    with closing(_Lines(file, name) if is_json_lines(name) else _RowGroups(file, schema)) as sink:

        def put(name: str, rows: Sequence[Mapping[str, Any]]) -> None:
            contents[name].add(rows)
            sink.add(name, rows)

        for table in tables:
            for records in _chunks(table.read(store)):
                put(table.name, [columns[table.name].encode(record) for record in records])
                if new := locks.take():
                    put(_LOCKS.name, new)
        headers = {table.name: contents[table.name].header(table.version) for table in (*tables, _LOCKS)}
        header = _Header(layout=LAYOUT, components=components, tables=headers, fields=_fields_of(tables))
        sink.finish(header)
    return header


class _LocksFound:
    """The locks of the records that are written, each once.

    Attributes:
        column: The column of the locks.
        reference: The column that stands for a lock elsewhere: its id.
    """

    def __init__(self) -> None:
        self.column = _column(_LOCKS, {})
        self.reference = Column(pa.string(), self._refer, str)
        self._known: dict[bytes, str] = {}
        self._new: list[dict[str, Any]] = []

    def _refer(self, lock: Lock) -> str:
        # Most locks come again and again, and their JSON is made many times faster than their row.
        text = hashlib.sha256(lock.to_json().encode()).digest()
        if text not in self._known:
            row = self.column.encode(lock)
            self._known[text] = row["id"]
            self._new.append(row)
        return self._known[text]

    def take(self) -> list[dict[str, Any]]:
        """The locks that were found since the last time."""
        new, self._new = self._new, []
        return new


class _Lines:
    """Writes JSON lines.

    Args:
        file: The file.
        name: Its name, which says whether it is compressed.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._compressed = gzip.GzipFile("", "wb", fileobj=file, mtime=0) if name.endswith(".gz") else None
        self._write: Callable[[bytes], int] = file.write if self._compressed is None else self._compressed.write

    def add(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows of the table `name`."""
        for row in rows:
            self._write(json.dumps({name: row}, separators=(",", ":")).encode() + b"\n")

    def finish(self, header: _Header) -> None:
        """Add the header."""
        self._write(json.dumps({_KEY.decode(): json.loads(header.to_json())}).encode() + b"\n")

    def close(self) -> None:
        """Write what is still to be written."""
        if self._compressed is not None:
            self._compressed.close()


class _RowGroups:
    """Writes Parquet. It collects rows until they are worth a row group, which has an overhead for each column.

    Args:
        file: The file.
        schema: The columns.
    """

    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        settings = {"compression": "zstd", "compression_level": 9, "dictionary_pagesize_limit": _DICTIONARY_BYTES}
        self._writer = pq.ParquetWriter(file, schema, **settings)
        self._schema = schema
        self._batches: list[pa.RecordBatch] = []
        self._bytes = 0

    def add(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows of the table `name`."""
        held = pa.array(rows, self._schema.field(name).type)
        arrays = [held if field.name == name else pa.nulls(len(rows), field.type) for field in self._schema]
        self._batches.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._bytes += held.nbytes
        if self._bytes > _ROW_GROUP_BYTES:
            self._write()

    def finish(self, header: _Header) -> None:
        """Add the header."""
        self._write()
        self._writer.add_key_value_metadata({_KEY: header.to_json()})

    def close(self) -> None:
        """Write what is still to be written."""
        self._writer.close()

    def _write(self) -> None:
        """Write what was collected."""
        if self._batches:
            table = pa.Table.from_batches(self._batches)
            self._writer.write_table(table, row_group_size=len(table))
        self._batches, self._bytes = [], 0


def _chunks(records: Iterable[Any]) -> Iterator[list[Any]]:
    """The records in lists of at most `_CHUNK`."""
    chunk: list[Any] = []
    for record in records:
        chunk.append(record)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


# ---------------------------------------------------------------------------------------------------------------------
# Import
# ---------------------------------------------------------------------------------------------------------------------


#: What reading raises of a file that is damaged.
_DAMAGED = (pa.ArrowException, OSError, EOFError, zlib.error)


class _NotTrusted(Exception):
    """Why an archive is not taken over."""


def import_archive(
    path: Path, name: str, store: Store, kinds: Sequence[Kind[Any]], components: Iterable[str]
) -> ArchiveSummary:
    """Take over everything that an archive has, as :meth:`~stackcompat.evidence.store.Store.merge` does.

    Importing an archive again changes nothing, and neither does the order of several. What the store has with its log
    and its tracebacks stays as it is.

    Args:
        path: The file.
        name: What messages call it: its path or its address.
        store: The store that takes it over.
        kinds: The kinds of further records that can be in it.
        components: The names of the project's components.

    Raises:
        UsageError: The archive cannot be trusted: it is damaged, a newer stackcompat has written it, or it is of
            another project. Then nothing was taken over.
    """
    tables = _tables(kinds)
    with tempfile.TemporaryDirectory(prefix="stackcompat-") as folder, closing(Store(Path(folder, "archive"))) as other:
        with _refusing(name), closing(_open(path)) as file:
            header = _read_header(file)
            _refuse_newer(header, tables)
            _refuse_other_project(header, frozenset(components))
            _read_tables(file, header, other, tables)
        other.name = name  # what a message about a record that the merge refuses calls it
        store.merge([other], kinds)
    return header.summary()


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Turn what is wrong with the archive `name` into one sentence."""
    try:
        yield
    except _NotTrusted as error:
        raise UsageError(f"FILE: {name}: {error}; nothing was taken over") from None
    # What is not laid out as an archive is, such as a file that lacks a column, fails in one of the last ways.
    except (
        pa.ArrowException,
        OSError,
        EOFError,
        zlib.error,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        reason = " ".join(str(error).split())[:160]
        raise UsageError(
            f"FILE: {name}: is damaged or no archive of evidence ({reason}), so get it again; nothing was taken over"
        ) from None


class _ParquetRows:
    """Reads Parquet."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path)

    def header(self) -> str | None:
        """The header; None if the file has none."""
        text = (self._file.metadata.metadata or {}).get(_KEY)
        return None if text is None else text.decode()

    def rows(self, name: str) -> Iterator[list[dict[str, Any]]]:
        """The rows of a table, in lists."""
        for number in range(self._file.num_row_groups):
            held = self._file.read_row_group(number, columns=[name]).column(0).drop_null()
            for start in range(0, len(held), _CHUNK):
                yield held.slice(start, _CHUNK).to_pylist()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _LinesOfFile:
    """Reads JSON lines. Each table is found by reading all lines, so that few rows are in memory at once."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            is_compressed = file.read(2) == _GZIP
        self._file: gzip.GzipFile | io.BufferedReader = gzip.open(path, "rb") if is_compressed else path.open("rb")  # noqa: SIM115  (is closed)

    def header(self) -> str | None:
        """The header; None if the file has none."""
        for row in self._rows(_KEY.decode()):
            return json.dumps(row)
        return None

    def rows(self, name: str) -> Iterator[list[dict[str, Any]]]:
        """The rows of a table, in lists."""
        yield from _chunks(self._rows(name))

    def _rows(self, name: str) -> Iterator[dict[str, Any]]:
        self._file.seek(0)
        begin = f'{{"{name}":'.encode()
        while line := self._file.readline(_LINE_BYTES):
            if len(line) == _LINE_BYTES:
                raise ValueError(f"a line is longer than {_LINE_BYTES // 2**20} MiB")
            if line.startswith(begin):
                yield json.loads(line)[name]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


#: The most bytes of a line, unpacked. A record has some kilobytes.
_LINE_BYTES = 64 * 2**20


#: How a compressed file begins.
_GZIP = b"\x1f\x8b"


def _open(path: Path) -> _ParquetRows | _LinesOfFile:
    """An archive, which is JSON lines if it begins like that."""
    with path.open("rb") as file:
        start = file.read(4)
    return _LinesOfFile(path) if start[:2] == _GZIP or start[:1] == b"{" else _ParquetRows(path)


def _read_header(file: _ParquetRows | _LinesOfFile) -> _Header:
    text = file.header()
    if text is None:
        raise _NotTrusted("is no archive of evidence, so give a file that stackcompat evidence export has written")
    return read_stored(_Header, text)


def _fields_of(tables: Sequence[_Table]) -> tuple[str, ...]:
    """The fields of the records in all tables, each with its class."""
    known = known_fields(table.record for table in (*tables, _LOCKS))
    return tuple(sorted(f"{record}.{field}" for record, field in known))


def _refuse_newer(header: _Header, tables: Sequence[_Table]) -> None:
    """Refuse an archive with a layout, with tables or with fields that only a newer version of this tool can read."""
    versions = {table.name: table.version for table in (*tables, _LOCKS)}
    newer = [f"its {name}" for name, table in header.tables.items() if table.version > versions.get(name, 0)]
    seen = [(record, field) for record, _, field in (text.partition(".") for text in header.fields)]
    newer += unknown_fields(seen, known_fields(table.record for table in (*tables, _LOCKS)))
    if header.layout > LAYOUT or newer:
        what = newer[0] if newer else "its layout"
        raise _NotTrusted(f"a newer stackcompat has written {what}, so update stackcompat")


def _refuse_other_project(header: _Header, components: frozenset[str]) -> None:
    """Refuse an archive that shares less than half of its components, or of those here, whichever are fewer."""
    shared = len(components.intersection(header.components))
    if 2 * shared < min(len(components), len(header.components)):
        raise _NotTrusted(
            f"is of another project, since matrices/components.toml has {shared} of its {len(header.components)} "
            "components, so give an archive of this project"
        )


def _read_tables(file: _ParquetRows | _LinesOfFile, header: _Header, store: Store, tables: Iterable[_Table]) -> None:
    """Keep the records of all tables in a store that is thrown away if one of them is refused."""
    locks: dict[str, Any] = {}

    def lock_of(address: str) -> Any:
        if address not in locks:
            raise _NotTrusted(f"its lock {address} is missing, so export it again")
        return locks[address]

    for rows in _read_table(file, _LOCKS, _column(_LOCKS, {}), header):
        locks |= rows
    reference = Column(pa.string(), str, lock_of)
    for table in tables:
        if table.name in header.tables:
            for rows in _read_table(file, table, _column(table, {Lock: reference}), header):
                table.keep(store, [record for _, record in rows])


def _read_table(
    file: _ParquetRows | _LinesOfFile, table: _Table, column: Column, header: _Header
) -> Iterator[list[tuple[str, Record]]]:
    """The records of a table in lists, each with its id, which is empty where records have none.

    The digest of the table can only be compared after the last record.

    Raises:
        _NotTrusted: The table is not as the header says, or a record has another content address than it should.
        ValueError: A record cannot be read.
    """
    content, expected = _Content(), header.tables[table.name]
    for rows in file.rows(table.name):
        content.add(rows)
        records = [table.record.model_validate(column.decode(row), extra="ignore") for row in rows]
        for record, row in zip(records, rows, strict=True):
            if table.address is not None and table.address(record, row) != row["id"]:
                raise _NotTrusted(f"the id {row['id']} of its {table.name} is that of another record, so get it again")
        yield [(row.get("id", ""), record) for record, row in zip(records, rows, strict=True)]
    if content.header(expected.version) != expected:
        raise _NotTrusted(f"its {table.name} are not those that it was written with, so get it again")
