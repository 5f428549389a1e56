"""Whether a release may ship: policy, results and waivers in, a decision with reasons out. Pure functions over records.

The gate is a paired experiment. Each cell has two arms, locked alike but for the candidate: the control has the release
that the candidate would replace. Only what passes in the control and fails in the candidate's arm, and fails again the
same way in a fresh environment, counts against the candidate. That policy, results and waivers are kept apart is
Greenwave's design; a sentence with a remedy for each requirement is that of Debian's migration excuses.

A requirement that failed blocks, one that is undecided leaves the gate unable to tell, and so does a plan in which
nothing is required. What a requirement is comes from :mod:`stackcompat.gate.evaluate`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from stackcompat.ecosystem.components import Components
from stackcompat.gate.candidate import Candidate
from stackcompat.gate.comparison import compare
from stackcompat.gate.evaluate import Hearing
from stackcompat.gate.model import Decision, FalseReds, GateReport, JudgedCandidate, NotTested, PairedCell
from stackcompat.gate.policy import GatePolicy, Waivers

__all__ = ["decide", "false_reds"]


def decide(
    cells: Sequence[PairedCell],
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
    """The decision on `candidates`, who are judged as one set.

    BLOCK: a required cell failed. CANNOT-TELL: one is undecided, or none is required. NEEDS-REVIEW: a cell of weight
    ``review`` failed, a flaky test is in no quarantine, or something else asks for a human. Else PASS. What is only
    told decides nothing.
    """
    hearing = Hearing(candidates, policy, waivers, components, now)
    requirements = [requirement for cell in cells for requirement in hearing.hear(cell)]
    required = [r for r in requirements if r.weight == "required"]
    heeded = [r for r in requirements if r.weight != "informing"]
    decision: Decision = "PASS"
    remedy = ""
    if blocking := [r for r in required if r.state == "failed"]:
        decision, sentence, remedy = "BLOCK", blocking[0].sentence, blocking[0].remedy
    elif not required:
        decision, sentence = "CANNOT-TELL", "no required cell could be made, so nothing was decided"
        remedy = "see what was not tested, and why"
    elif unknown := [r for r in required if r.state == "undecided"]:
        decision, sentence, remedy = "CANNOT-TELL", unknown[0].sentence, unknown[0].remedy
    elif asking := [r for r in heeded if r.state == "failed"]:
        decision, sentence, remedy = "NEEDS-REVIEW", asking[0].sentence, asking[0].remedy
    elif doubts := [doubt for r in heeded for doubt in r.doubts]:
        decision, sentence = "NEEDS-REVIEW", doubts[0]
        remedy = "look at it, and quarantine or waive what is known"
    else:
        waived = sum(r.state == "waived" for r in required)
        told = f", {waived} of them by a waiver" if waived else ""
        cells_ = "cell holds" if len(required) == 1 else "cells hold"
        sentence = f"{len(required)} required {cells_} with {hearing.subject}{told}"
    return GateReport(
        decision=decision,
        sentence=sentence,
        remedy=remedy,
        candidates=tuple(
            JudgedCandidate(name=c.name, version=c.version, replaces=c.replaces, source=c.source) for c in candidates
        ),
        policy=policy.title,
        as_of=as_of,
        platform=platform,
        generated=now,
        seconds=round(seconds, 1),
        requirements=tuple(requirements),
        not_tested=(*not_tested, *hearing.not_tested),
        flaky=hearing.flaky(),
        waivers=hearing.waiver_reports(),
    )


def false_reds(cells: Iterable[PairedCell]) -> FalseReds:
    """What the cells of an A/A run say of the gate itself."""
    compared = [
        c
        for cell in cells
        if cell.control and cell.candidate
        for c in compare(cell.control.evidence, cell.candidate.evidence)
    ]
    counted = [c for c in compared if c.comparison != "skipped"]
    different = sum(c.comparison not in ("passes", "broken-before") for c in counted)
    rate = round(different / len(counted), 6) if counted else 0.0
    return FalseReds(different=different, compared=len(counted), rate=rate)
