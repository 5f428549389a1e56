"""What speaks against a candidate: whom it affects, in words, and what to do about it."""

from __future__ import annotations

from typing import Any

import pytest

from stackcompat.evidence.results import TestResult
from stackcompat.gate.candidate import Candidate
from stackcompat.gate.comparison import compare
from stackcompat.gate.context import component_versions
from stackcompat.gate.findings import (
    affected_components,
    find_regressions,
    installation_id,
    make_exclusion,
    make_uninstallable,
)
from stackcompat.gate.model import GateFinding
from stackcompat.report.gate import gate_markdown
from stackcompat.verdict.signature import incompatibility_id
from support.made_up import NEWEST, failed, passed
from support.paired import (
    ALPHA,
    BLOCKED,
    GREEN,
    JOINT,
    NO_ATTRIBUTE,
    OLD,
    RED,
    SOLID,
    arm,
    bound,
    changed,
    context,
    judge,
    pair,
    quarantine,
    waivers,
)

VERSIONS = {"alpha": "1.3.0", "beta": "2.4.1"}
BETA = Candidate(name="beta", version="2.4.1", replaces="2.4.0", source="index")


def regressions(*red: TestResult, control: Any = None, cell: Any = None, **more: Any) -> tuple[GateFinding, ...]:
    """The findings of a cell in which these tests fail with the candidate and pass without it."""
    passing = {test.test: test for test in (*GREEN, *(passed(test.test, *test.components) for test in red))}
    paired = pair(changed(*red), red, control=control or arm(OLD, tuple(passing.values())), **cell or {})
    compared = compare(paired.control.evidence, paired.candidate.evidence)
    return find_regressions(context(**more), paired, [c for c in compared if c.effect == "against"])[0]


# --- tests that regress ---


def test_a_regression_blocks_and_names_the_other_and_the_attribute() -> None:
    report = judge(pair(changed(NO_ATTRIBUTE, BLOCKED), (NO_ATTRIBUTE,)))
    (requirement,) = report.requirements
    assert (report.decision, requirement.state) == ("BLOCK", "failed")
    assert requirement.sentence == (
        "alpha 1.3.0 fails with beta 2.4.1 because import beta.nets raises AttributeError: "
        "module 'alpha.experimental.boxes' has no attribute 'MutableBox'"
    )
    assert requirement.remedy == "release a beta that does without MutableBox first, or keep the name in alpha"
    assert report.summary() == f"{requirement.sentence}; {requirement.remedy}"
    (finding,) = requirement.findings
    assert finding.tests == (NO_ATTRIBUTE.test,)
    assert (finding.level, finding.components) == ("import", ("beta",))
    # The test that is blocked follows from it.
    (blocked,) = report.not_tested
    assert (blocked.what, blocked.where) == (JOINT, "alpha 1.3.0 with the newest others on Python 3.12")


def test_a_message_that_says_what_was_removed_names_it_too() -> None:
    assert NO_ATTRIBUTE.failure is not None
    message = "alpha.boxes.MutableBox  was deprecated in Alpha v1.2 and removed in Alpha v1.3."
    gone = NO_ATTRIBUTE.model_copy(update={"failure": NO_ATTRIBUTE.failure.model_copy(update={"message": message})})
    report = judge(pair(changed(gone, BLOCKED), (gone,)))
    remedy = "release a beta that does without MutableBox first, or keep the name in alpha"
    assert report.requirements[0].remedy == remedy
    assert "removed in Alpha v1.3. **release a beta" in gate_markdown(report)


def test_another_failure_names_the_test() -> None:
    report = judge(pair(changed(RED), (RED,)))
    assert report.sentence == (
        "alpha 1.3.0 fails with beta 2.4.1 because test_beta.py::test_train raises AssertionError: the loss is 0.73"
    )
    assert report.remedy == "release a beta that works with alpha 1.3.0 first, or undo the change in alpha"


