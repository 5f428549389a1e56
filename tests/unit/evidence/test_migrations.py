"""A store that an older tool wrote is brought up to date, and keeps its records."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from stackcompat.blame.cause import Moved
from stackcompat.blame.diagnosis import DIAGNOSES, Diagnosis
from stackcompat.blame.result import Culprit, OtherFailure
from stackcompat.core.errors import UsageError
from stackcompat.evidence.database import Place, open_database
from stackcompat.evidence.outline import outline_of
from stackcompat.evidence.results import TestResult
from stackcompat.evidence.sealing import has_unsealed
from stackcompat.evidence.store import Store
from stackcompat.evidence.tables import VERSION, VERSION_TABLE, metadata
from stackcompat.frontier.frontier import FRONTIERS
from stackcompat.frontier.search import explore
from stackcompat.resolve.islands import ISLANDS
from support.islands_world import IslandsWorld
from support.made_up import NEWEST, NOW, history, limited, make_cell, passed, planned, run_of
from support.old_store import make_old
from support.outlined import outlined
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
    make_old(path, 0, "DROP TABLE latest;" + VERSION_0)
    with closing(sqlite3.connect(path)) as old, old:
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


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sa.Engine]:
    """A database of version 0 without records."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'evidence.sqlite'}")
    with engine.begin() as connection:
        for statement in VERSION_0.split(";"):
            connection.execute(sa.text(statement))
    yield engine
    engine.dispose()


def tables(engine: sa.Engine) -> set[str]:
    return set(sa.inspect(engine).get_table_names())


def rows_of_latest(engine: sa.Engine) -> list[tuple[str, str, str, Any]]:
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT kind, key, made, record FROM latest ORDER BY kind"))
        return [(row.kind, row.key, row.made, json.loads(row.record)) for row in rows]


def keep_islands(engine: sa.Engine, record: dict[str, Any]) -> None:
    with engine.begin() as connection:
        values = {"record": json.dumps(record)}
        connection.execute(sa.text("INSERT INTO islands VALUES ('3.12', 'linux', :record)"), values)


def upgrade(engine: sa.Engine) -> None:
    open_database(Path(str(engine.url.database)), []).dispose()


def test_old_tables_give_way_to_the_new_ones(database: sa.Engine) -> None:
    upgrade(database)
    assert tables(database) == {*metadata.tables, VERSION_TABLE}
    assert rows_of_latest(database) == []
    with database.connect() as connection:
        assert connection.execute(sa.text("PRAGMA user_version")).scalar_one() == VERSION


def test_fields_get_their_new_names_at_any_depth(database: sa.Engine) -> None:
    keep_islands(database, {"seen": "2026-11-22T07:00:00+01:00", "islands": [{"left": [{"holes": ["1.0"]}]}]})
    upgrade(database)
    record = {"seen": "2026-11-22T07:00:00+01:00", "islands": [{"excluded": [{"unresolved": ["1.0"]}]}]}
    assert rows_of_latest(database) == [("islands", "3.12/linux", "2026-11-22T06:00:00.000000+00:00", record)]


def test_a_diagnosis_becomes_one_flat_record(database: sa.Engine) -> None:
    with database.begin() as connection:
        values = {"record": json.dumps(OLD_DIAGNOSIS)}
        connection.execute(sa.text("INSERT INTO charges VALUES ('c', '2026-11-22T06:00:00Z', :record)"), values)
    upgrade(database)
    [(kind, key, _, record)] = rows_of_latest(database)
    assert (kind, key) == ("diagnosis", "c")
    assert "blame" not in record
    assert record["moved"]["kind"] == "never passed"
    assert record["infra"] == 1
    assert record["culprits"][0]["skipped"] == ["1.3.1"]


def test_a_second_upgrade_changes_nothing(database: sa.Engine) -> None:
    keep_islands(database, {"seen": "2026-11-22T06:00:00Z", "islands": []})
    upgrade(database)
    before = rows_of_latest(database)
    upgrade(database)
    assert rows_of_latest(database) == before


def test_a_record_that_is_in_the_new_table_already_stays(database: sa.Engine) -> None:
    upgrade(database)
    make_old(Path(str(database.url.database)), 0)
    with database.begin() as connection:
        connection.execute(sa.text("INSERT INTO latest VALUES ('islands', '3.12/linux', '2026-12-01', '{}')"))
        connection.execute(sa.text(VERSION_0.split(";", maxsplit=1)[0]))
    keep_islands(database, {"seen": "2026-11-22T06:00:00Z", "islands": []})
    upgrade(database)
    assert rows_of_latest(database) == [("islands", "3.12/linux", "2026-12-01", {})]


def test_an_older_store_gets_its_table_of_limits(tmp_path: Path) -> None:
    versions = {"alpha": "1.3.0", "delta": "5.3.0"}
    run = run_of(planned(make_cell(versions), versions), limited("save", "delta-checkpoint"), passed("one", "alpha"))
    path = tmp_path / "evidence.sqlite"
    store = Store(path)
    store.add(run)
    store.close()
    make_old(path, 3, "DROP TABLE limits;")
    store = Store(path)
    assert store.with_limit("save", 5) == (run,)
    store.close()


def test_an_older_store_gets_its_outlines_but_for_what_cannot_be_read(tmp_path: Path) -> None:
    cells = [planned(make_cell(versions), versions) for versions in ({"alpha": "1.2.0"}, {"alpha": "1.3.0"})]
    run, lost = (run_of(cell, passed("one", "alpha")) for cell in cells)
    path = tmp_path / "evidence.sqlite"
    store = Store(path)
    for each in (run, lost):
        store.add(each)
    store.close()
    make_old(path, 4, "DROP TABLE outlines; DROP TABLE results;")
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("UPDATE evidence SET record = '{}' WHERE id = ?", (lost.id,))
    store = Store(path)
    assert store.outlines_of_keys([run.key]) == outlined([run])
    assert store.outlines_of_keys([lost.key]).evidence == {}
    assert store.left_out == 1
    store.close()


