"""What a store knows goes into one file and comes back; what cannot be trusted is refused as a whole."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stackcompat.blame.diagnosis import DIAGNOSES
from stackcompat.core.errors import UsageError
from stackcompat.evidence import archive as module
from stackcompat.evidence.store import Store
from support.archived import HISTORY, NAMES, RUNS, export, fill, import_, table_of
from support.postgres import Server

KEY = b"stackcompat"


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    opened = []

    def make(name: str) -> Store:
        opened.append(Store(tmp_path / f"{name}.sqlite"))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def full(open_store: Callable[[str], Store]) -> Store:
    return fill(open_store("full"))


@pytest.fixture
def empty(open_store: Callable[[str], Store]) -> Store:
    return open_store("empty")


@pytest.fixture
def written(full: Store, tmp_path: Path) -> Path:
    path = tmp_path / "evidence.parquet"
    export(full, path)
    return path


def rewritten(path: Path, change: Callable[[dict[str, Any]], None], rows: slice = slice(None)) -> None:
    """Write an archive again with another header, and only some of its rows."""
    table = pq.read_table(path)
    header = json.loads(pq.ParquetFile(path).metadata.metadata[KEY])
    change(header)
    table = table.slice(*rows.indices(len(table))[:2]).replace_schema_metadata({KEY: json.dumps(header)})
    pq.write_table(table, path)


def test_the_table_of_a_new_machine_is_that_of_the_old_one(full: Store, empty: Store, written: Path) -> None:
    import_(written, empty)
    assert table_of(empty) == table_of(full)
    assert empty.green_releases() != ()
    assert set(empty.green_releases()) == set(full.green_releases())
    for planned in HISTORY.cells:
        assert empty.kept_resolution(planned.cell.id) == full.kept_resolution(planned.cell.id)
    assert tuple(empty.every_run()) == tuple(full.every_run())


def test_logs_and_tracebacks_are_left_out_and_nothing_else_is(full: Store, empty: Store, written: Path) -> None:
    import_(written, empty)
    for run, back in zip(full.every_evidence(), empty.every_evidence(), strict=True):
        assert run.log
        assert not back.log
        assert all(not test.failure.traceback for test in back.tests if test.failure)
        assert [test.failure and test.failure.signature for test in back.tests] == [
            test.failure and test.failure.signature for test in run.tests
        ]
        assert back.id == run.id
        bare = run.model_copy(update={"log": "", "tests": ()})
        assert back.model_copy(update={"tests": ()}) == bare
    assert b"Traceback" not in written.read_bytes()
    assert "Traceback" not in str(pq.read_table(written).to_pylist())


def test_what_was_imported_is_exported_as_the_same(empty: Store, written: Path, tmp_path: Path) -> None:
    archive = import_(written, empty)
    again = tmp_path / "again.parquet"
    assert export(empty, again) == archive
    assert again.read_bytes() == written.read_bytes()


def test_importing_twice_is_importing_once(empty: Store, written: Path, tmp_path: Path) -> None:
    archive = import_(written, empty)
    import_(written, empty)
    assert export(empty, tmp_path / "again.parquet") == archive


def test_a_store_that_has_the_logs_keeps_them(full: Store, written: Path) -> None:
    before = [run.to_json() for run in full.every_evidence()], [it.to_json() for it in full.kept(DIAGNOSES)]
    assert "Traceback" in before[1][0]
    import_(written, full)
    assert ([run.to_json() for run in full.every_evidence()], [it.to_json() for it in full.kept(DIAGNOSES)]) == before


def test_a_run_that_went_on_replaces_its_beginning_in_either_order(
    open_store: Callable[[str], Store], tmp_path: Path
) -> None:
    record = HISTORY.record()
    early, late = open_store("early"), open_store("late")
    early.add_run(record.model_copy(update={"cells": record.cells[:5], "unanswered": ("much is open",) * 99}))
    late.add_run(record)
    for store in (early, late):
        export(store, tmp_path / f"{store.path.stem}.parquet")
    for order in (("early", "late"), ("late", "early")):
        merged = open_store("-".join(order))
        for name in order:
            import_(tmp_path / f"{name}.parquet", merged)
        assert tuple(merged.every_run()) == (record,)


def test_other_tools_can_read_it(written: Path) -> None:
    rows = pq.read_table(written, columns=["evidence"]).column("evidence").drop_null().to_pylist()
    assert {row["id"] for row in rows} == {run.id for run in RUNS}
    assert {test["outcome"] for row in rows for test in row["tests"]} >= {"passed", "failed", "crashed"}
    assert all(dt.datetime.fromisoformat(row["started"]) for row in rows)


def test_a_lock_is_kept_once(written: Path) -> None:
    locks = pq.read_table(written, columns=["locks"]).column("locks").drop_null().to_pylist()
    distinct = {planned.resolution.lock for planned in HISTORY.cells} - {None}
    assert len(locks) == len({lock["id"] for lock in locks}) == len(distinct)


def test_many_row_groups_are_read_as_one(
    full: Store, empty: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ROW_GROUP_BYTES", 1)
    monkeypatch.setattr(module, "_CHUNK", 3)
    archive = export(full, tmp_path / "a.parquet")
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups > 20
    import_(tmp_path / "a.parquet", empty)
    monkeypatch.undo()
    assert export(empty, tmp_path / "b.parquet") == archive


def test_a_file_that_is_there_stays_until_the_new_one_is_complete(
    full: Store, empty: Store, tmp_path: Path, written: Path
) -> None:
    before = written.read_bytes()
    with pytest.raises(UsageError, match=r"STORE: .*empty\.sqlite: holds no run yet; run a matrix first"):
        export(empty, written)
    assert written.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir() if "parquet" in path.name) == ["evidence.parquet"]
    with pytest.raises(UsageError, match=r"^FILE: .*no/x\.parquet cannot be written: No such file or directory$"):
        export(full, tmp_path / "no" / "x.parquet")


def refused(path: Path, store: Store, names: tuple[str, ...] = NAMES) -> str:
    """The sentence with which an archive is refused. The store stays as it is."""
    with pytest.raises(UsageError) as caught:
        import_(path, store, names)
    assert store.size() == 0
    assert store.runs() == ()
    (sentence,) = str(caught.value).splitlines()
    assert sentence.startswith(f"FILE: {path.name}: ")
    assert sentence.endswith("; nothing was taken over")
    return sentence


def test_a_file_that_is_cut_off(empty: Store, written: Path) -> None:
    written.write_bytes(written.read_bytes()[:-100])
    assert "is damaged or no archive of evidence" in refused(written, empty)


def test_a_file_that_is_no_parquet_file_or_another_one(empty: Store, tmp_path: Path) -> None:
    text = tmp_path / "a.parquet"
    text.write_text("versions: none\n")
    assert "is damaged or no archive of evidence" in refused(text, empty)
    other = tmp_path / "b.parquet"
    pq.write_table(pa.table({"x": [1]}), other)
    assert "give a file that stackcompat evidence export has written" in refused(other, empty)


@pytest.mark.parametrize(
    ("name", "column"), [("runs", None), ("runs", pa.array([1, 2])), ("locks", pa.array([b"x", b"y"]))]
)
def test_a_file_that_is_laid_out_in_another_way(
    empty: Store, written: Path, name: str, column: pa.Array | None
) -> None:
    table = pq.read_table(written).slice(0, 2)
    place = table.column_names.index(name)
    changed = table.remove_column(place) if column is None else table.set_column(place, name, column)
    header = pq.ParquetFile(written).metadata.metadata[KEY]
    pq.write_table(changed.replace_schema_metadata({KEY: header}), written)
    refused(written, empty)


def test_a_header_that_lacks_the_locks(empty: Store, written: Path) -> None:
    rewritten(written, lambda header: header["tables"].pop("locks"))
    assert "is damaged or no archive of evidence ('locks')" in refused(written, empty)


def test_rows_that_are_missing_do_not_fit_the_digest(empty: Store, written: Path) -> None:
    rewritten(written, lambda _: None, slice(1, None))
    assert "its evidence are not those that it was written with" in refused(written, empty)


def test_a_digest_of_something_else(empty: Store, written: Path) -> None:
    rewritten(written, lambda header: header["tables"]["plan"].update(digest="0" * 64))
    assert "its plan are not those that it was written with" in refused(written, empty)


def test_a_record_under_the_id_of_another(full: Store, empty: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    evidence = module._tables(())[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_tables", lambda _: (evidence._replace(address=lambda *_: "0123"),))
        export(full, path)
    assert "the id 0123 of its evidence is that of another record" in refused(path, empty)


def test_a_lock_that_is_missing(full: Store, empty: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module._LocksFound, "take", lambda _: [])
        export(full, path)
    assert "is missing, so export it again" in refused(path, empty)


@pytest.mark.parametrize("what", ["evidence", "a table of tomorrow", "layout"])
def test_what_a_newer_tool_has_written(empty: Store, written: Path, what: str) -> None:
    def newer(header: dict[str, Any]) -> None:
        if what == "layout":
            header["layout"] += 1
        else:
            known = header["tables"].get(what, {"version": 0, "rows": 0, "digest": ""})
            header["tables"][what] = known | {"version": known["version"] + 1}

    rewritten(written, newer)
    assert f"a newer stackcompat has written its {what}, so update stackcompat" in refused(written, empty)


def test_the_evidence_of_another_project(empty: Store, written: Path) -> None:
    sentence = refused(written, empty, ("numbers", "letters", "alpha"))
    assert "is of another project, since matrices/components.toml has 1 of its 10 components" in sentence
    import_(written, empty, NAMES[:2])  # a project with fewer components, all of which are known there
    assert empty.size() == len(RUNS)


def test_a_matrix_of_another_project(open_store: Callable[[str], Store], written: Path) -> None:
    store = open_store("other")
    store.add_run(HISTORY.record().model_copy(update={"title": "Letters", "components": ("letters",)}))
    with pytest.raises(UsageError, match=r"STORE: evidence\.parquet: its nightly .* of another project"):
        import_(written, store)
    assert store.size() == 0


@pytest.mark.parametrize("name", ["evidence.jsonl", "evidence.jsonl.gz"])
def test_json_lines_hold_the_same_as_parquet(
    full: Store, empty: Store, written: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    archive = export(full, path)
    assert export(full, tmp_path / "again.parquet") == archive
    text = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {table for line in lines for table in line} >= {"evidence", "locks", "runs", "stackcompat"}
    assert {line["evidence"]["id"] for line in lines if "evidence" in line} == {run.id for run in RUNS}
    for _ in range(2):
        assert import_(path, empty) == archive
    assert table_of(empty) == table_of(full)
    assert export(empty, tmp_path / "back.parquet") == archive
    assert (tmp_path / "back.parquet").read_bytes() == written.read_bytes()


def test_damaged_json_lines_are_refused(
    full: Store, empty: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LINE_BYTES", 2**20)
    path = tmp_path / "evidence.jsonl"
    export(full, path)
    lines = path.read_bytes().splitlines(keepends=True)
    wrong = {
        "cut off": b"".join(lines)[:-100],
        "without a line": b"".join(lines[1:]),
        "a line twice": b"".join([lines[0], *lines]),
        "changed": b"".join(lines).replace(b'"passed"', b'"failed"', 1),
        "no JSON": b"".join(lines).replace(b'":', b"':", 40),
        "cut off and compressed": gzip.compress(b"".join(lines))[:-100],
        "nothing but a bracket": b"{",
        "nested deeply": lines[0] + b'{"evidence":' + b"[" * 200_000 + b"\n",
        "a line without end": gzip.compress(lines[0] + b'{"evidence": "' + b"x" * 2**21),
    }
    for content in wrong.values():
        path.write_bytes(content)
        with pytest.raises(UsageError, match=r"^FILE: .+; nothing was taken over$"):
            import_(path, empty)
    assert empty.size() == 0


def test_an_archive_of_a_newer_tool_with_further_fields_is_refused(full: Store, empty: Store, tmp_path: Path) -> None:
    path = tmp_path / "evidence.jsonl"
    export(full, path)
    text = path.read_text(encoding="utf-8").replace('"Evidence.key"', '"Evidence.key", "Evidence.mood"')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="a newer stackcompat has written the mood of Evidence, so update stackcompat"):
        import_(path, empty)


def test_the_archive_of_a_server_is_that_of_a_file(written: Path, postgres: Server, tmp_path: Path) -> None:
    with closing(Store(postgres.make_database())) as store:
        import_(written, store)
        export(store, tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == written.read_bytes()
