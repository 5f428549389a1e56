"""The gate's records: what it tried, found, waived and decided."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Level
from stackcompat.evidence.results import Evidence
from stackcompat.evidence.runs import PlannedCell
from stackcompat.gate.policy import Direction, Weight

__all__ = [
    "SCHEMA_VERSION",
    "Arm",
    "Decision",
    "Exclusion",
    "FalseReds",
    "FlakyTest",
    "GateFinding",
    "GateReport",
    "GateRequirement",
    "JudgedCandidate",
    "NotTested",
    "PairedCell",
    "ShownRun",
    "WaiverReport",
]

SCHEMA_VERSION = 1


Decision = Literal["PASS", "BLOCK", "NEEDS-REVIEW", "CANNOT-TELL"]


class JudgedCandidate(Record):
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

    def summary(self) -> str:
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

    def summary(self) -> str:
        """The sentence with its remedy."""
        return f"{self.sentence}; {self.remedy}" if self.remedy else self.sentence


# ---------------------------------------------------------------------------------------------------------------------
# Cells with two arms
# ---------------------------------------------------------------------------------------------------------------------


class Arm(Record):
    """One side of a paired cell: what was locked, and every run of that lock, oldest first."""

    planned: PlannedCell
    evidence: tuple[Evidence, ...] = ()

    def since(self, moment: dt.datetime) -> Arm:
        """The arm with the runs that began at `moment` or later."""
        return self.model_copy(update={"evidence": tuple(run for run in self.evidence if run.started >= moment)})

    def ran(self) -> bool:
        """Whether any run got as far as the tests."""
        return any(run.outcome == "ran" for run in self.evidence)


class Exclusion(Record):
    """The candidate and another component cannot be installed together, though the release it replaces could.

    `by` says whose bound it is: the candidate's (directly or by what it brings in), the other's, which is the usual way
    of things while that one waits for the candidate to be released, or the candidate's on a ``python`` that it drops.
    """

    by: Literal["candidate", "other", "python"]
    component: str
    sentence: str
    remedy: str
    chain: tuple[str, ...] = ()


class NotTested(Record):
    """Something that the decision does not rest on, and why. A test that had no say has its cell in `where`."""

    what: str
    why: str
    where: str = ""


class PairedCell(Record):
    """One cell of the gate with both arms. `differs` are distributions, other than the candidate, that are not alike.

    `untried` says why no arm was run; without a reason there are two arms, or an exclusion by the candidate.
    `direction` is there where artifacts cross between the two environments.
    """

    id: str
    rule: str
    weight: Weight
    label: str
    python: str
    control: Arm | None = None
    candidate: Arm | None = None
    differs: tuple[str, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    untried: str = ""
    direction: Direction | None = None


# ---------------------------------------------------------------------------------------------------------------------
# What they amount to
# ---------------------------------------------------------------------------------------------------------------------


class ShownRun(Record):
    """A run that a requirement rests on: `run` and `lock` are ids, `versions` what the components asked for were."""

    arm: Literal["control", "candidate"]
    run: str
    lock: str
    started: dt.datetime
    outcome: str
    versions: dict[str, str]


class GateFinding(Record):
    """One thing that speaks against the candidate. `id` is the same for the same failure everywhere."""

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

    `counts` are the comparisons of its tests; `doubts` are sentences that ask for a human's judgement; `reproduce` is a
    command that tries the candidate's arm again.
    """

    id: str
    rule: str
    weight: Weight
    what: str
    python: str
    state: Literal["satisfied", "failed", "waived", "undecided"]
    sentence: str
    remedy: str = ""
    evidence: tuple[ShownRun, ...] = ()
    findings: tuple[GateFinding, ...] = ()
    counts: dict[str, int] = {}
    doubts: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    reproduce: str = ""


class FlakyTest(Record):
    """A test that was red and green on the same lock: how often it failed of how many runs, in both arms."""

    test: str
    failed: int
    runs: int
    quarantined_until: dt.date | None = None


class WaiverReport(Record):
    """A waiver or a quarantine, and whether it had a part in the decision."""

    what: str
    kind: Literal["waiver", "quarantine"]
    state: Literal["used", "unused", "expired"]
    owner: str
    reason: str
    until: dt.date
    note: str = ""
