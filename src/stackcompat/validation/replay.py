"""Measures the gate on releases of the past: each is judged as on the day before its upload.

A file of cases says which decision is known to be right, and which texts the decision must hold. The index is taken
back to that day: later uploads are left out, except for the candidate and the components that move with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from stackcompat.core.dates import parse_date
from stackcompat.core.record import Record
from stackcompat.core.requirements import PythonText
from stackcompat.core.toml import Table, load_record
from stackcompat.gate.gate import run_gate
from stackcompat.gate.model import Decision, GateReport
from stackcompat.gate.options import GateOptions
from stackcompat.gate.policy import GatePolicy
from stackcompat.pipeline.runner import Runner

__all__ = ["Replay", "ReplayCase", "Replayed", "compare_case", "load_replay", "replay"]


class ReplayCase(Table):
    """A release of the past.

    Attributes:
        candidates: The candidates as a person writes them.
        exclude_newer: The day to which the index is taken back.
        pythons: The Pythons to try; none: those of the policy.
        decision: The decision that is known to be right.
        names: Texts that the sentence or the remedy of the decision must hold.
        note: What happened when it was released.
    """

    candidates: Annotated[tuple[str, ...], Field(min_length=1)]
    exclude_newer: dt.date
    pythons: tuple[PythonText, ...] = ()
    decision: Decision
    names: tuple[str, ...] = ()
    note: str = ""

    @field_validator("exclude_newer")
    @classmethod
    def _is_past(cls, value: dt.date) -> dt.date:
        parse_date(value)
        return value


class Replay(Table):
    """A file of cases.

    Attributes:
        title: The title of the report.
        policy: The name of the policy file by which the cases are judged; it lies in the same folder.
        cases: The releases of the past.
    """

    title: str
    policy: str
    cases: Annotated[tuple[ReplayCase, ...], Field(min_length=1)]


class Replayed(Record):
    """One case as the gate judged it.

    Attributes:
        case: The case.
        report: The report of the gate.
        wrong: How the decision differs from the known one; empty if it does not.
    """

    case: ReplayCase
    report: GateReport
    wrong: str = ""


def load_replay(path: Path) -> Replay:
    """Read a file of cases.

    Raises:
        UsageError: The file has a mistake; the first one is named.
    """
    return load_record(path, Replay)


def compare_case(case: ReplayCase, report: GateReport) -> str:
    """How the decision of `report` differs from the known one; empty if it does not."""
    if report.decision != case.decision:
        return f"{report.decision}, known to be {case.decision}: {report.summary()}"
    missing = [name for name in case.names if name not in report.summary()]
    return f"does not name {', '.join(missing)}: {report.summary()}" if missing else ""


def replay(
    cases: Sequence[ReplayCase], policy: GatePolicy, runner: Runner, *, exchange: Runner | None = None
) -> tuple[Replayed, ...]:
    """Judge every case, without waivers.

    Args:
        cases: The releases of the past.
        policy: What they must pass.
        runner: Locks and runs cells; its store keeps the evidence.
        exchange: Runs the tests that write and read artifacts, for a policy that asks for them.
    """
    replayed = []
    for case in cases:
        day = parse_date(case.exclude_newer)
        options = GateOptions(policy=policy, pythons=case.pythons or policy.pythons, as_of=day)
        report = run_gate(case.candidates, options, runner, exchange=exchange)
        replayed.append(Replayed(case=case, report=report, wrong=compare_case(case, report)))
    return tuple(replayed)
