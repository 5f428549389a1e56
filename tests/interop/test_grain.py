"""Grain feeds training: the same records in the same order, from any place, after any resumption.

The first half needs grain alone; the second hands its batches to jax, flax and optax, and its iterators to orbax.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import idioms
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# MapDataset and IterDataset became public in grain 0.2.1; grain 0.1.0 has only the DataLoader.
DATASET = "grain>=0.2.1"


def pipeline(seed: int = 3) -> Any:
    """A shuffled, endless, batched pipeline with a random step: 12 records, 3 batches an epoch."""
    import grain_steps

    records = idioms.grain_object("MapDataset").source(list(range(12))).seed(seed).shuffle()
    # An endless dataset fills its read buffer first: the default of 500 batches would cost seconds.
    options = idioms.grain_object("ReadOptions")(num_threads=2, prefetch_buffer_size=4)
    return records.random_map(grain_steps.AddNoise()).repeat().batch(4).to_iter_dataset(options)


def loader(worker_count: int = 0, operations: Any = (), epochs: int = 1, **options: Any) -> Any:
    """A DataLoader over 16 shuffled numbers."""
    sampler = idioms.grain_object("IndexSampler")(
        num_records=16,
        shard_options=idioms.grain_object("NoSharding")(),
        shuffle=True,
        num_epochs=epochs,
        seed=7,
    )
    return idioms.grain_object("DataLoader")(
        data_source=idioms.grain_object("RangeDataSource")(0, 16, 1),
        sampler=sampler,
        operations=list(operations),
        worker_count=worker_count,
        **options,
    )


def take(iterator: Any, count: int) -> list[Any]:
    """The next elements of an iterator."""
    return [next(iterator) for _ in range(count)]


def same(found: list[Any], wanted: list[Any]) -> bool:
    """Whether two lists of arrays are equal to the bit."""
    import numpy as np

    return len(found) == len(wanted) and all(
        np.array_equal(one, other) for one, other in zip(found, wanted, strict=True)
    )


@contextmanager
def parsed_flags() -> Iterator[None]:
    """absl's flags parsed, as grain's guide asks for before worker processes start; unparsed again for other tests.

    (Other libraries read flags too early, and that only shows while flags are not parsed.)
    """
    from absl import flags

    was_parsed = flags.FLAGS.is_parsed()
    flags.FLAGS(["test"], known_only=True)
    try:
        yield
    finally:
        if not was_parsed:
            flags.FLAGS.unparse_flags()


# ---------------------------------------------------------------------------------------------------------------------
# Grain alone
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.uses(DATASET)
@pytest.mark.level("run")
def test_map_dataset_transforms() -> None:
    """map, filter, map_with_index, batch and slicing give the records that plain Python gives, as numpy arrays."""
    import numpy as np

    source = idioms.grain_object("MapDataset").source([10, 11, 12, 13, 14, 15])
    squares = source.map(lambda element: element * element)
    assert [squares[index] for index in range(len(squares))] == [100, 121, 144, 169, 196, 225]
    assert list(source.filter(lambda element: element % 2 == 0)) == [10, 12, 14]
    assert list(source.map_with_index(lambda index, element: (index, element)))[2] == (2, 12)
    assert list(source[1::2]) == [11, 13, 15]
    batches = list(source.batch(4))
    assert [batch.tolist() for batch in batches] == [[10, 11, 12, 13], [14, 15]]
    assert isinstance(batches[0], np.ndarray)
    assert len(source.batch(4, drop_remainder=True)) == 1


@pytest.mark.uses(DATASET)
@pytest.mark.level("run")
def test_shuffle_is_a_seeded_permutation() -> None:
    """shuffle permutes, repeats the order for a seed, changes it with the seed and with the epoch."""
    records = idioms.grain_object("MapDataset").range(50)
    first = list(records.shuffle(seed=1))
    assert sorted(first) == list(range(50))
    assert first != list(range(50))
    assert first == list(records.shuffle(seed=1))
    assert first != list(records.shuffle(seed=2))
    epochs = list(records.shuffle(seed=1).repeat(2))
    assert epochs[:50] == first
    assert sorted(epochs[50:]) == list(range(50))
    assert epochs[50:] != first


@pytest.mark.uses(DATASET)
@pytest.mark.level("run")
def test_random_map_is_seeded() -> None:
    """A random step draws from a generator of its own per record, the same in each run with the same seed."""
    first = take(iter(pipeline(seed=3)), 4)
    assert same(take(iter(pipeline(seed=3)), 4), first)
    assert not same(take(iter(pipeline(seed=4)), 4), first)


@pytest.mark.uses(DATASET)
@pytest.mark.level("run")
def test_iterator_state_resumes() -> None:
    """get_state and set_state put a fresh iterator exactly where the old one was, through JSON as checkpoints do it."""
    import json

    iterator = iter(pipeline())
    take(iterator, 4)
    state = json.loads(json.dumps(iterator.get_state()))
    wanted = take(iterator, 5)
    fresh = iter(pipeline())
    take(fresh, 2)
    fresh.set_state(state)
    assert same(take(fresh, 5), wanted)


@pytest.mark.uses(DATASET)
@pytest.mark.level("run")
def test_iter_dataset_state_resumes() -> None:
    """Filter and batch after to_iter_dataset are stateful, and their iterator resumes as well."""

    def dataset() -> Any:
        records = idioms.grain_object("MapDataset").range(40).shuffle(seed=5).to_iter_dataset()
        return records.filter(lambda element: element % 3 != 0).map(lambda element: element + 100).batch(4)

    iterator = iter(dataset())
    take(iterator, 2)
    state = iterator.get_state()
    wanted = take(iterator, 3)
    fresh = iter(dataset())
    fresh.set_state(state)
    assert same(take(fresh, 3), wanted)
    assert all((batch % 3 != 1).all() for batch in wanted)


@pytest.mark.uses(DATASET)
@pytest.mark.level("run")
def test_mix_follows_the_weights() -> None:
    """Mixing takes from each dataset in proportion to its weight, each in its own order."""
    map_dataset = idioms.grain_object("MapDataset")
    low, high = map_dataset.range(0, 100), map_dataset.range(1000, 1100)
    mixed = map_dataset.mix([low, high], weights=[0.75, 0.25])
    first = [mixed[index] for index in range(40)]
    assert [element for element in first if element < 1000] == list(range(30))
    assert [element for element in first if element >= 1000] == list(range(1000, 1010))


@pytest.mark.uses(DATASET)
@pytest.mark.level("run")
def test_first_fit_packing() -> None:
    """Sequences of unequal length are packed into rows of a fixed length; segment ids tell them apart."""
    import numpy as np

    sequences = [{"tokens": np.full((length,), length, np.int32)} for length in (3, 5, 2, 4, 1)]
    records = idioms.grain_object("MapDataset").source(sequences).to_iter_dataset()
    packed = idioms.grain_experimental().FirstFitPackIterDataset(
        records, length_struct={"tokens": 8}, num_packing_bins=2, shuffle_bins=False
    )
    rows = list(packed)
    assert [row["tokens"].tolist() for row in rows] == [[3, 3, 3, 5, 5, 5, 5, 5], [2, 2, 4, 4, 4, 4, 1, 0]]
    assert rows[1]["tokens_segment_ids"].tolist() == [1, 1, 2, 2, 2, 2, 3, 0]
    assert rows[1]["tokens_positions"].tolist() == [0, 1, 0, 1, 2, 3, 0, 0]


@pytest.mark.uses("grain")
@pytest.mark.level("run")
def test_data_loader() -> None:
    """The DataLoader draws shuffled indices and applies its operations in order: filter, map, batch."""
    import grain_steps

    operations = [grain_steps.OnlyEven(), grain_steps.Scale(), idioms.grain_object("Batch")(batch_size=4)]
    batches = list(loader(operations=operations))
    assert [batch.shape for batch in batches] == [(4,), (4,)]
    found = [float(element) for batch in batches for element in batch]
    assert sorted(found) == [4.0 * index for index in range(8)]
    assert found != sorted(found)
    assert same(list(loader(operations=operations)), batches)


@pytest.mark.uses("grain")
@pytest.mark.level("run")
def test_data_loader_state_resumes() -> None:
    """The DataLoader's iterator goes on from its saved state, random steps and all."""
    import grain_steps

    operations = [grain_steps.AddNoise(), idioms.grain_object("Batch")(batch_size=2)]
    iterator = iter(loader(operations=operations))
    take(iterator, 3)
    state = iterator.get_state()
    wanted = list(iterator)
    fresh = iter(loader(operations=operations))
    fresh.set_state(state)
    assert same(list(fresh), wanted)
    assert len(wanted) == 5