def test_runs_that_an_older_version_kept_twice_are_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "evidence.sqlite"
    run = history().record()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("""
            CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, matrix VARCHAR NOT NULL, started VARCHAR NOT NULL,
                record TEXT NOT NULL);
            PRAGMA user_version=1;
        """)
        for text in (run.to_json(), run.to_json(), run.model_copy(update={"shard": "1/2"}).to_json()):
            row = (run.matrix, run.started.isoformat(), text)
            connection.execute("INSERT INTO runs (matrix, started, record) VALUES (?, ?, ?)", row)
        connection.commit()
    for _ in range(2):
        store = Store(path)
        assert [kept.shard for kept in store.history(run.matrix)] == ["", "1/2"]
        store.add_run(run)  # which is there
        assert len(store.history(run.matrix)) == 2
        store.close()


def test_a_store_that_the_first_release_wrote_reads_on(tmp_path: Path) -> None:
    path = tmp_path / "evidence.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript((Path(__file__).parents[2] / "data" / "store-5.sql").read_text(encoding="utf-8"))
    with closing(Store(path)) as store:
        (run,) = store.runs()
        assert run.matrix == "nightly"
        evidence = tuple(store.every_evidence())
        outlines = store.outlines_of_keys({one.key for one in evidence})
        assert len(evidence) == store.size() == sum(map(len, outlines.evidence.values())) == 3
        assert {test.outcome for one in evidence for test in one.tests} == {"passed", "failed"}
        assert store.kept_resolution("cell") is not None
        assert len(store.kept(ISLANDS)) == 1
        assert len(store.green_releases()) == 2
        assert store.left_out == 0
    assert user_version(path) == VERSION


def differences(engine: sa.Engine) -> list[Any]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return list(compare_metadata(context, metadata))


def test_the_tables_are_the_same_whether_made_or_migrated(places: Callable[[str], Place], tmp_path: Path) -> None:
    store = Store(places("new"))
    assert differences(store.engine) == []
    store.close()
    path = tmp_path / "old.sqlite"
    Store(path).close()
    make_old(path, 5)
    with closing(Store(path)) as migrated:
        assert differences(migrated.engine) == []


def test_migrations_run_on_a_server_too(places: Callable[[str], Place]) -> None:
    place = places("store")
    run = run_of(CELL, passed("one", "alpha"))
    with closing(Store(place)) as store, store.engine.begin() as connection:
        store.add(run)
        for name, table in metadata.tables.items():
            if "checksum" in table.columns:
                connection.execute(sa.text(f"DROP INDEX {name}_unsealed"))
                connection.execute(sa.text(f"ALTER TABLE {name} DROP COLUMN checksum"))
        connection.execute(sa.text("DROP TABLE fields"))
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '0005'"))
        if store.engine.dialect.name == "sqlite":
            connection.execute(sa.text("PRAGMA user_version=5"))
    for _ in range(2):
        with closing(Store(place)) as store:
            assert store.of_key(run.key) == (run,)
            assert (store.left_out, differences(store.engine)) == (0, [])


#: The statements by which version 5 adds evidence and its outline.
WRITES_OF_5 = (
    "INSERT INTO evidence (id, key, attempt, outcome, started, record) VALUES (:id, :key, 0, 'ran', :started, :record)",
    "INSERT INTO outlines (evidence, record) VALUES (:id, :outline)",
)


def test_what_an_older_tool_writes_while_a_newer_one_migrates_is_read(places: Callable[[str], Place]) -> None:
    """It has opened the store before, and looks at its version no more."""
    place, told = places("store"), list[str]()
    run = run_of(CELL, passed("one", "alpha"))
    with closing(Store(place)) as store, store.engine.connect() as old:
        old.execute(sa.text("SELECT count(*) FROM evidence")).scalar_one()
        values = {"id": run.id, "key": run.key, "started": run.started.isoformat(), "record": run.to_json()}
        outline = outline_of(run.to_json())
        for statement in WRITES_OF_5:
            old.execute(sa.text(statement), values | {"outline": outline.record})
        results = [{"id": address, "record": record} for address, record in outline.results.items()]
        old.execute(sa.text("INSERT INTO results (id, record) VALUES (:id, :record)"), results)
        old.commit()
        assert (store.of_key(run.key), store.left_out) == ((run,), 0)
        assert store.outlines_of_keys([run.key]) == outlined([run])
    for _ in range(2):
        with closing(Store(place, tell=told.append)) as store:
            assert store.of_key(run.key) == (run,)
            assert store.outlines_of_keys([run.key]) == outlined([run])
            assert (store.left_out, told) == (0, [])
            with store.engine.connect() as connection:
                assert not has_unsealed(connection)


def test_rows_without_a_checksum_are_found_by_their_index(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "store.sqlite")) as store, store.engine.connect() as connection:
        plan = connection.execute(sa.text("EXPLAIN QUERY PLAN SELECT 1 FROM evidence WHERE checksum = ''")).all()
        assert [row.detail for row in plan] == ["SEARCH evidence USING COVERING INDEX evidence_unsealed (checksum=?)"]


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "evidence.sqlite"
    Store(path).close()
    make_old(path, 5, "ALTER TABLE resolutions RENAME COLUMN fingerprint TO state;")
    with pytest.raises(UsageError, match=r"it lacks resolutions\.fingerprint; give another one"):
        Store(path)
    assert user_version(path) == 5
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'fields'").fetchall() == []
