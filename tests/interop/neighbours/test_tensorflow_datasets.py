"""TensorFlow Datasets as a source of Grain: a data set is made, read at random, and goes through a pipeline."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    # Random access came with 4.9.
    pytest.mark.uses("tensorflow-datasets>=4.9.7", "grain", "jax"),
    pytest.mark.level("interop"),
]


@functools.cache
def builder_class() -> Any:
    """What makes numbers with their squares. A name of a data set can be registered once in a process."""
    import numpy as np
    import tensorflow_datasets as tfds

    class Squares(tfds.core.GeneratorBasedBuilder):  # type: ignore[misc]
        VERSION = tfds.core.Version("1.0.0")

        def _info(self) -> Any:
            features = {
                "x": tfds.features.Tensor(shape=(2,), dtype=np.float32),
                "label": tfds.features.ClassLabel(names=["even", "odd"]),
                "name": tfds.features.Text(),
            }
            return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

        def _split_generators(self, _: Any) -> Any:
            return {"train": self._generate_examples(0, 20), "test": self._generate_examples(20, 24)}

        def _generate_examples(self, first: int, end: int) -> Iterator[Any]:
            for number in range(first, end):
                label = "odd" if number % 2 else "even"
                yield number, {"x": np.array([number, number**2], np.float32), "label": label, "name": str(number)}

    return Squares


def prepared(folder: Path) -> Any:
    """The data set in a folder, where it is made without TensorFlow."""
    builder = builder_class()(data_dir=folder, file_format="array_record")
    builder.download_and_prepare()
    return builder


def test_a_data_set_is_read_at_random(tmp_path: Path) -> None:
    """Each example of a split is there once, as it was made."""
    import numpy as np

    source = prepared(tmp_path).as_data_source(split="train")
    assert len(source) == 20
    examples = [source[index] for index in range(20)]
    assert sorted(int(example["x"][0]) for example in examples) == list(range(20))
    for example in examples:
        number = int(example["x"][0])
        np.testing.assert_array_equal(example["x"], np.array([number, number**2], np.float32))
        assert example["x"].dtype == np.float32
        assert (example["label"], example["name"]) == (number % 2, str(number).encode())


def test_grain_loads_a_data_set(tmp_path: Path) -> None:
    """A data loader of Grain shuffles, transforms and batches a split; its state resumes it; JAX computes with it."""
    import grain.python as grain
    import jax
    import numpy as np

    class Numbers(grain.MapTransform):  # type: ignore[misc]
        def map(self, example: Any) -> Any:
            return {"x": example["x"], "label": np.int32(example["label"])}

    source = prepared(tmp_path).as_data_source(split="train")

    def loader() -> Any:
        sampler = grain.IndexSampler(
            num_records=len(source), shard_options=grain.NoSharding(), shuffle=True, num_epochs=1, seed=3
        )
        operations = [Numbers(), grain.Batch(batch_size=5, drop_remainder=True)]
        return iter(grain.DataLoader(data_source=source, sampler=sampler, operations=operations, worker_count=0))

    iterator = loader()
    first = next(iterator)
    state = iterator.get_state()
    rest = list(iterator)
    again = loader()
    again.set_state(state)
    jax.tree_util.tree_map(np.testing.assert_array_equal, list(again), rest)
    batches = [first, *rest]
    assert len(batches) == 4
    numbers = np.concatenate([batch["x"][:, 0] for batch in batches])
    assert sorted(numbers) == list(range(20))
    assert list(numbers) != list(range(20))
    # Sums of the squares, and of the odd numbers, up to 19.
    totals = [jax.jit(lambda batch: (batch["x"][:, 1].sum(), batch["label"].sum()))(batch) for batch in batches]
    assert np.sum(totals, axis=0).tolist() == [2470, 10]


def test_a_lazy_data_set_of_grain(tmp_path: Path) -> None:
    """The chained interface of Grain takes a split as its source too."""
    import grain.python as grain
    import jax.numpy as jnp
    import numpy as np

    source = prepared(tmp_path).as_data_source(split="test")
    dataset = grain.MapDataset.source(source).shuffle(seed=1).map(lambda example: example["x"]).repeat(2).batch(4)
    batches = [jnp.asarray(batch) for batch in dataset]
    assert [batch.shape for batch in batches] == [(4, 2), (4, 2)]
    for batch in batches:
        np.testing.assert_array_equal(jnp.sort(batch[:, 0]), [20, 21, 22, 23])
