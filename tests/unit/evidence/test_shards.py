"""Which shard runs a cell, and how the records of shards become one."""

from __future__ import annotations

import datetime as dt

import pytest

from stackcompat.core.errors import UsageError
from stackcompat.evidence.runs import PlannedCell, RunRecord
from stackcompat.evidence.shards import Shard, all_shards, join_shards, missing_shards
from stackcompat.resolve.lock import Resolution
from support.made_up import NEWEST, NOW, make_cell, planned

FIRST, SECOND = all_shards(2)


def cell(label: str, number: str = "1.0") -> PlannedCell:
    """A cell with a lock of its own for each `number`."""
    return planned(make_cell({"alpha": number}, label=label), {"alpha": number})


def record(
    shard: Shard | None, *cells: PlannedCell, hours: int = 0, matrix: str = "nightly", plan: str = ""
) -> RunRecord:
    return RunRecord(
        matrix=matrix,
        started=NOW + dt.timedelta(hours=hours),
        title="T",
        components=("alpha",),
        pythons=("3.12",),
        cells=cells,
        shard=str(shard) if shard else "",
        plan=plan,
        planned=NOW if plan else None,
    )


def owned_by(shard: Shard) -> PlannedCell:
    return next(found for found in (cell("c", f"1.{n}") for n in range(50)) if shard.owns(found))


@pytest.mark.parametrize("text", ["", "1", "0/4", "5/4", "1/0", "-1/4", "1/4 ", "01/4", "1/10000", "a/b", "1.0/4"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=f'--shard: "{text}" is not a shard such as 1/4; allowed are 1/N to N/N'):
        Shard.parse(text)


def test_the_last_shard_is_one() -> None:
    assert Shard.parse("4/4") == all_shards(4)[-1]
    assert all_shards(1) == (Shard(number=1, of=1),)


def test_cells_with_the_same_lock_have_the_same_owner() -> None:
    cells = [planned(make_cell(NEWEST), NEWEST), planned(make_cell(NEWEST | {"beta": ""}), NEWEST)]
    assert cells[0].cell.id != cells[1].cell.id
    for number in range(1, 9):
        owners = {str(shard) for shard in all_shards(number) for planned_cell in cells if shard.owns(planned_cell)}
        assert len(owners) == 1


def test_a_cell_without_a_lock_has_one_owner_by_its_id() -> None:
    unlocked = PlannedCell(cell=make_cell({"alpha": "1.0"}), resolution=Resolution(outcome="failed", detail="x"))
    for number in range(1, 9):
        assert sum(shard.owns(unlocked) for shard in all_shards(number)) == 1


def test_the_later_record_of_a_shard_counts() -> None:
    mine = owned_by(FIRST)
    again = mine.model_copy(update={"key": "again"})
    joined = join_shards([record(FIRST, again, hours=2), record(FIRST, mine), record(SECOND, mine)])
    (whole,) = joined
    assert whole.cells == (again,)
    assert whole.shard == ""


def test_a_joined_record_began_when_its_first_shard_did() -> None:
    (whole,) = join_shards([record(FIRST, hours=3), record(SECOND, hours=1)])
    assert whole.started == NOW + dt.timedelta(hours=1)


def test_a_cell_whose_shard_is_missing_stays_as_another_shard_planned_it() -> None:
    theirs = owned_by(SECOND)
    (whole,) = join_shards([record(FIRST, theirs)])
    assert whole.cells == (theirs,)
    assert missing_shards([record(FIRST, theirs)]) == ("nightly 2/2",)


def test_shards_of_other_matrices_and_other_splits_do_not_mix() -> None:
    records = [record(FIRST), record(FIRST, matrix="quick"), record(Shard(number=1, of=3), hours=1)]
    assert len(join_shards(records)) == 3
    assert missing_shards(records) == ("nightly 2/2", "quick 2/2", "nightly 2/3", "nightly 3/3")


def test_whole_records_stay_as_they_are_oldest_first() -> None:
    late, early = record(None, hours=5), record(None)
    assert join_shards([late, early, late]) == (early, late)
    assert missing_shards([late, early]) == ()


def test_shards_of_two_nights_are_two_executions() -> None:
    """Tonight's second shard died, and last night's is still there."""
    last = [cell("a", "1.0"), cell("b", "1.1")]
    tonight = [cell("a", "2.0"), cell("b", "2.1")]
    records = [record(FIRST, *last), record(SECOND, *last), record(FIRST, *tonight, hours=24)]
    first, second = join_shards(records)
    assert (first.started, set(first.shards)) == (NOW, {"1/2", "2/2"})
    assert (second.started, set(second.shards)) == (NOW + dt.timedelta(hours=24), {"1/2"})
    assert second.cells == tuple(tonight)
    assert missing_shards(records) == ("nightly 2/2",)
    assert missing_shards([records[0], records[2]]) == ("nightly 2/2 of 2026-11-22 06:00 UTC", "nightly 2/2")


def test_the_same_cells_a_night_later_are_another_execution() -> None:
    cells = [cell("a", "1.0"), cell("b", "1.1")]
    assert len(join_shards([record(FIRST, *cells), record(SECOND, *cells, hours=24)])) == 2
    assert len(join_shards([record(FIRST, *cells), record(SECOND, *cells, hours=5)])) == 1


def test_the_plan_decides_which_shards_belong_together() -> None:
    cells = [cell("a", "1.0"), cell("b", "1.1")]
    (whole,) = join_shards([record(FIRST, *cells, plan="p", hours=30), record(SECOND, *cells, plan="p", hours=50)])
    assert whole.started == NOW  # as planned
    assert whole.plan == "p"
    assert len(join_shards([record(FIRST, *cells, plan="p"), record(SECOND, *cells, plan="q")])) == 2
    assert len(join_shards([record(FIRST, *cells, plan="p"), record(SECOND, *cells)])) == 2


def test_a_late_shard_joins_a_record_that_went_on() -> None:
    mine, theirs = owned_by(FIRST), owned_by(SECOND)
    further = cell("further", "9.0")
    (joined,) = join_shards([record(FIRST, mine, theirs, plan="p")])
    went_on = joined.model_copy(
        update={"cells": (*joined.cells, further), "rounds": (1,), "answered": {"pairs": 100.0}, "unanswered": ("x",)}
    )
    as_they_ran_it = theirs.model_copy(update={"key": "theirs"})
    (whole,) = join_shards([record(SECOND, mine, as_they_ran_it, plan="p", hours=3), went_on])
    assert whole.cells == (mine, as_they_ran_it, further)
    assert (whole.rounds, whole.answered, whole.unanswered) == ((1,), {}, ())  # so that it goes on
    assert join_shards([record(FIRST, mine, theirs, plan="p"), went_on]) == (went_on,)
