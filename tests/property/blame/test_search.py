"""The culprit that is found against the one that was planted."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from stackcompat.blame.result import SearchResult
from stackcompat.blame.search import search
from support.blame_world import Rule, Universe, answered


@dataclass
class Planted:
    universe: Universe
    versions: dict[str, int]
    rule: Rule

    def blame(self, budget: int = 400, known: str = "") -> SearchResult:
        """What is found; `known` passes, as evidence has it, at a release beside its range."""
        red = self.universe.red(self.versions, self.rule)
        if known:
            first, last = self.rule.members[known]
            passing = red.versions | {known: str(first - 1 if first else last + 1)}
            if all(not rule.holds(passing) for rule in self.universe.rules):
                red = red.model_copy(update={"passing": (passing,)})
        return answered(search(red, self.universe, self.universe.components, budget), self.universe, self.rule)


@st.composite
def planted(draw: st.DrawFn, missing_releases: int = 0) -> Planted:
    """A universe in which one, two or three components fail together, each with a release that does not.

    The failure names some of them, or none.
    """
    names = [f"c{number}" for number in range(draw(st.integers(1, 8)))]
    sizes = {name: draw(st.integers(2, 20)) for name in names}
    versions = {name: draw(st.integers(0, size - 1)) for name, size in sizes.items()}
    members = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
    ranges = {}
    for name in members:
        first, last = draw(st.integers(0, versions[name])), draw(st.integers(versions[name], sizes[name] - 1))
        whole = (first, last) == (0, sizes[name] - 1)
        ranges[name] = (first, last) if not whole else (0, last - 1) if versions[name] < last else (1, last)
    rule = Rule(ranges, named=tuple(name for name in members if draw(st.booleans())))
    missing = set()
    for _ in range(missing_releases):
        name = draw(st.sampled_from(names))
        number = draw(st.integers(0, sizes[name] - 1))
        if number not in (0, versions[name], sizes[name] - 1):
            missing.add((name, number))
    return Planted(Universe(sizes, (rule,), frozenset(missing)), versions, rule)


@given(planted())
@settings(max_examples=60)
def test_the_culprit_is_exactly_the_planted_one(case: Planted) -> None:
    found = case.blame()
    assert {culprit.name: culprit.version for culprit in found.culprits} == {
        name: str(case.versions[name]) for name in case.rule.members
    }
    assert not found.doubt
    for culprit in found.culprits:
        first, last = case.rule.members[culprit.name]
        assert culprit.last_good == (str(first - 1) if first else None)
        assert culprit.fixed_in == (str(last + 1) if last + 1 < case.universe.sizes[culprit.name] else None)
        assert culprit.never_passed == (first == 0 and case.versions[culprit.name] > 0)


@given(planted(missing_releases=6))
@settings(max_examples=60)
def test_releases_that_cannot_be_had_hide_no_member(case: Planted) -> None:
    found = case.blame()
    assert {culprit.name for culprit in found.culprits} == case.rule.members.keys()
    for culprit in found.culprits:
        first, last = case.rule.members[culprit.name]
        assert culprit.last_good is None or int(culprit.last_good) < first
        assert culprit.fixed_in is None or int(culprit.fixed_in) > last


@given(planted(), st.sets(st.integers(0, 40), max_size=12), st.sampled_from(["infra", "flaky"]))
@settings(max_examples=60)
def test_trouble_never_accuses_anybody(case: Planted, when: set[int], kind: str) -> None:
    case.universe.trouble = lambda number: kind if number in when else None
    found = case.blame()
    assert {culprit.name for culprit in found.culprits} <= case.rule.members.keys()
    asked = [probe for number, probe in enumerate(case.universe.asked) if number in when]
    if kind == "infra" and not all(probe.every_test for probe in asked):
        assert found.doubt


@given(planted(), st.integers(0, 12))
@settings(max_examples=40)
def test_a_budget_holds_and_is_said(case: Planted, budget: int) -> None:
    whole = case.blame()
    case.universe.asked.clear()
    found = case.blame(budget)
    assert found.probes <= budget
    assert {culprit.name for culprit in found.culprits} <= case.rule.members.keys()
    if whole.probes > budget:
        assert (
            "budget" in found.doubt
            or not found.way_out
            or any(c.last_passing and not c.last_good for c in found.culprits)
        )


@given(planted(), st.data())
@settings(max_examples=60)
def test_another_failure_that_masks_is_a_finding_and_no_answer(case: Planted, data: st.DataObject) -> None:
    """It hides the planted one beside some release of an innocent component."""
    innocent = [name for name in case.universe.sizes if name not in case.rule.members]
    if not innocent:
        return
    name = data.draw(st.sampled_from(innocent))
    number = data.draw(st.integers(0, case.universe.sizes[name] - 1).filter(lambda n: n != case.versions[name]))
    mask = Rule({name: (number, number)}, message="something else")
    case.universe.rules = (mask, case.rule)
    found = case.blame()
    assert {culprit.name for culprit in found.culprits} <= case.rule.members.keys()
    assert {finding.signature for finding in found.findings} <= {mask.failure.signature}


@given(planted(), st.data())
@settings(max_examples=60)
def test_whatever_hides_it_the_culprit_is_the_planted_one_or_in_doubt(case: Planted, data: st.DataObject) -> None:
    """Some releases of one component fail otherwise; a set that passes is known, and only one member moves in it.

    A member that is not seen to pass at any release, all else held, cannot be told from what is not to blame.
    """
    versions, sizes = case.versions, case.universe.sizes
    name = data.draw(st.sampled_from([*sizes]))
    first = data.draw(st.integers(0, sizes[name] - 1))
    last = data.draw(st.integers(first, min(first + 3, sizes[name] - 1)))
    if not first <= versions[name] <= last:
        case.universe.rules = (Rule({name: (first, last)}, message="something else"), case.rule)
    red = {other: str(number) for other, number in versions.items()}
    found = case.blame(known=data.draw(st.sampled_from([*case.rule.members])))
    passes = {
        member
        for member in case.rule.members
        for number in range(sizes[member])
        if not any(rule.holds(red | {member: str(number)}) for rule in case.universe.rules)
    }
    assert {culprit.name for culprit in found.culprits} <= case.rule.members.keys()
    assert found.doubt or {culprit.name for culprit in found.culprits} >= passes


@given(planted())
@settings(max_examples=20)
def test_equal_answers_give_equal_questions(case: Planted) -> None:
    case.blame()
    first = list(case.universe.asked)
    case.universe.asked.clear()
    case.blame()
    assert case.universe.asked == first


@st.composite
def several(draw: st.DrawFn) -> tuple[Universe, dict[str, int], tuple[Rule, ...]]:
    """A cell in which one, two or three sets of one or two components each are enough for one failure."""
    names = [f"c{number}" for number in range(draw(st.integers(4, 8)))]
    sizes = {name: draw(st.integers(3, 12)) for name in names}
    versions = {name: draw(st.integers(1, size - 2)) for name, size in sizes.items()}
    sets = draw(st.lists(st.sets(st.sampled_from(names), min_size=1, max_size=2), min_size=1, max_size=3))
    named = tuple(name for name in names if draw(st.booleans()))
    rules = []
    for members in sets:
        ranges = {
            name: (draw(st.integers(1, versions[name])), draw(st.integers(versions[name], sizes[name] - 1)))
            for name in sorted(members)
        }
        rules.append(Rule(ranges, named=named))
    return Universe(sizes, tuple(rules)), versions, tuple(rules)


@given(several(), st.sampled_from([400, 60, 20]))
@settings(max_examples=60)
def test_each_set_that_is_told_is_enough_and_without_doubt_all_are_told(
    case: tuple[Universe, dict[str, int], tuple[Rule, ...]], budget: int
) -> None:
    """Whatever is told: no innocent. Without a doubt: moving one member of each set that is told makes it pass."""
    world, versions, rules = case
    found = answered(search(world.red(versions, rules[0]), world, world.components, budget), world, rules[0])
    planted = {frozenset(rule.members) for rule in rules}
    smallest = {members for members in planted if not any(other < members for other in planted)}
    told = {frozenset(culprit.name for culprit in members) for members in (found.culprits, *found.alternatives)}
    assert found.probes <= budget
    assert set().union(*told) <= set().union(*planted)
    if not found.doubt:
        assert told == smallest


@given(planted(), st.data())
@settings(max_examples=40)
def test_what_is_called_good_passes_every_test(case: Planted, data: st.DataObject) -> None:
    """Other tests fail with some releases; the release that is named good is none of them, nor is the way out."""
    name = data.draw(st.sampled_from([*case.universe.sizes]))
    first = data.draw(st.integers(0, case.universe.sizes[name] - 1))
    last = data.draw(st.integers(first, case.universe.sizes[name] - 1))
    case.universe.others = (Rule({name: (first, last)}, message="another test fails"),)
    red = {other: str(number) for other, number in case.versions.items()}
    found = case.blame()
    rules = (case.rule, *case.universe.others)
    if found.way_out:
        assert not any(rule.holds(red | found.way_out) for rule in rules)
    for culprit in found.culprits:
        assert culprit.red
        assert all(
            case.rule.members[culprit.name][0] <= int(red) <= case.rule.members[culprit.name][1] for red in culprit.red
        )
        if culprit.last_good is not None:
            assert culprit.last_good == culprit.last_passing
            assert any(
                probe.every_test and probe.pins[culprit.name] == culprit.last_good for probe in case.universe.asked
            )


@given(several(), st.data())
@settings(max_examples=40)
def test_whatever_hides_them_no_innocent_is_told(
    case: tuple[Universe, dict[str, int], tuple[Rule, ...]], data: st.DataObject
) -> None:
    world, versions, rules = case
    name = data.draw(st.sampled_from([*world.sizes]))
    first = data.draw(st.integers(0, world.sizes[name] - 1))
    last = data.draw(st.integers(first, min(first + 3, world.sizes[name] - 1)))
    if not first <= versions[name] <= last:
        world.rules = (Rule({name: (first, last)}, message="something else"), *rules)
    found = answered(search(world.red(versions, rules[0]), world, world.components, 100), world, rules[0])
    told = {culprit.name for members in (found.culprits, *found.alternatives) for culprit in members}
    assert told <= {member for rule in rules for member in rule.members}
