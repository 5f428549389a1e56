"""No claim about a cell is deeper than its evidence, whatever its tests are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.core.vocabulary import LEVELS, Level
from stackcompat.evidence.results import TestResult
from stackcompat.verdict.components import judge_components
from stackcompat.verdict.verdict import CellVerdict, judge
from support.made_up import COMPONENTS, DISTRIBUTION, failed, make_cell, not_applicable, passed, planned, run_of

NAMES = ("alpha", "beta", "gamma", "delta", "zeta")
USED = (*(DISTRIBUTION[name] for name in NAMES), "alpha-native", "beta-extras", "numbers")
LEVEL = st.sampled_from(LEVELS[LEVELS.index("import") :])


@st.composite
def results(draw: st.DrawFn) -> tuple[TestResult, ...]:
    tests = []
    for number in range(draw(st.integers(0, 8))):
        uses = sorted(draw(st.sets(st.sampled_from(USED), min_size=1, max_size=4)))
        match draw(st.sampled_from(["passed", "passed", "passed", "failed", "not-applicable"])):
            case "failed":
                tests.append(failed(f"t{number}", *uses, level=draw(LEVEL)))
            case "not-applicable":
                tests.append(not_applicable(f"t{number}", *uses))
            case _:
                tests.append(passed(f"t{number}", *uses, level=draw(LEVEL)))
    return tuple(tests)


VERSIONS = st.sets(st.sampled_from(NAMES), min_size=1).map(lambda names: dict.fromkeys(sorted(names), "1"))


def judged(versions: dict[str, str], tests: tuple[TestResult, ...], accompanying: tuple[str, ...]) -> CellVerdict:
    cell = planned(make_cell(versions, accompanying=accompanying), versions)
    red = tuple(test for test in tests if test.outcome == "failed")
    return judge(cell, (run_of(cell, *tests), run_of(cell, *red, attempt=1)), COMPONENTS)


def rank(level: Level) -> int:
    return LEVELS.index(level)


def deepest_that_names(name: str, tests: tuple[TestResult, ...]) -> int:
    """The deepest passed smoke test that names a component or the one that it moves with; that of `install` if none."""
    row = COMPONENTS[name]
    leader = COMPONENTS[row.moves_with].distributions if row.moves_with else ()
    named = {*row.distributions, *leader}
    found = [
        rank(test.level)
        for test in tests
        if test.outcome == "passed" and test.level != "upstream" and named & set(test.components)
    ]
    return max(found, default=rank("install"))


@given(VERSIONS, results(), st.sets(st.sampled_from(USED)))
def test_nothing_is_deeper_than_the_tests_that_name_it(
    versions: dict[str, str], tests: tuple[TestResult, ...], accompanying: set[str]
) -> None:
    verdict = judged(versions, tests, tuple(sorted(accompanying)))
    for name, depth in verdict.components.items():
        assert rank(depth.level) <= deepest_that_names(name, tests)
        assert (depth.tests == 0) == (depth.level == "install")
        assert name not in depth.together_with
    for name, (state, level) in judge_components(verdict, COMPONENTS).items():
        assert state != "works" or rank(level) <= deepest_that_names(name, tests)


@given(VERSIONS, results(), st.sets(st.sampled_from(USED)))
def test_a_cell_is_never_deeper_than_what_it_asks_for(
    versions: dict[str, str], tests: tuple[TestResult, ...], accompanying: set[str]
) -> None:
    verdict = judged(versions, tests, tuple(sorted(accompanying)))
    asked = [name for name in versions if DISTRIBUTION[name] not in accompanying] or list(versions)
    assert set(verdict.asked) == (set(asked) if tests else set())
    assert all(rank(verdict.reached) <= rank(verdict.components[name].level) for name in verdict.asked)
    if verdict.verdict == "works":
        assert verdict.level == verdict.reached
        assert any(verdict.components[name].tests for name in verdict.asked)


@given(VERSIONS, results())
def test_the_sentence_names_the_shallowest_first(versions: dict[str, str], tests: tuple[TestResult, ...]) -> None:
    verdict = judged(versions, tests, ())
    levels = {verdict.components[name].level for name in verdict.asked}
    if verdict.verdict != "works" or len(levels) < 2:
        return
    first, *others = verdict.sentence.split("; ")
    least = [name for name in verdict.asked if verdict.components[name].level == verdict.level]
    words = first.replace(",", " ").split()
    assert all(name in words for name in least)
    assert len(others) >= len(levels) - 1
