from __future__ import annotations

from pathlib import Path

from stackcompat.report.write import write
from stackcompat.resolve.lock import Lock
from stackcompat.table.build import summarise
from support.made_up import COMPONENTS, NOW, History, history, make_cell, make_lock

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)


def test_every_file_is_written_and_named(tmp_path: Path) -> None:
    written = write(tmp_path / "reports", SUMMARY)
    names = {path.relative_to(tmp_path / "reports").as_posix() for path in written}
    assert {"COMPATIBILITY.md", "compat.json", "compat.schema.json", "index.html", "junit.xml"} <= names
    assert {f"locks/{cell}.txt" for cell in SUMMARY.locks} <= names
    assert "badges/alpha--beta.json" in names
    assert sorted(written) == sorted(path for path in tmp_path.rglob("*") if path.is_file())


def test_the_same_summary_gives_the_same_bytes(tmp_path: Path) -> None:
    first = {path.name: path.read_bytes() for path in write(tmp_path / "one", SUMMARY)}
    assert {path.name: path.read_bytes() for path in write(tmp_path / "two", SUMMARY)} == first


def test_what_an_earlier_summary_left_goes_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    write(tmp_path, SUMMARY)
    (tmp_path / "locks" / "README").write_text("mine")
    (tmp_path / "badges" / "gone.json").write_text("{}")
    write(tmp_path, summarise(COMPONENTS, (History().record(),), {}, NOW))
    assert [path.name for path in (tmp_path / "locks").iterdir()] == ["README"]
    assert not (tmp_path / "badges" / "gone.json").exists()
    assert (tmp_path / "badges" / "alpha.json").exists()


def test_a_published_lock_is_one_that_installers_take(tmp_path: Path) -> None:
    write(tmp_path, SUMMARY)
    cell = next(cell for cell in SUMMARY.cells if cell.verdict == "broken")
    lock = Lock.parse((tmp_path / cell.lock).read_text(), cell.python, cell.platform)
    assert lock == make_lock({name: component.version for name, component in cell.components.items()}, cell.python)


def test_reports_of_four_hundred_cells_stay_small(tmp_path: Path) -> None:
    made = History()
    pinned = {"gamma": "1.0.2", "delta": "5.3.0", "epsilon": "3.1.0", "zeta": "0.9.4"}
    for number in range(400):
        versions = pinned | {"alpha": f"1.{number % 20}.0", "beta": f"2.{number // 20}.0"}
        made.add(make_cell(versions), versions)
    summary = summarise(COMPONENTS, (made.record(),), made.evidence, NOW)
    assert len(summary.cells) == 400
    assert summary.counts["broken"] > 30
    assert sum(path.stat().st_size for path in write(tmp_path, summary)) < 3_000_000
