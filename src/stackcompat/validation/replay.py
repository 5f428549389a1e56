"""How the gate is proved: real releases of the past, judged as on the day before they were uploaded.

A file of cases says for each which decision is known to be right, and whom the gate must name. The day's index is had
by leaving out what was uploaded later, save the candidate itself and what moves with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from stackcompat.core.dates import parse_date
from stackcompat.core.record import Record
from stackcompat.core.toml import Table, load_record
from stackcompat.gate.gate import run_gate
from stackcompat.gate.model import Decision, GateReport
from stackcompat.gate.options import GateOptions
from stackcompat.gate.policy import GatePolicy, Waivers
from stackcompat.pipeline.progress import Reporter
from stackcompat.pipeline.runner import BulkCatalog, Runner

__all__ = ["Replay", "ReplayCase", "Replayed", "compare_case", "load_replay", "replay"]


class ReplayCase(Table):
    """A release of the past. `names` are texts that the decision must hold; `note` says what happened then."""

    candidates: Annotated[tuple[str, ...], Field(min_length=1)]
    exclude_newer: dt.date
    pythons: tuple[str, ...] = ()
    decision: Decision
    names: tuple[str, ...] = ()
    note: str = ""

    @field_validator("exclude_newer")
    @classmethod
    def _past(cls, value: dt.date) -> dt.date:
        parse_date(value)
        return value


class Replay(Table):
    """A file of cases; `policy` is the policy file that they are judged by, beside this one."""

    title: str
    policy: str
    cases: Annotated[tuple[ReplayCase, ...], Field(min_length=1)]


class Replayed(Record):
    """One case as the gate judged it; `wrong` says how that differs from what is known (empty: as known)."""

    case: ReplayCase
    report: GateReport
    wrong: str = ""


def load_replay(path: Path) -> Replay:
    """Read a file of cases. Raises UsageError for the first mistake in it."""
    return load_record(path, Replay)


def compare_case(case: ReplayCase, report: GateReport) -> str:
    """How the decision differs from the known one; empty if not."""
    if report.decision != case.decision:
        return f"{report.decision}, known to be {case.decision}: {report.said()}"
    absent = [name for name in case.names if name not in report.said()]
    return f"does not name {', '.join(absent)}: {report.said()}" if absent else ""


def replay(
    cases: Sequence[ReplayCase],
    policy: GatePolicy,
    bench: Runner,
    catalog: BulkCatalog,
    reporter: Reporter,
    *,
    exchange: Runner | None = None,
) -> tuple[Replayed, ...]:
    """Judge every case, without waivers: history had none."""
    found = []
    for case in cases:
        day = parse_date(case.exclude_newer)
        terms = GateOptions(policy=policy, waivers=Waivers(), pythons=case.pythons or policy.pythons, as_of=day)
        report = run_gate(case.candidates, terms, bench, catalog, reporter, exchange=exchange)
        found.append(Replayed(case=case, report=report, wrong=compare_case(case, report)))
    return tuple(found)
