"""Which cell, which crossing and which runs an argument means."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackcompat.cli.lookup import every_run, find_cell, find_crossing
from stackcompat.core.errors import UsageError
from stackcompat.evidence.runs import Crossing, ExchangePlan, PlannedCell, RunRecord
from stackcompat.evidence.store import Store
from support.made_up import NOW, make_cell, passed, planned, run_of

OLD, NEW = ({"alpha": version} for version in ("1.0.0", "1.3.0"))
FIRST, SECOND = planned(make_cell(OLD), OLD), planned(make_cell(NEW), NEW)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "evidence.sqlite")
    yield store
    store.close()


def record(
    *cells: PlannedCell, matrix: str = "m", started: dt.datetime = NOW, exchange: ExchangePlan | None = None
) -> RunRecord:
    return RunRecord(
        matrix=matrix,
        started=started,
        title="M",
        components=("alpha",),
        pythons=("3.12",),
        cells=cells,
        exchange=exchange,
    )


def crossings(*squares: str) -> ExchangePlan:
    """What `FIRST` wrote is read by `SECOND`; once for each square, of which an empty one is a baseline."""
    ends = FIRST.cell.id, SECOND.cell.id
    return ExchangePlan(
        cells=(FIRST, SECOND),
        crossings=tuple(Crossing(writer=ends[0], reader=ends[1], key=f"key {s}", square=s) for s in squares),
    )


def test_the_first_characters_of_an_id_are_enough(store: Store) -> None:
    store.add_run(record(FIRST, SECOND))
    assert find_cell(store, FIRST.cell.id[:8]) == FIRST
    assert find_cell(store, SECOND.cell.id) == SECOND


def test_an_id_that_fits_no_cell_or_several_is_a_mistake_that_lists_them(store: Store) -> None:
    store.add_run(record(FIRST, SECOND))
    with pytest.raises(UsageError, match=r'CELL: "zz" fits 0 cells of the last runs \(none\)'):
        find_cell(store, "zz")
    ids = ", ".join(sorted((FIRST.cell.id, SECOND.cell.id)))
    with pytest.raises(UsageError, match=rf'CELL: "" fits 2 cells of the last runs \({ids}\)'):
        find_cell(store, "")


def test_a_cell_of_several_matrices_is_one_cell(store: Store) -> None:
    store.add_run(record(FIRST))
    store.add_run(record(FIRST, matrix="other"))
    assert find_cell(store, FIRST.cell.id).cell == FIRST.cell


def test_only_the_last_run_of_a_matrix_is_looked_at(store: Store) -> None:
    store.add_run(record(FIRST, started=NOW - dt.timedelta(days=1)))
    store.add_run(record(SECOND))
    with pytest.raises(UsageError, match="fits 0 cells"):
        find_cell(store, FIRST.cell.id)


def test_a_crossing_is_found_by_the_first_characters_of_both_ids(store: Store) -> None:
    store.add_run(record(matrix="x", exchange=crossings("s")))
    store.add(run_of(FIRST, passed("t.py::test_write", "alpha")))
    verdict = find_crossing(store, f"{FIRST.cell.id[:6]}+{SECOND.cell.id[:6]}")
    assert verdict.id == f"{FIRST.cell.id}+{SECOND.cell.id}"


def test_a_baseline_is_no_crossing_that_can_be_asked_for(store: Store) -> None:
    store.add_run(record(matrix="x", exchange=crossings("")))
    with pytest.raises(UsageError, match=r'CELL: "\+" fits 0 crossings of the last runs \(none\)'):
        find_crossing(store, "+")


def test_the_same_ends_in_two_squares_are_one_crossing(store: Store) -> None:
    store.add_run(record(matrix="x", exchange=crossings("s", "t")))
    assert find_crossing(store, "+").id == f"{FIRST.cell.id}+{SECOND.cell.id}"


@pytest.mark.parametrize("name", ["m", "matrices/m.toml"])
def test_the_runs_of_a_matrix_are_found_by_its_name_or_its_file(store: Store, name: str) -> None:
    store.add_run(record(FIRST, started=NOW - dt.timedelta(days=1)))
    store.add_run(record(SECOND))
    store.add_run(record(SECOND, matrix="other"))
    assert [run.started for run in every_run(store, name)] == [NOW - dt.timedelta(days=1), NOW]


def test_a_matrix_that_never_ran_is_a_mistake(store: Store) -> None:
    with pytest.raises(UsageError, match=r'"m" has no run in evidence\.sqlite; run it first: stackcompat run m'):
        every_run(store, "m")
    store.add_run(record(FIRST, matrix="other"))
    sentence = (
        r'"m" has no run in evidence\.sqlite; the runs there are of other; give one of them, or run it first: stack'
    )
    with pytest.raises(UsageError, match=sentence):
        every_run(store, "m")
