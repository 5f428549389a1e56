"""What one cell says about the combinations of a covering array."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from stackcompat.evidence.results import TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.pipeline.goal_cell import GoalCell, exact_pin, read_goal_cell
from stackcompat.plan.goal import Goal
from stackcompat.resolve.lock import Resolution
from support.made_up import (
    COMPONENTS,
    blocked,
    failed,
    make_cell,
    not_applicable,
    passed,
    planned,
    run_of,
    starved,
    unresolved,
)

VERSIONS = {"alpha": "1.0", "beta": "2.0", "gamma": "3.0"}
GOAL = Goal(
    label="2-way",
    axes=(("python==3.12",), ("alpha==1.1", "alpha==1.0"), ("beta==2.0",), ("gamma==3.0",)),
    budget=1,
    combinations=(("alpha==1.0", "beta==2.0"),),
    template=make_cell({"alpha": "", "beta": "", "gamma": ""}),
    pythons={},
)
ASKED = make_cell({"alpha": "1.0", "beta": "", "gamma": ""})


def read(*results: TestResult) -> GoalCell:
    """A cell that asks for alpha 1.0 alone, with these results twice."""
    cell = planned(ASKED, VERSIONS)
    return read_goal_cell(cell, (run_of(cell, *results), run_of(cell, *results, attempt=1)), GOAL, COMPONENTS)


def test_what_was_asked_for_and_what_the_lock_holds_differ() -> None:
    cell = read(passed("a", "alpha"))
    assert cell.asked == {"alpha==1.0", "python==3.12"}
    assert cell.held == {"alpha==1.0", "beta==2.0", "gamma==3.0", "python==3.12"}
    assert cell.held < cell.installed | {cell.python_pin}
    assert not cell.undecided


def test_a_cell_without_a_lock_holds_nothing() -> None:
    cell = read_goal_cell(unresolved(ASKED, "bounds"), (), GOAL, COMPONENTS)
    assert cell.asked == {"alpha==1.0", "python==3.12"}
    assert not cell.held
    assert not cell.undecided
    assert cell.refuses(ASKED)
    assert not cell.refuses(make_cell(VERSIONS))


def test_what_infrastructure_kept_from_a_verdict_is_undecided() -> None:
    away = PlannedCell(cell=ASKED, resolution=Resolution(outcome="index-unreachable"))
    assert read_goal_cell(away, (), GOAL, COMPONENTS).undecided
    assert read_goal_cell(planned(ASKED, VERSIONS), (), GOAL, COMPONENTS).undecided
    assert read(starved("a", "alpha")).undecided


@pytest.mark.parametrize(
    ("results", "components", "answer"),
    [
        ([passed("ab", "alpha", "beta")], {"alpha", "beta"}, "verdict"),
        ([failed("ab", "alpha", "beta")], {"alpha", "beta"}, "none"),
        ([blocked("ab", "alpha", "beta")], {"alpha", "beta"}, "none"),
        # A test that uses more of the others matters only where no closer one is there.
        ([passed("ab", "alpha", "beta"), failed("abc", "alpha", "beta", "gamma")], {"alpha", "beta"}, "verdict"),
        ([failed("abc", "alpha", "beta", "gamma"), passed("a", "alpha")], {"alpha", "beta"}, "none"),
        # Where no test uses both, the two have only been together, and only if nothing is wrong with each.
        ([passed("a", "alpha"), passed("b", "beta")], {"alpha", "beta"}, "together"),
        ([passed("a", "alpha"), failed("b", "beta")], {"alpha", "beta"}, "none"),
        ([passed("a", "alpha"), not_applicable("ab", "alpha", "beta")], {"alpha", "beta"}, "together"),
        ([passed("a", "alpha")], {"alpha", "gamma"}, "together"),
        ([passed("b", "beta", level="import")], {"alpha", "beta"}, "together"),
        ([passed("a", "alpha")], {"alpha"}, "verdict"),
        ([passed("a", "alpha")], {"gamma"}, "together"),
        ([], {"alpha"}, "none"),
    ],
)
def test_the_most_specific_tests_decide(results: list[TestResult], components: Collection[str], answer: str) -> None:
    assert read(*results).answer(components) == answer


def test_tests_that_failed_in_the_same_way_are_failing() -> None:
    assert read(failed("ab", "alpha", "beta"), passed("c", "gamma")).failing() == ("ab",)


def test_a_pin() -> None:
    assert exact_pin("alpha", "1.0") == "alpha==1.0"
