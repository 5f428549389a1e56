"""Judges one cell of the gate: the result is its requirements, each with a sentence and a remedy. Pure functions.

The rules:

* A test that passes in the control, and fails in the candidate's arm twice in the same way, fails the requirement.
* A bound of a candidate that keeps the candidates out fails the requirement as well. A bound of another component, or a
  Python that a candidate drops, asks for a human's judgement.
* If the candidates' files cannot be installed, although those of the replaced releases can, the requirement fails.
* The requirement is undecided if infrastructure kept a run from an outcome, if evidence is too old, if a test vanishes
  or skips itself, or if no test uses the candidate beyond an import.
* A flaky or quarantined test never fails the requirement.
* A failure that a waiver covers is let pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from stackcompat.core.record import digest
from stackcompat.core.text import and_list, counted
from stackcompat.core.vocabulary import LEVELS
from stackcompat.gate.cells import Arm, ArmName, ExcludedCell, Exclusion, GateCell, PairedCell, UntriedCell
from stackcompat.gate.comparison import OUTCOMES, Comparison, compare
from stackcompat.gate.context import GateContext, component_versions, expected_versions
from stackcompat.gate.depth import candidate_depths, depths_of_arm
from stackcompat.gate.exemptions import find_waiver
from stackcompat.gate.findings import find_regressions, installation_id, make_exclusion, make_uninstallable
from stackcompat.gate.flaky import FlakyRate, flaky_rates
from stackcompat.gate.model import GateFinding, GateRequirement, NotTested, RequirementState, ShownRun
from stackcompat.gate.open_tests import OpenTests, sort_open_tests
from stackcompat.gate.policy import Weight
from stackcompat.gate.reproduce import reproduce_command
from stackcompat.gate.waivers import Exemption, WaivableFailure
from stackcompat.verdict.ownership import Ownership
from stackcompat.verdict.verdict import judge

__all__ = ["CellEvaluation", "evaluate_cell"]


@dataclass(frozen=True)
class CellEvaluation:
    """The judgement on one cell.

    Attributes:
        requirements: One for the cell, and one for each component that waits for the candidates.
        not_tested: Tests on which the decision does not rest.
        exemptions: The waivers and quarantines that cover something in the cell.
        versions: Component to version in the candidate's arm; nothing where the cell was not locked.
        flaky_rates: How often each flaky test failed.
    """

    requirements: tuple[GateRequirement, ...]
    not_tested: tuple[NotTested, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    flaky_rates: Mapping[str, FlakyRate] = field(default_factory=dict)


class _Outcome(NamedTuple):
    """How a requirement came out."""

    state: RequirementState
    sentence: str
    remedy: str = ""


def evaluate_cell(context: GateContext, cell: GateCell) -> CellEvaluation:
    """Judge one cell.

    Args:
        context: What the cells are judged by.
        cell: The cell with all of its runs, including those that are too old.
    """
    match cell:
        case UntriedCell():
            outcome = _undecided(cell, cell.why, cell.remedy)
            evaluation = CellEvaluation((_requirement(context, cell, outcome),))
        case ExcludedCell():
            evaluation = _evaluate_excluded(context, cell)
        case PairedCell():
            evaluation = _evaluate_paired(context, cell)
    requirements = list(evaluation.requirements)
    exemptions = list(evaluation.exemptions)
    for exclusion in cell.waiting:
        requirement, used = _evaluate_waiting(context, cell, exclusion)
        requirements.append(requirement)
        exemptions += used
    return replace(
        evaluation,
        requirements=tuple(requirements),
        exemptions=tuple(exemptions),
        versions=component_versions(context, cell),
    )


# ---------------------------------------------------------------------------------------------------------------------
# Bounds
# ---------------------------------------------------------------------------------------------------------------------


def _evaluate_excluded(context: GateContext, cell: ExcludedCell) -> CellEvaluation:
    """Judge a cell that has no candidates in it because their own bounds keep them out."""
    findings: list[GateFinding] = []
    exemptions: list[Exemption] = []
    for exclusion in cell.exclusions:
        finding, used = make_exclusion(context, exclusion, expected_versions(context, cell))
        findings.append(finding)
        exemptions += used
    drops_python = cell.exclusions[0].by == "python"
    failed = [finding for finding in findings if finding.state == "failed"]
    chief = failed[0] if failed else findings[0]
    requirement = GateRequirement(
        id=cell.id,
        rule=cell.rule,
        weight=_at_most_review(cell.weight) if drops_python else cell.weight,
        what=cell.label,
        python=cell.python,
        state="failed" if failed else "waived",
        sentence=chief.sentence,
        remedy=chief.remedy,
        findings=tuple(findings),
    )
    return CellEvaluation((requirement,), exemptions=tuple(exemptions))


def _evaluate_waiting(
    context: GateContext, cell: GateCell, exclusion: Exclusion
) -> tuple[GateRequirement, tuple[Exemption, ...]]:
    """The requirement about a component that its own bound keeps out, and the waivers that cover it.

    Other components often exclude a release that does not exist yet. So a human decides on the order of releases.
    """
    finding, exemptions = make_exclusion(context, exclusion, expected_versions(context, cell))
    requirement = GateRequirement(
        id=digest(cell.id, exclusion.component, length=12),
        rule=cell.rule,
        weight=_at_most_review(cell.weight),
        what=f"{cell.label}: together with {exclusion.component}",
        python=cell.python,
        state=finding.state,
        sentence=finding.sentence,
        remedy=finding.remedy,
        findings=(finding,),
    )
    return requirement, exemptions


def _at_most_review(weight: Weight) -> Weight:
    return "review" if weight == "required" else weight


# ---------------------------------------------------------------------------------------------------------------------
# Runs
# ---------------------------------------------------------------------------------------------------------------------


def _evaluate_paired(context: GateContext, cell: PairedCell) -> CellEvaluation:
    """Judge a cell with two arms by those of its runs that are young enough."""
    young = cell.since(context.oldest)
    for name, arm in cell.arms:
        if arm.evidence and not arm.since(context.oldest).evidence:
            outcome = _too_old(context, cell, name, arm)
            return CellEvaluation((_requirement(context, young, outcome),))
    for name, arm in young.arms:
        if not arm.ran():
            return _evaluate_not_run(context, young, name, arm)
    return _evaluate_tests(context, young)


def _too_old(context: GateContext, cell: PairedCell, name: ArmName, arm: Arm) -> _Outcome:
    age = (context.now - arm.evidence[-1].started).days
    allowed = f"{context.policy.max_age_days:g}"
    sentence = f"the evidence of the {name} is {counted(age, 'day')} old, and the policy allows {allowed}"
    return _undecided(cell, sentence, "run the gate again where it can install and run cells")


def _evaluate_not_run(context: GateContext, cell: PairedCell, name: ArmName, arm: Arm) -> CellEvaluation:
    """Judge a cell in which no run of one arm got as far as the tests."""
    verdict = judge(arm.planned, arm.evidence, context.components)
    if name == "candidate" and verdict.verdict == "uninstallable":
        finding, exemptions = make_uninstallable(context, cell, verdict.sentence)
        sentence = finding.sentence
        if finding.waiver:
            sentence += f" (waived: {finding.waiver})"
        outcome = _Outcome(finding.state, sentence, finding.remedy)
        requirement = _requirement(context, cell, outcome, findings=(finding,))
        return CellEvaluation((requirement,), exemptions=exemptions)
    releases = context.replaced if name == "control" else context.releases
    sentence = f"no test ran with {releases} ({verdict.verdict}): {verdict.sentence}"
    outcome = _undecided(cell, sentence, "remove the cause, and run the gate again")
    return CellEvaluation((_requirement(context, cell, outcome),))


def _evaluate_tests(context: GateContext, cell: PairedCell) -> CellEvaluation:
    """Judge a cell in which tests ran in both arms."""
    compared = compare(cell.control.evidence, cell.candidate.evidence)
    regressed = [comparison for comparison in compared if comparison.effect == "against"]
    findings, exemptions = find_regressions(context, cell, regressed)
    open_tests = sort_open_tests(context, cell, compared, regressed=bool(findings))
    installation_doubts, installation_exemptions = _installation_doubts(context, cell)
    failing_in_quarantine = [finding.sentence for finding in findings if finding.waiver.startswith("quarantined")]
    nothing_joint = _doubt_about_joint_tests(context, cell, compared)
    requirement = _requirement(
        context,
        cell,
        _outcome_of_tests(context, cell, compared, findings, open_tests),
        findings=findings,
        doubts=(*installation_doubts, *open_tests.doubts, *failing_in_quarantine, *nothing_joint),
        counts=_count(compared),
    )
    return CellEvaluation(
        (requirement,),
        not_tested=open_tests.not_tested,
        exemptions=(*exemptions, *installation_exemptions, *open_tests.exemptions),
        flaky_rates=flaky_rates(cell),
    )


def _installation_doubts(context: GateContext, cell: PairedCell) -> tuple[tuple[str, ...], tuple[Exemption, ...]]:
    """A doubt, if tests ran with the candidates but another of their runs never got as far as the tests.

    There is at most one sentence, or the waiver that takes its place.
    """
    finding_id = installation_id(context, cell.python)
    meaning = {
        "uninstallable": "was installed in one fresh environment and not in another",
        "invalid": "was tried in an environment that differs from its lock",
    }
    for run in cell.candidate.evidence:
        if run.outcome in meaning:
            waiver = find_waiver(context, WaivableFailure(finding=finding_id), component_versions(context, cell))
            if waiver is not None:
                return (), (waiver,)
            return (f"{context.releases} {meaning[run.outcome]} ({finding_id}): {run.detail}",), ()
    return (), ()


def _outcome_of_tests(
    context: GateContext,
    cell: PairedCell,
    compared: Sequence[Comparison],
    findings: Sequence[GateFinding],
    open_tests: OpenTests,
) -> _Outcome:
    """How the requirement of a cell came out; the first rule that applies holds.

    Args:
        context: What the cells are judged by.
        cell: The cell with the runs that count.
        compared: All tests of the cell, compared.
        findings: What speaks against the candidates.
        open_tests: The tests that speak neither for nor against them.
    """
    failed = [finding for finding in findings if finding.state == "failed"]
    if failed:
        return _Outcome("failed", failed[0].sentence + _and_more(failed), failed[0].remedy)
    if open_tests.undecided:
        sentence = open_tests.undecided[0] + _and_more(open_tests.undecided)
        return _undecided(cell, sentence, "run the gate again, or fix the test")
    unused = [c.name for c in context.candidates if not _is_exercised(context, c.name, compared)]
    if unused:
        sentence = f"no test that passes in both arms uses {and_list(unused)}"
        return _undecided(
            cell, sentence, f"write a smoke test that uses {and_list(unused)} together with other components"
        )
    if findings:
        waived = findings[0]
        return _Outcome("waived", f"{waived.sentence} (waived: {waived.waiver})", waived.remedy)
    return _Outcome("satisfied", _satisfied(context, cell, compared))


def _and_more(items: Sequence[object]) -> str:
    return f" (and {len(items) - 1} more)" if len(items) > 1 else ""


def _is_exercised(context: GateContext, distribution: str, compared: Iterable[Comparison]) -> bool:
    """Whether a test that uses a candidate passes with it, and was tried with the release that it replaces.

    An import does not count, unless imports are all that the policy asks for. A candidate that moves with another
    component is exercised by the tests of that component.
    """
    only_imports = LEVELS.index(context.policy.level) <= LEVELS.index("import")
    names = {distribution, context.leaders.get(distribution, distribution)}
    return any(
        comparison.comparison in ("passes", "fixed")
        and (only_imports or LEVELS.index(comparison.level) > LEVELS.index("import"))
        and names & set(comparison.result.components)
        for comparison in compared
    )


def _doubt_about_joint_tests(context: GateContext, cell: PairedCell, compared: Iterable[Comparison]) -> tuple[str, ...]:
    """A doubt, if the cell holds several components and no test that passes in both arms uses a candidate with another.

    Artifacts can cross between two releases of one component, so a cell of artifacts needs no such test. A policy that
    asks for imports alone needs none either.
    """
    present = component_versions(context, cell)
    ownership = Ownership(context.components, present)
    others = (
        set(ownership.users(tuple(context.components[name].distribution for name in present)))
        - context.moving_components
    )
    only_imports = LEVELS.index(context.policy.level) <= LEVELS.index("import")
    if not others or only_imports or cell.direction is not None:
        return ()
    for comparison in compared:
        users = set(ownership.users(comparison.result.components))
        if comparison.comparison in ("passes", "fixed") and len(users) > 1 and users & context.moving_components:
            return ()
    named = " or ".join(sorted(others))
    return (f"no test that passes in both arms uses {context.names} together with {named}",)


def _satisfied(context: GateContext, cell: PairedCell, compared: Sequence[Comparison]) -> str:
    """How many tests pass with the candidates, and whether they passed before."""
    counts = _count(compared)
    fixed = counts.get("fixed", 0)
    passing = counts.get("passes", 0) + fixed
    applicable = sum(counts.values()) - counts.get("skipped", 0)
    if passing == 1:
        tests, they = "1 test passes", "it"
    else:
        tests, they = f"{'all ' if passing == applicable else ''}{passing} tests pass", "they"
    before = f", as {they} did with {context.replaced}"
    if fixed:
        before = f"; {fixed} of them did not pass with {context.replaced}"
    depths = candidate_depths(context, depths_of_arm(context, cell))
    used = [f"{depth.tests} of them use {name}, up to {depth.level}" for name, depth in depths.items()]
    some = [use for use, depth in zip(used, depths.values(), strict=True) if depth.tests < passing]
    return "; ".join([f"{cell.place}: {tests}{before}", *some])


def _count(compared: Iterable[Comparison]) -> dict[str, int]:
    """How many tests had each comparison that occurs, in the order of OUTCOMES."""
    counts = Counter(comparison.comparison for comparison in compared)
    return {outcome: counts[outcome] for outcome in OUTCOMES if counts[outcome]}


# ---------------------------------------------------------------------------------------------------------------------
# The record
# ---------------------------------------------------------------------------------------------------------------------


def _undecided(cell: GateCell, sentence: str, remedy: str) -> _Outcome:
    return _Outcome("undecided", f"{cell.place}: {sentence}", remedy)


def _requirement(
    context: GateContext,
    cell: PairedCell | UntriedCell,
    outcome: _Outcome,
    *,
    findings: tuple[GateFinding, ...] = (),
    doubts: tuple[str, ...] = (),
    counts: Mapping[str, int] | None = None,
) -> GateRequirement:
    """The requirement of a cell whose arms can be run.

    Args:
        context: What the cells are judged by.
        cell: The cell.
        outcome: How it came out.
        findings: What speaks against the candidates.
        doubts: Sentences that ask for a human's judgement.
        counts: How many tests had each comparison.
    """
    paired = cell if isinstance(cell, PairedCell) else cell.paired
    return GateRequirement(
        id=cell.id,
        rule=cell.rule,
        weight=cell.weight,
        what=cell.label,
        python=cell.python,
        state=outcome.state,
        sentence=outcome.sentence,
        remedy=outcome.remedy,
        evidence=_shown_runs(context, paired) if paired else (),
        findings=findings,
        counts=dict(counts or {}),
        doubts=doubts,
        differs=paired.differs if paired else (),
        components=depths_of_arm(context, paired) if paired else {},
        reproduce=reproduce_command(context, paired) if paired else "",
    )


def _shown_runs(context: GateContext, cell: PairedCell) -> tuple[ShownRun, ...]:
    """The runs of both arms that are young enough to count."""
    return tuple(
        ShownRun(
            arm=name,
            run=run.id,
            lock=run.lock_id,
            started=run.started,
            outcome=run.outcome,
            versions=arm.requested(),
        )
        for name, arm in cell.since(context.oldest).arms
        for run in arm.evidence
    )