def test_a_crash_raises_nothing() -> None:
    crash = failed(JOINT, "alpha", "beta", type="ProcessEnded", message="ended by signal 11", outcome="crashed")
    (finding,) = regressions(crash)
    assert finding.sentence.endswith(f"because {JOINT} ends with ProcessEnded: ended by signal 11")


def test_a_long_message_is_cut() -> None:
    (finding,) = regressions(failed(JOINT, "alpha", "beta", message="x" * 500, packages=("beta",)))
    assert finding.sentence.endswith(f"AssertionError: {'x' * 240}…")


def test_a_failure_of_the_candidate_alone_is_its_own() -> None:
    red = failed("test_alpha.py::test_grad", "alpha", packages=("alpha",))
    control = arm(OLD, (*GREEN, passed(red.test, "alpha")))
    report = judge(pair((*GREEN, red), (red,), control=control))
    assert report.decision == "BLOCK"
    assert report.sentence.startswith("alpha 1.3.0 fails by itself because test_alpha.py::test_grad raises ")
    assert report.remedy == "fix this in alpha"


def test_a_failure_within_the_candidate_is_its_own_whatever_else_the_test_uses() -> None:
    red = failed(JOINT, "alpha", "beta", "gamma", type="FlagError", packages=("alpha", "numbers"))
    report = judge(pair(changed(red), (red,)))
    assert report.sentence.startswith(f"alpha 1.3.0 fails by itself because {JOINT} raises FlagError")
    assert report.remedy == "fix this in alpha"


def test_what_the_candidate_asks_for_and_another_lacks_is_the_candidates_to_mend() -> None:
    control = arm(NEWEST | {"beta": "2.4.0"}, GREEN)
    red = changed(NO_ATTRIBUTE, BLOCKED)
    report = judge(pair(red, (NO_ATTRIBUTE,), control=control), candidates=(BETA,))
    assert report.sentence.startswith("beta 2.4.1 fails with alpha 1.3.0 because import beta.nets")
    assert report.remedy == "make beta do without MutableBox, or require an alpha that has it"


@pytest.mark.parametrize(
    ("red", "affected"),
    [
        # The failure itself points at two.
        (NO_ATTRIBUTE, ["beta"]),
        # Three had a part in it: the deepest on the traceback.
        (failed(JOINT, "alpha", "beta", "gamma", packages=("gamma", "beta", "alpha")), ["beta"]),
        # Nothing is on the traceback: those that the test uses.
        (failed(JOINT, "alpha", "beta", "gamma"), ["beta", "gamma"]),
        # Only the candidate, and what moves with it, are on the traceback.
        (failed(JOINT, "alpha", "beta", packages=("alpha", "alpha-native")), []),
        (failed("t.py::x", "alpha", packages=("alpha",)), []),
    ],
)
def test_who_is_affected(red: TestResult, affected: list[str]) -> None:
    cell = pair(changed(red), (red,))
    assert affected_components(context(), red, component_versions(context(), cell)) == affected


def test_tests_with_one_failure_are_one_finding() -> None:
    other = RED.model_copy(update={"test": "test_beta.py::test_apply"})
    control = arm(OLD, (*GREEN, passed(other.test, "alpha", "beta")))
    report = judge(pair((*changed(RED), other), (RED, other), control=control))
    ((finding,),) = [requirement.findings for requirement in report.requirements]
    assert finding.tests == (RED.test, other.test)


def test_the_shallowest_finding_comes_first() -> None:
    findings = regressions(RED, NO_ATTRIBUTE)
    assert [finding.level for finding in findings] == ["import", "interop"]


def test_arms_that_are_not_alike_are_said() -> None:
    (finding,) = regressions(RED, cell={"differs": ("numbers 2.5.4 → 2.5.5",)})
    assert finding.sentence.endswith("(the arms also differ in numbers 2.5.4 → 2.5.5)")


