"""Delta debugging: the smallest part of a set that still fails. Pure.

Zeller, Hildebrandt: Simplifying and isolating failure-inducing input, IEEE Transactions on Software Engineering 28(2),
2002.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from stackcompat.blame.probe import Search

__all__ = ["ddmin"]


def ddmin(items: Sequence[str], fails: Callable[[tuple[str, ...]], Search[bool]]) -> Search[tuple[str, ...]]:
    """A part of `items` that fails, and from which no item can be left out.

    This is Zeller and Hildebrandt's *ddmin*. It tries ever finer parts, each part alone and then all but that part.

    Args:
        items: The whole set, which is known to fail.
        fails: Says whether a part fails. A part that is neither red nor green counts as one that does not fail.
    """
    left = tuple(items)
    granularity = 2
    while len(left) > 1:
        smaller = yield from _smaller(left, granularity, fails)
        if smaller is not None:
            left, granularity = smaller
        elif granularity < len(left):
            granularity = min(len(left), 2 * granularity)
        else:
            break
    return left


def _smaller(
    items: tuple[str, ...], granularity: int, fails: Callable[[tuple[str, ...]], Search[bool]]
) -> Search[tuple[tuple[str, ...], int] | None]:
    """A smaller part of `items` that fails, and into how many parts to cut it next; None if no part fails."""
    bounds = [len(items) * number // granularity for number in range(granularity + 1)]
    parts = [items[start:end] for start, end in pairwise(bounds)]
    for part in parts:
        if (yield from fails(part)):
            return part, 2
    if granularity > 2:  # with two parts, all but the one is the other part
        for part in parts:
            rest = tuple(item for item in items if item not in part)
            if (yield from fails(rest)):
                return rest, granularity - 1
    return None
