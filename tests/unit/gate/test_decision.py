"""The decision: what blocks, what asks, what leaves the gate unable to tell, and that nothing else makes it green."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from stackcompat.evidence.runs import PlannedCell
from stackcompat.gate.candidate import Candidate
from stackcompat.gate.cells import Arm, Exclusion
from stackcompat.gate.decision import false_reds
from stackcompat.gate.model import FalseReds, NotTested
from stackcompat.gate.policy import Waivers
from stackcompat.report.gate import gate_markdown
from stackcompat.resolve.lock import Resolution
from stackcompat.verdict.signature import incompatibility_id
from support.made_up import NEWEST, NOW, blocked, failed, make_cell, not_applicable, passed, planned, run_of, starved
from support.paired import ALPHA, GREEN, JOINT, OLD, POLICY, arm, changed, excluded, judge, pair, untried

NO_ATTRIBUTE = failed(
    "test_import.py::test_import[beta.nets]",
    "beta",
    level="import",
    type="AttributeError",
    message="module 'alpha.experimental.boxes' has no attribute 'MutableBox'",
    packages=("beta",),
    where="beta.nets.core:<module>",
)
BLOCKED = blocked(JOINT, "alpha", "beta")
RED = failed(JOINT, "alpha", "beta", message="the loss is 0.73", packages=("beta",), where="beta.nets:fit")


def waivers(**more: Any) -> Waivers:
    versions = {"alpha": "==1.3.0", "beta": "==2.4.1"}
    entry = {"versions": versions, "owner": "somebody", "reason": "known", "until": dt.date(2026, 12, 1)}
    return Waivers.model_validate({"waivers": [entry | more]})


def quarantine(until: dt.date = dt.date(2026, 12, 1)) -> Waivers:
    entry = {"test": "test_beta.py::*", "owner": "somebody", "reason": "wavers", "until": until}
    return Waivers.model_validate({"quarantine": [entry]})


# --- what decides ---


def test_what_passes_in_both_arms_passes() -> None:
    report = judge(pair(GREEN))
    (one,) = report.requirements
    assert (report.decision, one.state, one.remedy) == ("PASS", "satisfied", "")
    assert one.sentence.startswith(
        "3 tests pass with alpha 1.3.0 as with alpha 1.2.0 on Python 3.12, next to beta 2.4.1"
    )
    assert one.counts == {"passes": 3}
    assert [shown.arm for shown in one.evidence] == ["control", "candidate"]
    assert 'stackcompat try "alpha==1.3.0" "beta==2.4.1"' in one.reproduce


def test_a_regression_blocks_and_names_the_other_and_the_attribute() -> None:
    report = judge(pair(changed(NO_ATTRIBUTE, BLOCKED), (NO_ATTRIBUTE,)))
    (one,) = report.requirements
    assert (report.decision, one.state) == ("BLOCK", "failed")
    assert one.sentence == (
        "alpha 1.3.0 breaks beta 2.4.1: import beta.nets fails with AttributeError: "
        "module 'alpha.experimental.boxes' has no attribute 'MutableBox'"
    )
    assert one.remedy == "release a beta that does without MutableBox first, or keep the name in alpha"
    assert report.summary() == f"{one.sentence}; {one.remedy}"
    (finding,) = one.findings
    assert finding.tests == (NO_ATTRIBUTE.test,)
    # The test that could not be tried follows from it, and is told.
    (told,) = report.not_tested
    assert (told.what, told.where) == (JOINT, "alpha 1.3.0 with the newest others on Python 3.12")


def test_a_message_that_says_what_was_removed_names_it_too() -> None:
    assert NO_ATTRIBUTE.failure is not None
    message = "alpha.boxes.MutableBox  was deprecated in Alpha v1.2 and removed in Alpha v1.3."
    gone = NO_ATTRIBUTE.model_copy(update={"failure": NO_ATTRIBUTE.failure.model_copy(update={"message": message})})
    report = judge(pair(changed(gone, BLOCKED), (gone,)))
    assert (
        report.requirements[0].remedy == "release a beta that does without MutableBox first, or keep the name in alpha"
    )
    assert "removed in Alpha v1.3. **release a beta" in gate_markdown(report)


def test_another_failure_names_the_test() -> None:
    report = judge(pair(changed(RED), (RED,)))
    assert report.sentence == (
        "alpha 1.3.0 breaks beta 2.4.1: test_beta.py::test_train fails with AssertionError: the loss is 0.73"
    )
    assert report.remedy == "release a beta that works with it first, or undo the change in alpha"


def test_a_failure_of_the_candidate_alone_is_its_own() -> None:
    red = failed("test_alpha.py::test_grad", "alpha", packages=("alpha",))
    control = arm(OLD, (*GREEN, passed(red.test, "alpha")))
    report = judge(pair((*GREEN, red), (red,), control=control))
    assert report.decision == "BLOCK"
    assert report.sentence.startswith("alpha 1.3.0 breaks by itself: test_alpha.py::test_grad fails with")
    assert report.remedy == "mend it in alpha"


def test_a_failure_within_the_candidate_is_its_own_whatever_else_the_test_uses() -> None:
    red = failed(JOINT, "alpha", "beta", "gamma", type="FlagError", packages=("alpha", "numbers"))
    report = judge(pair(changed(red), (red,)))
    assert report.sentence.startswith(f"alpha 1.3.0 breaks by itself: {JOINT} fails with FlagError")
    assert report.remedy == "mend it in alpha"


def test_what_the_candidate_asks_for_and_another_lacks_is_the_candidates_to_mend() -> None:
    beta = Candidate(name="beta", version="2.4.1", replaces="2.4.0", source="index")
    control = arm(NEWEST | {"beta": "2.4.0"}, GREEN)
    red = changed(NO_ATTRIBUTE, BLOCKED)
    report = judge(pair(red, (NO_ATTRIBUTE,), control=control), candidates=(beta,))
    assert report.sentence.startswith("beta 2.4.1 breaks alpha 1.3.0: import beta.nets")
    assert report.remedy == "make beta do without MutableBox, or require an alpha that has it"


def test_tests_with_one_failure_are_one_finding() -> None:
    other = RED.model_copy(update={"test": "test_beta.py::test_apply"})
    control = arm(OLD, (*GREEN, passed(other.test, "alpha", "beta")))
    report = judge(pair((*changed(RED), other), (RED, other), control=control))
    ((finding,),) = [one.findings for one in report.requirements]
    assert finding.tests == (RED.test, other.test)


def test_one_red_run_is_no_incompatibility() -> None:
    report = judge(pair(changed(RED)))
    assert report.decision == "CANNOT-TELL"
    assert "failed once and was not tried again" in report.sentence


def test_what_was_broken_before_does_not_count() -> None:
    control = arm(
        OLD, (*GREEN, RED.model_copy(update={"test": "t.py::x"})), (RED.model_copy(update={"test": "t.py::x"}),)
    )
    red = RED.model_copy(update={"test": "t.py::x"})
    report = judge(pair((*GREEN, red), (red,), control=control))
    assert report.decision == "PASS"
    assert report.requirements[0].counts == {"passes": 3, "broken-before": 1}


def test_where_everything_was_broken_before_nothing_is_told() -> None:
    control = arm(OLD, changed(RED), (RED,))
    report = judge(pair(changed(RED), (RED,), control=control))
    assert report.decision == "CANNOT-TELL"
    assert "no test that passes in both arms exercises alpha" in report.sentence


def test_what_the_candidate_mends_is_no_reproach() -> None:
    report = judge(pair(GREEN, control=arm(OLD, changed(RED), (RED,))))
    assert report.decision == "PASS"
    assert report.requirements[0].counts == {"fixed": 1, "passes": 2}
    assert report.requirements[0].sentence.startswith(
        "3 tests pass with alpha 1.3.0 (1 of them not with alpha 1.2.0) on"
    )


def test_a_blocking_cell_outweighs_one_that_cannot_tell() -> None:
    unknown = pair("disk-full", "disk-full", id="other")
    assert judge(unknown, pair(changed(RED), (RED,))).decision == "BLOCK"


@pytest.mark.parametrize(
    ("weight", "decision"), [("required", "BLOCK"), ("review", "NEEDS-REVIEW"), ("informing", "PASS")]
)
def test_a_weight_says_what_red_means(weight: str, decision: str) -> None:
    report = judge(pair(GREEN), pair(changed(RED), (RED,), id="other", weight=weight))
    assert report.decision == decision
    assert report.requirements[1].state == "failed"


@pytest.mark.parametrize("weight", ["review", "informing"])
def test_what_is_not_required_may_stay_open(weight: str) -> None:
    assert judge(pair(GREEN), pair("disk-full", "disk-full", id="other", weight=weight)).decision == "PASS"


def test_arms_that_are_not_alike_are_said() -> None:
    report = judge(pair(changed(RED), (RED,), differs=("numbers 2.5.4 → 2.5.5",)))
    assert report.sentence.endswith("(the arms also differ in numbers 2.5.4 → 2.5.5)")


def test_several_candidates_are_one_set() -> None:
    beta = Candidate(name="beta", version="2.4.1", replaces="2.4.0", source="index")
    control = arm(OLD | {"beta": "2.4.0"}, GREEN)
    report = judge(pair(changed(RED), (RED,), control=control), candidates=(ALPHA, beta))
    assert report.sentence.startswith("alpha 1.3.0 and beta 2.4.1 break by themselves: ")
    assert report.decision == "BLOCK"


# --- what cannot make it green ---


def test_an_empty_plan() -> None:
    report = judge(not_tested=[NotTested(what="everything", why="there was no Python")])
    assert report.decision == "CANNOT-TELL"
    assert report.sentence == "no required cell could be made, so nothing was decided"
    assert [told.what for told in report.not_tested] == ["everything"]


def test_a_plan_without_anything_required() -> None:
    assert judge(pair(GREEN, weight="review"), pair(GREEN, weight="informing", id="other")).decision == "CANNOT-TELL"


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


@pytest.mark.parametrize("outcome", ["index-unreachable", "interpreter-missing", "failed", "no-wheel-for-platform"])
def test_what_could_not_be_locked(outcome: Any) -> None:
    cell = make_cell(NEWEST, policy="gate")
    unlocked = Arm(planned=PlannedCell(cell=cell, resolution=Resolution(outcome=outcome, detail="no answer")))
    report = judge(pair(candidate=unlocked))
    assert report.decision == "CANNOT-TELL"
    assert "no answer" in report.sentence


def test_a_cell_that_was_not_tried() -> None:
    report = judge(pair(GREEN), untried("not begun: the time budget is over", id="other"))
    assert report.decision == "CANNOT-TELL"
    assert "the time budget is over" in report.sentence


def test_a_cell_without_any_run() -> None:
    report = judge(pair(candidate=arm(NEWEST)))
    assert report.decision == "CANNOT-TELL"
    assert "not run yet" in report.sentence


def test_tests_that_do_not_apply() -> None:
    skipped = tuple(not_applicable(test.test, *test.components) for test in GREEN)
    report = judge(pair(skipped))
    assert report.decision == "CANNOT-TELL"
    assert judge(pair(skipped, control=arm(OLD, skipped))).decision == "CANNOT-TELL"


def test_a_test_that_skips_itself_only_with_the_candidate() -> None:
    more = passed("test_beta.py::test_apply", "alpha", "beta")
    gone = not_applicable(more.test, "alpha", "beta").model_copy(update={"reason": "no boxes here"})
    report = judge(pair((*GREEN, gone), control=arm(OLD, (*GREEN, more))))
    assert report.decision == "CANNOT-TELL"
    assert "does not apply with the candidate: no boxes here" in report.sentence


def test_a_test_that_says_it_is_not_for_this_release_is_told() -> None:
    more = passed("test_beta.py::test_apply", "alpha", "beta")
    gone = not_applicable(more.test, "alpha").model_copy(update={"reason": "alpha 1.3.0 is outside <1.3"})
    report = judge(pair((*GREEN, gone), control=arm(OLD, (*GREEN, more))))
    assert report.decision == "PASS"
    (told,) = report.not_tested
    assert (told.what, told.why) == (
        "test_beta.py::test_apply",
        "does not apply with the candidate: alpha 1.3.0 is outside <1.3",
    )


def test_a_test_that_vanishes() -> None:
    report = judge(pair((*GREEN[:2], passed("t.py::x", "alpha"))))
    assert report.decision == "CANNOT-TELL"
    assert f"{JOINT} is not there with the candidate" in report.sentence


def test_imports_alone() -> None:
    report = judge(pair(GREEN[:2], control=arm(OLD, GREEN[:2])))
    assert report.decision == "CANNOT-TELL"
    assert "no test that passes in both arms exercises alpha" in report.sentence
    shallow = POLICY.model_copy(update={"level": "import"})
    assert judge(pair(GREEN[:2], control=arm(OLD, GREEN[:2])), policy=shallow).decision == "PASS"


def test_tests_of_others() -> None:
    tests = (*GREEN[:2], passed("test_gamma.py::test_schedule", "gamma"))
    assert judge(pair(tests, control=arm(OLD, tests))).decision == "CANNOT-TELL"


def test_what_moves_with_another_is_exercised_by_its_tests() -> None:
    native = Candidate(name="alpha-native", version="1.3.0", replaces="1.2.0", source="index")
    assert judge(pair(GREEN), candidates=(native,)).decision == "PASS"


@pytest.mark.parametrize("old", ["control", "candidate"])
def test_evidence_that_is_too_old(old: str) -> None:
    long_ago = dt.timedelta(days=31)
    arms = {"control": arm(OLD, GREEN), "candidate": arm(NEWEST, GREEN)}
    assert judge(pair(**arms)).decision == "PASS"
    arms[old] = arm(NEWEST if old == "candidate" else OLD, GREEN, ago=long_ago)
    report = judge(pair(**arms))
    assert report.decision == "CANNOT-TELL"
    assert f"the evidence of the {old} is 31 days old, and the policy allows 30" in report.sentence


def test_old_runs_do_not_confirm_young_ones() -> None:
    plan = planned(make_cell(NEWEST, policy="gate"), NEWEST)
    old = run_of(plan, *changed(RED), ago=dt.timedelta(days=40))
    young = run_of(plan, *changed(RED), attempt=1)
    assert judge(pair(candidate=Arm(planned=plan, evidence=(old, young)))).decision == "CANNOT-TELL"


@pytest.mark.parametrize("outcome", ["timeout", "out-of-memory"])
def test_a_starved_test(outcome: Any) -> None:
    hungry = starved(JOINT, "alpha", "beta", outcome=outcome)
    report = judge(pair(changed(hungry), (hungry,)))
    assert report.decision == "CANNOT-TELL"
    # Nor does it turn red what could not be seen in the control.
    assert judge(pair(changed(RED), (RED,), control=arm(OLD, changed(hungry), (hungry,)))).decision == "CANNOT-TELL"


def test_tests_that_are_blocked_by_nothing_that_regressed() -> None:
    assert judge(pair(changed(BLOCKED))).decision == "CANNOT-TELL"


# --- flaky tests ---

WAVERS = (changed(RED), changed(passed(JOINT, "alpha", "beta")), changed(passed(JOINT, "alpha", "beta")))
#: Another test that exercises the candidate, since the flaky one does not count.
SOLID = passed("test_alpha.py::test_grad", "alpha")


def _wavering() -> Any:
    runs = tuple((*run, SOLID) for run in WAVERS)
    return pair(*runs, control=arm(OLD, (*GREEN, SOLID)))


def test_a_flaky_test_asks_a_human_and_shows_its_rate() -> None:
    report = judge(_wavering())
    assert report.decision == "NEEDS-REVIEW"
    (flaky,) = report.flaky
    assert (flaky.test, flaky.failed, flaky.runs, flaky.quarantined_until) == (JOINT, 1, 3, None)
    assert "is flaky" in report.sentence


def test_a_quarantined_flaky_test_asks_nobody() -> None:
    report = judge(_wavering(), waivers=quarantine())
    assert report.decision == "PASS"
    assert report.flaky[0].quarantined_until == dt.date(2026, 12, 1)
    assert [told.state for told in report.waivers] == ["used"]


def test_a_quarantine_ends() -> None:
    report = judge(_wavering(), waivers=quarantine(dt.date(2026, 11, 21)))
    assert report.decision == "NEEDS-REVIEW"
    assert [told.state for told in report.waivers] == ["expired"]


def test_a_quarantined_test_never_decides_alone() -> None:
    red = (*changed(RED), SOLID)
    report = judge(pair(red, red, control=arm(OLD, (*GREEN, SOLID))), waivers=quarantine())
    assert report.decision == "NEEDS-REVIEW"
    assert report.requirements[0].state == "waived"


def test_a_test_that_is_flaky_in_the_control_does_not_count() -> None:
    control = arm(OLD, *((*run, SOLID) for run in WAVERS))
    red = (*changed(RED), SOLID)
    assert judge(pair(red, red, control=control)).decision == "NEEDS-REVIEW"


# --- waivers ---


@pytest.mark.parametrize(
    "what",
    [{"pair": ["alpha", "beta"]}, {"test": "test_beta.py::*"}, {"test": JOINT}],
)
def test_a_waiver_lets_pass_what_it_is_about(what: Any) -> None:
    report = judge(pair((*changed(RED), SOLID), (RED,), control=arm(OLD, (*GREEN, SOLID))), waivers=waivers(**what))
    assert report.decision == "PASS"
    assert report.sentence == "1 required cell holds with alpha 1.3.0, 1 of them by a waiver"
    (one,) = report.requirements
    assert (one.state, one.findings[0].state) == ("waived", "waived")
    assert one.sentence.endswith("(waived: known)")
    assert [told.state for told in report.waivers] == ["used"]


def test_a_waiver_may_name_the_finding() -> None:
    cell = pair((*changed(RED), SOLID), (RED,), control=arm(OLD, (*GREEN, SOLID)))
    ident = judge(cell).requirements[0].findings[0].id
    assert RED.failure is not None
    # As the advisory is named that the published table makes of it.
    assert ident == incompatibility_id(RED.failure.signature, ("beta", "alpha"))
    assert judge(cell, waivers=waivers(advisory=ident)).decision == "PASS"
    assert judge(cell, waivers=waivers(advisory="SC-0000000000")).decision == "BLOCK"


@pytest.mark.parametrize(
    ("more", "state", "note"),
    [
        ({"until": dt.date(2026, 11, 21)}, "expired", "remove it, or decide anew"),
        ({"versions": {"beta": "==2.4.0"}}, "unused", "its versions have moved on; remove it"),
        (
            {"pair": ["alpha", "gamma"], "test": "", "versions": {"alpha": "==1.3.0", "gamma": "==1.0.2"}},
            "unused",
            "what it is about did not fail; remove it if that lasts",
        ),
    ],
)
def test_a_waiver_that_does_not_hold_is_reported(more: Any, state: str, note: str) -> None:
    report = judge(pair(changed(RED), (RED,)), waivers=waivers(**({"test": "test_beta.py::*"} | more)))
    assert report.decision == "BLOCK"
    assert [(told.state, told.note) for told in report.waivers] == [(state, note)]


def test_a_waiver_holds_on_its_last_day() -> None:
    cell = pair((*changed(RED), SOLID), (RED,), control=arm(OLD, (*GREEN, SOLID)))
    assert judge(cell, waivers=waivers(test=JOINT, until=NOW.date())).decision == "PASS"


def test_a_waiver_does_not_cover_another_failure() -> None:
    both = (*changed(RED, NO_ATTRIBUTE),)
    report = judge(pair(both, (RED, NO_ATTRIBUTE)), waivers=waivers(test=JOINT))
    assert report.decision == "BLOCK"
    assert [finding.state for finding in report.requirements[0].findings] == ["failed", "waived"]


def test_a_waiver_does_not_stand_for_a_test_that_uses_the_candidate() -> None:
    red = failed("test_import.py::test_import[alpha]", "alpha", level="import", packages=("alpha",))
    cell = pair(changed(red, BLOCKED), (red,))
    report = judge(cell, waivers=waivers(test=red.test))
    assert (report.decision, report.requirements[0].findings[0].state) == ("CANNOT-TELL", "waived")
    assert "no test that passes in both arms exercises alpha" in report.sentence


LIMITED = RED.model_copy(update={"feature": "boxes"})
CHANGED = RED.model_copy(update={"failure": RED.failure and RED.failure.model_copy(update={"changed": True})})


@pytest.mark.parametrize("what", [{"test": JOINT}, {"pair": ["alpha", "beta"]}])
@pytest.mark.parametrize("runs", [(LIMITED, LIMITED), (CHANGED, CHANGED), (RED, GREEN[2])])
def test_what_asks_a_human_can_be_waived(runs: Any, what: Any) -> None:
    cell = pair(*((*changed(run), SOLID) for run in runs), control=arm(OLD, (*GREEN, SOLID)))
    assert judge(cell).decision == "NEEDS-REVIEW"
    assert "waive what is known" in judge(cell).remedy
    report = judge(cell, waivers=waivers(**what))
    assert (report.decision, [told.state for told in report.waivers]) == ("PASS", ["used"])
    moved = waivers(**what, versions={"alpha": "==1.2.9", "beta": "==2.4.1"})
    assert judge(cell, waivers=moved).decision == "NEEDS-REVIEW"


def test_infrastructure_cannot_be_waived() -> None:
    hungry = starved(JOINT, "alpha", "beta")
    assert judge(pair(changed(hungry), (hungry,)), waivers=waivers(test="*")).decision == "CANNOT-TELL"


# --- bounds and installation ---


def _excluded(by: Any, **more: Any) -> Exclusion:
    sentence = "alpha 1.3.0 needs beta>=3, but beta 2.4.1 is the newest that there is"
    chain = ("alpha 1.3.0 depends on beta>=3",)
    return Exclusion(
        by=by, component="beta", sentence=sentence, remedy="release such a beta first", chain=chain, **more
    )


def test_a_bound_of_the_candidate_that_excludes_a_newest_release_blocks() -> None:
    report = judge(excluded(_excluded("candidate")))
    assert (report.decision, report.remedy) == ("BLOCK", "release such a beta first")
    assert report.requirements[0].findings[0].chain == ("alpha 1.3.0 depends on beta>=3",)


def test_a_bound_of_another_asks_for_the_order_of_releases() -> None:
    report = judge(pair(GREEN, waiting=(_excluded("other"),)))
    assert report.decision == "NEEDS-REVIEW"
    tried, waiting = report.requirements
    assert (tried.state, tried.weight) == ("satisfied", "required")
    assert (waiting.state, waiting.weight, waiting.what) == (
        "failed",
        "review",
        "alpha 1.3.0 with the newest others: together with beta",
    )


def test_a_python_that_the_candidate_drops_asks_a_human() -> None:
    lost = excluded(_excluded("python").model_copy(update={"component": ""}), id="other")
    report = judge(pair(GREEN), lost)
    assert report.decision == "NEEDS-REVIEW"
    assert [(one.id, one.weight, one.state) for one in report.requirements] == [
        ("cell", "required", "satisfied"),
        ("other", "review", "failed"),
    ]


@pytest.mark.parametrize("by", ["candidate", "other"])
def test_a_bound_can_be_waived(by: Any) -> None:
    cell = excluded(_excluded("candidate")) if by == "candidate" else pair(GREEN, waiting=(_excluded(by),))
    report = judge(cell, waivers=waivers(pair=["alpha", "beta"]))
    assert report.decision == "PASS"


def test_files_that_do_not_install_block() -> None:
    report = judge(pair("uninstallable", "uninstallable"))
    assert report.decision == "BLOCK"
    assert report.sentence.startswith("alpha 1.3.0 cannot be installed, alpha 1.2.0 can: ")
    (finding,) = report.requirements[0].findings
    cell = pair("uninstallable", "uninstallable")
    assert judge(cell, waivers=waivers(test="*")).decision == "BLOCK"
    assert judge(cell, waivers=waivers(advisory=finding.id)).decision == "PASS"
    assert judge(pair("uninstallable")).decision == "CANNOT-TELL"
    both = arm(OLD, "uninstallable", "uninstallable")
    assert judge(pair("uninstallable", "uninstallable", control=both)).decision == "CANNOT-TELL"


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("uninstallable", "alpha 1.3.0 was installed in one fresh environment and not in another (SC-"),
        ("invalid", "alpha 1.3.0 was not in every environment what was asked for (SC-"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_what_ran_only_some_of_the_time_asks_a_human(outcome: str, said: str, first: bool) -> None:
    cell = pair(*((outcome, GREEN) if first else (GREEN, outcome)))
    report = judge(cell)
    assert report.decision == "NEEDS-REVIEW"
    assert report.sentence.startswith(said)
    assert report.sentence.endswith(f"): it was {outcome}")
    ident = report.sentence.partition("(")[2].partition(")")[0]
    assert judge(cell, waivers=waivers(advisory=ident)).decision == "PASS"
    # In the control it says nothing of the candidate.
    assert judge(pair(GREEN, control=arm(OLD, outcome, GREEN))).decision == "PASS"


# --- A/A ---


def test_the_rate_of_false_reds_counts_every_difference() -> None:
    assert false_reds([pair(GREEN)]) == FalseReds(different=0, compared=3, rate=0)
    assert false_reds([pair(changed(RED), (RED,))]) == FalseReds(different=1, compared=3, rate=0.333333)
    red = pair(GREEN, control=arm(OLD, changed(RED), (RED,)))
    assert false_reds([red, pair(GREEN)]) == FalseReds(different=1, compared=6, rate=0.166667)
    assert false_reds([excluded(_excluded("candidate"))]) == FalseReds(different=0, compared=0, rate=0)
