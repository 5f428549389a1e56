"""Every stateful transformation of grain is stopped and resumed, in this process and in workers, at several places.

Sources: google/grain#1178 and #1179 (window shuffle), grain's changelog of 0.2.15 (mix after a checkpoint) and 0.2.16
(window shuffle), and its commits 9e3b580 ("Simplify state of MapDatasetIterator", 0.2.9), 2b0842f (prefetch, 0.2.9),
7443a2a (the next index of a DataLoader, 0.2.17), 10fdd0d (many workers) and 20f1174 (seeds of workers, 0.2.3).
"""

from __future__ import annotations

import copy
import json
from typing import Any

import grain_pipelines
import idioms
import pytest
from grain_pipelines import NAMES, take

pytestmark = [pytest.mark.level("run"), pytest.mark.uses("grain>=0.2.1"), pytest.mark.thorough]


def dataset(name: str) -> Any:
    """The pipeline of a name. Skips where the release has not all of it."""
    floor, make = grain_pipelines.pipelines()[name]
    if not idioms.at_least("grain", floor):
        pytest.skip(f"grain has all of this since {floor}")
    return make()


@pytest.mark.feature("grain.DatasetIterator.set_state on a fresh iterator")
@pytest.mark.parametrize("name", NAMES)
def test_a_fresh_iterator_resumes(name: str) -> None:
    """From each place a fresh iterator that is given the state goes on as the first one did.

    Source: google/grain#1178 (a fresh iterator with the state of a window shuffle shuffles otherwise).
    """
    pipeline = dataset(name)
    everything = take(iter(pipeline))
    assert len(everything) >= 5
    assert take(iter(pipeline)) == everything
    for place in range(0, len(everything) + 1, 3):
        first = iter(pipeline)
        assert take(first, place) == everything[:place]
        state = copy.deepcopy(first.get_state())
        second = iter(pipeline)
        second.set_state(state)
        assert take(second) == everything[place:]


@pytest.mark.feature("grain.DatasetIterator.set_state on a used iterator")
@pytest.mark.parametrize("name", NAMES)
def test_an_iterator_is_set_back(name: str) -> None:
    """An iterator that went on is set back to an earlier state, twice, and gives the same elements again.

    Source: grain's commits bf894e6 and 2b0842f ("Don't start the producer when setting thread prefetch state", 0.2.9).
    """
    iterator = iter(dataset(name))
    take(iterator, 2)
    state = copy.deepcopy(iterator.get_state())
    wanted = take(iterator)
    for _ in range(2):
        iterator.set_state(copy.deepcopy(state))
        assert take(iterator) == wanted


#: What a state holds that JSON has no form for: arrays of a partly filled bin or window.
WITH_ARRAYS = ("first-fit packing", "best-fit packing", "concat then split", "rebatch")


@pytest.mark.feature("grain.DatasetIterator.get_state as JSON")
@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITH_ARRAYS])
def test_states_are_json(name: str) -> None:
    """A state survives JSON, which is how Orbax's handler of grain keeps it.

    Source: grain's documentation of get_state; keras-team/keras#22490 (the state is kept as JSON).
    """
    pipeline = dataset(name)
    first = iter(pipeline)
    take(first, 3)
    second = iter(pipeline)
    second.set_state(json.loads(json.dumps(first.get_state())))
    assert take(second) == take(first)


@pytest.mark.feature("grain.IterDataset.mp_prefetch with restored state")
@pytest.mark.limit(120)
@pytest.mark.uses("grain>=0.2.3")
@pytest.mark.parametrize(("name", "workers"), [("first-fit packing", 1), ("all together", 2), ("random_map", 3)])
def test_worker_processes_resume(name: str, workers: int) -> None:
    """With worker processes below it, the iterator goes on from its state, and gives the elements of the plain one.

    Source: grain's commits 20f1174 (workers drew the same numbers) and 10fdd0d; changelog of 0.2.12 (slicing).
    """
    from test_grain import parsed_flags

    plain = dataset(name)
    with parsed_flags():
        pipeline = plain.mp_prefetch(idioms.grain_object("MultiprocessingOptions")(num_workers=workers))
        first = iter(pipeline)
        begun = take(first, 4)
        state = copy.deepcopy(first.get_state())
        rest = take(first)
        second = iter(pipeline)
        second.set_state(state)
        assert take(second) == rest
    if name == "random_map":
        assert sorted(int(value) for value in begun + rest) == list(range(24))
        assert len({value % 1 for value in begun + rest}) == 24
    elif workers == 1:
        assert begun + rest == take(iter(plain))


