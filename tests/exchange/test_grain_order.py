"""Grain from the same seed: the order of shuffles, the draws of random steps, and the mixing of datasets.

Other values are no break, but training that goes on after an upgrade sees other data than it would have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import idioms
import pytest
from values import assert_unchanged, keep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# MapDataset became public in grain 0.2.1.
pytestmark = [pytest.mark.level("exchange"), pytest.mark.uses("grain>=0.2.1", "jax")]


def shuffled() -> list[int]:
    """Two epochs of a shuffled dataset."""
    return list(idioms.grain_object("MapDataset").range(40).shuffle(seed=3).repeat(2))


def sampled() -> list[int]:
    """A DataLoader with a shuffling sampler."""
    sampler = idioms.grain_object("IndexSampler")(
        num_records=40, shard_options=idioms.grain_object("NoSharding")(), shuffle=True, num_epochs=2, seed=7
    )
    source = idioms.grain_object("RangeDataSource")(0, 40, 1)
    return [int(each) for each in idioms.grain_object("DataLoader")(data_source=source, sampler=sampler)]


def noisy() -> list[float]:
    """What random steps draw for each record."""
    import grain_steps

    records = idioms.grain_object("MapDataset").range(20).seed(5)
    return [float(each) for each in records.random_map(grain_steps.AddNoise())]


def mixed() -> list[int]:
    """Two datasets, mixed by weights."""
    map_dataset = idioms.grain_object("MapDataset")
    whole = map_dataset.mix([map_dataset.range(0, 30), map_dataset.range(100, 130)], weights=[0.7, 0.3])
    return [whole[index] for index in range(30)]


ORDERS: dict[str, Callable[[], Any]] = {"shuffled": shuffled, "sampled": sampled, "noisy": noisy, "mixed": mixed}


def values(name: str) -> Any:
    """One of them, as an array."""
    import numpy as np

    return np.asarray(ORDERS[name]())


@pytest.mark.writes("grain-order")
def test_write(folder: Path) -> None:
    """All of them."""
    for name in ORDERS:
        keep(folder, name, values(name))


@pytest.mark.reads("grain-order")
@pytest.mark.parametrize("name", ORDERS)
def test_same(folder: Path, name: str) -> None:
    """Computed anew, exactly the same."""
    assert_unchanged(values(name), folder, name)
