"""However a run is split, every cell is run once and the parts make the whole again."""

from __future__ import annotations

import datetime as dt
import random

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.evidence.runs import RunRecord
from stackcompat.evidence.shards import Shard, all_shards, is_partial, join_shards, missing_shards
from support.made_up import history

#: What a shard records: it says nothing about the combinations of covering arrays.
RUN = history().record().model_copy(update={"answered": {}, "unanswered": ()})


@given(st.integers(1, 40))
def test_each_cell_has_one_owner_and_a_shared_lock_has_one_too(number: int) -> None:
    owners: dict[str, set[str]] = {}
    for planned in RUN.cells:
        (owner,) = [str(shard) for shard in all_shards(number) if shard.owns(planned)]
        if planned.resolution.lock is not None:
            owners.setdefault(planned.resolution.lock.id, set()).add(owner)
    assert all(len(found) == 1 for found in owners.values())


def without_shards(run: RunRecord) -> RunRecord:
    return run.model_copy(update={"shards": {}})


@given(st.integers(1, 8), st.randoms(use_true_random=False))
def test_parts_in_any_order_and_twice_make_the_whole(number: int, order: random.Random) -> None:
    parts = [RUN.model_copy(update={"shard": str(shard)}) for shard in all_shards(number)]
    records = [*parts, order.choice(parts)]
    order.shuffle(records)
    (joined,) = join_shards(records)
    assert without_shards(joined) == RUN
    assert list(joined.shards) == [str(shard) for shard in all_shards(number)]
    assert sorted(join_shards([*records, RUN]), key=is_partial) == [RUN, joined]
    assert missing_shards(parts) == ()
    kept = parts[: number // 2 + 1]
    assert missing_shards(kept) == tuple(f"nightly {shard}" for shard in all_shards(number)[number // 2 + 1 :])
    assert {planned.cell.id for planned in join_shards(kept)[0].cells} == {planned.cell.id for planned in RUN.cells}


@given(st.integers(2, 6), st.booleans(), st.randoms(use_true_random=False), st.data())
def test_shards_that_come_one_after_the_other_make_what_all_at_once_make(
    number: int, planned: bool, order: random.Random, data: st.DataObject
) -> None:
    """Each shard saw other keys, as machines with other interpreters do, and some ran twice."""
    plan = {"plan": "p", "planned": RUN.started} if planned else {}
    parts = []
    for shard in all_shards(number):
        for again in range(data.draw(st.integers(1, 2))):
            started = RUN.started + dt.timedelta(minutes=shard.number, hours=again)
            cells = tuple(cell.model_copy(update={"key": f"{shard} {again}"}) for cell in RUN.cells)
            parts.append(RUN.model_copy(update={"shard": str(shard), "started": started, "cells": cells} | plan))
    order.shuffle(parts)
    (at_once,) = join_shards(parts)
    joined: tuple[RunRecord, ...] = ()
    for part in parts:
        joined = join_shards([*joined, part])
        assert join_shards([*joined, part]) == joined
    assert joined == (at_once,)
    for cell in at_once.cells:
        (owner,) = [shard for shard in all_shards(number) if shard.owns(cell)]
        latest = max(part.started for part in parts if part.shard == str(owner))
        again = round((latest - RUN.started) / dt.timedelta(hours=1))
        assert cell.key == f"{owner} {again}"


def test_each_cell_is_as_its_owner_locked_it() -> None:
    first, second = all_shards(2)
    index = next(i for i, planned in enumerate(RUN.cells) if second.owns(planned) and planned.resolution.lock)
    other_locks = list(RUN.cells)
    other_locks[index] = other_locks[index].model_copy(update={"key": "as the first one saw it"})
    parts = (
        RUN.model_copy(update={"shard": str(first), "cells": tuple(other_locks)}),
        RUN.model_copy(update={"shard": str(second)}),
    )
    assert join_shards(parts)[0].cells[index] == RUN.cells[index]


def test_a_shard_reads_back() -> None:
    assert Shard.parse("2/4") == Shard(number=2, of=4)
    assert str(Shard(number=2, of=4)) == "2/4"
