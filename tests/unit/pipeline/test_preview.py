"""What a run would run."""

from __future__ import annotations

from pathlib import Path

from stackcompat.evidence.runs import Crossing, ExchangePlan, PlannedCell
from stackcompat.evidence.store import Store
from stackcompat.pipeline.preview import due_crossings, preview_cells
from support.fakes import OPENED
from support.made_up import make_cell, passed, planned, run_of, unresolved

KNOWN = planned(make_cell({"alpha": "1.1"}), {"alpha": "1.1"})
NEW = planned(make_cell({"alpha": "1.2"}), {"alpha": "1.2"})
SAME = planned(make_cell({"alpha": "1.2"}, label="the same again", thorough=False), {"alpha": "1.2"})
REFUSED = unresolved(make_cell({"beta": "1.0"}), "cannot be")


def opened(folder: Path) -> Store:
    store = Store(folder / "evidence.sqlite")
    OPENED.append(store)
    store.add(run_of(KNOWN, passed("t.py::test", "alpha")))
    return store


def due(cells: list[PlannedCell], store: Store, *, rerun: bool = False) -> list[tuple[bool, str]]:
    return [(preview.is_due, preview.shares) for preview in preview_cells(cells, store, "interop", rerun=rerun)]


def test_what_has_no_evidence_would_run_once(tmp_path: Path) -> None:
    same = SAME.model_copy(update={"key": NEW.key})
    store = opened(tmp_path)
    cells = [KNOWN, NEW, same, REFUSED]
    assert due(cells, store) == [(False, ""), (True, ""), (False, NEW.cell.id), (False, "")]
    assert due(cells, store, rerun=True) == [(True, ""), (True, ""), (False, NEW.cell.id), (False, "")]


def test_how_long_it_took_is_that_of_the_same_question(tmp_path: Path) -> None:
    store = opened(tmp_path)
    (run,) = store.every_evidence()
    previews = preview_cells([KNOWN, NEW, REFUSED], store, run.level)
    assert [preview.seconds for preview in previews] == [run.seconds, run.seconds, None]


def test_crossings_without_evidence_would_run(tmp_path: Path) -> None:
    store = opened(tmp_path)
    crossings = [
        Crossing(writer=KNOWN.cell.id, reader=reader, key=key, square=square)
        for reader, key, square in (("a", KNOWN.key, "s"), ("b", "new", "s"), ("b", "new", "t"), ("c", "", "s"))
    ]
    plan = ExchangePlan(cells=(KNOWN,), crossings=tuple(crossings))
    assert due_crossings(plan, store) == 1
    assert due_crossings(plan, store, rerun=True) == 2
