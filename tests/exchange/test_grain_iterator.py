"""Where a grain pipeline stood: the state of its iterator, written by one release and gone on from by another.

The pipelines are in plain order, so that the state alone decides what comes next; shuffles have tests of their own.
"""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import idioms
import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.level("exchange")

# MapDataset and IterDataset became public in grain 0.2.1.
DATASET = pytest.mark.uses("grain>=0.2.1")


def loader() -> Any:
    """A DataLoader over sixteen numbers, in batches."""
    sampler = idioms.grain_object("IndexSampler")(
        num_records=16, shard_options=idioms.grain_object("NoSharding")(), shuffle=False, num_epochs=1, seed=0
    )
    return idioms.grain_object("DataLoader")(
        data_source=idioms.grain_object("RangeDataSource")(0, 16, 1),
        sampler=sampler,
        operations=[idioms.grain_object("Batch")(batch_size=2)],
        worker_count=0,
    )


def dataset() -> Any:
    """The same as a dataset, with a filter behind the conversion to an iterator."""
    records = idioms.grain_object("MapDataset").range(30).to_iter_dataset()
    return records.filter(lambda element: element % 3 != 0).batch(2)


def take(iterator: Any, count: int) -> list[list[int]]:
    """The next batches of an iterator, as lists."""
    return [[int(element) for element in next(iterator)] for _ in range(count)]


@pytest.mark.writes("grain-loader")
@pytest.mark.uses("grain")
def test_write_loader(folder: Path) -> None:
    """The state of a DataLoader's iterator after three batches."""
    iterator = iter(loader())
    assert take(iterator, 3) == [[0, 1], [2, 3], [4, 5]]
    (folder / "state").write_bytes(iterator.get_state())


@pytest.mark.reads("grain-loader")
@pytest.mark.uses("grain")
def test_resume_loader(folder: Path) -> None:
    """The same loader goes on with the fourth."""
    iterator = iter(loader())
    iterator.set_state((folder / "state").read_bytes())
    assert take(iterator, 3) == [[6, 7], [8, 9], [10, 11]]


@pytest.mark.writes("grain-dataset")
@DATASET
def test_write_dataset(folder: Path) -> None:
    """The state of a dataset's iterator after three batches, as JSON."""
    iterator = iter(dataset())
    assert take(iterator, 3) == [[1, 2], [4, 5], [7, 8]]
    (folder / "state").write_text(json.dumps(iterator.get_state()))


@pytest.mark.reads("grain-dataset")
@DATASET
def test_resume_dataset(folder: Path) -> None:
    """The same dataset goes on with the fourth."""
    iterator = iter(dataset())
    iterator.set_state(json.loads((folder / "state").read_text()))
    assert take(iterator, 3) == [[10, 11], [13, 14], [16, 17]]


KINDS = {"data": "grain"}


@pytest.mark.writes("grain-orbax")
@DATASET
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.5.0")
def test_write_by_orbax(folder: Path) -> None:
    """The iterator as an item of a CheckpointManager's step, as training loops save it."""
    iterator = iter(dataset())
    take(iterator, 3)
    with closing(idioms.orbax_manager(folder / "run", KINDS)) as manager:
        idioms.orbax_manager_save(manager, 0, KINDS, {"data": iterator})
        manager.wait_until_finished()


@pytest.mark.reads("grain-orbax")
@DATASET
@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.5.0")
def test_resume_by_orbax(folder: Path) -> None:
    """A fresh iterator is put where the saved one was."""
    iterator = iter(dataset())
    with closing(idioms.orbax_manager(folder / "run", KINDS)) as manager:
        idioms.orbax_manager_restore(manager, 0, KINDS, {"data": iterator})
    assert take(iterator, 3) == [[10, 11], [13, 14], [16, 17]]
