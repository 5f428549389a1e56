"""The store keeps every record, even if other processes write or one is killed."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from stackcompat.blame.diagnosis import DIAGNOSES, Diagnosis
from stackcompat.blame.result import Culprit, SearchResult
from stackcompat.core.errors import UsageError
from stackcompat.evidence.database import Place
from stackcompat.evidence.greens import GreenRelease
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.evidence.store import KeptResolution, Store
from stackcompat.evidence.tables import metadata, sealed
from stackcompat.frontier.frontier import FRONTIERS, StoredFrontier
from stackcompat.frontier.search import explore
from stackcompat.resolve.islands import ISLANDS
from stackcompat.resolve.lock import Resolution
from stackcompat.verdict.verdict import judge
from support.islands_world import IslandsWorld
from support.made_up import COMPONENTS, NEWEST, NOW, failed, history, make_cell, passed, planned, run_of
from support.outlined import outlined
from support.planted import Planted, chart_of, stairs, table

CELL = planned(make_cell(NEWEST), NEWEST)
OTHER = planned(make_cell({"alpha": "1.0.0"}), {"alpha": "1.0.0"})


@pytest.fixture
def store(places: Callable[[str], Place]) -> Iterator[Store]:
    store = Store(places("new folder"))
    yield store
    store.close()


@pytest.fixture
def other(places: Callable[[str], Place]) -> Iterator[Store]:
    other = Store(places("other"))
    yield other
    other.close()


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


def test_the_last_resolution_of_a_cell_is_kept_with_its_time_and_the_state_of_the_index(store: Store) -> None:
    assert store.kept_resolution("cell") is None
    first = KeptResolution(CELL.resolution, "index", NOW)
    store.keep_resolution("cell", first)
    assert store.kept_resolution("cell") == first
    assert store.kept_resolution("another cell") is None
    later = KeptResolution(Resolution(outcome="failed", detail="x"), "another index", NOW + dt.timedelta(hours=1))
    store.keep_resolution("cell", later)
    assert store.kept_resolution("cell") == later


def test_the_runs_of_a_test_are_found_whatever_cell_they_are_of(store: Store) -> None:
    first, second = run_of(CELL, passed('t.py::a["x"]')), run_of(OTHER, failed('t.py::a["x"]'), attempt=1)
    for run in (second, first, run_of(CELL, passed("t.py::a"), attempt=2)):
        store.add(run)
    assert store.with_test('t.py::a["x"]') == (first, second)
    assert store.with_test("t.py::b") == ()


def test_the_newest_run_of_each_matrix(store: Store) -> None:
    record = history().record()
    store.add_run(record.model_copy(update={"title": "old"}))
    store.add_run(record.model_copy(update={"matrix": "another"}))
    store.add_run(record)
    assert [(run.matrix, run.title) for run in store.runs()] == [("another", record.title), ("nightly", record.title)]
    assert store.matrices() == ("another", "nightly")


def test_the_last_islands_of_each_python(store: Store) -> None:
    found = IslandsWorld("abc", ["ab"]).find()
    store.keep(ISLANDS, found.model_copy(update={"asked": 99}))
    store.keep(ISLANDS, found.model_copy(update={"python": "3.9"}))
    store.keep(ISLANDS, found)
    assert store.kept(ISLANDS) == (found, found.model_copy(update={"python": "3.9"}))  # by time, then by key


def id_of(chart: StoredFrontier) -> str:
    return chart.to_json()


def test_the_newest_frontier_of_each_question(store: Store, places: Callable[[str], Place]) -> None:
    found = explore(table(2, 3), Planted(stairs([(0, 1), (1, 2)], 3)))
    late = chart_of(found)
    early = late.model_copy(update={"seen": late.seen - dt.timedelta(hours=1), "runs": 99})
    deeper, newer = chart_of(found, level="interop"), chart_of(found, python="3.13")
    for chart in (late, early, deeper, newer):
        store.keep(FRONTIERS, chart)
    assert set(map(id_of, store.kept(FRONTIERS))) == set(map(id_of, (newer, late, deeper)))
    other = Store(places("other"))
    latest = late.model_copy(update={"seen": late.seen + dt.timedelta(hours=1)})
    other.keep(FRONTIERS, latest)
    other.keep(FRONTIERS, deeper.model_copy(update={"seen": early.seen}))
    store.merge([other])
    other.close()
    assert set(map(id_of, store.kept(FRONTIERS))) == set(map(id_of, (newer, latest, deeper)))


def test_an_incomplete_frontier_takes_the_place_of_no_complete_one(
    store: Store, places: Callable[[str], Place]
) -> None:
    complete = chart_of(explore(table(2, 3), Planted(stairs([(0, 1), (1, 2)], 3))))
    incomplete = complete.model_copy(update={"complete": False, "seen": complete.seen + dt.timedelta(hours=1)})
    store.keep(FRONTIERS, complete)
    store.keep(FRONTIERS, incomplete)
    other = Store(places("other"))
    other.keep(FRONTIERS, incomplete.model_copy(update={"seen": incomplete.seen + dt.timedelta(hours=1)}))
    store.merge([other])
    other.close()
    assert [chart.complete for chart in store.kept(FRONTIERS)] == [True, False]


def test_a_store_is_the_same_when_opened_again(store: Store) -> None:
    store.add(run_of(CELL, passed("a")))
    store.add_run(history().record())
    store.close()
    again = Store(store.place)
    assert len(again.of_key(CELL.key)) == 1
    assert again.runs() == (history().record(),)
    again.close()


def test_old_runs_go_with_the_evidence_that_nothing_else_names(store: Store) -> None:
    old, young = execution(CELL, days=0), execution(OTHER, days=9)
    searched = planned(make_cell({"alpha": "0.5"}), {"alpha": "0.5"})
    gone, named = run_of(CELL, passed("a", "alpha")), run_of(CELL, passed("a", "alpha"), attempt=1)
    late = run_of(CELL, passed("a", "alpha"), attempt=2)
    late = late.model_copy(update={"started": NOW + dt.timedelta(days=8)})
    confirmed = failed("b").model_copy(update={"confirmed_by": named.id})
    kept = (named, late, run_of(OTHER, confirmed), run_of(searched, passed("c")))
    for run in (gone, *kept):
        store.add(run)
    for record in (old, young):
        store.add_run(record)
    greens = store.green_releases()
    before = NOW + dt.timedelta(days=5)
    assert store.prune(lambda run: run.started >= before, before, dry=True) == (1, 1)
    assert (store.size(), len(store.history("nightly"))) == (5, 2)
    assert store.prune(lambda run: run.started >= before, before) == (1, 1)
    assert {run.id for run in store.every_evidence()} == {run.id for run in kept}
    assert store.history("nightly") == (young,)
    assert store.outlines_of_keys([CELL.key, OTHER.key, searched.key]) == outlined(kept)
    assert store.green_releases() == greens


# --- several processes, and an end at any moment ---


WRITER = """
    import sys
    from pathlib import Path
    from support.made_up import NEWEST, make_cell, passed, planned, run_of
    from stackcompat.evidence.store import Store

    cell = planned(make_cell(NEWEST), NEWEST)
    store = Store(sys.argv[1])
    for attempt in range(int(sys.argv[2]), int(sys.argv[3])):
        store.add(run_of(cell, passed("a"), attempt=attempt))
        print(attempt, flush=True)
