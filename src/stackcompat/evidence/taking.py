"""Taking over what other stores have: everything is checked first, and all of it is one transaction."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple, NoReturn

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from stackcompat.core.errors import UsageError
from stackcompat.core.record import Record, RecordType, read_stored
from stackcompat.evidence import known
from stackcompat.evidence import tables as db
from stackcompat.evidence.dialects import add_rows, put_rows
from stackcompat.evidence.reading import Reader, check_row, is_whole, reason_of
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.rows import is_row_of, keep_later, newest_first, parts, put_run, row_of_run, rows_of
from stackcompat.evidence.runs import RunRecord
from stackcompat.evidence.shards import ONE_NIGHT, belong_together, is_partial, join_shards, missing_shards
from stackcompat.resolve.lock import Resolution

__all__ = ["Source", "take_everything"]

#: The fields of results that an archive leaves out. Two records that differ in these alone are of the same run.
_LEFT_OUT = ("log", "traceback")


class Source(NamedTuple):
    """A store that is taken over.

    Attributes:
        name: What messages call it.
        engine: Its database.
    """

    name: str
    engine: Engine


def take_everything(
    connection: Connection, sources: Sequence[Source], readers: Mapping[str, type[Record]], reader: Reader
) -> tuple[str, ...]:
    """Take over all that other stores have; see :meth:`stackcompat.evidence.store.Store.merge`.

    Args:
        connection: A connection to the store that takes over, in a transaction that no other one writes in.
        sources: The other stores.
        readers: The classes of the records in `latest`, by their kind.
        reader: Reads the rows of the store that takes over.

    Returns:
        The shards that are missing, such as ``nightly 2/4``.

    Raises:
        UsageError: Something is refused. The transaction must then be given up.
    """
    runs = [_runs_of(source) for source in sources]
    _refuse_other_plans(sources, runs)
    for source, new in zip(sources, runs, strict=True):
        for run in new:
            _refuse_other_project(run, source.name, connection, reader)
        _take_evidence(source, connection, reader)
        _take_latest(source, connection, db.resolutions, lambda _: Resolution)
        _take_latest(source, connection, db.latest, lambda row: readers.get(row["kind"]))
        with source.engine.connect() as other:
            known.merge_known(other, connection, partial(_checked, source.name))
    return _take_runs([run for new in runs for run in new], connection, reader)


# ---------------------------------------------------------------------------------------------------------------------
# Checking
# ---------------------------------------------------------------------------------------------------------------------


def _checked(name: str, table: sa.Table, row: db.Row, record: type[RecordType]) -> RecordType:
    """The record of a row of another store.

    Args:
        name: What messages call the other store.
        table: The table of the row.
        row: The row.
        record: The class of the record.

    Raises:
        UsageError: It is damaged, or was changed by other means than this tool.
    """
    try:
        check_row(table, row)
        return read_stored(record, row["record"])
    except ValueError as error:
        _refuse(name, record.__name__, error)


def _refuse(name: str, what: str, error: ValueError) -> NoReturn:
    raise UsageError(
        f"STORE: {name}: a {what} in it cannot be read ({reason_of(error)}), so nothing was taken over; leave this "
        "store out, or merge it with the stackcompat that wrote it"
    ) from None


# ---------------------------------------------------------------------------------------------------------------------
# Evidence
# ---------------------------------------------------------------------------------------------------------------------


def _take_evidence(source: Source, connection: Connection, reader: Reader) -> None:
    """Take over the evidence of another store, and what it adds up to.

    Outlines and limits are made anew, so that they fit the records. The releases with which tests passed are copied
    too: a store keeps them when it drops old evidence.
    """
    columns = (db.evidence.c.id, db.evidence.c.checksum)
    here = {row.id: row.checksum for row in connection.execute(sa.select(*columns))}
    with source.engine.connect() as other:
        there = {row.id: row.checksum for row in other.execute(sa.select(*columns))}
        greens = [dict(row) for row in other.execute(sa.select(db.greens)).mappings()]
    differing = {id_ for id_, sum_ in there.items() if here.get(id_) != sum_}
    same = there.keys() - differing
    with source.engine.connect() as other:
        if _damaged(other, same):
            _refuse(source.name, "Evidence", ValueError("it is not as it was written"))
    differing |= _damaged(connection, same)
    with closing(_rows_with_id(source, db.evidence, differing)) as rows:
        for row in rows:
            _take_run_of_lock(source.name, row, connection, reader)
    add_rows(connection, db.greens, greens)


def _damaged(connection: Connection, ids: Iterable[str]) -> set[str]:
    """Those of the rows of evidence with these ids that are not as they were written."""
    found = set()
    for some in parts(ids):
        for row in connection.execute(sa.select(db.evidence).where(db.evidence.c.id.in_(some))).mappings():
            if not is_whole(db.evidence, row):
                found.add(str(row["id"]))
    return found


def _take_run_of_lock(name: str, row: db.Row, connection: Connection, reader: Reader) -> None:
    """Take over a row of evidence that is new here, or has another checksum than here."""
    evidence, text = _checked_evidence(name, row), str(row["record"])
    query = sa.select(db.evidence).where(db.evidence.c.id == evidence.id)
    here = connection.execute(query).mappings().one_or_none()
    kept = reader.read(db.evidence, here, Evidence) if here is not None else None
    if here is not None and kept is not None:
        if _without(kept.model_dump()) != _without(evidence.model_dump()):
            raise UsageError(
                f"STORE: {name}: its evidence {evidence.id} of {evidence.started:%Y-%m-%d %H:%M} UTC says something "
                "else than here, so one of the two was changed and nothing was taken over; leave this store out, or "
                "find out which one is right"
            )
        if (len(text), text) < (len(here["record"]), here["record"]):
            return
    for table, rows in rows_of(evidence, text).items():
        put = put_rows if table in (db.evidence, db.outlines) else add_rows
        put(connection, table, rows)


def _rows_with_id(source: Source, table: sa.Table, ids: Iterable[str]) -> Generator[sa.RowMapping]:
    """The rows of another store with these ids, some in memory at a time."""
    with source.engine.connect().execution_options(yield_per=10) as other:
        for some in parts(ids):
            with other.execute(sa.select(table).where(table.c.id.in_(some))) as result:
                yield from result.mappings()


def _checked_evidence(name: str, row: db.Row) -> Evidence:
    """The evidence of a row of another store. Raises UsageError if it cannot be used."""
    evidence = _checked(name, db.evidence, row, Evidence)
    if (evidence.id, evidence.key) != (row["id"], row["key"]):
        _refuse(name, "Evidence", ValueError("its id is that of another record"))
    return evidence


def _without(value: Any) -> Any:
    """The fields of a record without those that archives leave out."""
    if isinstance(value, dict):
        return {name: _without(held) for name, held in value.items() if name not in _LEFT_OUT}
    return [_without(held) for held in value] if isinstance(value, tuple | list) else value


# ---------------------------------------------------------------------------------------------------------------------
# Records of which the latest counts
# ---------------------------------------------------------------------------------------------------------------------


def _take_latest(source: Source, connection: Connection, table: sa.Table, record_type: Any) -> None:
    """Take over the rows of `resolutions` or `latest`. `record_type` gives the class of a row's record, or None."""
    with (
        source.engine.connect().execution_options(yield_per=10) as other,
        other.execute(sa.select(table)) as result,
    ):
        for row in result.mappings():
            record = record_type(row)
            if record is not None:
                _checked(source.name, table, row, record)
            else:
                try:
                    check_row(table, row)
                except ValueError as error:
                    _refuse(source.name, "record", error)
            keep_later(connection, table, row, fuller=True)


