"""Whose releases keep an artifact from being read: what is found against what was planted on either side."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from blame_world import Rule
from crossing_world import Crossed, CrossingWorld, Shelf, edges_of
from stackcompat.charge import Blame
from stackcompat.exchange import Side


@dataclass
class Planted:
    sizes: dict[str, int]
    ends: dict[Side, dict[str, int]]
    rules: dict[Side, Rule]
    changed: bool

    def blame(self, budget: int = 600) -> Mapping[Side, Blame]:
        with tempfile.TemporaryDirectory() as folder:
            rule = Crossed(self.rules["writer"], self.rules["reader"], self.changed)
            world = CrossingWorld(Path(folder), Shelf(self.sizes), rule)
            try:
                return world.blame(world.cell(self.ends["writer"]), world.cell(self.ends["reader"]), budget=budget)
            finally:
                world.bench.store.close()


@st.composite
def planted(draw: st.DrawFn) -> Planted:
    """One or two components of either side, in ranges of releases, do not get on; each reads back what it wrote."""
    names = [f"c{number}" for number in range(draw(st.integers(1, 4)))]
    sizes = {name: draw(st.integers(2, 9)) for name in names}
    ends: dict[Side, dict[str, int]] = {}
    rules: dict[Side, Rule] = {}
    sides: tuple[Side, ...] = ("writer", "reader")
    for side in sides:
        here = {name: draw(st.integers(0, size - 1)) for name, size in sizes.items()}
        members = draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
        ranges = {}
        for name in members:
            last = sizes[name] - 1
            ranges[name] = (draw(st.integers(0, here[name])), draw(st.integers(here[name], last)))
            assume(ranges[name] != (0, last))
        ends[side] = here
        rules[side] = Rule(ranges, named=tuple(name for name in members if draw(st.booleans())))
    versions = {side: {name: str(number) for name, number in here.items()} for side, here in ends.items()}
    assume(not rules["reader"].holds(versions["writer"]))
    assume(not rules["writer"].holds(versions["reader"]))
    return Planted(sizes, ends, rules, draw(st.booleans()))


@given(planted())
@settings(max_examples=30)
def test_the_culprits_of_either_side_are_exactly_the_planted_ones(case: Planted) -> None:
    for side, told in case.blame().items():
        found = told.found
        assert {one.name: one.version for one in found.culprits} == {
            name: str(case.ends[side][name]) for name in case.rules[side].members
        }
        assert not found.doubt
        assert all(edges_of(culprit, case.rules[side], case.sizes[culprit.name]) for culprit in found.culprits)


@given(planted(), st.integers(1, 12))
@settings(max_examples=15)
def test_a_budget_holds_for_both_sides_together_and_is_said(case: Planted, budget: int) -> None:
    found = case.blame(budget)
    assert sum(told.found.probes for told in found.values()) <= budget
    for side, told in found.items():
        members = {culprit.name for culprit in told.found.culprits}
        assert members <= case.rules[side].members.keys()
        assert members == case.rules[side].members.keys() or "budget" in told.found.doubt
