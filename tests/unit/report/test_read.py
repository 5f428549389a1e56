"""A published table is read back, so that its reports can be written anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.report.read import read_table
from stackcompat.report.write import write
from stackcompat.table.build import summarise
from support.made_up import COMPONENTS, NOW, history

MADE = history()
SUMMARY = summarise(COMPONENTS, (MADE.record(),), MADE.evidence, NOW)


def test_reports_of_a_table_that_was_read_are_the_same(tmp_path: Path) -> None:
    cell = SUMMARY.today[0].cell
    pins = "".join(f"{name}=={version}\n" for name, version in SUMMARY.installed[cell].items())
    first, second = tmp_path / "first", tmp_path / "second"
    write(first, SUMMARY, {f"constraints/{cell}.txt": f"# newest\n{pins}"})
    read = read_table(first)
    assert read.installed == {cell: SUMMARY.installed[cell]}
    assert read.locks == SUMMARY.locks
    write(second, read, {f"constraints/{cell}.txt": f"# newest\n{pins}"})
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
    for name in names:
        assert (first / name).read_text() == (second / name).read_text(), name


def test_the_words_are_those_of_this_release(tmp_path: Path) -> None:
    write(tmp_path, SUMMARY.model_copy(update={"claim": "old words", "headline": "old words"}))
    assert (read_table(tmp_path).claim, read_table(tmp_path).headline) == (SUMMARY.claim, SUMMARY.headline)


def test_a_set_of_an_older_table_has_the_level_of_its_shallowest_component(tmp_path: Path) -> None:
    write(tmp_path, SUMMARY)
    document = json.loads((tmp_path / "compat.json").read_text())
    cells = {cell["id"]: cell for cell in document["cells"]}
    for newest in document["today"]:
        newest |= {"level": None, "depths": {}}
        cells[newest["cell"]] |= {"level": "interop", "depths": {}, "asked": []}
        next(iter(cells[newest["cell"]]["components"].values()))["level"] = "import"
    (tmp_path / "compat.json").write_text(json.dumps(document))
    read = read_table(tmp_path)
    assert {newest.level for newest in read.today if newest.verdict == "works"} == {"import"}
    assert {cell.level for cell in read.cells if cell.id == read.today[0].cell} == {"import"}
    assert "works up to import" in read.headline


def test_what_is_no_table_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"compat.json cannot be read: .*; name a folder with published reports"):
        read_table(tmp_path)
    (tmp_path / "compat.json").write_text("{}")
    with pytest.raises(UsageError, match="is no table of this release"):
        read_table(tmp_path)
    write(tmp_path, SUMMARY.model_copy(update={"schema_version": 1}))
    with pytest.raises(UsageError, match="has the schema version 1; this release reads version 2"):
        read_table(tmp_path)
