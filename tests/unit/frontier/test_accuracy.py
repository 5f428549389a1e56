"""How well a forecast agrees with what was observed."""

from __future__ import annotations

from stackcompat.frontier.accuracy import Accuracy, measure_accuracy


def test_accuracy() -> None:
    accuracy = measure_accuracy({(0, 0), (0, 1)}, {(0, 0): False, (0, 1): True, (0, 2): False, (0, 3): True})
    assert accuracy == Accuracy(hits=1, misses=1, false=1)
    assert (accuracy.precision, accuracy.recall) == (0.5, 0.5)
    assert measure_accuracy((), {}) == Accuracy(hits=0, misses=0, false=0)
    assert measure_accuracy((), {}).precision is None