@pytest.mark.uses("grain")
@pytest.mark.level("run")
def test_data_loader_shards() -> None:
    """Two shards of the same sampler see every record once between them, in whole and disjoint halves."""

    def shard(index: int) -> list[int]:
        options = idioms.grain_object("ShardOptions")(shard_index=index, shard_count=2, drop_remainder=True)
        sampler = idioms.grain_object("IndexSampler")(
            num_records=10, shard_options=options, shuffle=True, num_epochs=1, seed=0
        )
        source = idioms.grain_object("RangeDataSource")(0, 10, 1)
        return [int(each) for each in idioms.grain_object("DataLoader")(data_source=source, sampler=sampler)]

    first, second = shard(0), shard(1)
    assert len(first) == len(second) == 5
    assert sorted(first + second) == list(range(10))


@pytest.mark.uses("grain")
@pytest.mark.level("run")
def test_array_record_source(tmp_path: Path) -> None:
    """Records written by the array_record library that grain brings along are read back by grain's source."""
    from array_record.python.array_record_module import ArrayRecordWriter

    path = str(tmp_path / "records.array_record")
    writer = ArrayRecordWriter(path, "group_size:1")
    for index in range(5):
        writer.write(f"record {index}".encode())
    writer.close()
    source = idioms.grain_object("ArrayRecordDataSource")(path)
    assert len(source) == 5
    assert [source[index] for index in (0, 4, 2)] == [b"record 0", b"record 4", b"record 2"]


