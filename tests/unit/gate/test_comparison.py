"""One test in both arms: every combination of where it stood and where it stands."""

from __future__ import annotations

from typing import Any

import pytest

from stackcompat.evidence.results import TestResult
from stackcompat.gate.comparison import compare
from support.made_up import NEWEST, blocked, failed, not_applicable, passed, starved
from support.paired import OLD, arm
from support.swept import lost_module, whole_sweep

TEST = "test_beta.py::test_train"
RED = failed(TEST, "alpha", "beta")
LIMIT = RED.model_copy(update={"feature": "boxes"})
#: The runs that bring a test into each state.
RUNS: dict[str, tuple[Any, ...]] = {
    "passed": ((passed(TEST, "alpha", "beta"),),),
    "confirmed": ((RED,), (RED,)),
    "feature-broken": ((LIMIT,), (LIMIT,)),
    "flaky": ((RED,), (passed(TEST, "alpha", "beta"),)),
    "unconfirmed": ((RED,),),
    "infra": ((starved(TEST, "alpha"),),),
    "blocked": ((blocked(TEST, "beta"),),),
    "not-applicable": ((not_applicable(TEST, "beta"),),),
    "absent": ((passed("another", "alpha"),),),
}


def _compare(before: str, after: str) -> tuple[str, str]:
    compared = compare(arm(OLD, *RUNS[before]).evidence, arm(NEWEST, *RUNS[after]).evidence)
    found = [one for one in compared if one.test == TEST]
    return (found[0].comparison, found[0].effect) if found else ("", "")


@pytest.mark.parametrize(
    ("before", "after", "comparison", "effect"),
    [
        ("passed", "passed", "passes", "none"),
        ("passed", "confirmed", "regressed", "against"),
        ("passed", "flaky", "unknown", "review"),
        ("passed", "unconfirmed", "unknown", "undecided"),
        ("passed", "infra", "unknown", "undecided"),
        ("passed", "blocked", "unknown", "undecided"),
        ("passed", "not-applicable", "unknown", "undecided"),
        ("passed", "absent", "unknown", "undecided"),
        ("confirmed", "passed", "fixed", "none"),
        ("confirmed", "confirmed", "broken-before", "none"),
        ("confirmed", "infra", "broken-before", "none"),
        ("passed", "feature-broken", "unknown", "review"),
        ("unconfirmed", "feature-broken", "unknown", "none"),
        ("absent", "feature-broken", "unknown", "none"),
        ("feature-broken", "passed", "fixed", "none"),
        ("feature-broken", "feature-broken", "broken-before", "none"),
        ("blocked", "feature-broken", "unknown", "review"),
        ("flaky", "passed", "unknown", "none"),
        ("flaky", "confirmed", "unknown", "review"),
        ("unconfirmed", "passed", "unknown", "none"),
        ("unconfirmed", "confirmed", "unknown", "undecided"),
        ("infra", "passed", "unknown", "none"),
        ("infra", "confirmed", "unknown", "undecided"),
        ("infra", "infra", "unknown", "none"),
        ("blocked", "passed", "fixed", "none"),
        ("blocked", "blocked", "broken-before", "none"),
        ("blocked", "confirmed", "unknown", "review"),
        ("not-applicable", "passed", "unknown", "none"),
        ("not-applicable", "confirmed", "unknown", "review"),
        ("not-applicable", "not-applicable", "skipped", "none"),
        ("absent", "confirmed", "unknown", "review"),
        ("absent", "absent", "", ""),
    ],
)
def test_every_combination(before: str, after: str, comparison: str, effect: str) -> None:
    assert _compare(before, after) == (comparison, effect)


def test_an_import_of_what_is_not_installed_any_more_is_no_loss() -> None:
    test = passed("test_import.py::test_import[zeta]", "zeta", level="import")
    without = {name: version for name, version in NEWEST.items() if name != "zeta"}
    (gone, _) = compare(arm(OLD, (test,)).evidence, arm(without, (passed("t", "alpha"),)).evidence)
    assert (gone.comparison, gone.effect) == ("unknown", "none")
    (gone, _) = compare(arm(OLD, (test,)).evidence, arm(NEWEST, (passed("t", "alpha"),)).evidence)
    assert gone.effect == "undecided"


