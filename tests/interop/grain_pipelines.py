"""Pipelines of grain, one for each transformation that has a state, for the tests that stop and resume them.

Importable in any cell: grain is imported inside the functions only. Worker processes import this module too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import idioms

if TYPE_CHECKING:
    from collections.abc import Callable


def numbers(count: int = 24) -> Any:
    """A dataset of numbers, seeded."""
    return idioms.grain_object("MapDataset").range(count).seed(5)


def stream(count: int = 24) -> Any:
    """The same as a dataset that is only iterated over."""
    options = idioms.grain_object("ReadOptions")(num_threads=1, prefetch_buffer_size=2)
    return numbers(count).to_iter_dataset(options)


def is_wanted(element: Any) -> bool:
    """Keep two of three numbers."""
    return element % 3 != 1


def squared(element: Any) -> Any:
    """The square of a number."""
    return element * element


def repeated(element: Any) -> list[Any]:
    """Each number as often as its last digit in base three says."""
    return [element] * (element % 3)


def tokens(element: Any) -> dict[str, Any]:
    """A sequence of one to five tokens, all of them the number."""
    import numpy as np

    return {"tokens": np.full(1 + element % 5, element, np.int32)}


def documents(element: Any) -> dict[str, Any]:
    """A sequence of three tokens, as an array of bytes and one of numbers."""
    import numpy as np

    return {"text": np.arange(3 + element % 2, dtype=np.int32) + 10 * element}


def flat_map() -> Any:
    """Each number several times."""

    class Repeat(idioms.grain_experimental().FlatMapTransform):
        max_fan_out = 3

        def flat_map(self, element: Any) -> list[Any]:
            return repeated(element)

    return idioms.grain_experimental().FlatMapIterDataset(stream(), Repeat())


def random_map() -> Any:
    """A random step behind the conversion to an iterator."""
    import grain_steps

    return stream().random_map(grain_steps.AddNoise())


def pipelines() -> dict[str, tuple[str, Callable[[], Any]]]:
    """By name: the first release of grain that has all of the pipeline, and how it is made."""
    grain, extra = idioms.grain_object, idioms.grain_experimental()

    def mixed() -> Any:
        return grain("IterDataset").mix([stream(), stream(8).map(squared)], weights=[0.75, 0.25])

    def packed(name: str, **options: Any) -> Any:
        lengths = {"tokens": 6}
        return getattr(extra, name)(stream().map(tokens), length_struct=lengths, num_packing_bins=2, **options)

    def concatenated() -> Any:
        return extra.ConcatThenSplitIterDataset(stream().map(documents), length_struct={"text": 5})

    return {
        "shuffle and repeat": ("0.2.1", lambda: numbers(6).shuffle().repeat(4).to_iter_dataset()),
        "map, filter and batch": ("0.2.1", lambda: stream().filter(is_wanted).map(squared).batch(3)),
        "random_map": ("0.2.1", random_map),
        "slice and shuffle": ("0.2.1", lambda: numbers()[1::2].shuffle(seed=3).to_iter_dataset().batch(2)),
        "mix": ("0.2.2", mixed),
        "zip": ("0.2.6", lambda: extra.ZipIterDataset([stream(), stream().map(squared)])),
        "interleave": (
            "0.2.7",
            lambda: extra.InterleaveIterDataset([numbers(5), numbers(7).map(squared), numbers(4)], cycle_length=2),
        ),
        "limit": ("0.2.7", lambda: extra.LimitIterDataset(stream().filter(is_wanted), 10)),
        "flat_map": ("0.2.7", flat_map),
        "window shuffle": ("0.2.5", lambda: extra.WindowShuffleIterDataset(stream(), window_size=5, seed=42)),
        "first-fit packing": ("0.2.3", lambda: packed("FirstFitPackIterDataset")),
        "best-fit packing": ("0.2.13", lambda: packed("BestFitPackIterDataset")),
        "concat then split": ("0.2.7", concatenated),
        "prefetch threads": ("0.2.2", lambda: extra.ThreadPrefetchIterDataset(random_map(), prefetch_buffer_size=3)),
        "repeat of a stream": ("0.2.13", lambda: extra.RepeatIterDataset(stream(5).filter(is_wanted), num_epochs=4)),
        "rebatch": ("0.2.13", lambda: extra.RebatchIterDataset(stream().batch(4), batch_size=3)),
        "batch and pad": (
            "0.2.12",
            lambda: stream(22).batch(4, batch_fn=lambda values: extra.batch_and_pad(values, batch_size=4)),
        ),
        "cache": ("0.2.14", lambda: extra.CacheIterDataset(stream(6))),
        "concatenate": ("0.2.15", lambda: grain("MapDataset").concatenate([numbers(5), numbers(7)]).to_iter_dataset()),
        "all together": (
            "0.2.5",
            lambda: extra.WindowShuffleIterDataset(mixed().filter(is_wanted).map(squared), window_size=4, seed=1).batch(
                2
            ),
        ),
    }


#: The names of the pipelines, to be known before anything is imported.
NAMES = (
    *("shuffle and repeat", "map, filter and batch", "random_map", "slice and shuffle", "mix", "zip", "interleave"),
    *("limit", "flat_map", "window shuffle", "first-fit packing", "best-fit packing", "concat then split"),
    *("prefetch threads", "repeat of a stream", "rebatch", "batch and pad", "cache", "concatenate", "all together"),
)


def plain(element: Any) -> Any:
    """An element as numbers, lists and dictionaries, to be compared and kept."""
    if isinstance(element, dict):
        return {key: plain(value) for key, value in element.items()}
    if isinstance(element, (list, tuple)):
        return [plain(value) for value in element]
    return element.tolist() if hasattr(element, "tolist") else element


def take(iterator: Any, count: int | None = None) -> list[Any]:
    """The next elements of an iterator, or all that are left."""
    found = []
    while count is None or len(found) < count:
        try:
            found.append(plain(next(iterator)))
        except StopIteration:
            break
    return found
