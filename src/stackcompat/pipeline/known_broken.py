"""Which releases are known not to work together, by all cells of a covering array. Pure functions.

Two releases are known not to work together if one of these holds:

* Their red verdict is observed, or their declared bounds exclude each other.
* Some failure counts against these two only, and no observed pair in its cell explains it.

A release is known not to work on a Python if the same test fails with it there in two environments, the release is the
only suspect, and the test passes nowhere with that release on that Python.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from stackcompat.ecosystem.components import Components
from stackcompat.pipeline.goal_cell import GoalCell, PinSet, exact_pin
from stackcompat.plan.cell import readable
from stackcompat.verdict.attribution import attribute_failure
from stackcompat.verdict.history import RED
from stackcompat.verdict.pairs import PairVerdict, judge_pairs

__all__ = ["KnownBroken", "find_known_broken", "named_together"]


@dataclass(frozen=True)
class KnownBroken:
    """The pairs of pins that are known not to work together. A Python is a pin, too.

    Attributes:
        sentences: By pair, the sentence that says what is known.
        apart: The pairs that hide other combinations of their cell, so that further cells keep them apart. An inferred
            pair whose tests passed nowhere is not among them.
    """

    sentences: dict[PinSet, str]
    apart: frozenset[PinSet]

    def settles(self, pins: Iterable[str]) -> bool:
        """Whether two of `pins` are known not to work together."""
        return any(pair in self.sentences for pair in _pairs(pins))

    def hides(self, pins: Iterable[str]) -> bool:
        """Whether two of `pins` hide the other combinations of their cell."""
        return any(pair in self.apart for pair in _pairs(pins))


def _pairs(pins: Iterable[str]) -> Iterator[PinSet]:
    return map(frozenset, combinations(sorted(pins), 2))


def find_known_broken(cells: Sequence[GoalCell], components: Components) -> KnownBroken:
    """Find the pairs that are known not to work together, by all cells of a goal.

    Args:
        cells: The cells.
        components: The components of the ecosystem.
    """
    # Cells with overrides count here like others, since the goal has the same overrides.
    verdicts = [cell.verdict.model_copy(update={"forced": ()}) for cell in cells]
    red = {_pair_pins(pair, components): pair for pair in judge_pairs(verdicts, components) if pair.verdict in RED}
    observed = {pins for pins, pair in red.items() if not pair.inferred or pair.verdict == "unresolvable"}
    broken = sorted(observed | _sole_suspects(cells, red, observed), key=sorted)
    passed = {status.result.test for cell in cells for status in cell.statuses if status.state == "passed"}
    apart = {pins for pins in broken if pins in observed or passed.intersection(red[pins].tests)}
    single = _broken_on_python(cells, components)
    sentences = {pins: f"{named_together(pins)} is {red[pins].verdict}" for pins in broken}
    sentences |= {pins: f"{named_together(pins)} is broken by itself" for pins in single}
    return KnownBroken(sentences=sentences, apart=frozenset(apart | single))


def _pair_pins(pair: PairVerdict, components: Components) -> PinSet:
    first, second = components[pair.first].distribution, components[pair.second].distribution
    return frozenset((exact_pin(first, pair.first_version), exact_pin(second, pair.second_version)))


def _sole_suspects(
    cells: Iterable[GoalCell], red: Mapping[PinSet, PairVerdict], observed: Collection[PinSet]
) -> set[PinSet]:
    """The pairs that are the only suspects of some failure and are not observed to be broken."""
    sole = set()
    for cell in cells:
        failing = cell.failing()
        suspects = [pins for pins in red if failing and pins <= cell.installed]
        for test in failing:
            suspected = [pins for pins in suspects if test in red[pins].tests]
            if len(suspected) == 1 and suspected[0] not in observed:
                sole.add(suspected[0])
    return sole


def _broken_on_python(cells: Iterable[GoalCell], components: Components) -> set[PinSet]:
    """The releases that fail on a Python by themselves, each as a pair of two pins: the Python and the release."""
    environments = {cell.verdict.lock_id: cell for cell in cells if cell.statuses}.values()
    failed: Counter[tuple[str, PinSet]] = Counter()
    for cell in environments:
        for status in cell.statuses:
            if status.state == "confirmed":
                attribution = attribute_failure(status.result, cell.versions, components)
                if attribution.sure and len(attribution.components) == 1:
                    (name,) = attribution.components
                    failed[status.result.test, _on_python(name, cell, components)] += 1
    tests = {test for test, _ in failed}
    passed = {
        (status.result.test, _on_python(name, cell, components))
        for cell in environments
        for status in cell.statuses
        if status.state == "passed" and status.result.test in tests
        for name in cell.ownership.users(status.result.components)
    }
    return {pins for (test, pins), times in failed.items() if times > 1 and (test, pins) not in passed}


def _on_python(component: str, cell: GoalCell, components: Components) -> PinSet:
    """Two pins: the release of a component in a cell, and the Python of the cell."""
    release = exact_pin(components[component].distribution, cell.versions[component])
    return frozenset((cell.python_pin, release))


def named_together(pins: Iterable[str]) -> str:
    """Pins in words, such as ``alpha 1.2 with python 3.12``."""
    return " with ".join(sorted(readable([pin]) for pin in pins))
