"""What the nights before the last one showed. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from stackcompat.core.redact import public
from stackcompat.verdict.history import GREEN, RED, CellAtRun, History
from stackcompat.verdict.outcomes import classify
from stackcompat.verdict.signature import failure_of
from stackcompat.verdict.verdict import CellVerdict

__all__ = ["EarlierNights", "earlier_nights", "passed_tests"]


@dataclass
class EarlierNights:
    """What the runs before the last one showed of each cell (by its id), and every failure that they saw.

    Attributes:
        judged: The latest run in which a cell was green or red. Infrastructure does not count.
        green: The latest run in which a cell was green.
        signatures: The signatures of all failures.
        broken_features: Every feature that did not work, with the signature of its failure.
    """

    judged: dict[str, CellAtRun] = field(default_factory=dict)
    green: dict[str, CellAtRun] = field(default_factory=dict)
    signatures: set[str] = field(default_factory=set)
    broken_features: set[tuple[str, str]] = field(default_factory=set)

    def was_green(self, cell: str) -> bool:
        """Whether a cell was green when it was last judged."""
        return cell in self.judged and self.judged[cell].verdict.verdict in GREEN


def earlier_nights(history: History) -> EarlierNights:
    """What all runs of a history but the last one showed."""
    nights = EarlierNights()
    for index in range(len(history.runs) - 1):
        for cell in history.seen(index):
            verdict = cell.verdict
            if verdict.verdict in RED | GREEN:
                nights.judged[cell.planned.cell.id] = cell
            if verdict.verdict in GREEN:
                nights.green[cell.planned.cell.id] = cell
            nights.signatures |= _signatures(verdict)
            nights.broken_features |= {(test.feature, failure_of(test).signature) for test in verdict.broken_features}
    return nights


def _signatures(verdict: CellVerdict) -> set[str]:
    """As :func:`stackcompat.table.failures.group_failures` names the failures of a cell."""
    return {public(verdict.sentence), *(failure_of(result).signature for result in verdict.failures)}


def passed_tests(cell: CellAtRun) -> frozenset[str]:
    """The tests that passed in a cell."""
    return frozenset(status.result.test for status in classify(cell.runs) if status.state == "passed")
