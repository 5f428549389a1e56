"""What one night says of pairs and tests."""

from __future__ import annotations

import pytest

from stackcompat.evidence.results import TestResult
from stackcompat.nightly.alert_states import Signal
from stackcompat.nightly.signals import SubjectSignal, is_conclusive, signals_of_night
from stackcompat.verdict.history import History
from support.made_up import COMPONENTS, not_applicable
from support.nights import BREAKS, FIXED, JOINT, NEW, OLD, PASSES, Nights

PAIR, TEST = "pair:alpha + beta", f"test:{JOINT}"
ABSENT = not_applicable(JOINT, "alpha", "beta")


def signals(nights: Nights) -> dict[str, SubjectSignal]:
    """What the last night says, by subject."""
    history = History(COMPONENTS, nights.runs, nights.evidence)
    found = signals_of_night(history, len(nights.runs) - 1, COMPONENTS)
    return {signal.subject.id: signal for signal in found}


@pytest.mark.parametrize(
    ("tests", "pair", "test"),
    [(PASSES, "green", "green"), (BREAKS, "broken", "broken"), ((ABSENT,), "unknown", "gone")],
)
def test_a_pair_and_its_test_say_the_same(tests: tuple[TestResult, ...], pair: Signal, test: Signal) -> None:
    nights = Nights()
    nights.add(1, OLD, PASSES)
    nights.add(0, NEW, tests)
    found = signals(nights)
    assert (found[PAIR].signal, found[TEST].signal) == (pair, test)
    assert found[PAIR].subject.title == "Alpha with Beta"


def test_infrastructure_says_nothing() -> None:
    nights = Nights()
    nights.add(0, NEW, outcome="disk-full")
    assert {signal.signal for signal in signals(nights).values()} <= {"unknown"}


def test_a_signal_rests_on_the_results_of_its_lock() -> None:
    """A night that only repeats what an earlier one ran has no more results."""
    nights = Nights()
    nights.add(1, NEW, BREAKS)
    first = signals(nights)[TEST].results
    assert list(first.values()) == [2]  # red was run twice
    nights.add(0, NEW, BREAKS)
    assert signals(nights)[TEST].results == first
    nights.add(-1, FIXED, PASSES)
    assert list(signals(nights)[TEST].results.values()) == [1]


@pytest.mark.parametrize(("outcome", "wanted"), [("ran", True), ("disk-full", False)])
def test_a_night_is_conclusive_where_every_newest_cell_has_a_verdict(outcome: str, *, wanted: bool) -> None:
    nights = Nights()
    nights.add(0, NEW, PASSES if outcome == "ran" else (), outcome=outcome)
    assert is_conclusive(History(COMPONENTS, nights.runs, nights.evidence), 0) == wanted


def test_a_failure_that_the_test_itself_can_explain_is_not_the_pairs() -> None:
    """It passed in no night yet."""
    nights = Nights()
    nights.add(0, NEW, BREAKS)
    found = signals(nights)
    assert (found[PAIR].signal, found[TEST].signal) == ("unknown", "broken")
