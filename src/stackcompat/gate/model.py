"""The gate's published records: the decision, what the policy asks of each cell, and what was found there."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Level
from stackcompat.gate.policy import Weight
from stackcompat.verdict.closed import ClosedCount
from stackcompat.verdict.depth import Depth

__all__ = [
    "SCHEMA_VERSION",
    "Decision",
    "ExemptionState",
    "FalseReds",
    "FlakyTest",
    "GateFinding",
    "GateReport",
    "GateRequirement",
    "JudgedCandidate",
    "NotTested",
    "RequirementState",
    "ShownRun",
    "WaiverReport",
]

SCHEMA_VERSION = 1


Decision = Literal["PASS", "BLOCK", "NEEDS-REVIEW", "CANNOT-TELL"]


RequirementState = Literal["satisfied", "failed", "waived", "undecided"]


ExemptionState = Literal["used", "unused", "expired"]


class JudgedCandidate(Record):
    """A candidate as it is published, without the paths of its files."""

    name: str
    version: str
    replaces: str
    source: str


class FalseReds(Record):
    """The result of an A/A run, in which both arms have the same lock.

    Attributes:
        different: How many tests came out differently in the two arms.
        compared: How many tests were compared.
        rate: `different` divided by `compared`, from 0 to 1.
    """

    different: int
    compared: int
    rate: float

    def summary(self) -> str:
        """The result in one line."""
        rate = f" ({100 * self.rate:.1f} %)" if self.compared else ""
        return f"A/A: {self.different} of {self.compared} tests came out differently{rate}"


class GateReport(Record):
    """The decision and everything that it rests on.

    Attributes:
        sentence: The reason of the decision.
        remedy: What to do about it; empty where there is nothing to do.
        policy: The title of the policy.
        as_of: The day to which the index was taken back; None: today.
        seconds: How long the gate took, in seconds of wall clock.
        alike: The result of an A/A run; None after any other run.
        closed: How far the runs were closed that the decision rests on.
    """

    schema_version: int = SCHEMA_VERSION
    decision: Decision
    sentence: str
    remedy: str = ""
    candidates: tuple[JudgedCandidate, ...]
    policy: str
    as_of: dt.datetime | None = None
    platform: str
    generated: dt.datetime
    seconds: float
    requirements: tuple[GateRequirement, ...]
    not_tested: tuple[NotTested, ...] = ()
    flaky: tuple[FlakyTest, ...] = ()
    waivers: tuple[WaiverReport, ...] = ()
    alike: FalseReds | None = None
    closed: ClosedCount = ClosedCount()

    def summary(self) -> str:
        """The sentence with its remedy."""
        return f"{self.sentence}; {self.remedy}" if self.remedy else self.sentence


class NotTested(Record):
    """Something that the decision does not rest on.

    Attributes:
        what: A release, a cell or a test.
        why: The reason.
        where: The cell, if `what` is a part of one.
    """

    what: str
    why: str
    where: str = ""


class ShownRun(Record):
    """A run that a requirement rests on.

    Attributes:
        run: The id of the evidence.
        lock: The id of the lock.
        started: When the run began.
        outcome: The outcome of the whole run.
        versions: The versions of the distributions that the arm asks for by name.
    """

    arm: Literal["control", "candidate"]
    run: str
    lock: str
    started: dt.datetime
    outcome: str
    versions: dict[str, str]


class GateFinding(Record):
    """One thing that speaks against the candidate.

    Attributes:
        id: Equal for the same failure in every cell. A waiver can name it as its `advisory`.
        components: The affected components, without the candidates.
        tests: The tests that fail in this way.
        signature: The failure without what changes from run to run.
        chain: The bounds that exclude each other, if the finding is about bounds.
        waiver: The reason of the waiver or quarantine that lets it pass; empty if there is none.
    """

    id: str
    state: Literal["failed", "waived"]
    sentence: str
    remedy: str
    level: Level
    components: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    signature: str = ""
    chain: tuple[str, ...] = ()
    waiver: str = ""


class GateRequirement(Record):
    """What the policy asks of the candidate in one cell, and how it came out.

    Attributes:
        rule: The rule of the policy that asks for it.
        weight: What a failure means.
        what: The cell in words.
        evidence: The runs of both arms.
        counts: How many tests had each comparison.
        doubts: Sentences that ask for a human's judgement.
        differs: Distributions that could not be locked alike in both arms.
        components: How deep each component, and each other requirement, was tried in the candidate's arm; empty where
            nothing ran.
        reproduce: A command that runs the candidate's arm again.
    """

    id: str
    rule: str
    weight: Weight
    what: str
    python: str
    state: RequirementState
    sentence: str
    remedy: str = ""
    evidence: tuple[ShownRun, ...] = ()
    findings: tuple[GateFinding, ...] = ()
    counts: dict[str, int] = {}
    doubts: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    components: dict[str, Depth] = {}
    reproduce: str = ""


class FlakyTest(Record):
    """A test that failed and passed on the same lock.

    Attributes:
        failed: How often it failed, in the arms where it is flaky.
        runs: How often it passed or failed there.
        quarantined_until: The last day of its quarantine; None: it is in no quarantine.
    """

    test: str
    failed: int
    runs: int
    quarantined_until: dt.date | None = None


class WaiverReport(Record):
    """A waiver or a quarantine, and whether it had a part in the decision.

    Attributes:
        what: What it is about.
        note: What to do about it, if it was not used.
    """

    what: str
    kind: Literal["waiver", "quarantine"]
    state: ExemptionState
    owner: str
    reason: str
    until: dt.date
    note: str = ""
