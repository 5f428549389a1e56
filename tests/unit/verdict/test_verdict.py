"""The rules of evidence for cells, one by one."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from stackcompat.evidence.results import TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.resolve.lock import Resolution
from stackcompat.verdict.outcomes import classify, why
from stackcompat.verdict.verdict import CellVerdict, by_smoke_tests, judge
from support.made_up import (
    COMPONENTS,
    NOW,
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

TRAIN = "test_beta.py::test_train"
BOTH = {"alpha": "1.3", "beta": "2.4"}


def cell_of(versions: dict[str, str] | None = None, python: str = "3.12", **more: Any) -> PlannedCell:
    versions = versions or BOTH
    return planned(make_cell(versions, python, **more), versions)


def judged(*runs: tuple[TestResult, ...], cell: PlannedCell | None = None) -> CellVerdict:
    cell = cell or cell_of()
    return judge(cell, tuple(run_of(cell, *tests, attempt=n) for n, tests in enumerate(runs)), COMPONENTS)


def red(message: str = "no", **more: Any) -> TestResult:
    return failed(TRAIN, "alpha", "beta", message=message, **more)


GREEN = passed(TRAIN, "alpha", "beta")


# A cell


def test_all_that_applies_passed() -> None:
    verdict = judged((passed("a", "alpha", level="import"), GREEN, not_applicable("b", "gamma")))
    assert (verdict.verdict, verdict.level, verdict.passed, verdict.not_applicable) == ("works", "interop", 2, 1)
    assert verdict.sentence == "2 tests passed"


def test_one_red_run_is_not_broken() -> None:
    verdict = judged((red(),))
    assert verdict.verdict == "infra-error"
    assert "failed once and was not tried again" in verdict.sentence


def test_red_again_the_same_way_is_broken() -> None:
    verdict = judged((red(), passed("other", "alpha")), (red(),))
    assert (verdict.verdict, verdict.level) == ("broken", "interop")
    assert verdict.sentence == f"{TRAIN}: AssertionError: no [test]"
    assert [test.test for test in verdict.failures] == [TRAIN]


def test_the_same_way_with_another_message_is_said() -> None:
    verdict = judged((red("0.73 > 0.5"),), (red("0.74 > 0.5"),))
    assert verdict.verdict == "broken"
    assert "another message the other time: AssertionError: 0.73 > 0.5" in verdict.sentence


@pytest.mark.parametrize(
    "second",
    [
        red(type="ValueError"),
        red(packages=("alpha",)),
        red(where="alpha.core:go"),
        red(outcome="crashed"),
    ],
)
def test_red_again_in_another_way_is_not_broken(second: TestResult) -> None:
    verdict = judged((red(),), (second,))
    assert verdict.verdict == "flaky"
    assert "each time differently" in verdict.sentence


def limit(feature: str = "boxes", **more: Any) -> TestResult:
    return failed("test_boxes", "alpha", "beta", message="no boxes", **more).model_copy(update={"feature": feature})


def test_a_feature_that_fails_again_limits_a_cell_and_decides_nothing() -> None:
    verdict = judged((GREEN, limit()), (limit(),))
    assert (verdict.verdict, verdict.level, verdict.failures) == ("works", "interop", ())
    assert [test.feature for test in verdict.broken_features] == ["boxes"]
    assert verdict.sentence == "1 test passed, all but boxes"
    once = judged((GREEN, limit()))
    assert (once.verdict, once.broken_features) == ("infra-error", ())  # until it was tried again
    broken = judged((red(), limit()), (red(), limit()))
    assert (broken.verdict, len(broken.failures), len(broken.broken_features)) == ("broken", 1, 1)


def test_a_third_run_that_fails_like_one_of_the_others_confirms_it() -> None:
    assert judged((red(),), (red(type="ValueError"),), (red(),)).verdict == "broken"


@pytest.mark.parametrize("runs", [(red(), GREEN), (GREEN, red()), (red(), red(), GREEN)])
def test_red_and_green_is_flaky(runs: tuple[TestResult, ...]) -> None:
    verdict = judged(*((test,) for test in runs))
    assert verdict.verdict == "flaky"
    assert f"failed in {runs.count(red())} of {len(runs)} fresh environments" in verdict.sentence


def test_a_confirmed_failure_outweighs_a_flaky_one() -> None:
    import_ = failed("i", "alpha", level="import")
    verdict = judged((red(), import_), (GREEN, import_))
    assert (verdict.verdict, verdict.level) == ("broken", "import")


@pytest.mark.parametrize("outcome", ["timeout", "out-of-memory"])
def test_a_starved_test_is_neither_red_nor_green(outcome: Any) -> None:
    hung = starved(TRAIN, "alpha", "beta", outcome=outcome)
    assert judged((hung, passed("a", "alpha")), (hung,)).verdict == "infra-error"
    assert judged((hung,), (GREEN,)).verdict == "works"
    assert judged((red(),), (hung,)).verdict == "infra-error"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("MemoryError", ""),
        ("numbers._core.ArrayMemoryError", "unable to allocate 3 GiB"),
        ("OSError", "[Errno 28] No space left on device"),
        ("RuntimeError", "can't start new thread"),
        ("socket.gaierror", "[Errno -3] Temporary failure in name resolution"),
        ("alpha.RuntimeError", "RESOURCE_EXHAUSTED: Out of memory allocating 8192 bytes"),
    ],
)
def test_an_exhausted_machine_is_never_an_incompatibility(kind: str, message: str) -> None:
    test = red(message, type=kind)
    assert judged((test,), (test,)).verdict == "infra-error"


def test_blocked_without_a_red_import_is_not_green() -> None:
    verdict = judged((passed("a", "alpha"), blocked(TRAIN, "alpha", "beta")))
    assert (verdict.verdict, verdict.blocked) == ("infra-error", 1)


def test_no_test_applies() -> None:
    assert judged((not_applicable("b", "gamma"),)).verdict == "untested"


def test_locked_but_not_run() -> None:
    assert judged().verdict == "untested"


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        (["uninstallable"], "infra-error"),
        (["uninstallable", "uninstallable"], "uninstallable"),
        (["invalid", "invalid"], "invalid"),
        (["timeout"], "infra-error"),
        (["disk-full", "index-unreachable"], "infra-error"),
        (["no-wheel-for-platform"], "not-applicable"),
        (["interpreter-missing"], "infra-error"),
        (["crashed", "crashed"], "infra-error"),
        (["suite-broken"], "infra-error"),
    ],
)
def test_runs_without_tests(outcomes: list[str], verdict: str) -> None:
    cell = cell_of()
    runs = tuple(run_of(cell, attempt=n, outcome=outcome) for n, outcome in enumerate(outcomes))
    assert judge(cell, runs, COMPONENTS).verdict == verdict


def test_infrastructure_does_not_take_away_what_another_run_saw() -> None:
    cell = cell_of()
    lost = run_of(cell, red(), attempt=1, outcome="timeout")
    assert judge(cell, (run_of(cell, GREEN), lost), COMPONENTS).verdict == "works"
    assert judge(cell, (run_of(cell, red()), lost), COMPONENTS).verdict == "infra-error"


def test_installed_once_and_not_the_other_time_is_flaky() -> None:
    cell = cell_of()
    runs = (run_of(cell, outcome="uninstallable", detail="no compiler"), run_of(cell, GREEN, attempt=1))
    verdict = judge(cell, runs, COMPONENTS)
    assert (verdict.verdict, verdict.level) == ("flaky", "install")
    assert "no compiler" in verdict.sentence


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        ("no-wheel-for-platform", "not-applicable"),
        ("index-unreachable", "infra-error"),
        ("interpreter-missing", "infra-error"),
        ("failed", "infra-error"),
    ],
)
def test_resolutions_without_a_lock(outcome: Any, verdict: str) -> None:
    cell = PlannedCell(cell=make_cell(BOTH), resolution=Resolution(outcome=outcome, detail="so it is"))
    said = judge(cell, (), COMPONENTS)
    assert (said.verdict, said.level, said.sentence) == (verdict, "resolve", "so it is")


def test_a_conflict_is_unresolvable() -> None:
    said = judge(unresolved(make_cell(BOTH), "beta 2.4 needs alpha<1"), (), COMPONENTS)
    assert (said.verdict, said.sentence) == ("unresolvable", "beta 2.4 needs alpha<1")
    assert said.conflict is not None


def test_a_verdict_rests_on_its_runs() -> None:
    cell = cell_of()
    runs = (run_of(cell, red()), run_of(cell, red(), attempt=1))
    verdict = judge(cell, runs, COMPONENTS)
    assert verdict.evidence == tuple(run.id for run in runs)
    assert verdict.seen == NOW - dt.timedelta(hours=6) + dt.timedelta(minutes=1)
    assert verdict.installed["beta"] == "2.4"


def test_a_verdict_holds_its_classified_tests_and_no_json_has_them() -> None:
    cell = cell_of()
    runs = (run_of(cell, GREEN, passed("a", "alpha")),)
    verdict = judge(cell, runs, COMPONENTS)
    assert verdict.statuses == classify(runs)
    assert "statuses" not in verdict.model_dump()
    assert "statuses" not in verdict.to_json()


# How old a verdict is, and what came after


def attempts(*outcomes: str, detail: str = "no index") -> CellVerdict:
    """The verdict on a cell that worked 90 days ago, by that run and later ones with other outcomes."""
    cell = cell_of()
    runs = [run_of(cell, GREEN, ago=dt.timedelta(days=90))]
    runs += [run_of(cell, attempt=n, outcome=outcome, detail=detail) for n, outcome in enumerate(outcomes, 1)]
    return judge(cell, tuple(runs), COMPONENTS)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("invalid", "was invalid: no index"),
        ("index-unreachable", "was lost (index-unreachable): no index"),
        ("timeout", "was lost (timeout): no index"),
    ],
)
def test_a_later_run_without_results_makes_nothing_fresh_and_is_told(outcome: str, words: str) -> None:
    verdict = attempts(outcome)
    assert (verdict.verdict, verdict.seen) == ("works", NOW - dt.timedelta(days=90))
    assert verdict.sentence == f"1 test passed; the last attempt on 2026-11-22 {words}"
    assert attempts(outcome, detail="").sentence.endswith("no more is known")


def test_the_verdict_by_smoke_tests_tells_the_later_run_too() -> None:
    cell = cell_of()
    own = passed("upstream/beta/tests/a.py::one", "beta", level="upstream")
    old = run_of(cell, GREEN, ago=dt.timedelta(days=90))
    verdict = by_smoke_tests(
        judge(cell, (old, run_of(cell, own), run_of(cell, attempt=1, outcome="invalid")), COMPONENTS), COMPONENTS
    )
    assert verdict.seen == old.started
    assert verdict.sentence.endswith("; the last attempt on 2026-11-22 was invalid: no more is known")


def test_a_later_run_that_does_not_install_is_part_of_the_verdict() -> None:
    verdict = attempts("uninstallable")
    assert (verdict.verdict, verdict.seen) == ("flaky", NOW - dt.timedelta(hours=6) + dt.timedelta(minutes=1))


def test_a_later_run_in_which_the_test_had_no_outcome_is_told() -> None:
    cell = cell_of()
    old = run_of(cell, GREEN, ago=dt.timedelta(days=90))
    verdict = judge(cell, (old, run_of(cell, starved(TRAIN))), COMPONENTS)
    assert (verdict.verdict, verdict.seen) == ("works", old.started)
    told = f"; the last attempt on 2026-11-22 had no outcome: {TRAIN}: not finished after 60 s"
    assert verdict.sentence.endswith(told)


def test_a_run_of_other_tests_after_the_deciding_ones_is_no_attempt_that_was_lost() -> None:
    cell = cell_of()
    runs = (run_of(cell, red(), starved("a")), run_of(cell, red(), attempt=1), run_of(cell, starved("a"), attempt=2))
    verdict = judge(cell, runs, COMPONENTS)
    assert (verdict.verdict, verdict.seen) == ("broken", runs[1].started)
    assert "attempt" not in verdict.sentence


# A hang


def test_a_hang_is_red_only_if_the_test_ends_with_other_versions() -> None:
    cell = cell_of()
    tests = (starved(TRAIN, "alpha", "beta"), passed("a", "alpha"))
    runs = tuple(run_of(cell, *tests, attempt=number) for number in range(10))
    unknown = judge(cell, runs, COMPONENTS)
    assert unknown.verdict == "infra-error"
    assert unknown.sentence.startswith(f"could not tell: {TRAIN} hangs every time: no outcome within 60 s in 10 of 10")
    known = judge(cell, runs, COMPONENTS, passes={(cell.cell.platform, TRAIN): 2.0})
    assert (known.verdict, known.level) == ("broken", "interop")
    assert known.sentence.startswith(f"{TRAIN} hangs: no outcome within 60 s in 10 of 10 fresh environments")
    assert [why(test) for test in known.failures] == ["Hang: no outcome within 60 s [test]"]


# Installations that are refused for different reasons

NO_BUILD = "error: Failed to build `a==1`"


@pytest.mark.parametrize(
    ("first", "second", "verdict"),
    [
        (f"{NO_BUILD} cause: no a in /c/.tmpA1/a", f"{NO_BUILD} cause: no a in /c/.tmpB2/a", "uninstallable"),
        (f"Prepared 3 packages in 12ms {NO_BUILD}", NO_BUILD, "uninstallable"),
        (NO_BUILD, "error: Failed to build `b==1`", "flaky"),
        (f"{NO_BUILD} cause: no compiler", f"{NO_BUILD} cause: no memory", "flaky"),
    ],
)
def test_a_lock_is_refused_twice_for_the_same_reason(first: str, second: str, verdict: str) -> None:
    cell = cell_of()
    runs = tuple(
        run_of(cell, attempt=number, outcome="uninstallable", detail=detail)
        for number, detail in enumerate((first, second))
    )
    said = judge(cell, runs, COMPONENTS)
    assert (said.verdict, said.level, said.seen) == (verdict, "install", runs[1].started)
    assert ("each time for another reason" in said.sentence) == (verdict == "flaky")
