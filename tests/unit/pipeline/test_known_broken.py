"""Which releases are known not to work together."""

from __future__ import annotations

from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.pipeline.goal_cell import read_goal_cell
from stackcompat.pipeline.known_broken import KnownBroken, find_known_broken, named_together
from stackcompat.plan.goal import Goal
from support.made_up import COMPONENTS, failed, make_cell, passed, planned, run_of

NAMES = ("alpha", "beta", "gamma")
GOAL = Goal(
    label="2-way",
    axes=(("python==3.13", "python==3.12"), *((f"{name}==1.1", f"{name}==1.0") for name in NAMES)),
    budget=1,
    combinations=(("alpha==1.0", "beta==1.0"),),
    template=make_cell(dict.fromkeys(NAMES, "")),
    pythons={},
)


def known(*runs: tuple[str, str, list[TestResult]]) -> KnownBroken:
    """Cells: the last digits of their alpha, beta and gamma, their Python, and the results of both runs."""
    cells, evidence = [], dict[str, tuple[Evidence, ...]]()
    for digits, python, results in runs:
        versions = {name: f"1.{digit}" for name, digit in zip(NAMES, digits, strict=True)}
        cell = planned(make_cell(versions, python), versions)
        evidence[cell.key] = (run_of(cell, *results), run_of(cell, *results, attempt=1))
        cells.append(read_goal_cell(cell, evidence[cell.key], GOAL, COMPONENTS))
    return find_known_broken(cells, COMPONENTS)


def lacking(test: str) -> TestResult:
    """A failure: alpha lacks a name that beta takes from it."""
    message = "module 'alpha.core' has no attribute 'x'"
    return failed(test, "alpha", "beta", type="AttributeError", message=message, packages=("beta",))


def test_two_releases_whose_test_fails_are_known_and_kept_apart() -> None:
    found = known(("000", "3.12", [passed("ab", "alpha", "beta")]), ("110", "3.12", [lacking("ab")]))
    pair = frozenset(("alpha==1.1", "beta==1.1"))
    assert found.sentences == {pair: "alpha 1.1 with beta 1.1 is broken"}
    assert found.apart == {pair}
    assert found.settles(("alpha==1.1", "beta==1.1", "gamma==1.0"))
    assert found.hides(("alpha==1.1", "beta==1.1"))
    assert not found.settles(("alpha==1.1", "gamma==1.0"))


def test_where_all_is_green_nothing_is_known() -> None:
    found = known(("000", "3.12", [passed("ab", "alpha", "beta")]))
    assert found == KnownBroken(sentences={}, apart=frozenset())


def own_failure(test: str) -> TestResult:
    return failed(test, "beta", level="import", type="SyntaxError", message="x", packages=("beta",))


def test_a_release_that_fails_twice_on_a_python_is_broken_by_itself_there() -> None:
    red = [own_failure("b"), passed("a", "alpha")]
    once = known(("010", "3.13", red))
    pair = frozenset(("python==3.13", "beta==1.1"))
    assert pair not in once.sentences
    twice = known(("010", "3.13", red), ("110", "3.13", red), ("010", "3.12", [passed("b", "beta", level="import")]))
    assert twice.sentences[pair] == "beta 1.1 with python 3.13 is broken by itself"
    assert pair in twice.apart
    assert frozenset(("python==3.12", "beta==1.1")) not in twice.sentences


def test_a_release_whose_test_passes_somewhere_on_that_python_is_not_broken_by_itself() -> None:
    green = [passed("b", "beta", level="import"), passed("a", "alpha")]
    red = [own_failure("b"), passed("a", "alpha")]
    found = known(("010", "3.13", red), ("110", "3.13", red), ("011", "3.13", green))
    assert frozenset(("python==3.13", "beta==1.1")) not in found.sentences


def test_how_pins_are_named() -> None:
    assert named_together(("python==3.12", "alpha==1.0")) == "alpha 1.0 with python 3.12"
