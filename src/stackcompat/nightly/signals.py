"""What one night says of each pair and each test at the newest releases. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Verdict
from stackcompat.ecosystem.components import Components
from stackcompat.nightly.states import Signal
from stackcompat.verdict.history import CellAtRun, History, is_today
from stackcompat.verdict.outcomes import TestStatus
from stackcompat.verdict.pairs import PairVerdict

__all__ = ["Subject", "SubjectSignal", "is_conclusive", "signals_of_night"]


class Subject(Record):
    """What is watched: a pair (its name is ``first + second``) or a test (its id); `title` is for people."""

    kind: Literal["pair", "test"]
    name: str
    title: str

    @property
    def id(self) -> str:
        """The same from night to night."""
        return f"{self.kind}:{self.name}"


class SubjectSignal(NamedTuple):
    """What a night says of a subject.

    Attributes:
        subject: The subject.
        signal: What the night says.
        results: How many test results that rests on, for each lock (by its evidence's key).
    """

    subject: Subject
    signal: Signal
    results: dict[str, int]


_OF_VERDICT: dict[Verdict, Signal] = {
    "works": "green",
    "broken": "broken",
    "uninstallable": "broken",
    "unresolvable": "broken",
    "flaky": "flaky",
}


_OF_STATE: dict[str, Signal] = {
    "confirmed": "broken",
    "feature-broken": "broken",
    "flaky": "flaky",
    "unconfirmed": "failed",
    "infra": "unknown",
    "blocked": "unknown",
    "passed": "green",
}


def signals_of_night(history: History, index: int, components: Components) -> Iterator[SubjectSignal]:
    """What a night says of every pair, then of every test.

    Args:
        history: All runs.
        index: The place of the night's run in it.
        components: The components, for their titles.
    """
    cells = {cell.planned.cell.id: cell for cell in history.seen(index, is_today)}
    for names, pairs in history.pairs(index, components).items():
        yield _signal_of_pair(names, pairs, cells, components)
    for test, statuses in history.tests(index).items():
        yield _signal_of_test(test, statuses, cells)


def is_conclusive(history: History, index: int) -> bool:
    """Whether every cell with the newest releases came to a verdict: what none of them has does not exist any more."""
    verdicts = {cell.verdict.verdict for cell in history.seen(index, is_today)} - {"not-applicable"}
    return bool(verdicts) and verdicts <= {"works", "broken", "flaky"}


def _signal_of_pair(
    names: tuple[str, str],
    pairs: Iterable[PairVerdict],
    cells: Mapping[str, CellAtRun],
    components: Components,
) -> SubjectSignal:
    """The worst of the pair's verdicts.

    A break that other components can explain as well is not counted against the pair: the test that shows it is watched
    too.
    """
    pairs = tuple(pairs)
    inferred_red = [pair.inferred and pair.verdict != "works" for pair in pairs]
    signals: set[Signal] = {
        "unknown" if inferred else _OF_VERDICT.get(pair.verdict, "unknown")
        for pair, inferred in zip(pairs, inferred_red, strict=True)
    }
    signal = _worst(signals, ("broken", "flaky", "unknown"), default="green")
    showing = [pair for pair in pairs if _OF_VERDICT.get(pair.verdict) == signal and pair.witness in cells]
    first, second = names
    title = f"{components[first].title} with {components[second].title}"
    results = _results({pair.witness: pair.tests for pair in showing}, cells)
    return SubjectSignal(Subject(kind="pair", name=f"{first} + {second}", title=title), signal, results)


def _signal_of_test(
    test: str, statuses: Iterable[tuple[CellAtRun, TestStatus]], cells: Mapping[str, CellAtRun]
) -> SubjectSignal:
    """The worst of the test's statuses; gone where it applies in no cell."""
    statuses = tuple(statuses)
    if all(status.state == "not-applicable" for _, status in statuses):
        signal: Signal = "gone"
    else:
        signals = {_OF_STATE[status.state] for _, status in statuses if status.state in _OF_STATE}
        signal = _worst(signals, ("broken", "flaky", "failed", "unknown", "green"), default="unknown")
    showing = {cell.planned.cell.id: (test,) for cell, status in statuses if _OF_STATE.get(status.state) == signal}
    return SubjectSignal(Subject(kind="test", name=test, title=test), signal, _results(showing, cells))


def _worst(signals: set[Signal], order: tuple[Signal, ...], *, default: Signal) -> Signal:
    """The first signal of `order` that is among `signals`."""
    return next((signal for signal in order if signal in signals), default)


def _results(showing: Mapping[str, Iterable[str]], cells: Mapping[str, CellAtRun]) -> dict[str, int]:
    """How many results there are of the tests that show a signal.

    Args:
        showing: Cell id to tests.
        cells: The cells of the night.

    Returns:
        The numbers, by the keys of the cells' evidence.
    """
    results = {}
    for cell, tests in showing.items():
        ran = Counter(result.test for run in cells[cell].runs for result in run.tests)
        results[cells[cell].planned.key] = sum(ran[test] for test in tests)
    return results
