"""How the database is opened: the store of a newer tool is refused before anything is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from stackcompat.core.errors import UsageError
from stackcompat.evidence.database import Place, StoreFailed, exists, place_name, why_unusable
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.store import Store
from stackcompat.evidence.tables import VERSION
from stackcompat.frontier.frontier import without_superseded
from stackcompat.frontier.search import explore
from support.made_up import NEWEST, make_cell, passed, planned, run_of
from support.old_store import make_old
from support.planted import Planted, chart_of, stairs, table
from support.postgres import PASSWORD, Server

CELL = planned(make_cell(NEWEST), NEWEST)


def user_version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


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


def test_it_is_said_why_a_store_is_unusable(tmp_path: Path) -> None:
    path = tmp_path / "a store #1.sqlite"
    assert why_unusable(path) == "unable to open database file"
    assert not path.exists()
    Store(path).close()
    assert why_unusable(path) == ""
    with closing(sqlite3.connect(path)) as newer:
        newer.execute(f"PRAGMA user_version={VERSION + 1}")
    assert why_unusable(path) == f"a newer stackcompat has written it (version {VERSION + 1})"
    path.write_text("something else, longer than a header of a hundred bytes; " * 10)
    assert why_unusable(path) == "file is not a database"


def test_frontiers_are_told_by_name_the_newest_python_first() -> None:
    found = explore(table(2, 3), Planted(stairs([(0, 1), (1, 2)], 3)))
    old, new = chart_of(found, python="3.9"), chart_of(found, python="3.13")
    assert without_superseded([old, new]) == (new, old)


def test_a_store_without_the_table_of_greens_gets_it_from_its_runs(tmp_path: Path) -> None:
    path = tmp_path / "evidence.sqlite"
    store = Store(path)
    store.add(run_of(CELL, passed("a", "alpha"), passed("b", "beta", "gamma")))
    expected = store.green_releases()
    store.close()
    make_old(path, 1, "DROP TABLE greens;")
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("INSERT INTO evidence VALUES ('x', 'k', 0, 'ran', '2026-11-22', '{\"of\": \"another tool\"}')")
    with closing(Store(path)) as again:
        assert sorted(again.green_releases()) == sorted(expected)
        assert len(expected) == 3
    assert user_version(path) == VERSION


def test_a_database_that_lacks_a_column_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "evidence.sqlite"
    Store(path).close()
    with closing(sqlite3.connect(path)) as other:
        other.execute("ALTER TABLE resolutions RENAME COLUMN fingerprint TO state")
    with pytest.raises(UsageError, match=r"cannot be the store of evidence: it lacks resolutions\.fingerprint; give"):
        Store(path)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (Path("/a/b.sqlite"), "/a/b.sqlite"),
        ("a/b.sqlite", "a/b.sqlite"),
        ("postgresql://host/name", "postgresql://host/name"),
        ("postgresql+psycopg://me:secret@host:5433/name?sslmode=require", "postgresql+psycopg://host:5433/name"),
        ("postgresql://host/name?password=secret", "postgresql://host/name"),
        ("postgresql://host/name?password=se@cret", "postgresql://host/name"),
        ("postgresql://me:sec/ret@host/name", "postgresql://host/name"),
        ("postgresql://me:sec?ret@host/name", "postgresql://host/name"),
        ("postgresql://me:sec@ret@host/name", "postgresql://host/name"),
        ("postgresql://me:secret@host:port/name", "postgresql://..."),
    ],
)
def test_the_name_of_a_place_has_nothing_that_is_secret(place: Place, name: str) -> None:
    assert place_name(place) == name


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mysql://me:secret@host/name", "mysql://host/name is neither a file nor a URL that begins with postgresql://"),
        ("postgresql://me:secret@host:port/name", "is no URL such as postgresql://user:password@host:5432/name; in"),
        ("postgresql://me:secret@127.0.0.1:1/name", "postgresql://127.0.0.1:1/name: cannot be the store of evidence: "),
    ],
)
def test_an_address_that_is_no_store_is_one_sentence(address: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        Store(address)
    assert words in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "secret" not in why_unusable(address) != ""


def test_a_wrong_password_is_told_without_it(postgres: Server) -> None:
    address = postgres.url("postgres", "wrong%20horse")
    with pytest.raises(UsageError, match="password authentication failed") as refused:
        Store(address)
    for text in (str(refused.value), why_unusable(address)):
        assert "horse" not in text
        assert PASSWORD not in text


def test_a_server_is_looked_at_without_a_change(postgres: Server) -> None:
    place = postgres.make_database()
    assert (exists(place), why_unusable(place)) == (False, "")
    store = Store(place)
    assert (exists(place), why_unusable(place)) == (True, "")
    with store.engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE stackcompat_version SET version_num = '{VERSION + 1:04}'"))
    store.close()
    assert why_unusable(place) == f"a newer stackcompat has written it (version {VERSION + 1})"
    with pytest.raises(UsageError, match=rf"its version is {VERSION + 1}, this one reads up to {VERSION}"):
        Store(place)


def fill_disk(store: Store) -> None:
    """Let nothing more be added, as if the disk of the database were full."""
    if store.engine.dialect.name == "sqlite":

        @sa.event.listens_for(store.engine, "connect")
        def _full(connection: sqlite3.Connection, _: object) -> None:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count={pages}")

        store.engine.dispose()  # so that it connects again
        return
    with store.engine.begin() as connection:
        connection.execute(
            sa.text(
                "CREATE FUNCTION no_room() RETURNS trigger AS $$ BEGIN "
                "RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$ LANGUAGE plpgsql"
            )
        )
        connection.execute(
            sa.text("CREATE TRIGGER full_disk BEFORE INSERT ON results FOR EACH ROW EXECUTE FUNCTION no_room()")
        )


def added(store: Store, runs: Iterable[Evidence]) -> Iterator[Evidence]:
    """Add runs, and give each once it is kept."""
    for run in runs:
        store.add(run)
        yield run


def test_a_disk_that_gets_full_is_one_sentence_and_loses_nothing(places: Callable[[str], Place]) -> None:
    place = places("store")
    runs = [run_of(CELL, passed(f"a{attempt}"), attempt=attempt) for attempt in range(60)]
    kept = []
    with closing(Store(place)) as store:
        store.add(runs[0])
        kept.append(runs[0])
        fill_disk(store)
        with pytest.raises(StoreFailed, match=r"^the disk is full for .+; what was finished is kept, the same command"):
            kept.extend(added(store, runs[1:]))
    with closing(Store(place)) as store:
        assert store.of_key(CELL.key) == tuple(kept)
        if store.engine.dialect.name == "sqlite":
            store.add(runs[-1])  # once there is room
            assert store.of_key(CELL.key) == (*kept, runs[-1])
            with store.engine.connect() as connection:
                assert connection.execute(sa.text("PRAGMA integrity_check")).scalar_one() == "ok"


def test_a_file_that_is_damaged_in_the_middle_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "evidence.sqlite"
    with closing(Store(path)) as store:
        for attempt in range(60):
            store.add(run_of(CELL, passed("a"), attempt=attempt))
        with store.engine.connect() as connection:
            connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
    content = bytearray(path.read_bytes())
    for start in range(16_384, len(content) - 4096, 4096):
        content[start : start + 100] = b"\x07" * 100
    path.write_bytes(content)
    with pytest.raises((StoreFailed, UsageError), match=r"malformed|damaged"), closing(Store(path)) as store:
        store.of_key(CELL.key)
