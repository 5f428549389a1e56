"""Whether a release may ship: policy, results and waivers in, a decision with reasons out. Pure functions over records.

The gate is a paired experiment. Each cell has two arms that are locked alike but for the candidate: the control has the
release that the candidate would replace. A test counts against the candidate only if it passes in the control and fails
in the candidate's arm, twice in the same way, each time in a fresh environment. Policy, results and waivers are kept
apart, as in Greenwave; each requirement has a sentence and a remedy, as in the migration excuses of Debian.

:mod:`stackcompat.gate.evaluate` judges each cell. Here the requirements of all cells become one decision.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from stackcompat.ecosystem.components import Components
from stackcompat.evidence.results import Evidence
from stackcompat.gate.candidate import Candidate
from stackcompat.gate.cells import GateCell, PairedCell
from stackcompat.gate.comparison import compare
from stackcompat.gate.context import GateContext, make_context
from stackcompat.gate.depth import shallowest_candidate
from stackcompat.gate.evaluate import evaluate_cell
from stackcompat.gate.exemptions import report_exemptions
from stackcompat.gate.flaky import report_flaky
from stackcompat.gate.model import Decision, FalseReds, GateReport, GateRequirement, JudgedCandidate, NotTested
from stackcompat.gate.policy import GatePolicy
from stackcompat.gate.waivers import Waivers
from stackcompat.verdict.closed import count_closed

__all__ = ["certain_block", "decide", "false_reds"]


class _Reason(NamedTuple):
    """A decision, the sentence that gives its reason, and what to do about it."""

    decision: Decision
    sentence: str
    remedy: str = ""


def decide(
    cells: Iterable[GateCell],
    candidates: Sequence[Candidate],
    policy: GatePolicy,
    waivers: Waivers,
    components: Components,
    *,
    not_tested: Sequence[NotTested] = (),
    as_of: dt.datetime | None = None,
    platform: str,
    now: dt.datetime,
    seconds: float = 0.0,
) -> GateReport:
    """The decision on `candidates`, which are judged as one set.

    Args:
        cells: The cells of the policy, with all of their runs.
        candidates: The releases to judge.
        policy: What they must pass.
        waivers: The exceptions to it.
        components: The ecosystem.
        not_tested: What could not be asked or locked, and why.
        as_of: The day to which the index was taken back; None: today.
        platform: The platform that the cells ran on.
        now: The time of the decision.
        seconds: How long the gate took so far.
    """
    context = make_context(candidates, policy, waivers, components, now)
    cells = tuple(cells)
    evaluations = [evaluate_cell(context, cell) for cell in cells]
    requirements = [requirement for evaluation in evaluations for requirement in evaluation.requirements]
    flaky, quarantines = report_flaky(context, [evaluation.flaky_rates for evaluation in evaluations])
    used = [exemption for evaluation in evaluations for exemption in evaluation.exemptions]
    tried = [evaluation.versions for evaluation in evaluations if evaluation.versions]
    reason = _reason(context, requirements)
    return GateReport(
        decision=reason.decision,
        sentence=reason.sentence,
        remedy=reason.remedy,
        candidates=tuple(_judged(candidate) for candidate in candidates),
        policy=policy.title,
        as_of=as_of,
        platform=platform,
        generated=now,
        seconds=round(seconds, 1),
        requirements=tuple(requirements),
        not_tested=(*not_tested, *(row for evaluation in evaluations for row in evaluation.not_tested)),
        flaky=flaky,
        waivers=report_exemptions(context, [*used, *quarantines], tried),
        closed=count_closed(run for cell in cells if isinstance(cell, PairedCell) for run in _runs(cell)),
    )


def _runs(cell: PairedCell) -> tuple[Evidence, ...]:
    return (*cell.control.evidence, *cell.candidate.evidence)


def certain_block(context: GateContext, cell: GateCell) -> str:
    """Why the decision is BLOCK, whatever the other cells say, with what to do about it; empty if it is open.

    Args:
        context: What the cells are judged by.
        cell: A cell of which each failure was repeated as often as the policy wants.
    """
    failed = (
        requirement
        for requirement in evaluate_cell(context, cell).requirements
        if requirement.weight == "required" and requirement.state == "failed"
    )
    return next((f"{requirement.sentence}; {requirement.remedy}" for requirement in failed), "")


def _judged(candidate: Candidate) -> JudgedCandidate:
    return JudgedCandidate(
        name=candidate.name,
        version=candidate.version,
        replaces=candidate.replaces,
        source=candidate.source,
    )


def _reason(context: GateContext, requirements: Sequence[GateRequirement]) -> _Reason:
    """The decision that follows from the requirements; the first rule that applies holds.

    BLOCK: a required requirement failed. CANNOT-TELL: there is no required requirement, or one is undecided.
    NEEDS-REVIEW: a requirement of weight ``review`` failed, or a requirement of weight ``required`` or ``review`` has a
    doubt. PASS: none of these. Requirements of weight ``informing`` decide nothing.
    """
    required = [requirement for requirement in requirements if requirement.weight == "required"]
    counted = [requirement for requirement in requirements if requirement.weight != "informing"]
    if blocking := [requirement for requirement in required if requirement.state == "failed"]:
        return _Reason("BLOCK", blocking[0].sentence, blocking[0].remedy)
    if not required:
        sentence = "no required cell could be made, so nothing was decided"
        return _Reason("CANNOT-TELL", sentence, "see what was not tested, and why")
    if undecided := [requirement for requirement in required if requirement.state == "undecided"]:
        return _Reason("CANNOT-TELL", undecided[0].sentence, undecided[0].remedy)
    if failed := [requirement for requirement in counted if requirement.state == "failed"]:
        return _Reason("NEEDS-REVIEW", failed[0].sentence, failed[0].remedy)
    if doubts := [doubt for requirement in counted for doubt in requirement.doubts]:
        return _Reason("NEEDS-REVIEW", doubts[0], "look at it, and quarantine or waive what is known")
    passes = "passes" if len(context.candidates) == 1 else "pass"
    cells = "the only required cell" if len(required) == 1 else f"all {len(required)} required cells"
    waived = sum(requirement.state == "waived" for requirement in required)
    waivers = ""
    if waived:
        waivers = ", by a waiver" if len(required) == 1 else f", {waived} of them by a waiver"
    level = shallowest_candidate(context, required)
    depth = f" up to {level}" if level is not None else ""
    return _Reason("PASS", f"{context.releases} {passes} {cells}{depth}{waivers}")


def false_reds(cells: Iterable[GateCell]) -> FalseReds:
    """How many tests of an A/A run came out differently, although both arms were equal: errors of the gate."""
    comparisons = [
        comparison.comparison
        for cell in cells
        if isinstance(cell, PairedCell)
        for comparison in compare(cell.control.evidence, cell.candidate.evidence)
        if comparison.comparison != "skipped"
    ]
    different = sum(comparison not in ("passes", "broken-before") for comparison in comparisons)
    rate = round(different / len(comparisons), 6) if comparisons else 0.0
    return FalseReds(different=different, compared=len(comparisons), rate=rate)
