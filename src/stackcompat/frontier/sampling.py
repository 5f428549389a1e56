"""Which inferred pairs a frontier search tests, to find out how far its inferences hold."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from operator import itemgetter

from stackcompat.frontier.conclusions import Conclusions, inferred, inferred_pairs
from stackcompat.frontier.inference import Pair
from stackcompat.frontier.inference_accuracy import CheckReason
from stackcompat.frontier.knowledge import Knowledge

__all__ = ["MOST_DRAWN", "PAIRS_FOR_ONE", "draw_sample", "pairs_around"]

#: One of so many inferred pairs is drawn: about one of each 4 x 4.
PAIRS_FOR_ONE = 16

#: No more pairs than these are drawn at once. If none of them is wrong, at most 5 % of all are (95 % confidence).
MOST_DRAWN = 59

#: A block of fewer inferred pairs need not be in the sample.
SMALLEST_BLOCK = 4


def draw_sample(knowledge: Knowledge, conclusions: Conclusions, dice: random.Random) -> dict[Pair, CheckReason]:
    """Draw inferred pairs to be tested, each with the reason.

    The random ones are spread: the pairs that are inferred to work and those that are inferred to be broken are cut
    into parts of the same size, along rows and columns in turn, and one pair is drawn from each part. So a pair has the
    same chance wherever it is. To these come a pair for each release that no question was about, and for each block of
    connected pairs without a drawn one.

    Args:
        knowledge: The answers so far.
        conclusions: What follows from them.
        dice: Draws the pairs.
    """
    works = inferred_pairs(knowledge, conclusions)
    sample: dict[Pair, CheckReason] = dict.fromkeys(_spread(works, dice), "random")
    for pair in (*_of_unmet_releases(knowledge, sample, works, dice), *_of_unmet_blocks(sample, works, dice)):
        sample.setdefault(pair, "unmet")
    return sample


def pairs_around(knowledge: Knowledge, conclusions: Conclusions, pair: Pair) -> list[Pair]:
    """The nearest inferred pairs in the row and in the column of a pair, both ways."""
    row, column = pair
    columns = knowledge.permitted[row]
    rows = [other for other in knowledge.permitted if (other, column) not in knowledge.space.forbidden]
    lines = (
        [(row, other) for other in columns if other > column],
        [(row, other) for other in reversed(columns) if other < column],
        [(other, column) for other in rows if other > row],
        [(other, column) for other in reversed(rows) if other < row],
    )
    nearest = [
        next((near for near in line if inferred(knowledge, conclusions, near) is not None), None) for line in lines
    ]
    return [near for near in nearest if near is not None]


def _sample_size(candidates: int) -> int:
    """How many of the inferred pairs are drawn at random."""
    return min(MOST_DRAWN, max(math.ceil(math.sqrt(candidates) / 2), math.ceil(candidates / PAIRS_FOR_ONE)))


def _spread(works: Mapping[Pair, bool], dice: random.Random) -> Iterator[Pair]:
    """Draw pairs at random, spread over rows and columns; `works` has the inferred pairs."""
    green = [pair for pair, good in works.items() if good]
    red = [pair for pair, good in works.items() if not good]
    size = _sample_size(len(works))
    of_red = round(size * len(red) / len(works)) if works else 0
    yield from _one_of_each_part(green, size - of_red, dice)
    yield from _one_of_each_part(red, of_red, dice)


def _one_of_each_part(pairs: Sequence[Pair], parts: int, dice: random.Random) -> Iterator[Pair]:
    """Cut `pairs` into parts of the same size, across the longer side each time, and draw one of each part."""
    if parts == 0:
        return
    if parts == 1:
        yield dice.choice(pairs)
        return
    rows, columns = map(set, zip(*pairs, strict=True))
    down = max(rows) - min(rows) >= max(columns) - min(columns)
    ordered = sorted(pairs) if down else sorted(pairs, key=itemgetter(1, 0))
    parts_below = parts // 2
    cut = len(pairs) * parts_below // parts
    yield from _one_of_each_part(ordered[:cut], parts_below, dice)
    yield from _one_of_each_part(ordered[cut:], parts - parts_below, dice)


def _of_unmet_releases(
    knowledge: Knowledge, sample: Collection[Pair], pairs: Collection[Pair], dice: random.Random
) -> list[Pair]:
    """A pair for each release that neither a question nor the sample is about."""
    met = {("row", row) for row, partners in knowledge.rows_alone.items() if partners}
    met |= {("column", column) for column, partners in knowledge.columns_alone.items() if partners}
    for pair in (*knowledge.answers, *sample):
        met |= _asks_about(knowledge, pair)
    fresh = []
    for pair in dice.sample(sorted(pairs), len(pairs)):
        releases = _asks_about(knowledge, pair)
        if not releases <= met:
            fresh.append(pair)
            met |= releases
    return fresh


def _asks_about(knowledge: Knowledge, pair: Pair) -> set[tuple[str, int]]:
    """The releases about which a question says something: none about the partner of one that breaks by itself."""
    row, column = pair
    releases = set()
    if not knowledge.columns_alone.get(column):
        releases.add(("row", row))
    if not knowledge.rows_alone.get(row):
        releases.add(("column", column))
    return releases


def _of_unmet_blocks(sample: Collection[Pair], works: Mapping[Pair, bool], dice: random.Random) -> list[Pair]:
    """A pair of each block of inferred pairs that has none in the sample."""
    return [
        dice.choice(block)
        for block in _blocks(works)
        if len(block) >= SMALLEST_BLOCK and not any(pair in sample for pair in block)
    ]


def _blocks(works: Mapping[Pair, bool]) -> Iterator[list[Pair]]:
    """The connected pairs with the same verdict."""
    left = dict.fromkeys(works)
    while left:
        first = next(iter(left))
        del left[first]
        block = [first]
        for row, column in block:  # grows while it is read
            for other in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if other in left and works[other] == works[first]:
                    del left[other]
                    block.append(other)
        yield block
