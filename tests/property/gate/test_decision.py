"""Whatever the runs show: the gate is green only for what passed, and trouble never makes it greener."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.evidence.results import TestResult
from stackcompat.gate.decision import false_reds
from stackcompat.gate.model import FalseReds
from support.made_up import NEWEST, blocked, failed, not_applicable, passed, starved
from support.paired import OLD, arm, judge, pair, untried

NAMES = ("t.py::one", "t.py::two", "t.py::three")
OUTCOMES = ("passed", "failed", "starved", "blocked", "not-applicable", "absent")
OUTCOME = st.sampled_from(OUTCOMES)
RUN = st.fixed_dictionaries(dict.fromkeys(NAMES, OUTCOME))
RUNS = st.lists(st.one_of(RUN, st.sampled_from(["disk-full", "invalid", "crashed", "uninstallable"])), max_size=3)
GREENER = {"BLOCK": 0, "CANNOT-TELL": 1, "NEEDS-REVIEW": 2, "PASS": 3}


def _test(name: str, outcome: str) -> TestResult:
    uses = ("alpha", "beta")
    match outcome:
        case "passed":
            return passed(name, *uses)
        case "failed":
            return failed(name, *uses, packages=("beta",))
        case "starved":
            return starved(name, *uses)
        case "blocked":
            return blocked(name, *uses)
        case _:
            return not_applicable(name, *uses)


def _run(given: Any) -> Any:
    if isinstance(given, str):
        return given
    return tuple(_test(name, outcome) for name, outcome in given.items() if outcome != "absent")


@given(before=RUNS, after=RUNS)
def test_a_pass_rests_on_passes(before: Any, after: Any) -> None:
    report = judge(pair(control=arm(OLD, *map(_run, before)), candidate=arm(NEWEST, *map(_run, after))))
    ran = [[run for run in runs if not isinstance(run, str)] for runs in (before, after)]
    (one,) = report.requirements
    if report.decision == "PASS":
        both = [n for n in NAMES if all(any(run[n] == "passed" for run in arm_runs) for arm_runs in ran)]
        assert both or "fixed" in one.counts
        for name in NAMES:
            outcomes = {run[name] for run in ran[1]}
            if any(run[name] == "passed" for run in ran[0]) and all(run[name] != "failed" for run in ran[0]):
                assert "passed" in outcomes
                assert "failed" not in outcomes
    if report.decision == "BLOCK":
        uninstallable = after.count("uninstallable") >= 2 and not ran[1]
        twice = [n for n in NAMES if sum(run[n] == "failed" for run in ran[1]) >= 2]
        assert uninstallable or twice
        assert ran[0]


@given(before=RUNS, after=RUNS, weight=st.sampled_from(["required", "review", "informing"]))
def test_another_cell_never_makes_it_greener(before: Any, after: Any, weight: str) -> None:
    cell = pair(control=arm(OLD, *map(_run, before)), candidate=arm(NEWEST, *map(_run, after)))
    alone = judge(cell)
    for trouble in (("disk-full",), ("invalid", "invalid"), ()):
        other: dict[str, Any] = {"id": "other", "weight": weight}
        more = judge(cell, pair(*trouble, **other) if trouble else untried("no time", **other))
        assert GREENER[more.decision] <= GREENER[alone.decision]


@given(runs=st.lists(RUN, min_size=1, max_size=2))
def test_arms_that_are_alike_have_no_false_reds_and_never_block(runs: Any) -> None:
    cell = pair(control=arm(OLD, *map(_run, runs)), candidate=arm(NEWEST, *map(_run, runs)))
    assert judge(cell).decision != "BLOCK"
    steady = [dict.fromkeys(NAMES, "passed")]
    cell = pair(control=arm(OLD, *map(_run, steady)), candidate=arm(NEWEST, *map(_run, steady)))
    assert false_reds([cell]) == FalseReds(different=0, compared=len(NAMES), rate=0)
