"""What the nights before the last one showed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from stackcompat.core.redact import public
from stackcompat.evidence.results import Failure, TestResult
from stackcompat.evidence.runs import PlannedCell
from stackcompat.evidence.sweep import imported_in
from stackcompat.table.failures import FailureGroup
from stackcompat.verdict.history import GREEN, RED, CellAtRun, History, VersionChange, changed_since
from stackcompat.verdict.signature import failure_kind, failure_of, has_particulars
from stackcompat.verdict.verdict import CellVerdict

__all__ = [
    "EarlierNights",
    "FailureKey",
    "LastPass",
    "earlier_nights",
    "key_of_failure",
    "key_of_group",
    "kind_of",
    "passed_tests",
    "tests_with_failure",
]


class FailureKey(NamedTuple):
    """What a failure is recognised by from night to night.

    Attributes:
        signature: Its signature.
        test: The test that fails, if the signature alone says too little (a crash, a bare assertion); else empty.
    """

    signature: str
    test: str


class LastPass(NamedTuple):
    """When a failure of the last night was not there yet.

    Attributes:
        green: The cell in the latest run in which its test passed (for a cell that did not come as far as its tests,
            the latest run in which the cell worked). None: there is no such run.
        moved: What differs since then.
        is_new_test: Whether the cell was tried before and did not have the test then.
    """

    green: CellAtRun | None
    moved: tuple[VersionChange, ...]
    is_new_test: bool


@dataclass
class EarlierNights:
    """What the runs before the last one showed of each cell (by its id), and every failure that they saw.

    Attributes:
        judged: The latest run in which a cell was green or red. Infrastructure does not count.
        green: The latest run in which a cell was green.
        passed: The latest run in which a test passed in a cell, by the id of the cell and the test.
        failed: The latest run in which it was confirmed to fail there.
        tests: The tests that some run had in a cell.
        failures: All failures.
        broken_features: Every feature that did not work, with its failure.
        swept: The latest run in which modules of a cell were swept.
    """

    judged: dict[str, CellAtRun] = field(default_factory=dict)
    green: dict[str, CellAtRun] = field(default_factory=dict)
    passed: dict[tuple[str, str], CellAtRun] = field(default_factory=dict)
    failed: dict[tuple[str, str], CellAtRun] = field(default_factory=dict)
    tests: dict[str, set[str]] = field(default_factory=dict)
    failures: set[FailureKey] = field(default_factory=set)
    broken_features: set[tuple[str, FailureKey]] = field(default_factory=set)
    swept: dict[str, CellAtRun] = field(default_factory=dict)

    def was_green(self, cell: str) -> bool:
        """Whether a cell was green when it was last judged."""
        return cell in self.judged and self.judged[cell].verdict.verdict in GREEN

    def was_passing(self, cell: str, test: str) -> bool:
        """Whether a test passed in a cell when it last passed or failed there."""
        passed, failed = self._passed(cell, test), self.failed.get((cell, test))
        return passed is not None and (failed is None or failed.run.started < passed.run.started)

    def _passed(self, cell: str, test: str) -> CellAtRun | None:
        """The latest run in which a test passed in a cell. A module that a sweep imports has no status of its own."""
        swept = self.swept.get(cell)
        return swept if swept is not None and test in _imported(swept) else self.passed.get((cell, test))

    def last_pass(self, now: CellAtRun, tests: Collection[str]) -> LastPass:
        """When a failure of the last night was not there yet.

        Args:
            now: The cell in the last night.
            tests: The tests that show the failure in this cell; none if the cell did not come as far as its tests. Of
                several, the one that passed last tells.
        """
        cell = now.planned.cell.id
        if not tests:
            green = self.green.get(cell)
            return LastPass(green, changed_since(green, now), is_new_test=False)
        passes = [passed for test in tests if (passed := self._passed(cell, test)) is not None]
        green = max(passes, key=lambda passed: passed.run.started, default=None)
        had = self.tests.get(cell, set())
        is_new_test = bool(had) and green is None and had.isdisjoint(tests)
        return LastPass(green, changed_since(green, now, of_test=True), is_new_test)


def earlier_nights(history: History, wanted: Callable[[PlannedCell], bool] = lambda _: True) -> EarlierNights:
    """What all runs of a history but the last one showed.

    Args:
        history: The history.
        wanted: Says which cells are wanted.
    """
    nights = EarlierNights()
    for index in range(len(history.runs) - 1):
        for cell in history.seen(index, wanted):
            _note(nights, cell)
    return nights


def _note(nights: EarlierNights, cell: CellAtRun) -> None:
    """Add what one run showed of a cell."""
    cell_id, verdict = cell.planned.cell.id, cell.verdict
    if verdict.verdict in RED | GREEN:
        nights.judged[cell_id] = cell
    if verdict.verdict in GREEN:
        nights.green[cell_id] = cell
    if verdict.swept:
        before = nights.swept.get(cell_id)
        lost = {status.result.test for status in verdict.swept} & _imported(before) if before is not None else set()
        nights.passed |= {(cell_id, test): before for test in lost if before is not None}
        nights.swept[cell_id] = cell
    for status in (*verdict.statuses, *verdict.swept):
        test = status.result.test
        nights.tests.setdefault(cell_id, set()).add(test)
        if status.state == "passed":
            nights.passed[cell_id, test] = cell
        elif status.state in ("confirmed", "feature-broken"):
            nights.failed[cell_id, test] = cell
    nights.failures |= _failures(verdict)
    nights.broken_features |= {(test.feature, key_of_failure(test)) for test in verdict.broken_features}


def _failures(verdict: CellVerdict) -> set[FailureKey]:
    """The failures of a cell, as :func:`stackcompat.table.failures.group_failures` tells them apart."""
    return {FailureKey(public(verdict.sentence), ""), *(key_of_failure(result) for result in verdict.failures)}


def key_of_failure(test: TestResult) -> FailureKey:
    """What the failure of a test is recognised by."""
    failure = failure_of(test)
    return FailureKey(failure.signature, "" if has_particulars(failure) else test.test)


def key_of_group(group: FailureGroup) -> FailureKey:
    """What a failure of the table is recognised by."""
    failure = Failure(type=group.type, message=group.message, package=group.package, where=group.where)
    if not group.tests or has_particulars(failure):
        return FailureKey(group.signature, "")
    return FailureKey(group.signature, group.tests[0])


def kind_of(key: FailureKey) -> FailureKey:
    """What a failure is recognised by in other releases: the numbers in its message do not count."""
    return FailureKey(failure_kind(key.signature), key.test)


def tests_with_failure(results: Iterable[TestResult], key: FailureKey) -> tuple[str, ...]:
    """The tests that show a failure."""
    return tuple(result.test for result in results if key_of_failure(result) == key)


def passed_tests(cell: CellAtRun) -> frozenset[str]:
    """The tests that passed in a cell, those of modules that sweeps imported among them."""
    passed = (status.result.test for status in cell.verdict.statuses if status.state == "passed")
    return frozenset(passed) | _imported(cell)


def _imported(cell: CellAtRun) -> frozenset[str]:
    """The tests of the modules that sweeps imported in a cell."""
    return frozenset(imported_in(status.result for status in cell.verdict.swept))