def test_runs_without_tests_count_for_nothing() -> None:
    green = arm(OLD, (passed(TEST, "alpha"),)).evidence
    assert compare(green, arm(NEWEST, "disk-full").evidence)[0].comparison == "unknown"
    assert not compare((), ())


@pytest.mark.parametrize(
    ("reason", "effect"),
    [
        ("alpha 1.3.0 is outside <1.3", "none"),
        ("alpha 1.3.0 is outside <1.3,>=1", "none"),
        ("theta is not installed", "none"),
        # What a test says while it runs is no such sentence, however it is worded.
        ("the fast path is not installed", "undecided"),
        ("alpha 1.3.0 is outside <1.3: no boxes", "undecided"),
        ("gamma is not installed", "undecided"),
        # Nor is one that is not true of what is there, or of what the test uses.
        ("beta is not installed", "undecided"),
        ("alpha 1.2.0 is outside <1.2", "undecided"),
        ("alpha 1.3.0 is outside >=1.3", "undecided"),
        ("alpha 1.3.0 is outside boxes", "undecided"),
        ("gamma 1.0.2 is outside <1", "undecided"),
    ],
)
def test_only_a_bound_that_the_test_declares_excuses_it(reason: str, effect: str) -> None:
    gone = not_applicable(TEST, "alpha", "beta", "theta").model_copy(update={"reason": reason})
    (one,) = compare(arm(OLD, *RUNS["passed"]).evidence, arm(NEWEST, (gone,)).evidence)
    assert (one.comparison, one.effect) == ("unknown", effect)
    assert one.note == f"does not apply with the candidate: {reason}"


OTHER = failed(TEST, "alpha", "beta", type="KeyError", message="'spec'", packages=("beta",), where="beta.nets:fit")
DIED = "ProcessEnded: the process died of SIGSEGV [test]"
CRASH = failed(TEST, "alpha", "beta", outcome="crashed", type="ProcessEnded", message="the process died of SIGSEGV")


@pytest.mark.parametrize(
    ("before", "after", "note"),
    [
        (RED, OTHER, "fails with KeyError: 'spec' [beta]; without the candidate it failed with AssertionError: "),
        (RED, CRASH, f"fails with {DIED}; without the candidate it failed with "),
        (blocked(TEST, "beta"), CRASH, f"fails with {DIED}; without the candidate it could not be tried (beta "),
    ],
)
def test_only_the_same_failure_was_there_before(before: TestResult, after: TestResult, note: str) -> None:
    (found,) = compare(arm(OLD, (before,), (before,)).evidence, arm(NEWEST, (after,), (after,)).evidence)
    assert (found.comparison, found.effect) == ("unknown", "review")
    assert found.note.startswith(note)


def test_a_module_that_the_sweep_of_the_control_imported_is_a_feature_that_is_lost() -> None:
    lost = lost_module("alpha.a")
    control = arm(OLD, (whole_sweep("alpha.a", "alpha.b"),)).evidence
    candidate = arm(NEWEST, (whole_sweep("alpha.b", lost=(lost,)), lost), (lost,)).evidence
    (one,) = compare(control, candidate)
    assert (one.test, one.comparison, one.effect) == (lost.test, "unknown", "review")
    assert one.note == "alpha.a cannot be imported any more: ImportError: no boxes [alpha]"
    (back,) = compare(candidate, control)
    assert (back.test, back.comparison) == (lost.test, "fixed")
    # A module that the other arm does not have, or does not lose either, is nobody's doing.
    (new,) = compare(arm(OLD, (whole_sweep("alpha.b"),)).evidence, candidate)
    assert (new.comparison, new.effect) == ("unknown", "none")
    assert compare(control, control) == ()
