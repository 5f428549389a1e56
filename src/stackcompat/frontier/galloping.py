"""Searches along one line of releases: by steps that double, then by halves."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Sequence

__all__ = ["by_halves", "gallop", "middle_of_gap", "nearest", "neighbours", "place_of"]


def by_halves(rows: Sequence[int]) -> Iterator[int]:
    """The rows in this order: both ends, the middle, the middles of the halves, and so on."""
    if not rows:
        return
    yield rows[0]
    if len(rows) > 1:
        yield rows[-1]
    spans = deque([(0, len(rows) - 1)])
    while spans:
        low, high = spans.popleft()
        if high - low > 1:
            middle = (low + high) // 2
            yield rows[middle]
            spans += [(low, middle), (middle, high)]


def neighbours(row: int, rows: Sequence[int]) -> list[int]:
    """The rows in `rows` (ascending) next below and above `row`, if there are any; never `row` itself."""
    below, above = bisect_left(rows, row), bisect_right(rows, row)
    return [*rows[max(below - 1, 0) : below], *rows[above : above + 1]]


def nearest(row: int, rows: Sequence[int]) -> int | None:
    """The row in `rows` (ascending) that is nearest to `row`, the lower of two; None if `rows` is empty."""
    above = bisect_left(rows, row)
    around = rows[max(above - 1, 0) : above + 1]
    return min(around, key=lambda other: abs(other - row), default=None)


def place_of(columns: Sequence[int], column: int) -> int:
    """The place of the last column in `columns` that is not beyond `column`; the first place if there is none."""
    return max(bisect_right(columns, column) - 1, 0)


def gallop(status: Sequence[bool | None], low: int, guesses: Sequence[int]) -> int | None:
    """Choose where to ask for the upper edge of what works.

    It is the first guess in the open stretch above `low`. If no guess is in it, places are tried in steps that double,
    counted from the guess that is nearest to the stretch. Once the stretch ends at a known place, no step goes beyond
    its middle (Bentley, Yao: An almost optimal algorithm for unbounded searching, Information Processing Letters 5(3),
    1976).

    Args:
        status: Whether each place works; None where that is open.
        low: A place that works.
        guesses: Places where the edge can be expected, the likeliest first; at least one.

    Returns:
        The place, or None if the place above `low` is not open.
    """
    high = low + 1
    while high < len(status) and status[high] is None:
        high += 1
    if high == low + 1:
        return None
    for guess in guesses:
        if low < guess < high:
            return guess
    guess = min(reversed(guesses), key=lambda guess: max(low - guess, guess - high))
    if guess >= high:
        return max(high - (guess + 1 - high), (low + high) // 2)
    step = low + 1 - guess
    return min(low + step, (low + high) // 2 if high < len(status) else high - 1)


def middle_of_gap(status: Sequence[bool | None]) -> int:
    """The middle of the longest stretch that is open."""
    longest: tuple[int, int] = (0, 0)
    start = 0
    for place, value in enumerate((*status, True)):
        if value is not None:
            if place - start > longest[1] - longest[0]:
                longest = start, place
            start = place + 1
    return (longest[0] + longest[1] - 1) // 2