# ---------------------------------------------------------------------------------------------------------------------
# Executions
# ---------------------------------------------------------------------------------------------------------------------


def _runs_of(source: Source) -> list[RunRecord]:
    """All executions in another store."""
    with source.engine.connect() as other:
        rows = other.execute(sa.select(db.runs)).mappings().all()
    return [_checked(source.name, db.runs, row, RunRecord) for row in rows]


def _refuse_other_plans(sources: Sequence[Source], runs: Sequence[Sequence[RunRecord]]) -> None:
    """Refuse stores whose newest shards of a matrix are of different plans: they are no parts of one execution."""
    newest: dict[str, tuple[RunRecord, str]] = {}
    for source, held in zip(sources, runs, strict=True):
        for matrix, run in sorted(_newest_shards(held).items()):
            first, name = newest.setdefault(matrix, (run, source.name))
            if run.plan != first.plan or (run.plan and not belong_together(first, run)):
                raise UsageError(
                    f"STORE: {source.name}: its {matrix} {run.shard} of {run.started:%Y-%m-%d %H:%M} UTC is of another "
                    f"plan than the {matrix} {first.shard} of {name}, so nothing was taken over; leave one of the two "
                    "out, and merge the shards of one plan"
                )


def _newest_shards(runs: Iterable[RunRecord]) -> dict[str, RunRecord]:
    """The newest shard of each matrix that was not joined yet."""
    found: dict[str, RunRecord] = {}
    for run in runs:
        if run.shard and (run.matrix not in found or run.started > found[run.matrix].started):
            found[run.matrix] = run
    return found