@pytest.mark.thorough
@pytest.mark.uses("grain")
@pytest.mark.level("run")
@pytest.mark.limit(120)
def test_data_loader_in_worker_processes() -> None:
    """Two worker processes give the same records in the same order as none: arrays travel by shared memory.

    (Worker processes cost seconds, so that this is the only such test; mp_prefetch runs on the same machinery.)
    """
    import grain_steps

    operations = [grain_steps.Scale()]
    with parsed_flags():
        found = list(loader(worker_count=2, operations=operations))
    assert same(found, list(loader(operations=operations)))


# ---------------------------------------------------------------------------------------------------------------------
# Grain with jax, flax and optax
# ---------------------------------------------------------------------------------------------------------------------


def examples(batch_size: int) -> Any:
    """An endless pipeline of regression examples: dictionaries of float32 inputs and targets."""
    import numpy as np

    inputs = np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32)
    targets = inputs @ np.array([[1.0], [-2.0], [0.5], [3.0]], np.float32)
    source = [{"x": x, "y": y} for x, y in zip(inputs, targets, strict=True)]
    options = idioms.grain_object("ReadOptions")(num_threads=1, prefetch_buffer_size=2)
    records = idioms.grain_object("MapDataset").source(source).shuffle(seed=2).repeat()
    return records.batch(batch_size).to_iter_dataset(options)


@pytest.mark.uses("jax", "jaxlib", DATASET)
@pytest.mark.level("interop")
def test_batches_are_laid_out_over_devices() -> None:
    """A batch of grain's, a dictionary of numpy arrays, is put over all devices and computed on under jit."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    batch = next(iter(examples(batch_size=16)))
    sharding = jax.sharding.NamedSharding(
        jax.sharding.Mesh(np.array(jax.devices()), ("data",)), jax.sharding.PartitionSpec("data")
    )
    placed = jax.device_put(batch, sharding)
    assert {shard.data.shape for shard in placed["x"].addressable_shards} == {(2, 4)}
    total = jax.jit(lambda batch: jnp.sum(batch["x"] * batch["y"]))(placed)
    np.testing.assert_allclose(total, np.sum(batch["x"] * batch["y"]), rtol=1e-4, atol=1e-4)


@pytest.mark.uses("jax", "jaxlib", DATASET)
@pytest.mark.level("interop")
def test_records_of_jax_arrays_are_batched() -> None:
    """Steps may return jax arrays, nested in any tree: grain walks jax's trees and stacks the leaves."""
    import jax
    import numpy as np

    dataset = idioms.grain_object("MapDataset").range(6)
    put = jax.device_put  # from numpy: jnp would compile a program for each kind of array
    dataset = dataset.map(
        lambda index: {"a": put(np.full(2, index, np.int32)), "b": (np.float32(index), [put(np.int32(-index))])}
    )
    batch = dataset.batch(3)[1]
    assert jax.tree_util.tree_structure(batch) == jax.tree_util.tree_structure({"a": 0, "b": (0, [0])})
    assert np.asarray(batch["a"]).tolist() == [[3, 3], [4, 4], [5, 5]]
    assert np.asarray(batch["b"][1][0]).tolist() == [-3, -4, -5]


