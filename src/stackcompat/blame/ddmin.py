"""Delta debugging: the smallest part of a set that still fails.

Zeller, Hildebrandt: Simplifying and isolating failure-inducing input, IEEE Transactions on Software Engineering 28(2),
2002. Written as a generator that yields what to try, so that whoever drives it decides how it is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from stackcompat.blame.bisect import Steps

__all__ = ["ddmin"]


def ddmin(items: Sequence[str], fails: Callable[[tuple[str, ...]], Steps[bool]]) -> Steps[tuple[str, ...]]:
    """A part of `items` that fails, and from which nothing can be left out one by one; all of `items` are known to.

    Zeller and Hildebrandt's ddmin: ever finer parts, each alone and each left out. What is neither red nor green counts
    as not failing.
    """
    left = tuple(items)
    parts = 2
    while len(left) > 1:
        bounds = [len(left) * number // parts for number in range(parts + 1)]
        chunks = [left[start:end] for start, end in pairwise(bounds)]
        tried = [(chunk, 2) for chunk in chunks]
        if parts > 2:
            tried += [(tuple(i for i in left if i not in chunk), max(parts - 1, 2)) for chunk in chunks]
        for chunk, finer in tried:
            if (yield from fails(chunk)):
                left, parts = chunk, finer
                break
        else:
            if parts >= len(left):
                break
            parts = min(len(left), 2 * parts)
    return left