def _refuse_other_project(run: RunRecord, name: str, connection: Connection, reader: Reader) -> None:
    """Refuse an execution whose matrix has the name of one here, but is that of another project.

    A matrix changes from time to time. It counts as another project's if its title is another one and if it shares less
    than half of the components.
    """
    rows = connection.execute(newest_first(run.matrix).limit(1)).mappings().all()
    for last in (reader.read(db.runs, row, RunRecord) for row in rows):
        if last is None:
            continue
        shared = set(last.components) & set(run.components)
        if run.title != last.title and 2 * len(shared) < len({*last.components, *run.components}):
            raise UsageError(
                f'STORE: {name}: its {run.matrix} ("{run.title}") is a matrix of another project than the {run.matrix} '
                f'here ("{last.title}"), so nothing was taken over; merge it into a store of its own'
            )


def _take_runs(runs: Sequence[RunRecord], connection: Connection, reader: Reader) -> tuple[str, ...]:
    """Add executions of other stores to those that are here. Returns the shards that are still missing."""
    partial_runs = [run for run in runs if is_partial(run)]
    here = _partial_runs_near(partial_runs, connection, reader)
    for run in here:
        connection.execute(sa.delete(db.runs).where(is_row_of(run)))
    for run in join_shards([*here, *runs]):
        if _goes_further(run, connection, reader):
            put_run(connection, run)
    return missing_shards([*here, *partial_runs])


def _goes_further(run: RunRecord, connection: Connection, reader: Reader) -> bool:
    """Whether an execution is new here, or went on since the record of it here was made. Then it has more cells."""
    new, table = row_of_run(run), db.runs.c
    query = sa.select(db.runs).where(table.matrix == new["matrix"], table.started == new["started"])
    here = {row["part"]: row for row in connection.execute(query).mappings()}
    kept = here.get(new["part"])
    if kept is None:
        return not any(is_whole(db.runs, row) for row in here.values())
    if not is_whole(db.runs, kept):
        return True
    if kept["record"] == new["record"]:
        return False
    record = reader.read(db.runs, kept, RunRecord)
    if record is None:
        return True
    rank = (len(run.cells), len(new["record"]), new["record"])
    return rank > (len(record.cells), len(kept["record"]), kept["record"])


def _partial_runs_near(partial_runs: Sequence[RunRecord], connection: Connection, reader: Reader) -> list[RunRecord]:
    """The executions here, joined from shards or not, to which some of the records of shards can belong."""
    table = db.runs.c
    found: dict[int, RunRecord] = {}
    for run in partial_runs:
        began = run.planned or run.started
        query = sa.select(db.runs).where(
            table.matrix == run.matrix,
            table.part != "",
            table.started >= (began - ONE_NIGHT).isoformat(),
            table.started <= (run.started + ONE_NIGHT).isoformat(),
            table.id.not_in(found),
        )
        for row in connection.execute(query).mappings():
            kept = reader.read(db.runs, row, RunRecord)
            if kept is not None:
                found[row["id"]] = kept
    return list(found.values())
