"""The store keeps what it was given, whoever else writes and however it ends."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackcompat.blame.culprit import Culprit, SearchResult
from stackcompat.blame.diagnosis import DIAGNOSES, Diagnosis
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.store import Store
from stackcompat.frontier.frontier import FRONTIERS, StoredFrontier
from stackcompat.frontier.search import explore
from stackcompat.resolve.islands import ISLANDS
from stackcompat.resolve.lock import Resolution
from stackcompat.verdict.verdict import judge
from support.islands_world import IslandsWorld
from support.made_up import NEWEST, NOW, failed, history, make_cell, passed, planned, run_of
from support.planted import Planted, chart_of, stairs, table

CELL = planned(make_cell(NEWEST), NEWEST)
OTHER = planned(make_cell({"alpha": "1.0.0"}), {"alpha": "1.0.0"})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "new folder" / "evidence.sqlite")
    yield store
    store.close()


def test_what_is_added_is_found_oldest_first(store: Store) -> None:
    first, second = run_of(CELL, failed("a")), run_of(CELL, passed("a"), attempt=1)
    store.add(second)
    store.add(first)
    store.add(run_of(OTHER, passed("a")))
    assert store.of_key(CELL.key) == (first, second)
    assert store.of_keys([CELL.key, "unknown"]) == {CELL.key: (first, second)}
    assert store.of_key("unknown") == ()


def test_adding_twice_is_adding_once(store: Store) -> None:
    run = run_of(CELL, passed("a"))
    store.add(run)
    store.add(run)
    assert store.of_key(CELL.key) == (run,)


def test_many_keys_at_once(store: Store) -> None:
    store.add(run_of(CELL, passed("a")))
    assert list(store.of_keys([f"{number}" for number in range(5000)] + [CELL.key])) == [CELL.key]


def test_a_resolution_is_known_while_the_index_looks_the_same(store: Store) -> None:
    assert store.resolution("cell", "index") is None
    assert store.any_resolution("cell") is None
    store.keep_resolution("cell", "index", CELL.resolution)
    assert store.resolution("cell", "index") == CELL.resolution
    assert store.resolution("cell", "another index") is None
    assert store.resolution("another cell", "index") is None
    later = Resolution(outcome="failed", detail="x")
    store.keep_resolution("cell", "another index", later)
    assert store.resolution("cell", "index") is None
    assert store.any_resolution("cell") == later


def test_the_newest_run_of_each_matrix(store: Store) -> None:
    record = history().record()
    store.add_run(record.model_copy(update={"title": "old"}))
    store.add_run(record.model_copy(update={"matrix": "another"}))
    store.add_run(record)
    assert [(run.matrix, run.title) for run in store.runs()] == [("another", record.title), ("nightly", record.title)]


def test_the_last_islands_of_each_python(store: Store) -> None:
    found = IslandsWorld("abc", ["ab"]).find()
    store.keep(ISLANDS, found.model_copy(update={"asked": 99}))
    store.keep(ISLANDS, found.model_copy(update={"python": "3.9"}))
    store.keep(ISLANDS, found)
    assert store.kept(ISLANDS) == (found, found.model_copy(update={"python": "3.9"}))  # by time, then by key


def id_of(chart: StoredFrontier) -> str:
    return chart.to_json()


def test_the_newest_frontier_of_each_question(store: Store, tmp_path: Path) -> None:
    found = explore(table(2, 3), Planted(stairs([(0, 1), (1, 2)], 3)))
    late = chart_of(found)
    early = late.model_copy(update={"seen": late.seen - dt.timedelta(hours=1), "runs": 99})
    deeper, newer = chart_of(found, level="interop"), chart_of(found, python="3.13")
    for chart in (late, early, deeper, newer):
        store.keep(FRONTIERS, chart)
    assert set(map(id_of, store.kept(FRONTIERS))) == set(map(id_of, (newer, late, deeper)))
    other = Store(tmp_path / "other.sqlite")
    latest = late.model_copy(update={"seen": late.seen + dt.timedelta(hours=1)})
    other.keep(FRONTIERS, latest)
    other.keep(FRONTIERS, deeper.model_copy(update={"seen": early.seen}))
    store.merge([other])
    other.close()
    assert set(map(id_of, store.kept(FRONTIERS))) == set(map(id_of, (newer, latest, deeper)))


def test_a_store_is_the_same_when_opened_again(store: Store) -> None:
    store.add(run_of(CELL, passed("a")))
    store.add_run(history().record())
    store.close()
    again = Store(store.path)
    assert len(again.of_key(CELL.key)) == 1
    assert again.runs() == (history().record(),)
    again.close()


# --- several processes, and an end at any moment ---


WRITER = """
    import sys
    from pathlib import Path
    from support.made_up import NEWEST, make_cell, passed, planned, run_of
    from stackcompat.evidence.store import Store

    cell = planned(make_cell(NEWEST), NEWEST)
    store = Store(Path(sys.argv[1]))
    for attempt in range(int(sys.argv[2]), int(sys.argv[3])):
        store.add(run_of(cell, passed("a"), attempt=attempt))
        print(attempt, flush=True)