"""


def writer(path: Place, first: int, end: int) -> subprocess.Popen[str]:
    """A process that adds evidence, and prints the number of each attempt when it is kept."""
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


def test_two_processes_write_at_once(places: Callable[[str], Place]) -> None:
    path = places("store")
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
    # There is at most one more: the one that was being written at that moment.
    assert len(found) - len(said) <= 2
    with sqlite3.connect(path) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    connection.close()


def test_the_record_in_the_store_is_the_records_own_json(store: Store) -> None:
    run = run_of(CELL, failed("a"))
    store.add(run)
    with store.engine.connect() as connection:
        text = connection.execute(sa.select(metadata.tables["evidence"].c.record)).scalar_one()
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


def test_merging_stores_takes_all_of_both_once(store: Store, places: Callable[[str], Place]) -> None:
    record = history().record().model_copy(update={"answered": {}, "unanswered": ()})
    others = []
    kept = [KeptResolution(CELL.resolution, f"index {hour}", NOW + dt.timedelta(hours=hour)) for hour in (1, 2)]
    for number, (cell, resolution) in enumerate(zip((CELL, OTHER), kept, strict=True), start=1):
        other = Store(places(f"{number}"))
        others.append(other)
        other.add(run_of(cell, passed("a")))
        other.add_run(record.model_copy(update={"shard": f"{number}/3"}))
        other.keep_resolution(CELL.cell.id, resolution)
    for _ in range(2):
        assert store.merge(others) == ("nightly 3/3",)
        assert len(store.of_keys([CELL.key, OTHER.key])) == 2
        shards = {f"{number}/3": record.started for number in (1, 2)}
        assert store.history("nightly") == (record.model_copy(update={"shards": shards}),)
        assert store.kept_resolution(CELL.cell.id) == kept[1]  # the one that was kept later
    for other in others:
        other.close()


def test_diagnoses_are_kept_the_latest_of_each_failure_and_merged(store: Store, places: Callable[[str], Place]) -> None:
    red = failed("a", "alpha")
    verdict = judge(CELL, (run_of(CELL, red), run_of(CELL, red, attempt=1)), COMPONENTS)
    found = SearchResult(culprits=(Culprit(name="alpha", version="1.3.0"),))
    first = Diagnosis.of(verdict, red, SearchResult(), NOW)
    later = Diagnosis.of(verdict, red, found, NOW + dt.timedelta(days=1))
    for diagnosis in (first, later, first):
        store.keep(DIAGNOSES, diagnosis)
    assert store.kept(DIAGNOSES) == (later,)
    other = Store(places("other"))
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


def test_the_releases_with_which_a_test_passed_are_one_table(places: Callable[[str], Place]) -> None:
    other = planned(make_cell(NEWEST | {"alpha": "1.2.0"}), NEWEST | {"alpha": "1.2.0"})
    with closing(Store(places("a"))) as store, closing(Store(places("b"))) as elsewhere:
        store.add(run_of(CELL, passed("a", "alpha"), failed("b", "alpha")))
        store.add(run_of(CELL, passed("a", "alpha"), attempt=1))
        elsewhere.add(run_of(other, passed("a", "alpha"), passed("i", "alpha", level="import")))
        assert store.green_releases() == (GreenRelease("a", "alpha", NEWEST["alpha"]),)
        for _ in range(2):
            store.merge([elsewhere])
        assert set(store.green_releases()) == {
            GreenRelease("a", "alpha", "1.2.0"),
            GreenRelease("a", "alpha", NEWEST["alpha"]),
        }


def test_outlines_are_those_of_the_evidence_here_and_of_merged_stores(store: Store, other: Store) -> None:
    first, second = run_of(CELL, failed("a"), passed("b")), run_of(CELL, passed("a"), passed("b"), attempt=1)
    elsewhere = run_of(OTHER, passed("b"))
    store.add(second)
    store.add(first)
    other.add(elsewhere)
    other.add(first)
    for _ in range(2):
        store.merge([other])
    found = store.outlines_of_keys([CELL.key, OTHER.key, "unknown"])
    assert found == outlined((first, second, elsewhere))
    assert found.evidence[CELL.key][1].tests[1] is found.evidence[OTHER.key][0].tests[0]


@pytest.mark.parametrize("name", ["outlines", "results"])
@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_an_outline_that_is_damaged_is_made_anew_from_the_run(store: Store, name: str, damage: str) -> None:
    run = run_of(CELL, failed("a"))
    store.add(run)
    table = metadata.tables[name]
    with store.engine.begin() as connection:
        if damage == "gone":
            connection.execute(sa.delete(table))
        else:
            text = sa.func.replace(table.c.record, '"failed"', '"passed"')
            connection.execute(sa.update(table).values(record=text))
    assert store.outlines_of_keys([CELL.key]) == outlined([run])


# --- rows that cannot be read ---


def test_a_row_that_cannot_be_read_is_told_and_left_out_and_the_others_are_used(places: Callable[[str], Place]) -> None:
    place = places("store")
    said: list[str] = []
    with closing(Store(place)) as store:
        bad, good = run_of(CELL, passed("a")), run_of(OTHER, passed("a"))
        older, newer = execution(CELL), execution(CELL, days=1)
        store.add(bad)
        change(store, "evidence", outcome="no outcome")
        store.add_run(older)
        store.keep(ISLANDS, IslandsWorld("abc", ["ab"]).find())
        store.keep_resolution("a", KeptResolution(CELL.resolution, "index", NOW))
        for name in ("latest", "resolutions"):
            change(store, name, mood="good", seal=False)
        store.add(good)
        store.add_run(newer)
        with store.engine.begin() as connection:
            runs = metadata.tables["runs"]
            connection.execute(sa.update(runs).where(runs.c.started == newer.started.isoformat()).values(record="{"))
    with closing(Store(place, said.append)) as store:
        for _ in range(2):
            assert store.of_keys([CELL.key, OTHER.key]) == {OTHER.key: (good,)}
            assert store.since(NOW - dt.timedelta(days=9)) == store.with_test("a") == (good,)
            assert tuple(store.every_evidence()) == (good,)
            assert [time.roots for time in store.run_times(9)]
            assert store.runs() == store.history("nightly") == tuple(store.every_run()) == (older,)
            assert store.chronicle("nightly", 2, lambda _: True) == store.history("nightly", last=1) == (older,)
            assert store.kept(ISLANDS) == ()
            assert store.kept_resolution("a") is None
        assert store.left_out == 4
    named = [f"{store.name}: the {kind}" for kind in ("Evidence", "RunRecord", "Islands", "Resolution")]
    assert [text[: len(name)] for text, name in zip(said, named, strict=True)] == named
    assert f"{bad.id} is left out, since it cannot be read: outcome: Input should be 'ran'," in said[0]
    assert all("is left out, since it cannot be read: it is not as it was written" in text for text in said[1:])


def test_of_many_rows_that_cannot_be_read_some_are_told_and_all_are_counted(places: Callable[[str], Place]) -> None:
    said: list[str] = []
    with closing(Store(places("store"), said.append)) as store:
        for attempt in range(8):
            store.add(run_of(CELL, passed("a"), attempt=attempt))
        change(store, "evidence", seal=False, mood="good")
        assert store.of_key(CELL.key) == ()
    assert len(said) == 6
    assert said[-1] == f"{store.name}: 8 records are left out in all, since they cannot be read"


def test_text_that_is_not_utf_8_is_damage_of_its_row_alone(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "evidence.sqlite")) as store:
        store.add(run_of(CELL, passed("a")))
        store.add(run_of(OTHER, passed("a")))
        with closing(sqlite3.connect(store.path)) as connection, connection:
            connection.execute(
                "update evidence set record = cast(replace(record, 'passed', x'ff') as text) where key = ?", (CELL.key,)
            )
        assert list(store.of_keys([CELL.key, OTHER.key])) == [OTHER.key]


def test_what_is_left_out_here_comes_back_by_a_merge(store: Store, other: Store) -> None:
    run = run_of(CELL, failed("a"))
    for each in (store, other):
        each.add(run)
    change(store, "evidence", seal=False, outcome="crashed")
    assert store.of_key(CELL.key) == ()
    store.merge([other])
    assert store.of_key(CELL.key) == (run,)


@pytest.mark.parametrize("name", ["runs", "latest", "resolutions"])
@pytest.mark.parametrize("damage", [{"record": "{}"}, {"checksum": "0" * 32}])
def test_a_damaged_row_gives_way_to_one_of_another_store(
    name: str, damage: dict[str, str], store: Store, other: Store
) -> None:
    table = metadata.tables[name]

    def rows() -> list[list[tuple[object, ...]]]:
        found = []
        for each in (store, other):
            with each.engine.connect() as connection:
                found.append([tuple(row) for row in connection.execute(sa.select(table.c.record, table.c.checksum))])
        return found

    for each in (store, other):
        each.add_run(execution(CELL))
        each.keep(ISLANDS, IslandsWorld("abc", ["ab"]).find())
        each.keep_resolution(CELL.cell.id, KeptResolution(CELL.resolution, "index", NOW))
    with store.engine.begin() as connection:
        later = {"latest": {"made": "9"}, "resolutions": {"resolved": "9"}}.get(name, {})
        connection.execute(sa.update(table).values(damage | later))
    store.merge([other])
    here, there = rows()
    assert here == there
    assert len(here) == 1


# --- merging what is not as it should be, or comes late ---


def execution(*cells: PlannedCell, days: float = 0, **more: object) -> RunRecord:
    fields = {
        "matrix": "nightly",
        "started": NOW + dt.timedelta(days=days),
        "title": "Every night",
        "components": ("alpha", "beta"),
        "pythons": ("3.12",),
        "cells": cells,
    }
    return RunRecord.model_validate(fields | more)


def change(store: Store, name: str, *, seal: bool = True, **fields: object) -> None:
    """Change fields of all records in a table.

    Args:
        store: The store.
        name: The table.
        seal: Whether it is done as another version of the tool would do it. Else somebody changed them by hand.
        fields: The fields; `LACKING` for those that go away.
    """
    table = metadata.tables[name]
    key = list(table.primary_key)
    with store.engine.begin() as connection:
        for row in connection.execute(sa.select(table)).mappings().all():
            record = json.loads(row["record"]) | fields
            there = {name: value for name, value in record.items() if value is not LACKING}
            changed = {**row, "record": json.dumps(there)}
            values = sealed(table, changed) if seal else changed
            connection.execute(sa.update(table).where(*(column == row[column.name] for column in key)).values(values))


LACKING = object()


def test_the_store_of_a_newer_tool_whose_records_have_further_fields_is_refused(
    store: Store, places: Callable[[str], Place]
) -> None:
    table = metadata.tables["fields"]
    with store.engine.begin() as connection:
        connection.execute(sa.insert(table).values(record="Evidence", field="mood"))
        connection.execute(sa.insert(table).values(record="SomethingElse", field="mood"))  # of records not kept here
        before = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
    with pytest.raises(
        UsageError, match=r"a newer stackcompat has written this store \(its records have the mood of Evidence, which"
    ):
        Store(store.place)
    with store.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == before


@pytest.mark.parametrize("where", ["evidence", "runs", "resolutions", "latest", "outlines"])
def test_a_row_that_was_changed_by_hand_is_noticed(store: Store, other: Store, where: str) -> None:
    other.add(run_of(CELL, failed("a")))
    other.add_run(execution(CELL))
    other.keep_resolution(CELL.cell.id, KeptResolution(CELL.resolution, "index", NOW))
    other.keep(ISLANDS, IslandsWorld("abc", ["ab"]).find())
    table = metadata.tables[where]
    with other.engine.begin() as connection:
        text = sa.func.replace(table.c.record, '"', "' ")
        if where == "evidence":
            text = sa.func.replace(table.c.record, '"failed"', '"passed"')
        connection.execute(sa.update(table).values(record=text))
    if where == "outlines":  # which are made anew
        store.merge([other])
        assert store.outlines_of_keys([CELL.key]) == outlined([run_of(CELL, failed("a"))])
        return
    with pytest.raises(UsageError, match=r"a \w+ in it cannot be read \(it is not as it was written\), so nothing"):
        store.merge([other], [ISLANDS])
    assert (store.size(), store.history("nightly"), store.kept(ISLANDS)) == (0, (), ())


def test_two_stores_that_say_different_things_of_one_run_are_not_merged(store: Store, other: Store) -> None:
    run, forged = run_of(CELL, failed("a")), run_of(CELL, passed("a"))
    assert run.id == forged.id
    store.add(run)
    other.add(forged)  # with a checksum that fits
    with pytest.raises(UsageError, match=rf"its evidence {run.id} of .* says something else than here"):
        store.merge([other])
    assert store.of_key(CELL.key) == (run,)


def test_of_two_records_of_one_run_the_one_with_the_log_stays_in_any_order(places: Callable[[str], Place]) -> None:
    whole = run_of(CELL, failed("a")).model_copy(update={"log": "what it printed"})
    short = whole.model_copy(update={"log": ""})
    stores = [Store(places(name)) for name in ("whole", "short", "one", "two")]
    stores[0].add(whole)
    stores[1].add(short)
    for into, order in ((stores[2], stores[:2]), (stores[3], stores[1::-1])):
        for _ in range(2):
            into.merge(order)
            assert into.of_key(CELL.key) == (whole,)
    for each in stores:
        each.close()


@pytest.mark.parametrize("where", ["evidence", "runs", "resolutions", "latest"])
def test_a_record_that_cannot_be_read_is_refused_before_anything_is_taken_over(
    store: Store, other: Store, where: str
) -> None:
    other.add(run_of(CELL, passed("a")))
    other.add(run_of(OTHER, passed("a")))
    other.add_run(execution(CELL))
    other.keep_resolution(CELL.cell.id, KeptResolution(CELL.resolution, "index", NOW))
    other.keep(ISLANDS, IslandsWorld("abc", ["ab"]).find())
    change(other, where, outcome="no outcome", cells="none", python=LACKING)
    with pytest.raises(UsageError, match=r"STORE: .+: a \w+ in it cannot be read \(.+\), so nothing"):
        store.merge([other], [ISLANDS])
    assert store.of_keys([CELL.key, OTHER.key]) == {}
    assert (store.history("nightly"), store.kept_resolution(CELL.cell.id), store.kept(ISLANDS)) == ((), None, ())


def test_merges_at_the_same_moment_take_each_run_once(store: Store, other: Store) -> None:
    for number in range(20):
        other.add_run(execution(CELL, days=number))
        other.add_run(execution(CELL, OTHER, days=number, matrix="parts", shard="1/1"))

    def merge() -> None:
        own = Store(store.place)
        own.merge([other])
        own.close()

    merges = [threading.Thread(target=merge) for _ in range(4)]
    for thread in merges:
        thread.start()
    for thread in merges:
        thread.join()
    assert len(store.history("nightly")) == len(store.history("parts")) == 20


def test_a_record_that_lacks_a_field_is_replaced_all_the_same(store: Store) -> None:
    store.add_run(execution(CELL))
    change(store, "runs", rounds=LACKING)
    (last,) = store.history("nightly")
    further = last.model_copy(update={"answered": {"pairs": 100.0}})
    store.add_run(further, instead_of=last)
    assert store.history("nightly") == (further,)


def parts(plan: str, days: float = 0, number: str = "1.0") -> tuple[RunRecord, RunRecord]:
    """The records of two shards."""
    cells = [planned(make_cell({"alpha": number}), {"alpha": number}), planned(make_cell(NEWEST), NEWEST)]
    more = {"plan": plan, "planned": NOW + dt.timedelta(days=days) if plan else None}
    first, second = (execution(*cells, days=days, shard=shard, **more) for shard in ("1/2", "2/2"))
    return first, second


@pytest.mark.parametrize("plan", ["p", ""])
def test_a_shard_that_comes_later_completes_its_run(store: Store, places: Callable[[str], Place], plan: str) -> None:
    first, second = Store(places("1")), Store(places("2"))
    for part, run in zip((first, second), parts(plan), strict=True):
        part.add_run(run)
    assert store.merge([first]) == ("nightly 2/2",)
    (half,) = store.history("nightly")
    assert store.merge([first]) == ("nightly 2/2",)
    assert store.history("nightly") == (half,)
    assert store.merge([second]) == ()
    (whole,) = store.history("nightly")
    assert set(whole.shards) == {"1/2", "2/2"}
    for order in ([first], [second], [second, first]):
        assert store.merge(order) == ()
        assert store.history("nightly") == (whole,)
    backwards = Store(places("backwards"))
    assert backwards.merge([second]) == ("nightly 1/2",)
    backwards.merge([first])
    assert backwards.history("nightly") == (whole,)
    for each in (first, second, backwards):
        each.close()


def test_a_shard_of_another_night_is_no_part_of_tonight(store: Store, places: Callable[[str], Place]) -> None:
    """The store of tonight's second shard is missing; that of last night lies in its place."""
    first, second = Store(places("1")), Store(places("2"))
    last, tonight = parts(""), parts("", days=1, number="2.0")
    for run, part in ((last[0], first), (tonight[0], first), (last[1], second)):
        part.add_run(run)
    assert store.merge([first, second]) == ("nightly 2/2",)
    earlier, now = store.history("nightly")
    assert (earlier.started, set(earlier.shards)) == (NOW, {"1/2", "2/2"})
    assert (now.started, set(now.shards)) == (NOW + dt.timedelta(days=1), {"1/2"})
    assert now.cells == tonight[0].cells
    for each in (first, second):
        each.close()


