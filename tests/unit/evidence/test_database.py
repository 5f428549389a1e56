"""A store of an older tool is read on; one of a newer tool is refused before anything is written."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

import pytest

from stackcompat.blame.culprit import SearchResult
from stackcompat.blame.diagnosis import DIAGNOSES, Blame, Diagnosis
from stackcompat.core.record import UsageError
from stackcompat.evidence.database import VERSION
from stackcompat.evidence.store import Store
from stackcompat.frontier.frontier import FRONTIERS, without_superseded
from stackcompat.frontier.search import explore
from stackcompat.resolve.islands import ISLANDS
from stackcompat.verdict.outcomes import why
from stackcompat.verdict.verdict import judge
from support.islands_world import IslandsWorld
from support.made_up import NEWEST, NOW, failed, make_cell, passed, planned, run_of
from support.planted import Planted, chart_of, stairs, table

CELL = planned(make_cell(NEWEST), NEWEST)

#: The tables that version 0 had and version 1 has not.
VERSION_0 = """
    CREATE TABLE islands (python VARCHAR NOT NULL, platform VARCHAR NOT NULL, record TEXT NOT NULL,
        PRIMARY KEY (python, platform));
    CREATE TABLE frontiers (first VARCHAR NOT NULL, second VARCHAR NOT NULL, python VARCHAR NOT NULL,
        platform VARCHAR NOT NULL, level VARCHAR NOT NULL, seen VARCHAR NOT NULL, record TEXT NOT NULL,
        PRIMARY KEY (first, second, python, platform, level));
    CREATE TABLE charges (id VARCHAR NOT NULL PRIMARY KEY, made VARCHAR NOT NULL, record TEXT NOT NULL);
"""


def user_version(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def test_an_old_store_is_brought_up_to_date(tmp_path: Path) -> None:
    red = failed("a", "alpha")
    verdict = judge(CELL, (run_of(CELL, red), run_of(CELL, red, attempt=1)))
    charge = Diagnosis.of(verdict, Blame(test="a", signature=why(red), found=SearchResult()), NOW)
    islands = IslandsWorld("abc", ["ab"]).find()
    chart = chart_of(explore(table(2, 3), Planted(stairs([(0, 1), (1, 2)], 3))))
    path = tmp_path / "evidence.sqlite"
    with Store(path).engine.begin() as made:
        made.exec_driver_sql("DROP TABLE latest")
    with sqlite3.connect(path) as old:
        old.executescript(VERSION_0 + "PRAGMA user_version=0;")
        old.execute("INSERT INTO islands VALUES (?, ?, ?)", (islands.python, islands.platform, islands.to_json()))
        named = (chart.first.name, chart.second.name, chart.python, chart.platform, chart.level)
        old.execute(
            "INSERT INTO frontiers VALUES (?, ?, ?, ?, ?, ?, ?)", (*named, chart.seen.isoformat(), chart.to_json())
        )
        old.execute("INSERT INTO charges VALUES (?, ?, ?)", (charge.id, charge.made.isoformat(), charge.to_json()))
    old.close()
    store = Store(path)
    assert store.kept(ISLANDS) == (islands,)
    assert store.kept(FRONTIERS) == (chart,)
    assert store.kept(DIAGNOSES) == (charge,)
    later = charge.model_copy(update={"made": charge.made + dt.timedelta(days=1)})
    store.keep(DIAGNOSES, later)  # the key is the same as of old
    assert store.kept(DIAGNOSES) == (later,)
    store.close()
    assert user_version(path) == VERSION
    again = Store(path)
    assert again.kept(ISLANDS) == (islands,)
    again.close()


def test_the_store_of_a_newer_tool_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "evidence.sqlite"
    store = Store(path)
    store.add(run_of(CELL, passed("a")))
    store.close()
    with sqlite3.connect(path) as newer:
        newer.execute(f"PRAGMA user_version={VERSION + 1}")
    newer.close()
    with pytest.raises(UsageError, match=rf"a newer stackcompat has written this store \(its version is {VERSION + 1}"):
        Store(path)
    assert user_version(path) == VERSION + 1


def test_frontiers_are_told_by_name_the_newest_python_first() -> None:
    found = explore(table(2, 3), Planted(stairs([(0, 1), (1, 2)], 3)))
    old, new = chart_of(found, python="3.9"), chart_of(found, python="3.13")
    assert without_superseded([old, new]) == (new, old)
