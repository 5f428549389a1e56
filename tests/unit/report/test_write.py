from __future__ import annotations

import re
from pathlib import Path

from stackcompat.advice.advice import collect_advice
from stackcompat.report.advice import advice_files, kept_advice
from stackcompat.report.links import NOWHERE, Links
from stackcompat.report.write import write, write_kept
from stackcompat.resolve.lock import Lock
from stackcompat.table.build import summarise
from support.made_up import COMPONENTS, NOW, History, history, make_cell, make_lock
from support.world import World

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)
ADVICE = collect_advice(SUMMARY, COMPONENTS, World({}), (), ())


def test_every_file_is_written_and_named(tmp_path: Path) -> None:
    written = write(tmp_path / "reports", SUMMARY)
    names = {path.relative_to(tmp_path / "reports").as_posix() for path in written}
    assert {"COMPATIBILITY.md", "compat.json", "compat.schema.json", "index.html", "junit.xml"} <= names
    assert {f"locks/{cell}.txt" for cell in SUMMARY.locks} <= names
    assert {"badges/alpha--beta.json", "badges/alpha--beta.svg"} <= names
    assert sorted(written) == sorted(path for path in tmp_path.rglob("*") if path.is_file())


def test_the_same_summary_gives_the_same_bytes(tmp_path: Path) -> None:
    first = {path.name: path.read_bytes() for path in write(tmp_path / "one", SUMMARY)}
    assert {path.name: path.read_bytes() for path in write(tmp_path / "two", SUMMARY)} == first


def test_what_an_earlier_summary_left_goes_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    write(tmp_path, SUMMARY)
    (tmp_path / "locks" / "README").write_text("mine")
    for name in ("gone.json", "gone.svg"):
        (tmp_path / "badges" / name).write_text("{}")
    write(tmp_path, summarise(COMPONENTS, (History().record(),), {}, NOW))
    assert [path.name for path in (tmp_path / "locks").iterdir()] == ["README"]
    assert not list((tmp_path / "badges").glob("gone.*"))
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


def names_in(folder: Path) -> set[str]:
    """The files of a folder; those in a folder of it as ``FOLDER/*``."""
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return {path.name if len(path.parts) == 1 else f"{path.parts[0]}/*" for path in paths}


def test_a_repository_keeps_what_does_not_follow_from_the_table(tmp_path: Path) -> None:
    write(tmp_path, SUMMARY, advice_files(SUMMARY, ADVICE))  # as an earlier release published it
    (tmp_path / "replay-gate.md").write_text("of another command")
    assert {"index.html", "junit.xml", "feed.atom", "badges/*", "advisories/*"} <= names_in(tmp_path)
    write_kept(tmp_path, SUMMARY, kept_advice(SUMMARY, ADVICE, NOWHERE))
    assert names_in(tmp_path) == {
        "ADVICE.md",
        "COMPATIBILITY.md",
        "bounds.json",
        "compat.json",
        "compat.schema.json",
        "constraints/*",
        "gate.schema.json",
        "locks/*",
        "repair.toml",
        "replay-gate.md",
        "timeline.json",
    }
    assert not (tmp_path / "badges").exists()


def test_a_repository_keeps_the_advice_where_the_index_is_not_reached(tmp_path: Path) -> None:
    write_kept(tmp_path, SUMMARY, kept_advice(SUMMARY, ADVICE, NOWHERE))
    before = {path.name: path.read_bytes() for path in (tmp_path / "constraints").iterdir()}
    write_kept(tmp_path, SUMMARY)
    assert {path.name: path.read_bytes() for path in (tmp_path / "constraints").iterdir()} == before
    assert (tmp_path / "ADVICE.md").is_file()


def test_what_a_repository_keeps_leads_to_nothing_that_is_not_there(tmp_path: Path) -> None:
    write_kept(tmp_path, SUMMARY, kept_advice(SUMMARY, ADVICE, NOWHERE))
    for name in ("COMPATIBILITY.md", "ADVICE.md"):
        targets = re.findall(r"\]\(([^)]+)\)", (tmp_path / name).read_text(encoding="utf-8"))
        assert [target for target in targets if not (tmp_path / target).is_file()] == []
    assert "The site that `stackcompat site` writes has every cell" in (tmp_path / "COMPATIBILITY.md").read_text()


def test_what_a_repository_keeps_leads_to_the_site_where_its_address_is_known(tmp_path: Path) -> None:
    links = Links(beside=False, site="https://sound.example/compat")
    write_kept(tmp_path, SUMMARY, kept_advice(SUMMARY, ADVICE, links), links)
    table = (tmp_path / "COMPATIBILITY.md").read_text(encoding="utf-8")
    advice = (tmp_path / "ADVICE.md").read_text(encoding="utf-8")
    failure, advisory = SUMMARY.failures[0].id, ADVICE.advisories[0].id
    assert f"(https://sound.example/compat/latest/failure/{failure}.html)" in table
    assert "The [site](https://sound.example/compat/latest/index.html) has a page for each of them." in advice
    assert f"**[{advisory}](https://sound.example/compat/latest/advisory/{advisory}.html)**" in advice
    assert "index.html#" not in table + advice
