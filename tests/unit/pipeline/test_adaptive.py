"""The combinations that have a verdict, and the next cells for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.adaptive import Round, next_round
from stackcompat.plan.cell import Cell
from stackcompat.plan.goal import Goal
from stackcompat.plan.plan import make_plan
from stackcompat.verdict.pairs import judge_pairs
from stackcompat.verdict.verdict import judge
from support.made_up import (
    COMPONENTS,
    NOW,
    PLATFORM,
    blocked,
    failed,
    not_applicable,
    passed,
    planned,
    run_of,
    unresolved,
)
from support.world import World, matrix

Tests = Callable[[Mapping[str, str]], Iterable[TestResult]]


class Table:
    """A covering array over `releases` (component to number of releases), and the results of its cells so far."""

    def __init__(self, tests: Tests, pythons: tuple[str, ...] = ("3.12",), strength: int = 2, **releases: int) -> None:
        rows = COMPONENTS.model_copy(update={"components": tuple(COMPONENTS[name] for name in releases)})
        policy = {"policy": "pairs", "releases": {name: {"all": True} for name in releases}, "strength": strength}
        versions = {n: {f"1.{i}": f"2026-01-{i + 1:02}" for i in range(count)} for n, count in releases.items()}
        made = make_plan(
            matrix(rows, policy, pythons=pythons),
            rows,
            World(versions),
            platform=PLATFORM,
            pythons=pythons,
            now=NOW,
        )
        self.goal: Goal = made.goals[0]
        self.tests = tests
        self.newest = {name: f"1.{count - 1}" for name, count in releases.items()}
        self.cells: list[PlannedCell] = []
        self.evidence: dict[str, tuple[Evidence, ...]] = {}
        self.run(made.cells)

    def run(self, cells: Iterable[Cell]) -> None:
        for cell in cells:
            pins = dict(text.partition("==")[::2] for text in cell.requirements)
            versions = {name: pins[name] or self.newest[name] for name in pins}
            one = planned(cell, versions)
            tests = tuple(self.tests(versions | {"python": cell.python}))
            red = [test for test in tests if test.outcome == "failed"]
            self.cells.append(one)
            self.evidence[one.key] = (run_of(one, *tests), *([run_of(one, *red, attempt=1)] if red else []))

    def next(self, left: int = 100) -> Round:
        return next_round(self.goal, self.cells, self.evidence, COMPONENTS, left)

    def go_on(self) -> list[Round]:
        """All further rounds."""
        said = [self.next()]
        while said[-1].cells:
            self.run(said[-1].cells)
            said.append(self.next())
        return said


def share(table: Table, unanswered: int) -> float:
    return 100.0 * (1 - unanswered / len(table.goal.combinations))


def lacking(test: str, uses: str, of: str) -> TestResult:
    message = f"module '{of}.core' has no attribute 'x'"
    return failed(test, uses, level="import", type="AttributeError", message=message, packages=(uses,))


def test_of_three_suspects_each_is_tried_without_the_others() -> None:
    """The failure does not say which two of the three are broken together. Cells with two of them do."""

    def tests(versions: Mapping[str, str]) -> Iterable[TestResult]:
        red = versions["alpha"] == versions["beta"] == "1.1"
        result = failed if red else passed
        return [result("all", "alpha", "beta", "gamma")]

    table = Table(tests, alpha=2, beta=2, gamma=2)
    said = table.go_on()
    assert said[-1].answered == 100.0
    assert said[-1].unanswered == ()
    assert len(said) <= 3
    # Once the culprit is known, it is not asked for again.
    red = [one for one in table.cells if {"alpha==1.1", "beta==1.1"} <= set(one.cell.requirements)]
    assert 1 <= len(red) <= 2


def test_the_tests_that_use_the_fewest_others_decide() -> None:
    """A test with more components can lack an outcome: a test of the two that passed decides."""

    def tests(versions: Mapping[str, str]) -> Iterable[TestResult]:
        yield passed("ab", "alpha", "beta")
        yield blocked("abc", "alpha", "beta", "gamma")
        yield passed("c", "gamma")

    table = Table(tests, alpha=1, beta=1, gamma=1)
    # Alpha with gamma and beta with gamma have no other test; each with the Python has one that passed.
    assert table.next().answered == share(table, 2)


@pytest.mark.parametrize(
    ("tests", "without"),
    [
        ([passed("a", "alpha"), passed("b", "beta"), not_applicable("ab", "alpha", "beta")], 4),
        ([passed("a", "alpha")], 6),  # beta has no test at all, so its two releases have none on the Python either
        ([passed("b", "beta", level="import")], 6),
    ],
)
def test_strangers_have_no_verdict_and_are_not_tried_again(tests: list[TestResult], without: int) -> None:
    """A pair that no test uses is untested in the table of pairs, so it has no verdict here either."""
    table = Table(lambda _: tests, alpha=2, beta=2)
    last = table.next()
    assert last.cells == ()
    assert (last.locked, last.answered) == (100.0, share(table, without))
    (sentence,) = last.unanswered
    assert sentence.startswith(
        f"{without} were installed together and have no verdict, since no test that fits them uses them together; "
    )
    verdicts = judge_pairs([judge(one, table.evidence[one.key], COMPONENTS) for one in table.cells], COMPONENTS)
    assert {pair.verdict for pair in verdicts if {pair.first, pair.second} == {"alpha", "beta"}} == {"untested"}


def test_strangers_have_not_met_where_one_of_them_cannot_be_imported() -> None:
    def tests(versions: Mapping[str, str]) -> Iterable[TestResult]:
        up = versions["alpha"] == "1.0" or versions["gamma"] == "1.0"
        yield passed("g", "gamma", level="import") if up else lacking("g", "gamma", "alpha")
        yield from (passed("a", "alpha"), passed("b", "beta"))

    table = Table(tests, alpha=2, beta=2, gamma=2)
    strangers = 11  # of the 12 pairs of two components, all but the one that is known to be broken
    first, *_, last = table.go_on()
    assert first.answered == share(table, strangers)
    assert [cell.requirements for cell in first.cells] == [("alpha==1.0", "beta==1.1", "gamma==1.1")]
    assert last.answered == share(table, strangers)
    assert last.unanswered[0].startswith("11 were installed together and have no verdict")


def test_a_release_that_is_broken_by_itself_hides_no_combination_twice() -> None:
    """If a failure points at one component only, the component is broken by itself on that Python."""

    def tests(versions: Mapping[str, str]) -> Iterable[TestResult]:
        red = versions["beta"] == "1.1" and versions["python"] == "3.13"
        own = failed("b", "beta", level="import", type="SyntaxError", message="x", packages=("beta",))
        yield own if red else passed("b", "beta", level="import")
        yield blocked("ab", "alpha", "beta") if red else passed("ab", "alpha", "beta")
        yield passed("a", "alpha")

    table = Table(tests, pythons=("3.13", "3.12"), alpha=3, beta=2)
    first = len(table.cells)
    assert table.go_on()[-1] == Round(locked=100.0, answered=100.0)
    for one in table.cells[first:]:
        assert not ("beta==1.1" in one.cell.requirements and one.cell.python == "3.13")


def test_a_combination_that_needs_a_known_culprit_is_reported() -> None:
    def tests(versions: Mapping[str, str]) -> Iterable[TestResult]:
        red = versions["alpha"] == "1.1"
        yield lacking("b", "beta", "alpha") if red else passed("b", "beta", level="import")
        yield blocked("bc", "beta", "gamma") if red else passed("bc", "beta", "gamma")
        yield blocked("ac", "alpha", "gamma") if red else passed("ac", "alpha", "gamma")
        yield from (passed("a", "alpha"), passed("c", "gamma"))

    table = Table(tests, alpha=2, beta=1, gamma=1)
    said = table.next()
    assert said.cells == ()
    assert said.answered == share(table, 2)
    sentence, untested = said.unanswered
    assert untested.startswith("1 were installed together")  # alpha 1.0 with beta 1.0
    assert sentence.startswith("1 cannot be brought together without releases that are known not to work; ")
    assert sentence.endswith("for example, alpha 1.1 with gamma 1.0: alpha 1.1 with beta 1.0 is broken")


def test_what_does_not_resolve_with_nothing_else_pinned_has_a_verdict() -> None:
    table = Table(lambda _: [passed("a", "alpha"), passed("b", "beta")], alpha=2, beta=2, gamma=2)
    pins = ("alpha==1.1", "beta==1.1")
    lost = [one for one in table.cells if set(pins) <= set(one.cell.requirements)]
    for one in lost:
        table.cells[table.cells.index(one)] = unresolved(one.cell, "numbers 1 and numbers 2 are both asked for")
    before = table.next()
    assert before.cells
    assert before.locked < 100.0
    table.cells.append(unresolved(table.goal.cell(pins, "alone"), "numbers 1 and numbers 2 are both asked for"))
    after = table.next()
    assert after.answered > before.answered
    assert not any(set(pins) <= set(cell.requirements) for cell in after.cells)


def test_a_failure_that_nothing_explains_is_given_up_in_the_end() -> None:
    """The error comes from a distribution that is no component. It is in every cell, and no pair is to blame."""

    def tests(versions: Mapping[str, str]) -> Iterable[TestResult]:
        yield failed("b", "beta", level="import", type="ValueError", message="x", packages=("beta", "numbers"))
        yield blocked("ab", "alpha", "beta")
        yield passed("a", "alpha")

    said = Table(tests, alpha=3, beta=3).go_on()
    assert said[-1].cells == ()
    assert "nothing tells why; for example, " in said[-1].unanswered[0]


def test_three_at_a_time() -> None:
    def tests(versions: Mapping[str, str]) -> Iterable[TestResult]:
        red = versions["alpha"] == versions["beta"] == "1.1"
        yield lacking("b", "beta", "alpha") if red else passed("b", "beta", level="import")
        for name in ("alpha", "gamma", "epsilon"):
            yield passed(name, name)
        for uses in (("alpha", "beta"), ("beta", "gamma", "epsilon"), ("alpha", "gamma", "epsilon")):
            result: Any = blocked if red and "beta" in uses else passed
            yield result(" ".join(uses), *uses)

    table = Table(tests, strength=3, alpha=2, beta=2, gamma=2, epsilon=2)
    first, *_, last = said = table.go_on()
    assert first.answered < last.answered
    (sentence,) = last.unanswered
    assert "were installed together and have no verdict" in sentence
    further = [cell for one in said for cell in one.cells]
    assert further
    assert not any({"alpha==1.1", "beta==1.1"} <= set(cell.requirements) for cell in further)
