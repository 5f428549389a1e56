"""What one night says of each pair and each test at the newest releases. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from stackcompat.core.record import Record
from stackcompat.core.vocabulary import Verdict
from stackcompat.ecosystem.components import Components
from stackcompat.nightly.alert_states import Signal
from stackcompat.verdict.history import CellAtRun, History, is_today
from stackcompat.verdict.outcomes import TestStatus
from stackcompat.verdict.pairs import PairVerdict, tests_without_outcome

__all__ = ["CellTest", "Subject", "SubjectSignal", "is_conclusive", "is_lifted", "signals_of_night"]

#: A cell (its id) and a test.
CellTest = tuple[str, str]


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
        results: The number of test results on which the signal rests, by the key of the evidence of their cell.
        red_tests: For a pair that is broken or flaky: the tests that show it, each with its cell.
    """

    subject: Subject
    signal: Signal
    results: dict[str, int]
    red_tests: frozenset[CellTest] = frozenset()


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
    "hangs": "unknown",
    "infra": "unknown",
    "blocked": "unknown",
    "not-judged": "unknown",
    "passed": "green",
}


def signals_of_night(history: History, index: int, components: Components) -> Iterator[SubjectSignal]:
    """What a night says of every pair, then of every test.

    A pair is not green on a night on which a test that uses both of its components had no outcome.

    Args:
        history: All runs.
        index: The place of the night's run in it.
        components: The components, for their titles.
    """
    cells = {cell.planned.cell.id: cell for cell in history.seen(index, is_today)}
    without_outcome: set[tuple[str, str]] = set()
    for cell in cells.values():
        without_outcome |= tests_without_outcome(cell.verdict, components).keys()
    for names, pairs in history.pairs(index).items():
        signal = _signal_of_pair(names, pairs, cells, components)
        untold = signal.signal == "green" and names in without_outcome
        yield SubjectSignal(signal.subject, "unknown", {}) if untold else signal
    for test, statuses in history.tests(index).items():
        yield _signal_of_test(test, statuses, cells)


def is_conclusive(history: History, index: int) -> bool:
    """Whether every cell with the newest releases works, is broken or is flaky.

    A pair or a test that such a night does not have does not exist any more.
    """
    verdicts = {cell.verdict.verdict for cell in history.seen(index, is_today)} - {"not-applicable"}
    return bool(verdicts) and verdicts <= {"works", "broken", "flaky"}


def _signal_of_pair(
    names: tuple[str, str],
    pairs: Iterable[PairVerdict],
    cells: Mapping[str, CellAtRun],
    components: Components,
) -> SubjectSignal:
    """The worst of the pair's verdicts.

    A break that a third component can explain does not count against the pair. Its test is a subject of its own.
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
    red_tests = _red_tests(pairs, cells) if signal in ("broken", "flaky") else frozenset()
    return SubjectSignal(Subject(kind="pair", name=f"{first} + {second}", title=title), signal, results, red_tests)


def _red_tests(pairs: Iterable[PairVerdict], cells: Mapping[str, CellAtRun]) -> frozenset[CellTest]:
    """The tests that show that a pair is broken or flaky, each with its cell.

    A verdict names the cell that shows it. Other cells on the Pythons that are red show it too if a test of the verdict
    is red there.
    """
    red_tests: set[CellTest] = set()
    for pair in pairs:
        if pair.inferred or pair.verdict not in ("broken", "flaky"):
            continue
        red_tests |= {(pair.witness, test) for test in pair.tests}
        for name, cell in cells.items():
            if pair.pythons.get(cell.planned.cell.python) in ("broken", "flaky"):
                states = {status.result.test: status.state for status in cell.verdict.statuses}
                red_tests |= {(name, test) for test in pair.tests if states.get(test) in ("confirmed", "flaky")}
    return frozenset(red_tests)


def is_lifted(red_tests: Iterable[CellTest], history: History, index: int) -> bool:
    """Whether a night shows that what these tests showed is gone.

    In each of the cells, one of its tests must pass. A cell counts no more if the matrix does not ask for it any more,
    or if none of its tests exists and applies there any more.

    Args:
        red_tests: The tests that showed that a pair is red, each with its cell.
        history: All runs.
        index: The place of the night's run in it.
    """
    cells = {cell.planned.cell.id: cell for cell in history.seen(index, is_today)}
    tests: dict[str, set[str]] = {}
    for name, test in red_tests:
        tests.setdefault(name, set()).add(test)
    return all(_is_lifted_in(cells[name], of_cell) for name, of_cell in tests.items() if name in cells)


def _is_lifted_in(cell: CellAtRun, tests: set[str]) -> bool:
    if not cell.verdict.statuses:
        return False
    states = {status.state for status in cell.verdict.statuses if status.result.test in tests}
    return "passed" in states or states <= {"not-applicable"}


def _signal_of_test(
    test: str, statuses: Iterable[tuple[CellAtRun, TestStatus]], cells: Mapping[str, CellAtRun]
) -> SubjectSignal:
    """The worst of the test's statuses; ``gone`` if the test applies in no cell."""
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
