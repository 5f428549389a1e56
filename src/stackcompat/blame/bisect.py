"""Search without knowing what is searched: delta debugging, and the edges of a red stretch along a line. Pure.

Every function is a generator, so that whoever drives it may answer from a store, a machine, or a made-up world: it
yields whatever the test it is given yields, and its result is what it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from typing import Any, Literal, NamedTuple, TypeVar

__all__ = ["Edges", "StepOutcome", "Steps", "edges"]

StepOutcome = Literal["pass", "same", "other", "unresolved", "infra"]


Value = TypeVar("Value")


#: A part of a search: asks whatever the test asks, and comes to a value.
Steps = Generator[Any, Any, Value]


#: Unusable places in a row after which a gallop, or a bisection, gives up on what lies beyond them.
PATIENCE = 3


class Edges(NamedTuple):
    """The red stretch around a place on a line.

    `good` is the place before `bad`, its first red one; `fixed` the place after its last. None: no place on that side
    was seen to pass. `unresolved` are places that were tried and could not be judged; `tried` is how many were.
    """

    good: int | None
    bad: int
    fixed: int | None
    unresolved: tuple[int, ...]
    tried: int

    @property
    def passes(self) -> bool:
        """Whether any place passes."""
        return self.good is not None or self.fixed is not None


def edges(
    length: int,
    here: int,
    test: Callable[[int], Steps[StepOutcome]],
    *,
    known: int | None = None,
    growth: int = 2,
    presumed: Collection[int] = (),
) -> Steps[Edges]:
    """The edges of the red stretch around `here`, which fails, on a line of `length` places.

    To each side it gallops (Bentley, Yao: An almost optimal algorithm for unbounded searching, Information Processing
    Letters 5(3), 1976), each step `growth` times the one before, until a place passes, and bisects between; `known`
    is a place that passes, and galloping begins beyond places that are `presumed` to fail. What does not decide is
    passed over, three in a row at most, beyond which only the end is tried; what is next to it on either side is then
    looked for.
    """
    line = _Line(here, test, (min(here, *presumed, here), max(here, *presumed, here)))
    if known is not None:
        line.outcomes[known] = "pass"
    older = yield from line.side(-1, 0, growth)
    newer = yield from line.side(1, length - 1, growth)
    floor = -1 if older is None else older
    red = [place for place, outcome in line.outcomes.items() if outcome == "same" and floor < place <= here]
    unresolved = sorted(place for place, outcome in line.outcomes.items() if outcome not in ("pass", "same"))
    return Edges(older, min(red), newer, tuple(unresolved), line.tried)


class _Line:
    def __init__(self, here: int, test: Callable[[int], Steps[StepOutcome]], presumed: tuple[int, int]) -> None:
        self.outcomes: dict[int, StepOutcome] = {here: "same"}
        self.tried = 0
        self._presumed = presumed
        self._here = here
        self._test = test

    def at(self, place: int) -> Steps[StepOutcome]:
        if place not in self.outcomes:
            outcome: StepOutcome = yield from self._test(place)
            self.outcomes[place] = outcome
            self.tried += 1
        return self.outcomes[place]

    def side(self, step: int, end: int, growth: int) -> Steps[int | None]:
        """The passing place next to the red stretch on one side, which ends at `end`."""
        passed = [p for p, outcome in self.outcomes.items() if outcome == "pass" and (p - self._here) * step > 0]
        far: int | None = min(passed, key=self._distance, default=None)
        if far is None:
            far = yield from self._gallop(step, end, growth)
        if far is None:
            far = yield from self._brink(step, end)
        if far is None:
            return None
        edge: int = yield from self._bisect(far, step)
        return edge

    def _distance(self, place: int) -> int:
        return abs(place - self._here)

    def _gallop(self, step: int, end: int, growth: int) -> Steps[int | None]:
        start = self._presumed[step > 0]
        span = (end - start) * step
        distances = sorted({min(growth**n, span) for n in range(span.bit_length() + 1)}) if span > 0 else []
        lost = 0
        for distance in distances:
            if lost >= PATIENCE and distance != span:
                continue
            place: int = start + step * distance
            outcome: StepOutcome = yield from self.at(place)
            if outcome == "pass":
                return place
            lost = 0 if outcome == "same" else lost + 1
        return None

    def _brink(self, step: int, end: int) -> Steps[int | None]:
        """A passing place between the red ones and the next that was tried and cannot be judged, if there is one."""
        while True:
            near = max(self._last_red(end + step, step), self._presumed[step > 0], key=self._distance)
            gap = next((p for p in range(near + step, end + step, step) if self._is_unresolved(p)), near)
            left = range(near + step, gap, step)
            if not left:
                return None
            place = left[len(left) // 2]
            outcome = yield from self.at(place)
            if outcome == "pass":
                return place

    def _is_unresolved(self, place: int) -> bool:
        return self.outcomes.get(place) not in (None, "pass", "same")

    def _bisect(self, far: int, step: int) -> Steps[int]:
        """The passing place next to the red stretch, between which and `far`, which passes, it ends.

        The last place that is presumed to fail comes first. Then it halves what is left; where that cannot be judged,
        it halves what is left on both sides of that: the red ones and the passing ones go on to the first place, from
        either end, that cannot be judged.
        """
        lost = 0
        while True:
            near = self._last_red(far, step)
            open_ = range(near + step, far, step)
            unresolved = [place for place in open_ if self._is_unresolved(place)]
            if unresolved and lost >= PATIENCE:
                before, after = range(near + step, unresolved[0], step), range(unresolved[-1] + step, far, step)
                left = list(before or after)
            else:
                left = [place for place in open_ if place not in unresolved]
            if not left:
                return far
            presumed = self._presumed[step > 0]
            place = presumed if presumed in left else left[len(left) // 2]
            outcome = yield from self.at(place)
            if outcome == "pass":
                far = place
            elif outcome != "same":
                lost += 1

    def _last_red(self, far: int, step: int) -> int:
        """The red place next to `far`, from here on."""
        way = range(self._here, far, step)
        return max((place for place in way if self.outcomes.get(place) == "same"), key=self._distance)
