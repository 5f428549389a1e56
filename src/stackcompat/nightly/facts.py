"""What an issue says about a red subject: the failure of the last run, its culprit, and how to reproduce it. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from stackcompat.blame.diagnosis import Diagnoses
from stackcompat.core.record import Record, digest
from stackcompat.core.redact import public
from stackcompat.core.vocabulary import WORST_FIRST
from stackcompat.ecosystem.components import Components
from stackcompat.nightly.breaks import blamed_releases, is_sure
from stackcompat.nightly.earlier import (
    EarlierNights,
    FailureKey,
    earlier_nights,
    key_of_failure,
    key_of_group,
    kind_of,
)
from stackcompat.nightly.signals import Subject
from stackcompat.plan.places import USUAL_PLACES, Places
from stackcompat.table.build import summarise
from stackcompat.table.failures import FailureGroup
from stackcompat.table.plain_lines import plain_lines
from stackcompat.table.summary import Summary
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.history import RED, CellAtRun, History, VersionChange, is_today
from stackcompat.verdict.outcomes import TestStatus, why
from stackcompat.verdict.pairs import PairVerdict
from stackcompat.verdict.signature import failure_of

__all__ = ["Facts", "LastRun", "facts_of", "judge_last_run"]

#: The states of a test that an issue explains, worst first.
_RED_STATES = ("confirmed", "feature-broken", "flaky", "unconfirmed")


class Facts(Record):
    """What an issue says.

    Attributes:
        signature: The failure.
        failure: The id of the failure. Reports of one failure have the same id, whatever the numbers in their messages.
        culprits: The releases to blame, ``name version`` each.
        sure: Whether the culprits are certain.
        suspects: Titles of the components that the failure points at.
        moved: What differs since the test last passed in the cell. Where the cell did not come as far as its tests:
            since the cell last worked.
        last_green: When that run began; None: there is none.
        is_new_test: Whether the cell was tried before and did not have the test then.
        of_test: Whether a test shows the failure, and not a cell that did not come as far as its tests.
        python: The Python of the cell that shows the failure.
        installed: The components of that cell.
        reproduce: The command that shows the failure again.
        plain: The lines of a shell that show it without this tool.
        details: The traceback, or the chain of bounds.
    """

    signature: str
    failure: str = ""
    culprits: tuple[str, ...] = ()
    sure: bool = False
    suspects: tuple[str, ...] = ()
    moved: tuple[VersionChange, ...] = ()
    last_green: dt.datetime | None = None
    is_new_test: bool = False
    of_test: bool = True
    python: str
    installed: tuple[str, ...] = ()
    reproduce: str
    plain: tuple[str, ...] = ()
    details: str = ""


@dataclass(frozen=True)
class LastRun:
    """The last run of a history, judged.

    Attributes:
        summary: The table of the last run.
        earlier: What the nights before it showed.
        pairs: What it says of each pair, by the subject's name.
        tests: The status of each test in each cell, by the id of the test.
        cells: The cells of the run, by their ids.
        components: The components of the ecosystem.
        places: Where the ecosystem has its published table and its tests.
    """

    summary: Summary
    earlier: EarlierNights
    pairs: Mapping[str, Sequence[PairVerdict]]
    tests: Mapping[str, Sequence[tuple[CellAtRun, TestStatus]]]
    cells: Mapping[str, CellAtRun]
    components: Components
    places: Places


def judge_last_run(
    history: History,
    components: Components,
    now: dt.datetime,
    diagnoses: Diagnoses | None,
    greens: Greens | None = None,
    places: Places = USUAL_PLACES,
) -> LastRun:
    """Judge the last run of a history.

    Args:
        history: The history, of at least one run.
        components: The components of the ecosystem.
        now: The time of the table.
        diagnoses: What searches for culprits have shown.
        greens: In which releases each smoke test was seen to pass; see :func:`stackcompat.verdict.verdict.judge`.
        places: Where the ecosystem has its published table and its tests.
    """
    last = len(history.runs) - 1
    tonight = history.runs[last]
    evidence = {planned.key: history.known(last, planned) for planned in tonight.cells if planned.key}
    return LastRun(
        summary=summarise(components, (tonight,), evidence, now, diagnoses=diagnoses, greens=greens, places=places),
        earlier=earlier_nights(history, is_today),
        pairs={f"{first} + {second}": pairs for (first, second), pairs in history.pairs(last).items()},
        tests=history.tests(last),
        cells={cell.planned.cell.id: cell for cell in history.seen(last)},
        components=components,
        places=places,
    )


def facts_of(subject: Subject, run: LastRun) -> Facts | None:
    """What an issue about a subject says; None: the last run has nothing red to say about it."""
    return _facts_of_pair(subject, run) if subject.kind == "pair" else _facts_of_test(subject, run)


def _facts_of_pair(subject: Subject, run: LastRun) -> Facts | None:
    """The facts of the cell that shows the worst verdict on the pair.

    Only verdicts whose witness is a cell of the last run count. The witness can also be a cell of an earlier night.
    """
    red = [
        pair
        for pair in run.pairs.get(subject.name, ())
        if pair.verdict in RED | {"flaky"} and pair.witness in run.cells
    ]
    if not red:
        return None
    worst = min(red, key=lambda pair: (WORST_FIRST.index(pair.verdict), pair.inferred))
    shown = [status for status in run.cells[worst.witness].verdict.statuses if status.result.test in worst.tests]
    alike = [status for status in shown if why(status.result) == worst.signature] or shown
    tests = [status.result.test for status in alike]
    return _facts_of_cell(worst.witness, alike[0], tests, run) if alike else _facts_without_tests(worst.witness, run)


def _facts_of_test(subject: Subject, run: LastRun) -> Facts | None:
    """The facts of the cell in which the test has its worst state."""
    red = [(cell, status) for cell, status in run.tests.get(subject.name, ()) if status.state in _RED_STATES]
    if not red:
        return None
    cell, status = min(red, key=lambda entry: _RED_STATES.index(entry[1].state))
    return _facts_of_cell(cell.planned.cell.id, status, [subject.name], run)


def _facts_without_tests(cell: str, run: LastRun) -> Facts:
    """The facts about a cell that did not come as far as its tests."""
    groups = [group for group in run.summary.failures if cell in group.cells and not group.tests]
    row = next(row for row in run.summary.cells if row.id == cell)
    group = next(iter(groups), None)
    key = FailureKey(group.signature if group else row.sentence, "")
    return _facts(cell, key, group, (), run)


def _facts_of_cell(cell: str, status: TestStatus, tests: Collection[str], run: LastRun) -> Facts:
    """The facts about the failure of a test in a cell.

    The table groups only the failures that a verdict rests on. If this is none of them (that of a feature test, or a
    flaky one in a broken cell), the test's own failure says everything.

    Args:
        cell: The cell's id.
        status: The status of the test.
        tests: The tests that show the same failure there. The one that passed last says what moved.
        run: The last run.
    """
    key = key_of_failure(status.result)
    groups = [group for group in run.summary.failures if cell in group.cells and status.result.test in group.tests]
    group = next((group for group in groups if key_of_group(group) == key), None)
    row = next(row for row in run.summary.cells if row.id == cell)
    lock = run.places.publication(row.lock) if row.lock else ""
    verdict = run.cells[cell].verdict
    plain = plain_lines(verdict, lock, run.components, run.places, status.result)
    facts = _facts(cell, key, group, tests, run).model_copy(update={"plain": plain})
    return facts if group else facts.model_copy(update={"details": public(failure_of(status.result).traceback)})


def _facts(cell: str, key: FailureKey, group: FailureGroup | None, tests: Collection[str], run: LastRun) -> Facts:
    """The facts about one failure in a cell.

    Args:
        cell: The cell's id.
        key: What the failure is recognised by.
        group: The failure, if the table has it.
        tests: The tests that show it in the cell; none if the cell did not come as far as its tests.
        run: The last run.
    """
    row = next(row for row in run.summary.cells if row.id == cell)
    green, changes, is_new_test = run.earlier.last_pass(run.cells[cell], tests)
    titles = run.summary.titles()
    culprits = blamed_releases(group, run.summary, changes) if group else ()
    return Facts(
        signature=key.signature,
        failure=digest("failure", *kind_of(key), length=8),
        culprits=culprits,
        sure=is_sure(group, culprits, changes),
        suspects=tuple(titles[name] for name in group.suspects) if group else (),
        moved=changes,
        last_green=green.run.started if green else None,
        is_new_test=is_new_test,
        of_test=bool(tests),
        python=row.python,
        installed=tuple(f"{titles[name]} {component.version}" for name, component in row.components.items()),
        reproduce=row.reproduce,
        plain=row.plain,
        details=group.details if group else "",
    )
