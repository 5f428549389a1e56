"""Whose releases keep an artifact from being read: what is found against what was planted on either side."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from stackcompat.blame.diagnosis import Diagnosis
from stackcompat.blame.exchange import SIDES
from stackcompat.verdict.exchange import ExchangeSide
from support.blame_world import Rule
from support.crossing_world import Crossed, CrossingWorld, Shelf, edges_of


@dataclass
class Planted:
    sizes: dict[str, int]
    ends: dict[ExchangeSide, dict[str, int]]
    rules: dict[ExchangeSide, Rule]
    changed: bool

    def blame(self, budget: int = 600) -> Mapping[ExchangeSide, Diagnosis]:
        with tempfile.TemporaryDirectory() as folder:
            rule = Crossed(self.rules["writer"], self.rules["reader"], self.changed)
            world = CrossingWorld(Path(folder), Shelf(self.sizes), rule)
            try:
                return world.blame(world.cell(self.ends["writer"]), world.cell(self.ends["reader"]), budget=budget)
            finally:
                world.runner.store.close()


def part(draw: st.DrawFn, first: int, last: int) -> tuple[int, int]:
    """A range within `first` to `last`."""
    start = draw(st.integers(first, last))
    return start, draw(st.integers(start, last))


def not_all(draw: st.DrawFn, size: int) -> tuple[int, int]:
    """A range of some of `size` releases."""
    return part(draw, *draw(st.sampled_from([(0, size - 2), (1, size - 1)])))


@st.composite
def planted(draw: st.DrawFn) -> Planted:
    """One or two components of either side, in ranges of releases, do not get on; each reads back what it wrote.

    That is so by one component of either side, at a release outside that range on the other side.
    """
    names = [f"c{number}" for number in range(draw(st.integers(1, 4)))]
    sizes = {name: draw(st.integers(2, 9)) for name in names}
    key: dict[ExchangeSide, str] = {side: draw(st.sampled_from(names)) for side in SIDES}
    ranges: dict[ExchangeSide, dict[str, tuple[int, int]]] = {side: {} for side in SIDES}
    if key["reader"] == key["writer"]:
        name = key["reader"]
        split = draw(st.integers(1, sizes[name] - 1))
        halves = draw(st.permutations([(0, split - 1), (split, sizes[name] - 1)]))
        for side, half in zip(SIDES, halves, strict=True):
            ranges[side][name] = part(draw, *half)
    else:
        for side in SIDES:
            ranges[side][key[side]] = not_all(draw, sizes[key[side]])
    others = [name for name in names if name not in key.values()]
    for side in SIDES if others else ():
        if draw(st.booleans()):
            name = draw(st.sampled_from(others))
            ranges[side][name] = not_all(draw, sizes[name])
    ends: dict[ExchangeSide, dict[str, int]] = {}
    for side, opposite in zip(SIDES, SIDES[::-1], strict=True):
        allowed = {name: [*range(size)] for name, size in sizes.items()}
        first, last = ranges[opposite][key[opposite]]
        allowed[key[opposite]] = [number for number in allowed[key[opposite]] if not first <= number <= last]
        for name, (first, last) in ranges[side].items():
            allowed[name] = [number for number in allowed[name] if first <= number <= last]
        ends[side] = {name: draw(st.sampled_from(numbers)) for name, numbers in allowed.items()}
    rules = {side: Rule(ranges[side], named=tuple(n for n in ranges[side] if draw(st.booleans()))) for side in SIDES}
    return Planted(sizes, ends, rules, draw(st.booleans()))


@given(planted())
@settings(max_examples=30)
def test_the_culprits_of_either_side_are_exactly_the_planted_ones(case: Planted) -> None:
    for side, found in case.blame().items():
        assert {one.name: one.version for one in found.culprits} == {
            name: str(case.ends[side][name]) for name in case.rules[side].members
        }
        assert not found.doubt
        assert all(edges_of(culprit, case.rules[side], case.sizes[culprit.name]) for culprit in found.culprits)


@given(planted(), st.integers(1, 12))
@settings(max_examples=15)
def test_a_budget_holds_for_both_sides_together_and_is_said(case: Planted, budget: int) -> None:
    found = case.blame(budget)
    assert sum(told.probes for told in found.values()) <= budget
    for side, told in found.items():
        members = {culprit.name for culprit in told.culprits}
        assert members <= case.rules[side].members.keys()
        assert members == case.rules[side].members.keys() or "budget" in told.doubt
