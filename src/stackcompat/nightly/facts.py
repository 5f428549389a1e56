"""What an issue says about a red subject: the failure of the last run, its culprit, and how to reproduce it. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stackcompat.blame.diagnosis import Diagnoses
from stackcompat.core.record import Record
from stackcompat.core.redact import public
from stackcompat.core.vocabulary import WORST_FIRST
from stackcompat.ecosystem.components import Components
from stackcompat.nightly.breaks import blamed_releases
from stackcompat.nightly.signals import Subject
from stackcompat.table.build import summarise
from stackcompat.table.failures import FailureGroup
from stackcompat.table.summary import Summary
from stackcompat.verdict.history import RED, CellAtRun, History, VersionChange, changed_since
from stackcompat.verdict.outcomes import TestStatus
from stackcompat.verdict.pairs import PairVerdict
from stackcompat.verdict.signature import failure_of

__all__ = ["Facts", "LastRun", "facts_of", "judge_last_run", "tests_of_pair"]

#: The states of a test that need an explanation, worst first.
_RED_STATES = ("confirmed", "feature-broken", "flaky", "unconfirmed")


class Facts(Record):
    """What an issue says.

    Attributes:
        signature: The failure.
        culprits: The releases to blame, ``name version`` each.
        suspects: Titles of the components that the failure points at.
        moved: What differs from the lock of the last green run.
        last_green: When that run began; None: there is none.
        python: The Python of the cell that shows the failure.
        installed: The components of that cell.
        reproduce: The command that shows the failure again.
        details: The traceback, or the chain of bounds.
    """

    signature: str
    culprits: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()
    moved: tuple[VersionChange, ...] = ()
    last_green: dt.datetime | None = None
    python: str
    installed: tuple[str, ...] = ()
    reproduce: str
    details: str = ""


@dataclass(frozen=True)
class LastRun:
    """The last run of a history, judged.

    Attributes:
        history: The history.
        summary: The table of the last run.
        pairs: What it says of each pair, by the subject's name.
        tests: Where each test stands, by its id.
        cells: The cells of the run, by their ids.
    """

    history: History
    summary: Summary
    pairs: Mapping[str, Sequence[PairVerdict]]
    tests: Mapping[str, Sequence[tuple[CellAtRun, TestStatus]]]
    cells: Mapping[str, CellAtRun]


def judge_last_run(history: History, components: Components, now: dt.datetime, diagnoses: Diagnoses | None) -> LastRun:
    """Judge the last run of a history.

    Args:
        history: The history, of at least one run.
        components: The components of the ecosystem.
        now: The time of the table.
        diagnoses: What searches for culprits have shown.
    """
    last = len(history.runs) - 1
    tonight = history.runs[last]
    evidence = {planned.key: history.known(last, planned) for planned in tonight.cells if planned.key}
    return LastRun(
        history=history,
        summary=summarise(components, (tonight,), evidence, now, diagnoses=diagnoses),
        pairs={f"{first} + {second}": pairs for (first, second), pairs in history.pairs(last, components).items()},
        tests=history.tests(last),
        cells={cell.planned.cell.id: cell for cell in history.seen(last)},
    )


def tests_of_pair(subject: Subject, run: LastRun) -> set[str]:
    """The tests that failed for a pair in the last run."""
    red = [pair for pair in run.pairs.get(subject.name, ()) if pair.verdict in ("broken", "flaky")]
    return {test for pair in red for test in pair.tests}


def facts_of(subject: Subject, run: LastRun) -> Facts | None:
    """What an issue about a subject says; None: the last run has nothing red to say about it."""
    return _facts_of_pair(subject, run) if subject.kind == "pair" else _facts_of_test(subject, run)


def _facts_of_pair(subject: Subject, run: LastRun) -> Facts | None:
    """The facts of the cell that shows the worst verdict on the pair.

    The witness of a verdict can be a cell of an earlier night, about which the last run says nothing.
    """
    red = [
        pair
        for pair in run.pairs.get(subject.name, ())
        if pair.verdict in RED | {"flaky"} and pair.witness in run.cells
    ]
    if not red:
        return None
    worst = min(red, key=lambda pair: (WORST_FIRST.index(pair.verdict), pair.inferred))
    return _facts_of_cell(worst.witness, lambda group: group.signature == worst.signature, run)


def _facts_of_test(subject: Subject, run: LastRun) -> Facts | None:
    red = [(cell, status) for cell, status in run.tests.get(subject.name, ()) if status.state in _RED_STATES]
    if not red:
        return None
    cell, status = min(red, key=lambda entry: _RED_STATES.index(entry[1].state))
    cell_id = cell.planned.cell.id
    if status.state != "feature-broken":
        return _facts_of_cell(cell_id, lambda group: subject.name in group.tests, run)
    # The table has no failure of a feature test: the test's own failure is the fact.
    failure = failure_of(status.result)
    update = {
        "signature": failure.signature,
        "culprits": (),
        "suspects": (),
        "details": public(failure.traceback),
    }
    return _facts_of_cell(cell_id, lambda _: False, run).model_copy(update=update)


def _facts_of_cell(cell: str, fits: Callable[[FailureGroup], bool], run: LastRun) -> Facts:
    """The facts about a failure in a cell.

    Args:
        cell: The cell's id.
        fits: Which of its failures is meant; where none fits, the first one.
        run: The last run.
    """
    row = next(row for row in run.summary.cells if row.id == cell)
    groups = [group for group in run.summary.failures if cell in group.cells]
    group = next((group for group in groups if fits(group)), groups[0] if groups else None)
    green = run.history.last_green(cell)
    changes = changed_since(green, run.cells[cell])
    titles = run.summary.titles()
    return Facts(
        signature=group.signature if group else row.sentence,
        culprits=blamed_releases(group, run.summary, changes) if group else (),
        suspects=tuple(titles[name] for name in group.suspects) if group else (),
        moved=changes,
        last_green=green.run.started if green else None,
        python=row.python,
        installed=tuple(f"{titles[name]} {component.version}" for name, component in row.components.items()),
        reproduce=row.reproduce,
        details=group.details if group else "",
    )
