"""The culprit that is found against the one that was planted."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from stackcompat.blame.culprit import SearchResult
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
    if kind == "infra" and any(number < len(case.universe.asked) for number in when):
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
        assert "budget" in found.doubt


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