@pytest.mark.uses("jax", "jaxlib", "grain")
@pytest.mark.level("interop")
def test_sampler_shards_by_jax_process() -> None:
    """ShardByJaxProcess asks jax who this process is: alone, it gets all the records."""
    shard = idioms.grain_object("ShardByJaxProcess")(drop_remainder=True)
    assert (shard.shard_index, shard.shard_count) == (0, 1)
    sampler = idioms.grain_object("IndexSampler")(num_records=6, shard_options=shard, num_epochs=1)
    source = idioms.grain_object("RangeDataSource")(0, 6, 1)
    records = idioms.grain_object("DataLoader")(data_source=source, sampler=sampler)
    assert [int(each) for each in records] == list(range(6))


@pytest.mark.uses("jax", "jaxlib", "grain>=0.2.13")
@pytest.mark.level("interop")
def test_device_put() -> None:
    """grain.experimental.device_put prefetches batches to a device and keeps their order."""
    import jax
    import numpy as np

    dataset = idioms.grain_object("MapDataset").range(12).map(np.float32).batch(4).to_iter_dataset()
    device = jax.devices()[3]
    found = list(idioms.grain_experimental().device_put(dataset, device))
    assert all(batch.devices() == {device} for batch in found)
    assert same(found, list(dataset))


@pytest.mark.thorough
@pytest.mark.uses("jax", "jaxlib", "flax>=0.8.5", "optax", DATASET)
@pytest.mark.level("interop")
def test_nnx_model_learns_from_grain() -> None:
    """Batches of grain's train an nnx model by optax until the linear map that made them is found."""
    import jax.numpy as jnp
    import numpy as np
    import optax
    from flax import nnx

    model = nnx.jit(lambda: nnx.Linear(4, 1, rngs=nnx.Rngs(0)))()
    optimizer = idioms.nnx_optimizer(model, optax.sgd(0.1))

    @nnx.jit
    def step(model: Any, optimizer: Any, batch: Any) -> Any:
        loss, gradients = nnx.value_and_grad(lambda model: jnp.mean((model(batch["x"]) - batch["y"]) ** 2))(model)
        idioms.nnx_apply_gradients(optimizer, model, gradients)
        return loss

    batches = iter(examples(batch_size=8))
    losses = [float(step(model, optimizer, next(batches))) for _ in range(50)]
    assert losses[-1] < 0.05 * losses[0]
    np.testing.assert_allclose(np.asarray(idioms.nnx_value(model.kernel)).ravel(), [1.0, -2.0, 0.5, 3.0], atol=0.3)


# ---------------------------------------------------------------------------------------------------------------------
# Grain's iterators in orbax's checkpoints
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.5.0", "grain")
@pytest.mark.level("interop")
@pytest.mark.parametrize("kind", ["loader", "dataset"])
def test_iterator_is_checkpointed(tmp_path: Path, kind: str) -> None:
    """An iterator is an item of a CheckpointManager's step, beside arrays, and a fresh iterator goes on from it."""
    import jax
    import numpy as np

    if kind == "dataset" and not idioms.at_least("grain", "0.2.1"):
        pytest.skip("MapDataset became public in grain 0.2.1")

    def start() -> Any:
        return iter(loader() if kind == "loader" else pipeline())

    kinds = {"state": "standard", "data": "grain"}
    state = {"w": jax.device_put(np.arange(3, dtype=np.float32))}
    iterator = start()
    take(iterator, 3)
    with closing(idioms.orbax_manager(tmp_path / "run", kinds)) as manager:
        idioms.orbax_manager_save(manager, 3, kinds, {"state": state, "data": iterator})
        manager.wait_until_finished()
    wanted = take(iterator, 5)
    with closing(idioms.orbax_manager(tmp_path / "run", kinds)) as manager:
        restored = idioms.orbax_manager_restore(manager, 3, kinds, {"state": state, "data": start()})
    assert same([restored["state"]["w"]], [state["w"]])
    assert same(take(restored["data"], 5), wanted)


@pytest.mark.uses("jax", "jaxlib", "orbax-checkpoint>=0.11.20", "grain>=0.2.12")
@pytest.mark.level("interop")
def test_iterator_is_a_v1_checkpointable(tmp_path: Path) -> None:
    """orbax's v1 API saves and loads an iterator by itself: grain implements the protocol that orbax defines."""
    import orbax.checkpoint.experimental.v1 as ocp

    iterator = iter(pipeline())
    take(iterator, 3)
    ocp.save_checkpointables(tmp_path / "ck", {"data": iterator})
    wanted = take(iterator, 4)
    fresh = iter(pipeline())
    ocp.load_checkpointables(tmp_path / "ck", {"data": fresh})
    assert same(take(fresh, 4), wanted)
