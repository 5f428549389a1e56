"""The rules of evidence for pairs in made-up worlds, in which the truth is known."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.verdict.pairs import PairVerdict, judge_pairs
from stackcompat.verdict.verdict import judge
from support.made_up import COMPONENTS, DISTRIBUTION, failed, make_cell, passed, planned, run_of, starved

# ---------------------------------------------------------------------------------------------------------------------
# Worlds: which pairs of versions are bad, and what their failures look like
# ---------------------------------------------------------------------------------------------------------------------

NAMES = ("alpha", "beta", "gamma", "epsilon")
SUITE: tuple[tuple[str, tuple[str, ...]], ...] = (
    *((f"own {a} {b}", (a, b)) for a, b in combinations(NAMES, 2)),
    *((f"joint {' '.join(three)}", three) for three in combinations(NAMES, 3)),
    ("all", NAMES),
)


def exhausted(test: str, *uses: str) -> TestResult:
    return failed(test, *uses, type="MemoryError", message="")


class Bad(NamedTuple):
    """Two versions that do not work together. `shows` are the tests that fail; the rest describes the failure."""

    first: str
    first_version: str
    second: str
    second_version: str
    shows: frozenset[str]
    look: str

    @property
    def pair(self) -> tuple[str, str, str, str]:
        return self[:4]

    def fails(self, test: str, versions: Mapping[str, str]) -> bool:
        here = versions.get(self.first) == self.first_version and versions.get(self.second) == self.second_version
        return here and test in self.shows

    def failure(self, test: str, uses: tuple[str, ...]) -> TestResult:
        kind, message, packages = "ValueError", "something is wrong", ()
        match self.look:
            case "named":
                kind, message = "AttributeError", f"module '{self.second}.core' has no attribute 'x'"
                return failed(test, *uses, type=kind, message=message, packages=(self.first,))
            case "traced":
                return failed(test, *uses, type="TypeError", message=message, packages=(self.first, self.second))
            case "outside":
                return failed(test, *uses, type=kind, message=message, packages=(self.first, "numbers"))
            case _:
                return failed(test, *uses, message=message, packages=packages)


class World(NamedTuple):
    """The truth, and the cells that were tried."""

    bad: list[Bad]
    cells: list[tuple[dict[str, str], str]]

    def look(self, order: list[int] | None = None, only: str = "") -> dict[tuple[str, str, str, str], PairVerdict]:
        """The verdicts on pairs, by the cells in `order`. Failures become the outcome `only`, if it is given."""
        evidence: dict[str, tuple[Evidence, ...]] = {}
        verdicts = []
        for index in order or range(len(self.cells)):
            versions, python = self.cells[index]
            cell = planned(make_cell(versions, python), versions)
            tests = self.tests(versions, only)
            red = [test for test in tests if test.outcome == "failed"]
            evidence[cell.key] = (run_of(cell, *tests), run_of(cell, *red, attempt=1))
            verdicts.append(judge(cell, evidence[cell.key], COMPONENTS))
        found = judge_pairs(verdicts, COMPONENTS)
        pairs = {(p.first, p.first_version, p.second, p.second_version): p for p in found}
        return {pair: said for pair, said in pairs.items() if "alpha-native" not in pair}  # it moves with alpha

    def tests(self, versions: Mapping[str, str], only: str = "") -> list[TestResult]:
        results = []
        for test, uses in SUITE:
            if not set(uses) <= versions.keys():
                continue
            named = tuple(DISTRIBUTION[name] for name in uses)
            bad = next((bad for bad in self.bad if bad.fails(test, versions)), None)
            if bad is not None and only:
                results.append(starved(test, *named) if only == "starved" else exhausted(test, *named))
            else:
                results.append(bad.failure(test, named) if bad else passed(test, *named))
        return results


VERSION = st.sampled_from(["1", "2", "3"])


@st.composite
def worlds(
    draw: st.DrawFn, looks: tuple[str, ...] = ("named", "traced", "outside", "bare"), weak: bool = True
) -> World:
    bad = []
    for _ in range(draw(st.integers(0, 3))):
        first, second = sorted(draw(st.permutations(NAMES))[:2], key=NAMES.index)
        joint = [test for test, uses in SUITE if {first, second} <= set(uses)]
        shows = frozenset(draw(st.sets(st.sampled_from(joint), min_size=1))) if weak else frozenset(joint)
        bad.append(Bad(first, draw(VERSION), second, draw(VERSION), shows, draw(st.sampled_from(looks))))
    cells = draw(
        st.lists(
            st.tuples(st.dictionaries(st.sampled_from(NAMES), VERSION, min_size=2), st.sampled_from(["3.12", "3.13"])),
            min_size=1,
            max_size=8,
        )
    )
    return World(bad, cells)


@given(worlds())
def test_what_is_said_to_be_seen_red_is_red(world: World) -> None:
    truth = {bad.pair for bad in world.bad}
    for pair, verdict in world.look().items():
        if verdict.verdict == "broken" and not verdict.inferred:
            assert pair in truth


@given(worlds(weak=False))
def test_a_bad_pair_that_every_test_shows_is_never_green(world: World) -> None:
    found = world.look()
    for bad in world.bad:
        if bad.pair in found:
            assert found[bad.pair].verdict != "works"


@given(worlds(looks=("bare",)))
def test_a_bad_pair_is_never_green_beyond_doubt_where_it_showed(world: World) -> None:
    """A failure without a hint makes every pair that its test uses red or doubtful on the Python of the cell.

    It takes nothing from what was seen on another Python, as a unit test of the rule says.
    """
    found = world.look()
    for versions, python in world.cells:
        for bad in world.bad:
            for test, uses in SUITE:
                if set(uses) <= versions.keys() and bad.fails(test, versions):
                    verdict = found[bad.pair]
                    assert verdict.pythons[python] != "works" or verdict.inferred


@given(worlds())
def test_no_failure_is_lost(world: World) -> None:
    """A test that failed leaves some pair red, unless each of its pairs passed that very test on that Python."""
    found = world.look()
    for versions, python in world.cells:
        for test in world.tests(versions):
            if test.outcome != "failed":
                continue
            uses = dict(SUITE)[test.test]
            pairs = [(a, versions[a], b, versions[b]) for a, b in combinations(uses, 2)]
            passed_elsewhere = {
                pair
                for pair in pairs
                for other, there in world.cells
                if there == python and other.get(pair[0]) == pair[1] and other.get(pair[2]) == pair[3]
                for again in world.tests(other)
                if again.test == test.test and again.outcome == "passed"
            }
            assert set(pairs) == passed_elsewhere or any(found[pair].verdict == "broken" for pair in pairs)


@given(worlds())
def test_a_world_without_bad_pairs_has_no_red(world: World) -> None:
    assert {v.verdict for v in World([], world.cells).look().values()} <= {"works"}


@given(worlds(), st.sampled_from(["starved", "exhausted"]))
def test_infrastructure_turns_nothing_red(world: World, outcome: str) -> None:
    assert "broken" not in {verdict.verdict for verdict in world.look(only=outcome).values()}


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_cells_does_not_matter(world: World, chance: random.Random) -> None:
    order = list(range(len(world.cells)))
    chance.shuffle(order)
    plain = {pair: (v.verdict, v.inferred, v.pythons) for pair, v in world.look().items()}
    assert {pair: (v.verdict, v.inferred, v.pythons) for pair, v in world.look(order).items()} == plain
