"""Dropping old runs of matrices, and the evidence that nothing else rests on."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from stackcompat.evidence import tables as db
from stackcompat.evidence.reading import Reader
from stackcompat.evidence.rows import SOME, parts
from stackcompat.evidence.runs import RunRecord

__all__ = ["Pruned", "prune"]

#: What can be the id of evidence in a record.
_ID = re.compile(r'"([0-9a-f]{16})"')


class Pruned(NamedTuple):
    """What is dropped.

    Attributes:
        runs: The number of runs of matrices.
        evidence: The number of runs of locks.
    """

    runs: int
    evidence: int


def prune(
    connection: Connection, reader: Reader, is_kept: Callable[[RunRecord], bool], before: dt.datetime, *, dry: bool
) -> Pruned:
    """Drop runs of matrices, and evidence that is about cells of these runs alone.

    The releases with which tests passed stay known. Evidence stays that is of no run of a matrix, such as that of
    baselines and searches; that a kept record names; or that began at `before` or later. So does what cannot be read.

    Args:
        connection: A connection in a transaction that no other one writes in.
        reader: Reads the rows of runs.
        is_kept: Whether a run of a matrix is kept.
        before: The time.
        dry: Whether nothing is dropped.
    """
    dropped: list[int] = []
    keys: dict[bool, set[str]] = {True: set(), False: set()}
    for id_ in connection.execute(sa.select(db.runs.c.id)).scalars().all():
        row = connection.execute(sa.select(db.runs).where(db.runs.c.id == id_)).mappings().one()
        run = reader.read(db.runs, row, RunRecord)
        if run is not None:
            keys[is_kept(run)] |= run.evidence_keys()
            dropped += [] if is_kept(run) else [id_]
    old = _ids(connection, keys[False] - keys[True], before)
    old -= _named(connection, old)
    if not dry:
        for number in dropped:
            connection.execute(sa.delete(db.runs).where(db.runs.c.id == number))
        for some in parts(old):
            for column in (db.evidence.c.id, db.outlines.c.evidence, db.limits.c.evidence):
                connection.execute(sa.delete(column.table).where(column.in_(some)))
        _drop_results(connection)
    return Pruned(len(dropped), len(old))


def _ids(connection: Connection, keys: Iterable[str], before: dt.datetime) -> set[str]:
    """The ids of the evidence with these keys that began before a moment."""
    found: set[str] = set()
    for some in parts(keys):
        query = sa.select(db.evidence.c.id).where(db.evidence.c.key.in_(some))
        found |= {*connection.execute(query.where(db.evidence.c.started < before.isoformat())).scalars()}
    return found


def _named(connection: Connection, ids: set[str]) -> set[str]:
    """Those of some ids of evidence that other evidence, the results of searches or known results name."""
    named: set[str] = set()
    for owner, text in _texts(connection):
        if owner not in ids:
            named |= ids.intersection(_ID.findall(text)) - {owner}
    return named


def _texts(connection: Connection) -> Iterator[tuple[str, str]]:
    """The texts in which the ids of evidence can stand, each with the id of the evidence that it is of."""
    for row in connection.execute(sa.select(db.evidence.c.id, db.evidence.c.record), execution_options=SOME):
        yield row.id, row.record
    for table in (db.latest, db.known_results):
        found = connection.execute(sa.select(table.c.record), execution_options=SOME)
        yield from (("", text) for text in found.scalars())


def _drop_results(connection: Connection) -> None:
    """Drop the results that no outline names any more."""
    named: set[str] = set()
    for text in connection.execute(sa.select(db.outlines.c.record), execution_options=SOME).scalars():
        named |= {*_ID.findall(text)}
    for some in parts({*connection.execute(sa.select(db.results.c.id)).scalars()} - named):
        connection.execute(sa.delete(db.results).where(db.results.c.id.in_(some)))
