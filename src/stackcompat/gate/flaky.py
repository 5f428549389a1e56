"""Tests that fail and pass on the same lock, and how often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from stackcompat.gate.cells import Arm, PairedCell
from stackcompat.gate.context import GateContext
from stackcompat.gate.exemptions import find_quarantine
from stackcompat.gate.model import FlakyTest
from stackcompat.gate.waivers import Quarantine
from stackcompat.verdict.outcomes import classify

__all__ = ["FlakyRate", "count_runs", "flaky_rates", "report_flaky"]


class FlakyRate(NamedTuple):
    """In how many runs a test failed, and in how many it passed or failed at all."""

    failed: int
    runs: int


def count_runs(arm: Arm, test: str) -> FlakyRate:
    """How often `test` passed or failed in an arm, and how often it failed."""
    outcomes = [
        result.outcome
        for run in arm.evidence
        if run.outcome == "ran"
        for result in run.tests
        if result.test == test and result.reused is None and result.outcome in ("passed", "failed", "crashed")
    ]
    return FlakyRate(failed=len(outcomes) - outcomes.count("passed"), runs=len(outcomes))


def flaky_rates(cell: PairedCell) -> dict[str, FlakyRate]:
    """The rate of each flaky test of a cell, over the arms in which it is flaky."""
    rates: dict[str, FlakyRate] = {}
    for _, arm in cell.arms:
        for status in classify(arm.evidence):
            if status.state == "flaky":
                test = status.result.test
                rates[test] = _add(rates.get(test), count_runs(arm, test))
    return rates


def report_flaky(
    context: GateContext, rates: Iterable[Mapping[str, FlakyRate]]
) -> tuple[tuple[FlakyTest, ...], tuple[Quarantine, ...]]:
    """The flaky tests of all cells in order of name, and the quarantines that cover them.

    Args:
        context: What the cells are judged by.
        rates: The rates of each cell.
    """
    total: dict[str, FlakyRate] = {}
    for of_cell in rates:
        for test, rate in of_cell.items():
            total[test] = _add(total.get(test), rate)
    tests = []
    used = []
    for test, rate in sorted(total.items()):
        quarantine = find_quarantine(context, test)
        until = None
        if quarantine is not None:
            used.append(quarantine)
            until = quarantine.until
        tests.append(FlakyTest(test=test, failed=rate.failed, runs=rate.runs, quarantined_until=until))
    return tuple(tests), tuple(used)


def _add(first: FlakyRate | None, second: FlakyRate) -> FlakyRate:
    if first is None:
        return second
    return FlakyRate(failed=first.failed + second.failed, runs=first.runs + second.runs)
