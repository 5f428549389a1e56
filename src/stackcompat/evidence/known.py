"""The results of tests that can hold in other locks than that of the run that showed them, as the store keeps them.

A result is found again by its context, the address of all that its test depends on outside of the environment, and by
the fingerprint of its closure, the address of all inside (:mod:`stackcompat.evidence.reuse`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stackcompat.core.record import Record, digest
from stackcompat.evidence import tables as db
from stackcompat.evidence.closure import Closure, Surface
from stackcompat.evidence.dialects import mend_rows, put_rows
from stackcompat.evidence.reading import Reader, is_whole
from stackcompat.evidence.results import Reused, TestResult
from stackcompat.evidence.rows import SOME

__all__ = [
    "FingerprintOf",
    "KeptResult",
    "KnownResult",
    "KnownTests",
    "Sighting",
    "learn",
    "merge_known",
    "read_surfaces",
    "recall",
    "recall_tests",
]

#: Of each test in a context, the results with so many fingerprints are kept, the newest.
MOST_FINGERPRINTS = 200

#: The most values that one query names. SQLite limits their number.
_MOST_VALUES = 500

#: What the runs with one fingerprint say of a test. ``failed``: it failed once. ``confirmed``: it failed in the same
#: way in two environments. ``unsteady``: the runs contradict each other.
State = Literal["passed", "failed", "confirmed", "not-applicable", "unsteady"]

#: The states in which a result can be reused.
_REUSABLE = ("passed", "confirmed", "not-applicable")

#: Gives the fingerprint of a closure in the lock that is asked about; empty if no result can hold there.
FingerprintOf = Callable[[Closure], str]


class KnownResult(Record):
    """The result of a test that holds in the lock that was asked about.

    Attributes:
        result: The result. It names its source.
        closure: What the test was seen to depend on.
        imports: As in :class:`Sighting`.
    """

    result: TestResult
    closure: Closure
    imports: str = ""


class Sighting(Record):
    """What a run showed of one test, for other locks.

    Attributes:
        context: The address of all that the test depends on outside of the environment.
        imports: The address of the modules whose import the test tries; for a test that a limit keeps from running,
            the name of the test that showed the limit; empty for other tests.
        closure: What the test was seen to depend on inside.
        fingerprint: The fingerprint of the closure in the lock of the run.
        started: When the run began.
        result: The result.
        source: The run that showed it.
    """

    context: str
    imports: str = ""
    closure: Closure
    fingerprint: str
    started: dt.datetime
    result: TestResult
    source: Reused


class KnownTests(Record):
    """The tests that a run collected and ran.

    Attributes:
        context: The address of all that the choice of tests depends on outside of the environment.
        closure: What the choice was seen to depend on inside.
        fingerprint: The fingerprint of the closure in the lock of the run.
        started: When the run began.
        tests: The names of the tests, in the order of their results.
    """

    context: str
    closure: Closure
    fingerprint: str
    started: dt.datetime
    tests: tuple[str, ...]


class KeptResult(Record):
    """The record of a row of `known_results`."""

    result: TestResult
    source: Reused


# ---------------------------------------------------------------------------------------------------------------------
# Writing
# ---------------------------------------------------------------------------------------------------------------------


def learn(
    connection: Connection,
    reader: Reader,
    surfaces: Mapping[str, Surface],
    sightings: Sequence[Sighting],
    tests: KnownTests | None,
    alike: Callable[[TestResult, TestResult], bool],
) -> None:
    """Keep what a run showed for other locks.

    Args:
        connection: The connection, in a transaction that no other process can write in.
        reader: Reads the rows that are there.
        surfaces: The surfaces of the installed distributions, by their ids.
        sightings: What the run showed of each test.
        tests: The tests that the run collected; None if it did not run all of them.
        alike: Whether two failures of a test are the same.
    """
    rows = [{"id": id_, "record": surface.to_json()} for id_, surface in surfaces.items()]
    mend_rows(connection, db.surfaces, rows)
    distinct = dict.fromkeys(sighting.closure for sighting in sightings)
    if tests is not None:
        distinct[tests.closure] = None
    closures = {digest("closure", closure): closure for closure in distinct}
    ids = {closure: id_ for id_, closure in closures.items()}
    mend_rows(connection, db.closures, [{"id": id_, "record": closure.to_json()} for id_, closure in closures.items()])
    before = _rows_of(connection, reader, sightings)
    rows = [_row(one, ids[one.closure], before.get(_key(one)), alike) for one in sightings]
    if rows:
        put_rows(connection, db.known_results, rows)
        _forget(connection, sorted({one.context for one in sightings}))
    if tests is not None:
        row = {
            "context": tests.context,
            "fingerprint": tests.fingerprint,
            "closure": ids[tests.closure],
            "started": tests.started.isoformat(),
            "record": tests.to_json(),
        }
        put_rows(connection, db.known_tests, [row])


_Key = tuple[str, str, str, str]


def _key(sighting: Sighting) -> _Key:
    return sighting.context, sighting.result.test, sighting.imports, sighting.fingerprint


#: What the store says of a test: the state, and the last result.
_Before = tuple[State, KeptResult]


def _rows_of(connection: Connection, reader: Reader, sightings: Sequence[Sighting]) -> dict[_Key, _Before]:
    """What the rows say that some sightings add to."""
    table = db.known_results.c
    query = sa.select(db.known_results)
    found: dict[_Key, _Before] = {}
    contexts = sorted({one.context for one in sightings})
    for fingerprints in _chunks(sorted({one.fingerprint for one in sightings})):
        some = query.where(table.context.in_(contexts), table.fingerprint.in_(fingerprints))
        for row in connection.execute(some).mappings():
            kept = reader.read(db.known_results, row, KeptResult)
            if kept is not None:
                found[row["context"], row["test"], row["imports"], row["fingerprint"]] = (row["state"], kept)
    return found


def _row(
    new: Sighting, closure: str, before: _Before | None, alike: Callable[[TestResult, TestResult], bool]
) -> dict[str, str]:
    """The row of a sighting, with what the row says that was there before."""
    state: State = _state_of(new.result)
    if before is not None:
        earlier_state, earlier = before
        state = _joined(earlier_state, state, alike_failures=alike(earlier.result, new.result))
    source = new.source.model_copy(update={"runs": 2 if state == "confirmed" else 1})
    return {
        "context": new.context,
        "test": new.result.test,
        "imports": new.imports,
        "fingerprint": new.fingerprint,
        "closure": closure,
        "state": state,
        "started": new.started.isoformat(),
        "record": KeptResult(result=new.result, source=source).to_json(),
    }


def _state_of(result: TestResult) -> State:
    match result.outcome:
        case "passed" | "failed" | "not-applicable" as state:
            return state
        case _:
            return "unsteady"


def _joined(before: State, new: State, *, alike_failures: bool) -> State:
    """What several runs say together, by what the earlier ones said and what the new one says.

    Args:
        before: What the earlier runs said.
        new: What the new run says.
        alike_failures: Whether the last of the earlier runs and the new one failed in the same way.
    """
    if new == "failed" and before in ("failed", "confirmed"):
        return "confirmed" if alike_failures else "unsteady"
    return before if before == new else "unsteady"


def _forget(connection: Connection, contexts: Collection[str]) -> None:
    """Drop the oldest results of tests that have more fingerprints than are kept."""
    table = db.known_results.c
    key = (table.context, table.test, table.imports, table.fingerprint)
    for some in _chunks(contexts):
        counted = sa.select(table.context, table.test).where(table.context.in_(some))
        crowded = counted.group_by(table.context, table.test).having(sa.func.count() > MOST_FINGERPRINTS)
        for context, test in connection.execute(crowded).all():
            of_test = sa.select(*key).where(table.context == context, table.test == test)
            in_order = of_test.order_by(table.started.desc(), table.imports, table.fingerprint)
            for row in connection.execute(in_order).all()[MOST_FINGERPRINTS:]:
                is_row = sa.and_(*(column == value for column, value in zip(key, row, strict=True)))
                connection.execute(sa.delete(db.known_results).where(is_row))


# ---------------------------------------------------------------------------------------------------------------------
# Reading
# ---------------------------------------------------------------------------------------------------------------------


def read_surfaces(connection: Connection, reader: Reader, ids: Collection[str]) -> dict[str, Surface]:
    """The surfaces with these ids. Those that are not known are left out."""
    columns = db.surfaces.c
    found = {}
    for some in _chunks(ids):
        for row in connection.execute(sa.select(db.surfaces).where(columns.id.in_(some))).mappings():
            surface = reader.read(db.surfaces, row, Surface)
            if surface is not None:
                found[row["id"]] = surface
    return found


def recall(
    connection: Connection, reader: Reader, contexts: Collection[str], fingerprint_of: FingerprintOf
) -> list[KnownResult]:
    """The results of tests in some contexts that hold in a lock.

    A test can have results with several closures that hold. If they do not all say the same, none of them is given.

    Args:
        connection: The connection.
        reader: Reads the rows.
        contexts: The contexts.
        fingerprint_of: Gives the fingerprint of a closure in the lock.
    """
    table = db.known_results.c
    found: dict[tuple[str, str], list[sa.RowMapping]] = {}
    closures: dict[str, Closure] = {}
    for context in contexts:
        of_context = sa.select(table.closure).where(table.context == context).distinct()
        here = _fingerprints(connection, reader, of_context, fingerprint_of)
        closures |= here
        for fingerprints in _chunks(here):
            query = sa.select(db.known_results).where(table.context == context, table.fingerprint.in_(fingerprints))
            for row in connection.execute(query).mappings():
                found.setdefault((row["test"], row["imports"]), []).append(row)
    known = []
    for (_, imports), rows in found.items():
        newest = max(rows, key=lambda row: str(row["started"]))
        if newest["state"] in _REUSABLE and all(row["state"] == newest["state"] for row in rows):
            kept = reader.read(db.known_results, newest, KeptResult)
            if kept is not None:
                result = kept.result.model_copy(update={"reused": kept.source, "closure": None})
                known.append(KnownResult(result=result, closure=closures[newest["fingerprint"]], imports=imports))
    return known


def recall_tests(
    connection: Connection, reader: Reader, context: str, fingerprint_of: FingerprintOf
) -> KnownTests | None:
    """The tests that are collected in a lock; None if that is not known.

    Args:
        connection: The connection.
        reader: Reads the rows.
        context: The context of the choice of tests.
        fingerprint_of: Gives the fingerprint of a closure in the lock.
    """
    table = db.known_tests.c
    of_context = sa.select(table.closure).where(table.context == context).distinct()
    for fingerprints in _chunks(_fingerprints(connection, reader, of_context, fingerprint_of)):
        query = sa.select(db.known_tests).where(table.context == context, table.fingerprint.in_(fingerprints))
        row = connection.execute(query.order_by(table.started.desc())).mappings().first()
        tests = reader.read(db.known_tests, row, KnownTests) if row is not None else None
        if tests is not None:
            return tests
    return None


def _fingerprints(
    connection: Connection, reader: Reader, closures: sa.Select[Any], fingerprint_of: FingerprintOf
) -> dict[str, Closure]:
    """The closures with the selected ids, by the fingerprints that they have in a lock."""
    query = sa.select(db.closures).where(db.closures.c.id.in_(closures))
    found = {}
    for row in connection.execute(query).mappings().all():
        closure = reader.read(db.closures, row, Closure)
        if closure is not None:
            found[fingerprint_of(closure)] = closure
    found.pop("", None)
    return found


def _chunks(values: Iterable[str]) -> Iterable[list[str]]:
    """Parts of `values`, each small enough for one query."""
    listed = list(values)
    return (listed[first : first + _MOST_VALUES] for first in range(0, len(listed), _MOST_VALUES))


# ---------------------------------------------------------------------------------------------------------------------
# Other stores
# ---------------------------------------------------------------------------------------------------------------------


def merge_known(
    other: Connection, connection: Connection, check: Callable[[sa.Table, db.Row, type[Record]], object]
) -> None:
    """Take over what another store has. Where both have a result for one fingerprint and disagree, none is reused.

    A failure that each store saw once stays a failure that was seen once: both can have it from the same run.

    Args:
        other: A connection to the other store.
        connection: A connection to the store that takes over, in a transaction.
        check: Refuses a row whose record is none of a class.
    """
    addressed: tuple[tuple[sa.Table, type[Record]], ...] = ((db.closures, Closure), (db.surfaces, Surface))
    for table, record in addressed:
        with _rows(other, table) as rows:
            for row in rows:
                check(table, row, record)
                mend_rows(connection, table, [row])
    with _rows(other, db.known_tests) as rows:
        for row in rows:
            check(db.known_tests, row, KnownTests)
            if _whole_row(connection, db.known_tests, row) is None:
                put_rows(connection, db.known_tests, [row])
    with _rows(other, db.known_results) as rows:
        for row in rows:
            check(db.known_results, row, KeptResult)
            here = _whole_row(connection, db.known_results, row)
            joined = row["state"] if here is None else _both(here["state"], row["state"])
            if here is None or (joined == "confirmed" and here["state"] == "failed"):
                put_rows(connection, db.known_results, [row])
            elif joined != here["state"]:
                put_rows(connection, db.known_results, [{**here, "state": joined}])


@contextmanager
def _rows(connection: Connection, table: sa.Table) -> Iterator[sa.MappingResult]:
    """All rows of a table, some in memory at a time."""
    with connection.execute(sa.select(table), execution_options=SOME) as result:
        yield result.mappings()


def _whole_row(connection: Connection, table: sa.Table, row: db.Row) -> sa.RowMapping | None:
    """The row with the key of another one; None if there is none, or if it is damaged."""
    is_same = sa.and_(*(column == row[column.name] for column in table.primary_key))
    here = connection.execute(sa.select(table).where(is_same)).mappings().one_or_none()
    return here if here is not None and is_whole(table, here) else None


def _both(here: State, there: State) -> State:
    """What two stores say together of a test."""
    if {here, there} == {"failed", "confirmed"}:
        return "confirmed"
    return here if here == there else "unsteady"
