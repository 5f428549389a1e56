"""A store of an older tool is read on; one of a newer tool is refused before anything is written."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stackcompat.blame.cause import Moved
from stackcompat.blame.culprit import Culprit, OtherFailure
from stackcompat.blame.diagnosis import DIAGNOSES, Diagnosis
from stackcompat.core.errors import UsageError
from stackcompat.evidence.results import TestResult
from stackcompat.evidence.store import Store
from stackcompat.evidence.tables import VERSION
from stackcompat.frontier.frontier import FRONTIERS, without_superseded
from stackcompat.frontier.search import explore
from stackcompat.resolve.islands import ISLANDS
from support.islands_world import IslandsWorld
from support.made_up import NEWEST, NOW, make_cell, passed, planned, run_of
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

#: A diagnosis as version 0 kept it, and as it is read since.
OLD_DIAGNOSIS = json.loads("""
    {"cell": "0a165e3d3077", "lock_id": "9c6fac9d07b1206c", "made": "2026-11-22T06:00:00Z", "side": "",
     "failing": {"test": "a", "level": "interop", "components": ["alpha"], "outcome": "failed", "reason": "no lid",
                 "seconds": 0.5, "memory_mb": 0.0, "failure": null, "warnings": [], "artifact": "", "feature": ""},
     "blame": {"test": "a", "signature": "no lid", "chain": ["beta depends on alpha<1.3"],
               "found": {"culprits": [{"name": "alpha", "version": "1.3.0", "last_good": null, "first_bad": "1.1.0",
                                       "fixed_in": "1.4.0", "born_red": true, "holes": ["1.0.0"], "spared": ["1.3.1"],
                                       "shown_by": "moving"}],
                         "findings": [{"moved": {"alpha": "1.0.0"}, "signature": "E: other", "evidence": []}],
                         "probes": 7, "linear": 12, "forced": 2, "faults": 1, "doubt": "the disk is full",
                         "passing": {"alpha": "1.4.0"}, "warnings": {"alpha": []}, "evidence": ["e1"]},
               "moved": {"kind": "born red", "side": "alpha", "release": "1.1.0", "api": "", "user": "", "warned": null,
                         "bound": "", "sentence": "no release of alpha before 1.3.0 was seen to pass"}}}
""")
DIAGNOSIS = Diagnosis(
    cell="0a165e3d3077",
    lock_id="9c6fac9d07b1206c",
    made=NOW,
    failing=TestResult(
        test="a", level="interop", components=("alpha",), outcome="failed", reason="no lid", seconds=0.5
    ),
    moved=Moved(
        kind="never passed",
        side="alpha",
        release="1.1.0",
        sentence="no release of alpha before 1.3.0 was seen to pass",
    ),
    chain=("beta depends on alpha<1.3",),
    culprits=(
        Culprit(
            name="alpha",
            version="1.3.0",
            first_bad="1.1.0",
            fixed_in="1.4.0",
            never_passed=True,
            unresolved=("1.0.0",),
            skipped=("1.3.1",),
        ),
    ),
    findings=(OtherFailure(moved={"alpha": "1.0.0"}, signature="E: other"),),
    probes=7,
    linear=12,
    forced=2,
    infra=1,
    doubt="the disk is full",
    passing={"alpha": "1.4.0"},
    warnings={"alpha": ()},
    evidence=("e1",),
)


def user_version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def test_an_old_store_is_brought_up_to_date(tmp_path: Path) -> None:
    islands = IslandsWorld("abc", ["ab"]).find()
    chart = chart_of(explore(table(2, 3), Planted(stairs([(0, 1), (1, 2)], 3))))
    path = tmp_path / "evidence.sqlite"
    Store(path).close()
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("DROP TABLE latest")
        old.executescript(VERSION_0 + "PRAGMA user_version=0;")
        old.execute("INSERT INTO islands VALUES (?, ?, ?)", (islands.python, islands.platform, islands.to_json()))
        named = (chart.first.name, chart.second.name, chart.python, chart.platform, chart.level)
        old.execute(
            "INSERT INTO frontiers VALUES (?, ?, ?, ?, ?, ?, ?)", (*named, chart.seen.isoformat(), chart.to_json())
        )
        old.execute("INSERT INTO charges VALUES (?, ?, ?)", (DIAGNOSIS.id, NOW.isoformat(), json.dumps(OLD_DIAGNOSIS)))
    store = Store(path)
    assert store.kept(ISLANDS) == (islands,)
    assert store.kept(FRONTIERS) == (chart,)
    assert store.kept(DIAGNOSES) == (DIAGNOSIS,)
    later = DIAGNOSIS.model_copy(update={"made": DIAGNOSIS.made + dt.timedelta(days=1)})
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
    with closing(sqlite3.connect(path)) as newer:
        newer.execute(f"PRAGMA user_version={VERSION + 1}")
    with pytest.raises(UsageError, match=rf"a newer stackcompat has written this store \(its version is {VERSION + 1}"):
        Store(path)
    assert user_version(path) == VERSION + 1


def test_frontiers_are_told_by_name_the_newest_python_first() -> None:
    found = explore(table(2, 3), Planted(stairs([(0, 1), (1, 2)], 3)))
    old, new = chart_of(found, python="3.9"), chart_of(found, python="3.13")
    assert without_superseded([old, new]) == (new, old)