@pytest.mark.parametrize(
    ("direction", "words"),
    [
        ("backward", "(alpha 1.3.0 reads what alpha 1.2.0 wrote)"),
        ("forward", "(alpha 1.2.0 reads what alpha 1.3.0 writes)"),
    ],
)
def test_who_reads_what_whom_wrote_is_said(direction: str, words: str) -> None:
    (finding,) = regressions(RED, cell={"direction": direction})
    assert finding.sentence.endswith(words)


def test_several_candidates_are_one_set() -> None:
    control = arm(OLD | {"beta": "2.4.0"}, GREEN)
    report = judge(pair(changed(RED), (RED,), control=control), candidates=(ALPHA, BETA))
    assert report.sentence.startswith("alpha 1.3.0 and beta 2.4.1 fail by themselves because ")
    assert report.decision == "BLOCK"
    assert report.remedy == "fix this in alpha and beta"


# --- what covers a finding ---


def test_a_waiver_may_name_the_finding() -> None:
    cell = pair((*changed(RED), SOLID), (RED,), control=arm(OLD, (*GREEN, SOLID)))
    finding_id = judge(cell).requirements[0].findings[0].id
    assert RED.failure is not None
    # As the advisory is named that the published table makes of it.
    assert finding_id == incompatibility_id(RED.failure.signature, ("beta", "alpha"))
    assert judge(cell, waivers=waivers(advisory=finding_id)).decision == "PASS"
    assert judge(cell, waivers=waivers(advisory="SC-0000000000")).decision == "BLOCK"


def test_a_waiver_does_not_cover_another_failure() -> None:
    report = judge(pair(changed(RED, NO_ATTRIBUTE), (RED, NO_ATTRIBUTE)), waivers=waivers(test=JOINT))
    assert report.decision == "BLOCK"
    assert [finding.state for finding in report.requirements[0].findings] == ["failed", "waived"]


def test_a_quarantine_covers_a_finding_and_a_waiver_gives_the_reason() -> None:
    (finding,) = regressions(RED, waivers=quarantine())
    assert (finding.state, finding.waiver) == ("waived", "quarantined: wavers")
    both = quarantine().model_copy(update={"waivers": waivers(test=JOINT).waivers})
    (finding,) = regressions(RED, waivers=both)
    assert (finding.state, finding.waiver) == ("waived", "known")


# --- bounds and files ---


def test_a_bound_is_a_finding_of_the_level_resolve() -> None:
    finding, used = make_exclusion(context(), bound("candidate"), VERSIONS)
    assert (finding.state, finding.level, finding.components) == ("failed", "resolve", ("beta",))
    assert (finding.sentence, finding.remedy) == (bound("candidate").sentence, bound("candidate").remedy)
    assert not used
    exceptions = waivers(advisory=finding.id)
    finding, used = make_exclusion(context(waivers=exceptions), bound("candidate"), VERSIONS)
    assert (finding.state, finding.waiver, used) == ("waived", "known", exceptions.waivers)


def test_the_id_of_a_bound_is_that_of_what_it_says() -> None:
    first, _ = make_exclusion(context(), bound("other"), VERSIONS)
    reworded, _ = make_exclusion(context(), bound("other").model_copy(update={"sentence": "x"}), VERSIONS)
    other, _ = make_exclusion(context(), bound("other", "gamma"), VERSIONS)
    assert first.id == reworded.id
    assert first.id != other.id


def test_files_that_cannot_be_installed_are_a_finding_of_the_level_install() -> None:
    cell = pair("uninstallable", "uninstallable")
    finding, used = make_uninstallable(context(), cell, "no compiler")
    assert (finding.state, finding.level, finding.id) == ("failed", "install", installation_id(context(), "3.12"))
    assert finding.sentence == "alpha 1.3.0 cannot be installed, although alpha 1.2.0 can: no compiler"
    assert not used
    exceptions = waivers(advisory=finding.id)
    finding, used = make_uninstallable(context(waivers=exceptions), cell, "no compiler")
    assert (finding.state, used) == ("waived", exceptions.waivers)
