"""What one cell amounts to, and that nothing but passing tests satisfies it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from stackcompat.evidence.runs import PlannedCell
from stackcompat.gate.candidate import Candidate
from stackcompat.gate.cells import Arm
from stackcompat.gate.model import GateRequirement
from stackcompat.resolve.lock import Resolution
from stackcompat.verdict.depth import Depth
from support.made_up import NEWEST, failed, make_cell, not_applicable, passed, planned, run_of
from support.paired import (
    BLOCKED,
    GREEN,
    OLD,
    POLICY,
    RED,
    SOLID,
    arm,
    bound,
    changed,
    evaluate,
    excluded,
    judge,
    pair,
    quarantine,
    untried,
    waivers,
    wavering,
)


def only(cell: Any, **more: Any) -> GateRequirement:
    """The only requirement of a cell."""
    (requirement,) = evaluate(cell, **more).requirements
    return requirement


# --- what satisfies a requirement ---


#: How deep the candidate itself was tried, where only two of three tests use it.
USES = "; 2 of them use alpha, up to interop"


def test_what_passes_in_both_arms_passes() -> None:
    report = judge(pair(GREEN))
    (requirement,) = report.requirements
    assert (report.decision, requirement.state, requirement.remedy) == ("PASS", "satisfied", "")
    assert requirement.sentence == (
        "alpha 1.3.0 with the newest others on Python 3.12: all 3 tests pass, as they did with alpha 1.2.0; "
        "2 of them use alpha, up to interop"
    )
    assert requirement.counts == {"passes": 3}
    assert requirement.components["alpha"] == Depth(level="interop", tests=2, together_with=("beta",))
    assert requirement.components["gamma"] == Depth(level="install", tests=0)
    assert [run.arm for run in requirement.evidence] == ["control", "candidate"]
    assert 'stackcompat try "alpha==1.3.0" "beta==2.4.1"' in requirement.reproduce


def test_a_requirement_shows_its_cell_and_its_runs() -> None:
    requirement = only(pair(GREEN, id="x", rule="floors", weight="review", differs=("numbers 2.5.4 → 2.5.5",)))
    assert (requirement.id, requirement.rule, requirement.weight) == ("x", "floors", "review")
    assert (requirement.what, requirement.python) == ("alpha 1.3.0 with the newest others", "3.12")
    assert requirement.differs == ("numbers 2.5.4 → 2.5.5",)
    control, candidate = requirement.evidence
    assert (control.versions["alpha"], candidate.versions["alpha"]) == ("1.2.0", "1.3.0")
    assert control.lock != candidate.lock


def test_a_sentence_says_all_only_where_all_pass() -> None:
    red = RED.model_copy(update={"test": "t.py::x"})
    requirement = only(pair((*GREEN, red), (red,), control=arm(OLD, (*GREEN, red), (red,))))
    assert requirement.sentence.endswith(f"on Python 3.12: 3 tests pass, as they did with alpha 1.2.0{USES}")
    skipped = not_applicable("t.py::y", "alpha")
    requirement = only(pair((*GREEN, skipped), control=arm(OLD, (*GREEN, skipped))))
    assert requirement.sentence.endswith(f": all 3 tests pass, as they did with alpha 1.2.0{USES}")
    requirement = only(pair((SOLID,), control=arm(OLD, (SOLID,))))
    assert requirement.sentence.endswith(": 1 test passes, as it did with alpha 1.2.0")


def test_what_was_broken_before_does_not_count() -> None:
    red = RED.model_copy(update={"test": "t.py::x"})
    report = judge(pair((*GREEN, red), (red,), control=arm(OLD, (*GREEN, red), (red,))))
    assert report.decision == "PASS"
    assert report.requirements[0].counts == {"passes": 3, "broken-before": 1}


def test_what_the_candidate_mends_is_no_reproach() -> None:
    report = judge(pair(GREEN, control=arm(OLD, changed(RED), (RED,))))
    assert report.decision == "PASS"
    assert report.requirements[0].counts == {"fixed": 1, "passes": 2}
    assert report.requirements[0].sentence.endswith(
        f": all 3 tests pass; 1 of them did not pass with alpha 1.2.0{USES}"
    )


# --- what leaves it undecided ---


def test_one_red_run_is_no_incompatibility() -> None:
    report = judge(pair(changed(RED)))
    assert report.decision == "CANNOT-TELL"
    assert "failed once and was not tried again" in report.sentence


def test_where_everything_was_broken_before_nothing_is_told() -> None:
    report = judge(pair(changed(RED), (RED,), control=arm(OLD, changed(RED), (RED,))))
    assert report.decision == "CANNOT-TELL"
    assert "no test that passes in both arms uses alpha" in report.sentence


INFRASTRUCTURE = (
    "invalid",
    "timeout",
    "out-of-memory",
    "disk-full",
    "index-unreachable",
    "no-wheel-for-platform",
    "interpreter-missing",
    "suite-broken",
    "crashed",
)


@pytest.mark.parametrize("outcome", INFRASTRUCTURE)
def test_infrastructure_in_either_arm(outcome: str) -> None:
    report = judge(pair(outcome, outcome))
    assert report.decision == "CANNOT-TELL"
    assert f"it was {outcome}" in report.sentence
    assert judge(pair(GREEN, control=arm(OLD, outcome, outcome))).decision == "CANNOT-TELL"
    # It does not make it red either.
    assert judge(pair(changed(RED), (RED,), control=arm(OLD, outcome, outcome))).decision == "CANNOT-TELL"


def test_the_arm_that_did_not_run_is_named() -> None:
    place = "alpha 1.3.0 with the newest others on Python 3.12"
    requirement = only(pair("disk-full"))
    assert requirement.sentence == f"{place}: no test ran with alpha 1.3.0 (infra-error): it was disk-full"
    assert requirement.remedy == "remove the cause, and run the gate again"
    requirement = only(pair("disk-full", control=arm(OLD, "timeout")))
    assert requirement.sentence == f"{place}: no test ran with alpha 1.2.0 (infra-error): it was timeout"


@pytest.mark.parametrize("outcome", ["index-unreachable", "interpreter-missing", "failed", "no-wheel-for-platform"])
def test_what_could_not_be_locked(outcome: Any) -> None:
    cell = make_cell(NEWEST, policy="gate")
    unlocked = Arm(planned=PlannedCell(cell=cell, resolution=Resolution(outcome=outcome, detail="no answer")))
    report = judge(pair(candidate=unlocked))
    assert report.decision == "CANNOT-TELL"
    assert "no answer" in report.sentence
    assert report.requirements[0].reproduce == ""


def test_a_cell_that_was_not_tried() -> None:
    report = judge(pair(GREEN), untried("not run because too little time was left", id="other"))
    assert report.decision == "CANNOT-TELL"
    assert report.sentence.endswith(" on Python 3.12: not run because too little time was left")
    assert report.remedy == "give it more time"


def test_a_cell_that_was_locked_and_not_tried_shows_what_there_is() -> None:
    evaluation = evaluate(untried("not run", paired=pair(GREEN, differs=("numbers 2.5.4 → 2.5.5",))))
    (requirement,) = evaluation.requirements
    assert requirement.state == "undecided"
    assert [run.arm for run in requirement.evidence] == ["control", "candidate"]
    assert requirement.reproduce.startswith("stackcompat try ")
    assert requirement.differs == ("numbers 2.5.4 → 2.5.5",)
    assert evaluation.versions["alpha"] == "1.3.0"
    assert not evaluate(untried("no lock")).versions


def test_a_cell_without_any_run() -> None:
    report = judge(pair(candidate=arm(NEWEST)))
    assert report.decision == "CANNOT-TELL"
    assert "not run yet" in report.sentence


def test_tests_that_do_not_apply() -> None:
    skipped = tuple(not_applicable(test.test, *test.components) for test in GREEN)
    assert judge(pair(skipped)).decision == "CANNOT-TELL"
    assert judge(pair(skipped, control=arm(OLD, skipped))).decision == "CANNOT-TELL"


def test_imports_alone() -> None:
    cell = pair(GREEN[:2], control=arm(OLD, GREEN[:2]))
    report = judge(cell)
    assert report.decision == "CANNOT-TELL"
    assert "no test that passes in both arms uses alpha" in report.sentence
    assert report.remedy == "write a smoke test that uses alpha together with other components"
    shallow = POLICY.model_copy(update={"level": "import"})
    assert judge(cell, policy=shallow).decision == "PASS"


def test_tests_of_others() -> None:
    tests = (*GREEN[:2], passed("test_gamma.py::test_schedule", "gamma"))
    assert judge(pair(tests, control=arm(OLD, tests))).decision == "CANNOT-TELL"


def test_every_candidate_must_be_used() -> None:
    gamma = Candidate(name="gamma", version="1.0.2", replaces="1.0.1", source="index")
    alpha = Candidate(name="alpha", version="1.3.0", replaces="1.2.0", source="index")
    requirement = only(pair(GREEN), candidates=(alpha, gamma))
    assert requirement.state == "undecided"
    assert requirement.sentence.endswith("no test that passes in both arms uses gamma")


def test_what_moves_with_another_is_exercised_by_its_tests() -> None:
    native = Candidate(name="alpha-native", version="1.3.0", replaces="1.2.0", source="index")
    (requirement,) = judge(pair(GREEN), candidates=(native,)).requirements
    assert requirement.state == "satisfied"


def test_a_cell_in_which_nothing_joint_was_tried_asks_a_human() -> None:
    alone = (GREEN[0], passed("test_alpha.py::test_grad", "alpha"))
    report = judge(pair(alone, control=arm(OLD, alone)))
    assert report.decision == "NEEDS-REVIEW"
    assert (
        report.requirements[0]
        .doubts[0]
        .startswith("no test that passes in both arms uses alpha together with beta or ")
    )
    crossing = judge(pair(alone, control=arm(OLD, alone), direction="backward"))
    assert crossing.decision == "PASS"
    by_imports = POLICY.model_copy(update={"level": "import"})
    assert judge(pair(alone, control=arm(OLD, alone)), policy=by_imports).decision == "PASS"


@pytest.mark.parametrize("old", ["control", "candidate"])
def test_evidence_that_is_too_old(old: str) -> None:
    long_ago = dt.timedelta(days=31)
    arms = {"control": arm(OLD, GREEN), "candidate": arm(NEWEST, GREEN)}
    assert judge(pair(**arms)).decision == "PASS"
    arms[old] = arm(NEWEST if old == "candidate" else OLD, GREEN, ago=long_ago)
    report = judge(pair(**arms))
    assert report.decision == "CANNOT-TELL"
    assert f"the evidence of the {old} is 31 days old, and the policy allows 30" in report.sentence
    # What is too old is not shown as evidence.
    (other,) = {"control", "candidate"} - {old}
    assert [run.arm for run in report.requirements[0].evidence] == [other]


def test_old_runs_do_not_confirm_young_ones() -> None:
    plan = planned(make_cell(NEWEST, policy="gate"), NEWEST)
    old = run_of(plan, *changed(RED), ago=dt.timedelta(days=40))
    young = run_of(plan, *changed(RED), attempt=1)
    assert judge(pair(candidate=Arm(planned=plan, evidence=(old, young)))).decision == "CANNOT-TELL"


# --- which rule comes first ---


def test_what_failed_comes_before_what_is_undecided() -> None:
    gone = passed("t.py::gone", "alpha")
    requirement = only(pair(changed(RED), (RED,), control=arm(OLD, (*GREEN, gone))))
    assert requirement.state == "failed"
    only_open = only(pair(GREEN, control=arm(OLD, (*GREEN, gone))))
    assert only_open.state == "undecided"
    assert only_open.sentence.endswith("t.py::gone is not there with the candidate")
    assert only_open.remedy == "run the gate again, or fix the test"


def test_further_ones_are_counted() -> None:
    others = [failed(f"t.py::{name}", "alpha", "gamma", message=name, packages=("gamma",)) for name in "xy"]
    before = (*GREEN, *(passed(test.test, "alpha", "gamma") for test in others))
    requirement = only(pair(changed(RED, *others), (RED, *others), control=arm(OLD, before)))
    assert requirement.sentence.endswith("the loss is 0.73 (and 2 more)")
    assert len(requirement.findings) == 3
    requirement = only(pair(GREEN, control=arm(OLD, before)))
    assert requirement.sentence.endswith("t.py::x is not there with the candidate (and 1 more)")


def test_a_quarantined_test_that_fails_is_a_doubt() -> None:
    red = (*changed(RED), SOLID)
    evaluation = evaluate(pair(red, red, control=arm(OLD, (*GREEN, SOLID))), waivers=quarantine())
    (requirement,) = evaluation.requirements
    assert requirement.state == "waived"
    assert requirement.doubts == (requirement.findings[0].sentence,)
    assert [exemption.what for exemption in evaluation.exemptions] == ["test_beta.py::*"]


def test_a_flaky_test_is_a_doubt_and_fails_nothing() -> None:
    evaluation = evaluate(wavering())
    (requirement,) = evaluation.requirements
    assert requirement.state == "satisfied"
    assert requirement.doubts[0].startswith(f"{RED.test} is flaky")
    assert set(evaluation.flaky_rates) == {RED.test}


def test_a_waiver_does_not_stand_for_a_test_that_uses_the_candidate() -> None:
    red = failed("test_import.py::test_import[alpha]", "alpha", level="import", packages=("alpha",))
    report = judge(pair(changed(red, BLOCKED), (red,)), waivers=waivers(test=red.test))
    assert (report.decision, report.requirements[0].findings[0].state) == ("CANNOT-TELL", "waived")
    assert "no test that passes in both arms uses alpha" in report.sentence


# --- bounds ---


def test_a_bound_of_the_candidate_that_excludes_a_newest_release_blocks() -> None:
    report = judge(excluded(bound("candidate")))
    assert (report.decision, report.remedy) == ("BLOCK", "release such a beta first")
    (requirement,) = report.requirements
    assert (requirement.state, requirement.evidence, requirement.reproduce) == ("failed", (), "")
    assert requirement.findings[0].chain == ("alpha 1.3.0 depends on beta>=3",)


def test_every_bound_of_the_candidate_is_a_finding() -> None:
    other = bound("candidate", "gamma").model_copy(update={"sentence": "another", "bound": "another"})
    requirement = only(excluded(bound("candidate"), other))
    assert [finding.components for finding in requirement.findings] == [("beta",), ("gamma",)]
    assert requirement.sentence == bound("candidate").sentence
    # What is waived is not the reason any more.
    requirement = only(excluded(bound("candidate"), other), waivers=waivers(pair=["alpha", "beta"]))
    assert [finding.state for finding in requirement.findings] == ["waived", "failed"]
    assert (requirement.state, requirement.sentence) == ("failed", "another")


def test_a_bound_of_another_asks_for_the_order_of_releases() -> None:
    report = judge(pair(GREEN, waiting=(bound("other"),)))
    assert report.decision == "NEEDS-REVIEW"
    tried, waiting = report.requirements
    assert (tried.state, tried.weight) == ("satisfied", "required")
    assert (waiting.state, waiting.weight, waiting.what) == (
        "failed",
        "review",
        "alpha 1.3.0 with the newest others: together with beta",
    )
    assert waiting.id not in ("", tried.id)


@pytest.mark.parametrize("cell", [untried("no lock"), excluded(bound("candidate")), pair("disk-full")])
def test_a_bound_of_another_counts_whatever_becomes_of_the_rest(cell: Any) -> None:
    requirements = evaluate(cell.model_copy(update={"waiting": (bound("other"),)})).requirements
    assert [requirement.what.endswith("together with beta") for requirement in requirements] == [False, True]


@pytest.mark.parametrize(
    ("weight", "weighed"), [("required", "review"), ("review", "review"), ("informing", "informing")]
)
def test_a_python_that_the_candidate_drops_asks_a_human_at_most(weight: str, weighed: str) -> None:
    assert only(excluded(bound("python", ""), weight=weight)).weight == weighed
    assert only(excluded(bound("candidate", ""), weight=weight)).weight == weight
    _, waiting = evaluate(pair(GREEN, weight=weight, waiting=(bound("other"),))).requirements
    assert waiting.weight == weighed


def test_a_python_that_the_candidate_drops_asks_a_human() -> None:
    report = judge(pair(GREEN), excluded(bound("python", ""), id="other"))
    assert report.decision == "NEEDS-REVIEW"
    assert [(requirement.id, requirement.weight, requirement.state) for requirement in report.requirements] == [
        ("cell", "required", "satisfied"),
        ("other", "review", "failed"),
    ]


@pytest.mark.parametrize("cell", [excluded(bound("candidate")), pair(GREEN, waiting=(bound("other"),))])
def test_a_bound_can_be_waived(cell: Any) -> None:
    report = judge(cell, waivers=waivers(pair=["alpha", "beta"]))
    assert report.decision == "PASS"
    assert [row.state for row in report.waivers] == ["used"]


# --- installation ---


def test_files_that_do_not_install_block() -> None:
    cell = pair("uninstallable", "uninstallable")
    report = judge(cell)
    assert report.decision == "BLOCK"
    assert report.sentence == "alpha 1.3.0 cannot be installed, although alpha 1.2.0 can: it was uninstallable"
    assert report.remedy == "read what the installer says, then build and upload the files again"
    (finding,) = report.requirements[0].findings
    assert judge(cell, waivers=waivers(test="test_beta.py::*")).decision == "BLOCK"
    waived = judge(cell, waivers=waivers(advisory=finding.id))
    assert (waived.decision, waived.requirements[0].state) == ("PASS", "waived")
    assert waived.requirements[0].sentence.endswith("(waived: known)")
    assert judge(pair("uninstallable")).decision == "CANNOT-TELL"
    both = arm(OLD, "uninstallable", "uninstallable")
    assert judge(pair("uninstallable", "uninstallable", control=both)).decision == "CANNOT-TELL"


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        ("uninstallable", "alpha 1.3.0 was installed in one fresh environment and not in another (SC-"),
        ("invalid", "alpha 1.3.0 was tried in an environment that differs from its lock (SC-"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_what_ran_only_some_of_the_time_asks_a_human(outcome: str, sentence: str, first: bool) -> None:
    cell = pair(*((outcome, GREEN) if first else (GREEN, outcome)))
    report = judge(cell)
    assert report.decision == "NEEDS-REVIEW"
    assert report.sentence.startswith(sentence)
    assert report.sentence.endswith(f"): it was {outcome}")
    finding_id = report.sentence.partition("(")[2].partition(")")[0]
    assert judge(cell, waivers=waivers(advisory=finding_id)).decision == "PASS"
    # In the control it says nothing of the candidate.
    assert judge(pair(GREEN, control=arm(OLD, outcome, GREEN))).decision == "PASS"
