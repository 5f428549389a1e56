"""The edges of a red stretch along a line of releases. Pure.

Galloping is from Bentley, Yao: An almost optimal algorithm for unbounded searching, Information Processing Letters
5(3), 1976.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

from stackcompat.blame.probe import ProbeOutcome, Search

__all__ = ["PATIENCE", "Edges", "find_edges"]

#: After so many unresolved places in a row, a gallop tries only the end of the line. After so many in all, a bisection
#: no longer tries places between them.
PATIENCE = 3


class Edges(NamedTuple):
    """The red stretch around a place on a line.

    Attributes:
        good: The passing place before `bad`; None where none was seen to pass.
        bad: The first place of the red stretch.
        fixed: The passing place after the red stretch; None where none was seen to pass.
        unresolved: Places that were tried and could not be judged.
        tried: How many places were tried.
        red: The places of the red stretch that were seen to fail.
    """

    good: int | None
    bad: int
    fixed: int | None
    unresolved: tuple[int, ...]
    tried: int
    red: tuple[int, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether any place passes."""
        return self.good is not None or self.fixed is not None


def find_edges(
    length: int,
    red_place: int,
    outcome_at: Callable[[int], Search[ProbeOutcome]],
    *,
    known: int | None = None,
    growth: int = 2,
    presumed: Collection[int] = (),
) -> Search[Edges]:
    """The edges of the red stretch around a place that fails.

    The search gallops to each side until a place passes, then bisects between that place and the red ones. It steps
    over places that cannot be judged. After `PATIENCE` of these in a row, it tries only the end of the line, and then
    the places next to the red ones.

    Args:
        length: How many places the line has.
        red_place: The place that fails.
        outcome_at: Asks for the outcome at a place. No place is asked for twice.
        known: A place that passes.
        growth: By what factor each galloping step is longer than the one before.
        presumed: Places that most likely fail. Galloping begins beyond them.
    """
    line = _Line(
        red_place=red_place,
        ask=outcome_at,
        presumed={-1: min((red_place, *presumed)), 1: max((red_place, *presumed))},
        outcomes={red_place: "same"},
    )
    if known is not None:
        line.outcomes[known] = "pass"
    good = yield from _edge(line, -1, 0, growth)
    fixed = yield from _edge(line, 1, length - 1, growth)
    before, after = -1 if good is None else good, length if fixed is None else fixed
    red = sorted(place for place, outcome in line.outcomes.items() if outcome == "same" and before < place < after)
    unresolved = sorted(place for place in line.outcomes if _is_unresolved(line, place))
    return Edges(good, red[0], fixed, tuple(unresolved), line.tried, tuple(red))


@dataclass
class _Line:
    """What is known of a line.

    Attributes:
        red_place: The place that fails.
        ask: Asks for the outcome at a place.
        presumed: In each direction (-1, 1), the farthest place that most likely fails.
        outcomes: What is known of the places.
        tried: How many places were asked for.
    """

    red_place: int
    ask: Callable[[int], Search[ProbeOutcome]]
    presumed: dict[int, int]
    outcomes: dict[int, ProbeOutcome]
    tried: int = 0


def _outcome_at(line: _Line, place: int) -> Search[ProbeOutcome]:
    if place not in line.outcomes:
        line.outcomes[place] = yield from line.ask(place)
        line.tried += 1
    return line.outcomes[place]


def _is_unresolved(line: _Line, place: int) -> bool:
    """Whether `place` was tried and could not be judged."""
    return line.outcomes.get(place) not in (None, "pass", "same")


def _distance(line: _Line, place: int) -> int:
    return abs(place - line.red_place)


def _last_red(line: _Line, stop: int, direction: int) -> int:
    """The farthest place in one direction, before `stop`, that is known to fail."""
    red = [place for place in range(line.red_place, stop, direction) if line.outcomes.get(place) == "same"]
    return red[-1]


def _edge(line: _Line, direction: int, end: int, growth: int) -> Search[int | None]:
    """The passing place next to the red stretch in one direction; None where no place up to `end` passes."""
    known = [
        place
        for place, outcome in line.outcomes.items()
        if outcome == "pass" and (place - line.red_place) * direction > 0
    ]
    passing: int | None = min(known, key=lambda place: _distance(line, place), default=None)
    if passing is None:
        passing = yield from _gallop(line, direction, end, growth)
    if passing is None:
        passing = yield from _search_next_to_the_red(line, direction, end)
    if passing is None:
        return None
    return (yield from _bisect(line, passing, direction))


def _gallop(line: _Line, direction: int, end: int, growth: int) -> Search[int | None]:
    """Try places at growing distances until one passes. After too many unresolved ones, only `end` is tried."""
    start = line.presumed[direction]
    span = (end - start) * direction
    if span <= 0:
        return None
    unresolved_in_a_row = 0
    for distance in sorted({min(growth**step, span) for step in range(span.bit_length() + 1)}):
        if unresolved_in_a_row >= PATIENCE and distance != span:
            continue
        place: int = start + direction * distance
        outcome = yield from _outcome_at(line, place)
        if outcome == "pass":
            return place
        unresolved_in_a_row = 0 if outcome == "same" else unresolved_in_a_row + 1
    return None


def _search_next_to_the_red(line: _Line, direction: int, end: int) -> Search[int | None]:
    """If galloping found nothing, find a passing place between the last red place and the first unresolved one."""
    stop = end + direction
    while True:
        red = _last_red(line, stop, direction)
        near = max(red, line.presumed[direction], key=lambda place: _distance(line, place))
        beyond = range(near + direction, stop, direction)
        unresolved = next((place for place in beyond if _is_unresolved(line, place)), near)
        between = range(near + direction, unresolved, direction)
        if not between:
            return None
        place = between[len(between) // 2]
        outcome = yield from _outcome_at(line, place)
        if outcome == "pass":
            return place


def _bisect(line: _Line, passing: int, direction: int) -> Search[int]:
    """The passing place next to the red stretch, which ends before the place `passing`.

    The search halves the gap between the last red place and the first passing one. It begins with the farthest place
    that most likely fails. Places that cannot be judged are left out. After `PATIENCE` of them, the search halves only
    the places before the first of them, then those beyond the last. So the edge is known as closely as possible from
    both sides.
    """
    resigned = 0
    while True:
        between = range(_last_red(line, passing, direction) + direction, passing, direction)
        unresolved = [place for place in between if _is_unresolved(line, place)]
        left = [place for place in between if place not in unresolved]
        if unresolved and resigned >= PATIENCE:
            before = range(between.start, unresolved[0], direction)
            left = list(before or range(unresolved[-1] + direction, passing, direction))
        if not left:
            return passing
        presumed = line.presumed[direction]
        place = presumed if presumed in left else left[len(left) // 2]
        outcome = yield from _outcome_at(line, place)
        if outcome == "pass":
            passing = place
        elif outcome != "same":
            resigned += 1
