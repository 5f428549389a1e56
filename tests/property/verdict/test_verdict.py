"""The rules of evidence for one cell, with any sequence of outcomes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.evidence.results import TestResult
from stackcompat.verdict.verdict import CellVerdict, judge
from support.made_up import COMPONENTS, failed, make_cell, not_applicable, passed, planned, run_of, starved

TESTS = ("one", "two")
OUTCOMES = ("passed", "red", "red elsewhere", "starved", "exhausted", "not-applicable")


def result(test: str, outcome: str) -> TestResult:
    match outcome:
        case "passed":
            return passed(test, "alpha", "beta")
        case "red":
            return failed(test, "alpha", "beta")
        case "red elsewhere":
            return failed(test, "alpha", "beta", type="KeyError")
        case "exhausted":
            return failed(test, "alpha", "beta", type="MemoryError", message="")
        case "starved":
            return starved(test, "alpha", "beta")
        case _:
            return not_applicable(test, "alpha", "beta")


RUNS = st.lists(st.fixed_dictionaries({test: st.sampled_from(OUTCOMES) for test in TESTS}), min_size=1, max_size=4)
LOST = st.sampled_from(["invalid", "timeout", "out-of-memory", "disk-full", "index-unreachable", "crashed"])
VERSIONS = {"alpha": "1", "beta": "1"}


def judge_runs(runs: list[dict[str, str]], lost: tuple[str, ...] = ()) -> CellVerdict:
    cell = planned(make_cell(VERSIONS), VERSIONS)
    evidence = [
        run_of(cell, *(result(test, outcome) for test, outcome in run.items()), attempt=number)
        for number, run in enumerate(runs)
    ]
    evidence += [run_of(cell, outcome=outcome, attempt=len(runs)) for outcome in lost]
    return judge(cell, tuple(evidence), COMPONENTS)


@given(RUNS)
def test_broken_takes_the_same_failure_twice_and_no_pass(runs: list[dict[str, str]]) -> None:
    of_test = [[run[test] for run in runs] for test in TESTS]
    twice = [
        outcomes
        for outcomes in of_test
        if "passed" not in outcomes and (outcomes.count("red") > 1 or outcomes.count("red elsewhere") > 1)
    ]
    assert (judge_runs(runs).verdict == "broken") == bool(twice)


@given(RUNS)
def test_works_takes_every_test_settled_and_one_passed(runs: list[dict[str, str]]) -> None:
    of_test = [{run[test] for run in runs} for test in TESTS]
    clean = all(not outcomes & {"red", "red elsewhere"} for outcomes in of_test)
    settled = all("passed" in outcomes or outcomes == {"not-applicable"} for outcomes in of_test)
    some = any("passed" in outcomes for outcomes in of_test)
    assert (judge_runs(runs).verdict == "works") == (clean and settled and some)


@given(RUNS)
def test_red_and_green_is_never_green(runs: list[dict[str, str]]) -> None:
    of_test = [{run[test] for run in runs} for test in TESTS]
    if any("passed" in outcomes and outcomes & {"red", "red elsewhere"} for outcomes in of_test):
        assert judge_runs(runs).verdict in ("flaky", "broken")


@given(RUNS, st.lists(LOST, min_size=1, max_size=2))
def test_lost_runs_change_nothing(runs: list[dict[str, str]], lost: list[str]) -> None:
    without, then = judge_runs(runs), judge_runs(runs, tuple(lost))
    assert (then.verdict, then.seen) == (without.verdict, without.seen)
    assert "the last attempt on" in then.sentence


@given(st.lists(LOST, min_size=1, max_size=3))
def test_lost_runs_alone_are_never_red_nor_green(lost: list[str]) -> None:
    assert judge_runs([], tuple(lost)).verdict in ("invalid", "infra-error")
