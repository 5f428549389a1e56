"""Whatever a cell does, its runs come to an end, and each verdict rests on enough runs."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from stackcompat.evidence.results import Evidence, TestResult
from stackcompat.verdict.retry import MOST_ATTEMPTS, next_run
from stackcompat.verdict.verdict import judge
from support.made_up import COMPONENTS, failed, make_cell, not_applicable, passed, planned, run_of, starved

World = list[tuple[str, tuple[str, str, str]]]
VERSIONS = {"alpha": "1.3.0"}
CELL = planned(make_cell(VERSIONS), VERSIONS)
TESTS = ("one", "two", "three")
MAKERS: dict[str, Callable[[str], TestResult]] = {
    "passed": passed,
    "failed": failed,
    "crashed": lambda test: failed(test, outcome="crashed", type="ProcessEnded"),
    "timeout": starved,
    "out-of-memory": lambda test: starved(test, outcome="out-of-memory"),
    "not-applicable": not_applicable,
}
INFRASTRUCTURE = ["invalid", "timeout", "out-of-memory", "disk-full", "index-unreachable", "crashed", "suite-broken"]

outcomes = st.sampled_from(sorted(MAKERS))
worlds = st.lists(
    st.tuples(
        st.sampled_from(["ran"] * 4 + ["uninstallable", *INFRASTRUCTURE]), st.tuples(outcomes, outcomes, outcomes)
    ),
    min_size=12,
    max_size=12,
)


def execute(earlier: list[Evidence], world: World) -> list[Evidence]:
    """One execution of a matrix: `world` answers run after run."""
    now: list[Evidence] = []
    while (due := next_run(earlier, now)) is not None:
        outcome, results = world[len(earlier) + len(now)]
        tests: list[TestResult] = []
        if outcome == "ran":
            tests = [
                MAKERS[r](name) for name, r in zip(TESTS, results, strict=True) if not due.tests or name in due.tests
            ]
        now.append(run_of(CELL, *tests, outcome=outcome, attempt=len(earlier) + len(now)))
        assert len(now) <= MOST_ATTEMPTS
    return now


@given(worlds, st.integers(1, 3))
def test_every_execution_ends_and_asks_only_for_known_tests(world: World, executions: int) -> None:
    evidence: list[Evidence] = []
    for _ in range(executions):
        evidence += execute(evidence, world)
    assert len(evidence) <= MOST_ATTEMPTS * executions
    # Green and confirmed tests are in no later run.
    seen: dict[str, list[str]] = {}
    for run in evidence:
        for test in run.tests:
            before = seen.setdefault(test.test, [])
            if len({run.outcome for run in evidence}) == 1:
                assert "passed" not in before
                assert sum(outcome in ("failed", "crashed") for outcome in before) < 2
            before.append(test.outcome)


@given(worlds)
def test_infrastructure_alone_never_makes_a_red_or_green_verdict(world: World) -> None:
    starving = [(o if o in INFRASTRUCTURE else "ran", ("timeout", "out-of-memory", "timeout")) for o, _ in world]
    evidence = execute([], starving)
    evidence += execute(evidence, starving)
    assert judge(CELL, tuple(evidence), COMPONENTS).verdict in ("infra-error", "invalid")


@given(worlds)
def test_broken_was_seen_twice_and_works_was_seen_to_work(world: World) -> None:
    evidence = execute([], world)
    verdict = judge(CELL, tuple(evidence), COMPONENTS)
    of: dict[str, list[str]] = {}
    for run in evidence:
        for test in run.tests:
            of.setdefault(test.test, []).append(test.outcome)
    if verdict.verdict == "broken":
        assert any(sum(o in ("failed", "crashed") for o in seen) >= 2 and "passed" not in seen for seen in of.values())
    if verdict.verdict == "uninstallable":
        assert sum(run.outcome == "uninstallable" for run in evidence) >= 2
    if verdict.verdict == "works":
        assert all("passed" in seen or set(seen) == {"not-applicable"} for seen in of.values())
