"""The store that keeps nothing."""

from __future__ import annotations

import inspect
from pathlib import Path

from stackcompat.core.dates import now
from stackcompat.evidence.read_store import ReadStore
from stackcompat.evidence.shards import PLANS, ShardPlan
from stackcompat.evidence.store import KeptResolution, Store
from support.made_up import history, make_cell, passed, planned, run_of

CELL = planned(make_cell({"alpha": "1.1"}), {"alpha": "1.1"})
RECORD = history().record().model_copy(update={"matrix": "m", "cells": (CELL,)})


def write(store: Store) -> None:
    """Give everything to a store that it can be given."""
    store.add(run_of(CELL, passed("t.py::test", "alpha")))
    store.learn({}, (), None, lambda _, __: True)
    store.keep_resolution("c", KeptResolution(CELL.resolution, "f", now()))
    store.keep(PLANS, ShardPlan(of=2, question="q", record=RECORD))
    store.add_run(RECORD)


def test_nothing_is_kept_where_there_is_no_store(tmp_path: Path) -> None:
    store = ReadStore(tmp_path / "folder" / "evidence.sqlite")
    write(store)
    assert store.runs() == ()
    assert store.size() == 0
    assert store.path == tmp_path / "folder" / "evidence.sqlite"
    store.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_known_is_read_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "evidence.sqlite"
    kept = Store(path)
    kept.add_run(RECORD)
    kept.close()
    before = path.read_bytes()
    store = ReadStore(path)
    write(store)
    assert store.runs() == (RECORD,)
    assert store.size() == 0
    assert store.kept_resolution("c") is None
    store.close()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_every_method_that_writes_is_given_up() -> None:
    """Those of the store that begin a transaction; only the merge of stores is never asked of this one."""
    sources = {name: inspect.getsource(method) for name, method in vars(Store).items() if inspect.isfunction(method)}
    writing = {name for name, source in sources.items() if "self._writing(" in source}
    assert {"add", "merge", "prune"} < writing
    assert writing - {"merge", "prune"} == vars(ReadStore).keys() & writing