"""


def writer(path: Path, first: int, end: int) -> subprocess.Popen[str]:
    """A process that adds evidence and says each attempt once it is kept."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(path), str(first), str(end)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_a_store_is_opened_while_another_process_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "evidence.sqlite"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for statement in ("CREATE TABLE theirs (x)", "BEGIN IMMEDIATE", "INSERT INTO theirs VALUES (1)"):
        other.execute(statement)
    release = threading.Timer(0.5, other.execute, ["COMMIT"])
    release.start()
    Store(path).close()
    release.join()
    other.close()


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "evidence.sqlite"
    writers = [writer(path, first, first + 40) for first in (0, 100)]
    said = [int(line) for process in writers for line in process.communicate(timeout=120)[0].split()]
    assert [process.returncode for process in writers] == [0, 0]
    store = Store(path)
    assert sorted(run.attempt for run in store.of_key(CELL.key)) == sorted(said)
    assert len(said) == 80
    store.close()


@pytest.mark.parametrize("kept", [1, 7, 30])
def test_kill_9_loses_nothing_that_was_kept(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "evidence.sqlite"
    said: list[int] = []
    for start in (0, 10_000):
        process = writer(path, start, start + 10_000)
        assert process.stdout is not None
        said += [int(process.stdout.readline()) for _ in range(kept)]
        process.send_signal(signal.SIGKILL)
        said += [int(line) for line in process.communicate()[0].split()]
        assert process.returncode == -signal.SIGKILL
    store = Store(path)
    found = [run.attempt for run in store.of_key(CELL.key)]
    store.close()
    assert set(said) <= set(found)
    # At most the one that was being written when the end came is there besides.
    assert len(found) - len(said) <= 2
    with sqlite3.connect(path) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    connection.close()


def test_the_record_in_the_store_is_the_records_own_json(store: Store) -> None:
    run = run_of(CELL, failed("a"))
    store.add(run)
    with sqlite3.connect(store.path) as connection:
        (text,) = connection.execute("select record from evidence").fetchone()
    connection.close()
    assert Evidence.model_validate_json(text) == run
    assert text == run.to_json()


def test_every_run_of_a_matrix_is_kept_in_order(store: Store) -> None:
    record = history().record()
    late = record.model_copy(update={"started": record.started + dt.timedelta(days=1)})
    for run in (late, record, record.model_copy(update={"matrix": "other"})):  # merged stores come in any order
        store.add_run(run)
    assert store.history("nightly") == (record, late)
    assert store.history("nightly", last=1) == (late,)
    assert store.history("unknown") == ()
    assert [run.started for run in store.runs()] == [late.started, record.started]


def test_merging_stores_takes_all_of_both_once(store: Store, tmp_path: Path) -> None:
    record = history().record()
    others = []
    for number, (cell, seen) in enumerate(((CELL, "2026-11-22T01"), (OTHER, "2026-11-22T02")), start=1):
        other = Store(tmp_path / f"{number}.sqlite")
        others.append(other)
        other.add(run_of(cell, passed("a")))
        other.add_run(record.model_copy(update={"shard": f"{number}/3"}))
        other.keep_resolution(CELL.cell.id, seen, CELL.resolution)
    for _ in range(2):
        assert store.merge(others) == ("nightly 3/3",)
        assert len(store.of_keys([CELL.key, OTHER.key])) == 2
        assert store.history("nightly") == (record,)
        assert store.resolution(CELL.cell.id, "2026-11-22T02") == CELL.resolution  # the one that was kept later
    for other in others:
        other.close()


def test_diagnoses_are_kept_the_latest_of_each_failure_and_merged(store: Store, tmp_path: Path) -> None:
    red = failed("a", "alpha")
    verdict = judge(CELL, (run_of(CELL, red), run_of(CELL, red, attempt=1)))
    found = SearchResult(culprits=(Culprit(name="alpha", version="1.3.0"),))
    first = Diagnosis.of(verdict, red, SearchResult(), NOW)
    later = Diagnosis.of(verdict, red, found, NOW + dt.timedelta(days=1))
    for diagnosis in (first, later, first):
        store.keep(DIAGNOSES, diagnosis)
    assert store.kept(DIAGNOSES) == (later,)
    other = Store(tmp_path / "other.sqlite")
    other.merge([store])
    assert other.kept(DIAGNOSES) == (later,)
    other.close()


def test_of_runs_long_past_only_what_is_wanted_is_read(store: Store) -> None:
    record = history().record()
    runs = [record.model_copy(update={"started": record.started + dt.timedelta(days=day)}) for day in range(3)]
    for run in runs:
        store.add_run(run)
    first, *others = store.chronicle("nightly", 2, lambda planned: planned.cell.python == "none")
    assert others == list(store.history("nightly"))[1:]
    assert first == runs[0].model_copy(update={"cells": ()})
    assert store.chronicle("nightly", 2, lambda planned: True) == store.history("nightly")
    assert runs[0].cells
