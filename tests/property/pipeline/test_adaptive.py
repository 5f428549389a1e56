"""Covering arrays, round after round, in made-up worlds in which the truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, product
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from stackcompat.core.vocabulary import Level
from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.adaptive import Round, next_round
from stackcompat.plan.cell import Cell
from stackcompat.plan.goal import Goal
from stackcompat.plan.plan import make_plan
from support.made_up import COMPONENTS, DISTRIBUTION, NOW, PLATFORM, blocked, failed, passed, planned, run_of
from support.world import World, matrix

NAMES = ("alpha", "beta", "gamma", "epsilon")
PYTHONS = ("3.13", "3.12")
ROWS = COMPONENTS.model_copy(update={"components": tuple(c for c in COMPONENTS.components if c.name in NAMES)})
#: The pairs that some test uses; beta and epsilon are strangers.
JOINT = tuple(pair for pair in combinations(NAMES, 2) if pair != ("beta", "epsilon"))


class Bad(NamedTuple):
    """Two releases (component and version) that do not work together: at the import of the first, or in their test."""

    first: tuple[str, str]
    second: tuple[str, str]
    at_import: bool

    def in_(self, versions: Mapping[str, str]) -> bool:
        return {self.first, self.second} <= set(versions.items())

    def failure(self, test: str, *uses: str) -> TestResult:
        level: Level = "import" if self.at_import else "interop"
        message = f"module '{self.second[0]}.core' has no attribute 'x'"
        return failed(
            test, *uses, level=level, type="AttributeError", message=message, packages=(DISTRIBUTION[self.first[0]],)
        )


class Truth(NamedTuple):
    """The number of releases of each of NAMES, and the releases that do not work together."""

    sizes: tuple[int, ...]
    bad: tuple[Bad, ...]

    @property
    def catalog(self) -> World:
        def releases(size: int) -> dict[str, str]:
            return {f"1.{number}": f"2026-01-{number + 1:02}" for number in range(size)}

        return World({name: releases(size) for name, size in zip(NAMES, self.sizes, strict=True)})

    def goal(self, budget: int) -> tuple[Goal, tuple[Cell, ...]]:
        policy = {"policy": "pairs", "releases": {name: {"all": True} for name in NAMES}, "budget": budget}
        made = make_plan(
            matrix(ROWS, policy, pythons=PYTHONS),
            ROWS,
            self.catalog,
            platform=PLATFORM,
            pythons=PYTHONS,
            now=NOW,
        )
        return made.goals[0], made.cells

    def run(self, cell: Cell) -> tuple[PlannedCell, tuple[Evidence, ...]]:
        """The runs of `cell`. Components that it does not pin are at their newest."""
        pins = dict(text.partition("==")[::2] for text in cell.requirements)
        versions = {
            name: pins[name] or f"1.{size - 1}" for name, size in zip(NAMES, self.sizes, strict=True) if name in pins
        }
        one = planned(cell, versions)
        tests = self.tests(versions)
        red = [test for test in tests if test.outcome == "failed"]
        return one, (run_of(one, *tests), *([run_of(one, *red, attempt=1)] if red else []))

    def tests(self, versions: Mapping[str, str]) -> list[TestResult]:
        found, broken = [], set()
        for name in NAMES:
            culprit = next((b for b in self.bad if b.at_import and b.first[0] == name and b.in_(versions)), None)
            test = f"import {name}"
            found.append(culprit.failure(test, name) if culprit else passed(test, name, level="import"))
            broken |= {name} if culprit else set()
        for pair in JOINT:
            test = f"joint {' '.join(pair)}"
            culprits = [b for b in self.bad if not b.at_import and {b.first[0], b.second[0]} == set(pair)]
            culprit = next((b for b in culprits if b.in_(versions)), None)
            if broken.intersection(pair):
                found.append(blocked(test, *pair))
            else:
                found.append(culprit.failure(test, *pair) if culprit else passed(test, *pair))
        return found

    def sound(self, versions: Mapping[str, str]) -> bool:
        return not any(bad.in_(versions) for bad in self.bad)


class Story(NamedTuple):
    """All rounds, and the cells of each with their results."""

    said: list[Round]
    cells: list[list[tuple[PlannedCell, tuple[Evidence, ...]]]]


def tell(truth: Truth, budget: int) -> tuple[Goal, Story]:
    goal, first = truth.goal(budget)
    story = Story([], [[truth.run(cell) for cell in first]])
    left = budget
    while True:
        every = [one for cells in story.cells for one in cells]
        evidence = {one.key: runs for one, runs in every}
        said = next_round(goal, [one for one, _ in every], evidence, ROWS, left)
        story.said.append(said)
        if not said.cells:
            return goal, story
        left -= len(said.cells)
        story.cells.append([truth.run(cell) for cell in said.cells])


RELEASE = st.tuples(st.sampled_from(NAMES), st.sampled_from(["1.0", "1.1", "1.2"]))


@st.composite
def truths(draw: st.DrawFn) -> Truth:
    sizes = draw(st.tuples(*[st.integers(1, 3)] * len(NAMES)))
    pairs = st.tuples(RELEASE, RELEASE, st.booleans()).filter(lambda pair: pair[0][0] != pair[1][0])
    drawn = draw(st.lists(pairs, max_size=6, unique_by=lambda pair: frozenset(pair[:2])))
    # Strangers have no test that could show them, only an import.
    bad = [
        Bad(*pair)
        for pair in drawn
        if pair[2] or (pair[0][0], pair[1][0]) in JOINT or (pair[1][0], pair[0][0]) in JOINT
    ]
    return Truth(sizes, tuple(bad))


def versions_in(pins: tuple[str, ...]) -> dict[str, str]:
    return {name: version for name, _, version in (pin.partition("==") for pin in pins) if name != "python"}


def can_be_told(truth: Truth, pins: tuple[str, ...]) -> bool:
    """Whether some row of releases has `pins` and no broken pair that is not in `pins`."""
    held = versions_in(pins)
    choice = [
        [held[name]] if name in held else [f"1.{number}" for number in range(size)]
        for name, size in zip(NAMES, truth.sizes, strict=True)
    ]
    others = truth._replace(bad=tuple(bad for bad in truth.bad if not bad.in_(held)))
    return any(others.sound(dict(zip(NAMES, row, strict=True))) for row in product(*choice))


def are_strangers(pins: tuple[str, ...]) -> bool:
    """Whether no test uses both components."""
    names = tuple(name for name in NAMES if name in versions_in(pins))
    return len(names) == 2 and names not in JOINT


def was_told(story: Story, pins: tuple[str, ...]) -> bool:
    """Whether the test of `pins`, or their imports if there is no such test, passed in a cell with them."""
    names = tuple(name for name in NAMES if name in versions_in(pins))
    tests = {f"joint {' '.join(names)}"} if names in JOINT else {f"import {name}" for name in names}
    for one, runs in (one for cells in story.cells for one in cells):
        passes = {test.test for test in runs[0].tests if test.outcome == "passed"}
        if one.resolution.lock is not None and tests <= passes:
            held = one.resolution.lock.versions() | {"python": one.cell.python}
            if all(held[name] == version for name, _, version in (pin.partition("==") for pin in pins)):
                return True
    return False


@settings(max_examples=50)
@given(truths())
def test_each_combination_gets_a_verdict_where_one_can_be_had(truth: Truth) -> None:
    goal, story = tell(truth, budget=1000)
    told = [pins for pins in goal.combinations if can_be_told(truth, pins)]
    for pins in told:
        if truth.sound(versions_in(pins)):
            assert was_told(story, pins)
    last = story.said[-1]
    tested = [pins for pins in told if not are_strangers(pins)]
    assert last.answered >= 100.0 * len(tested) / len(goal.combinations) - 1e-9
    assert bool(last.unanswered) == (last.answered < 100.0)


@settings(max_examples=50)
@given(truths())
def test_what_showed_that_it_does_not_work_is_never_asked_for_again(truth: Truth) -> None:
    """A pair whose joint test passed nowhere hides only itself, so it is not kept apart."""
    _, story = tell(truth, budget=1000)
    shown: set[Bad] = set()
    passing: set[str] = set()
    for cells in story.cells:
        for one, _ in cells:
            assert one.resolution.lock is not None
            assert not any(bad.in_(one.resolution.lock.versions()) for bad in shown)
        passing |= {test.test for _, runs in cells for test in runs[0].tests if test.outcome == "passed"}
        shown |= {
            bad
            for one, runs in cells
            for bad in truth.bad
            for test in runs[0].failures()
            if bad.in_(one.resolution.lock.versions())  # type: ignore[union-attr]
            and (bad.at_import or test.test in passing)
            and bad.failure(test.test, *test.components) == test
        }


@settings(max_examples=50)
@given(truths(), st.integers(0, 4))
def test_the_budget_holds_and_no_cell_is_made_twice(truth: Truth, budget: int) -> None:
    _, story = tell(truth, budget)
    assert sum(len(cells) for cells in story.cells[1:]) <= budget
    ids = [one.cell.id for cells in story.cells for one, _ in cells]
    assert len(set(ids)) == len(ids)
    answered = [said.answered for said in story.said]
    assert answered == sorted(answered)


@settings(max_examples=50)
@given(truths())
def test_the_same_evidence_gives_the_same_rounds(truth: Truth) -> None:
    assert tell(truth, budget=1000) == tell(truth, budget=1000)


@settings(max_examples=50)
@given(truths())
def test_where_all_is_well_one_array_is_enough(truth: Truth) -> None:
    goal, story = tell(Truth(truth.sizes, ()), budget=1000)
    strangers = sum(map(are_strangers, goal.combinations))
    (said,) = story.said
    assert said.locked == 100.0
    assert said.answered == 100.0 * (1 - strangers / len(goal.combinations))
    assert len(said.unanswered) == 1