@pytest.mark.parametrize("plans", [("p", "q"), ("p", ""), ("", "p")])
@pytest.mark.parametrize("backwards", [False, True])
def test_shards_of_different_plans_are_not_merged(
    store: Store, places: Callable[[str], Place], plans: tuple[str, str], backwards: bool
) -> None:
    first, second = Store(places("1")), Store(places("2"))
    first.add_run(parts(plans[0])[0])
    second.add_run(parts(plans[1], days=0.01)[1])
    second.add(run_of(CELL, passed("a")))
    stores = [second, first] if backwards else [first, second]
    with pytest.raises(UsageError, match=r"its nightly ./2 of .+ is of another plan than the nightly ./2 of"):
        store.merge(stores)
    assert (store.size(), store.history("nightly")) == (0, ())
    for each in stores:
        each.close()


def test_shards_that_ran_in_the_store_itself_are_joined_too(store: Store, other: Store) -> None:
    first, second = parts("p")
    store.add_run(first)
    other.add_run(second)
    assert store.merge([other]) == ()
    (whole,) = store.history("nightly")
    assert set(whole.shards) == {"1/2", "2/2"}


@pytest.mark.parametrize(
    ("title", "components", "refused"),
    [
        ("Somebody else's", ("gamma",), True),
        ("Somebody else's", ("alpha", "gamma", "zeta"), True),
        ("Every night", ("alpha", "gamma", "delta", "zeta"), False),  # it grew
        ("Each night", ("alpha", "beta", "gamma"), False),  # it got another title
    ],
)
def test_a_matrix_of_another_project_is_refused(
    store: Store, other: Store, title: str, components: tuple[str, ...], refused: bool
) -> None:
    store.add_run(execution(CELL))
    other.add(run_of(OTHER, passed("a")))
    other.add_run(execution(OTHER, days=1, title=title, components=components))
    if refused:
        with pytest.raises(UsageError, match=r"its nightly .* is a matrix of another project than the nightly here"):
            store.merge([other])
        assert (len(store.history("nightly")), store.of_key(OTHER.key)) == (1, ())
    else:
        store.merge([other])
        assert len(store.history("nightly")) == 2


def test_the_runs_since_a_moment_are_found(store: Store) -> None:
    first, second = run_of(CELL, passed("a")), run_of(OTHER, passed("a"), attempt=1)
    store.add(second)
    store.add(first)
    assert store.since(first.started) == (first, second)
    assert store.since(second.started) == (second,)
    assert store.since(second.started + dt.timedelta(microseconds=1)) == ()
