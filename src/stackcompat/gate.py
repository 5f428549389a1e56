"""Whether a release may ship: policy, results and waivers in, a decision with reasons out. Pure functions over records.

The gate is a paired experiment. Each cell has two arms, locked alike but for the candidate: the control has the release
that the candidate would replace. Only what passes in the control and fails in the candidate's arm, and fails again the
same way in a fresh environment, counts against the candidate. That policy, results and waivers are kept apart is
Greenwave's design; a sentence with a remedy for each requirement is that of Debian's migration excuses.

A requirement that failed blocks, one that is undecided leaves the gate unable to tell, and so does a plan in which
nothing is required. What a requirement is comes from :mod:`stackcompat.hearing`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Literal

from stackcompat.candidate import Candidate
from stackcompat.comparison import compare
from stackcompat.hearing import Hearing
from stackcompat.matrix import Components
from stackcompat.policy import GatePolicy, Waivers
from stackcompat.record import Record
from stackcompat.requirement import Flaky, NotTested, PairedCell, Requirement, WaiverReport

__all__ = ["SCHEMA_VERSION", "Decision", "FalseReds", "GateReport", "Judged", "decide", "false_reds"]

SCHEMA_VERSION = 1

Decision = Literal["PASS", "BLOCK", "NEEDS-REVIEW", "CANNOT-TELL"]


class Judged(Record):
    """A candidate as it is published: no paths."""

    name: str
    version: str
    replaces: str
    source: str


class FalseReds(Record):
    """Of an A/A run, in which both arms have the same lock: how many tests came out `different`, of how many."""

    different: int
    compared: int
    rate: float

    def said(self) -> str:
        """The same in words."""
        rate = f" ({100 * self.rate:.1f} %)" if self.compared else ""
        return f"A/A: {self.different} of {self.compared} tests came out differently{rate}"


class GateReport(Record):
    """The decision and everything it rests on.

    `as_of` is the day that was gone back to, `seconds` of wall clock, `alike` the outcome of an A/A run.
    """

    schema_version: int = SCHEMA_VERSION
    decision: Decision
    sentence: str
    remedy: str = ""
    candidates: tuple[Judged, ...]
    policy: str
    as_of: dt.datetime | None = None
    platform: str
    generated: dt.datetime
    seconds: float
    requirements: tuple[Requirement, ...]
    not_tested: tuple[NotTested, ...] = ()
    flaky: tuple[Flaky, ...] = ()
    waivers: tuple[WaiverReport, ...] = ()
    alike: FalseReds | None = None

    def said(self) -> str:
        """The sentence with its remedy."""
        return f"{self.sentence}; {self.remedy}" if self.remedy else self.sentence


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
    heeded = [r for r in requirements if r.weight != "told"]
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
            Judged(name=c.name, version=c.version, replaces=c.replaces, source=c.source) for c in candidates
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
