"""Searches along one line of releases: by steps that double, then by halves."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence

__all__ = ["by_halves", "gallop", "middle_of_gap", "neighbours", "place_of"]


def by_halves(rows: Sequence[int]) -> Iterator[int]:
    """Both ends, then the middle, the middles of the halves, and so on."""
    if not rows:
        return
    yield rows[0]
    if len(rows) > 1:
        yield rows[-1]
    spans = [(0, len(rows) - 1)]
    for low, high in spans:
        if high - low > 1:
            middle = (low + high) // 2
            yield rows[middle]
            spans += [(low, middle), (middle, high)]


def neighbours(row: int, rows: Collection[int]) -> list[int]:
    """The next of `rows` below and above `row`, as far as there are any."""
    older = max((other for other in rows if other < row), default=None)
    newer = min((other for other in rows if other > row), default=None)
    return [other for other in (older, newer) if other is not None]


def place_of(columns: Sequence[int], column: int) -> int:
    """The place of the last of `columns` that is not beyond `column`, or the first place."""
    return max(bisect_right(columns, column) - 1, 0)


def gallop(status: Sequence[bool | None], low: int, guesses: Sequence[int]) -> int | None:
    """Where to ask for the edge above `low`, which works; None if nothing is open there.

    At the first of `guesses` that is open, else from the nearest in steps that double, and by halves once between what
    works and what is broken.
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
