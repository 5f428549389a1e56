"""However a run is split, every cell is run once and the parts make the whole again."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.evidence.shards import Shard, join, missing, shards
from support.made_up import history

RUN = history().record()


@given(st.integers(1, 40))
def test_each_cell_has_one_owner_and_a_shared_lock_has_one_too(number: int) -> None:
    owners: dict[str, set[str]] = {}
    for planned in RUN.cells:
        (owner,) = [str(shard) for shard in shards(number) if shard.owns(planned)]
        if planned.resolution.lock is not None:
            owners.setdefault(planned.resolution.lock.id, set()).add(owner)
    assert all(len(found) == 1 for found in owners.values())


@given(st.integers(1, 8), st.randoms(use_true_random=False))
def test_parts_in_any_order_and_twice_make_the_whole(number: int, order: random.Random) -> None:
    parts = [RUN.model_copy(update={"shard": str(shard)}) for shard in shards(number)]
    told = [*parts, order.choice(parts), RUN]
    order.shuffle(told)
    assert join(told) == (RUN,)
    assert missing(parts) == ()
    kept = parts[: number // 2 + 1]
    assert missing(kept) == tuple(f"nightly {shard}" for shard in shards(number)[number // 2 + 1 :])
    assert {planned.cell.id for planned in join(kept)[0].cells} == {planned.cell.id for planned in RUN.cells}


def test_each_cell_is_as_its_owner_locked_it() -> None:
    first, second = shards(2)
    index = next(i for i, planned in enumerate(RUN.cells) if second.owns(planned) and planned.resolution.lock)
    moved = list(RUN.cells)
    moved[index] = moved[index].model_copy(update={"key": "as the first one saw it"})
    parts = (
        RUN.model_copy(update={"shard": str(first), "cells": tuple(moved)}),
        RUN.model_copy(update={"shard": str(second)}),
    )
    assert join(parts)[0].cells[index] == RUN.cells[index]


def test_a_shard_reads_back() -> None:
    assert Shard.parse("2/4") == Shard(number=2, of=4)
    assert str(Shard(number=2, of=4)) == "2/4"