@pytest.mark.feature("grain.IterDataset.mix with other weights after a checkpoint")
@pytest.mark.uses("grain>=0.2.15")
def test_mixture_with_other_weights() -> None:
    """After a checkpoint a mixture goes on with other weights: each part from where it was.

    Source: grain's changelog of 0.2.15 ("changing IterDataset.mix components and weights after a checkpoint").
    """
    mix = idioms.grain_object("IterDataset").mix
    even, odd = (grain_pipelines.numbers(40)[i::2].to_iter_dataset() for i in range(2))
    first = iter(mix([even, odd], weights=[0.5, 0.5]))
    begun = take(first, 8)
    assert sorted(begun) == list(range(8))
    second = iter(mix([even, odd], weights=[0.75, 0.25]))
    second.set_state(first.get_state())
    found = take(second, 8)
    assert [value for value in found if value % 2 == 0] == [8, 10, 12, 14, 16, 18]
    assert [value for value in found if value % 2 == 1] == [9, 11]


@pytest.mark.feature("grain.experimental.set_next_index")
@pytest.mark.uses("grain>=0.2.16")
def test_next_index() -> None:
    """get_next_index and set_next_index tell and move the place of an iterator.

    Source: grain's changelog of 0.2.16.
    """
    extra = idioms.grain_experimental()
    iterator = iter(grain_pipelines.numbers(10).shuffle(seed=1).to_iter_dataset())
    everything = take(iterator)
    extra.set_next_index(iterator, 4)
    assert extra.get_next_index(iterator) == 4
    assert take(iterator) == everything[4:]


@pytest.mark.feature("grain.DataLoader with drop_remainder")
@pytest.mark.uses("grain>=0.2.1")
@pytest.mark.parametrize("drop", [True, False])
def test_remainder_of_a_shard(drop: bool) -> None:
    """Shards of a sampler keep or drop the remainder as they are told, and share out all other records.

    Source: grain's changelog after 0.2.18 (a DataLoader always dropped it since 0.2.13).
    """
    from grain import python as grain

    found = []
    for index in range(3):
        options = grain.ShardOptions(shard_index=index, shard_count=3, drop_remainder=drop)
        sampler = grain.IndexSampler(num_records=11, shard_options=options, shuffle=False, num_epochs=1, seed=0)
        loader = grain.DataLoader(data_source=grain.RangeDataSource(0, 11, 1), sampler=sampler, worker_count=0)
        found.append([int(element) for element in loader])
    assert sorted(element for shard in found for element in shard) == list(range(9 if drop else 11))


@pytest.mark.feature("grain.IterDataset.mp_prefetch with strings or empty arrays")
@pytest.mark.limit(120)
@pytest.mark.uses("grain>=0.2.3")
def test_texts_from_workers() -> None:
    """Texts of different lengths and empty arrays come out of a worker process whole, in batches.

    Source: grain's changelog of 0.2.17 ("Fixes silent string truncation in shared memory batching"), its commit 0138560
    (arrays of size 0, 0.2.3).
    """
    import numpy as np
    from test_grain import parsed_flags

    texts = ["a", "a much longer text", "", "b"]
    source = [{"text": np.array(text), "none": np.zeros((0, 2), np.float32)} for text in texts]
    records = idioms.grain_object("MapDataset").source(source).to_iter_dataset().batch(2)
    with parsed_flags():
        workers = records.mp_prefetch(idioms.grain_object("MultiprocessingOptions")(num_workers=1))
        found = list(workers)
    assert [str(text) for batch in found for text in batch["text"]] == texts
    assert [batch["none"].shape for batch in found] == [(2, 0, 2)] * 2
