"""The order in which cells begin."""

from __future__ import annotations

from stackcompat.evidence.store import RunTime
from stackcompat.pipeline.expected import RunTimes, longest_first
from support.made_up import make_cell, planned

ALPHA, BETA, BOTH = {"alpha": "1.3"}, {"beta": "2.4"}, {"alpha": "1.3", "beta": "2.4"}


def labels(times: list[RunTime]) -> list[str]:
    cells = [planned(make_cell(pins, label=label), pins) for label, pins in (("a", ALPHA), ("b", BETA), ("ab", BOTH))]
    return [cell.cell.label for cell in longest_first(cells, times, "interop")]


def test_what_is_not_known_comes_first_and_of_that_what_has_most_roots() -> None:
    assert labels([]) == ["ab", "a", "b"]
    assert labels([RunTime(("alpha", "beta"), "3.12", "interop", 90.0)]) == ["a", "b", "ab"]


def test_the_longest_comes_first_by_the_newest_run_with_the_same_roots() -> None:
    times = [
        RunTime(("alpha",), "3.12", "interop", 5.0),
        RunTime(("beta",), "3.12", "interop", 20.0),
        RunTime(("beta", "alpha"), "3.12", "interop", 10.0),
        RunTime(("alpha",), "3.12", "interop", 99.0),
    ]
    assert labels(times) == ["b", "ab", "a"]


def test_the_same_python_tells_more_than_a_newer_run_on_another() -> None:
    times = [
        RunTime(("alpha",), "3.13", "interop", 99.0),
        RunTime(("alpha",), "3.12", "interop", 5.0),
        RunTime(("beta",), "3.13", "interop", 20.0),
        RunTime(("alpha", "beta"), "3.12", "interop", 10.0),
    ]
    assert labels(times) == ["b", "ab", "a"]


def test_another_level_tells_nothing() -> None:
    assert labels([RunTime(("alpha", "beta"), "3.12", "import", 1.0)]) == ["ab", "a", "b"]


def test_how_long_a_cell_took() -> None:
    times = RunTimes([RunTime(("alpha",), "3.13", "interop", 5.0), RunTime(("beta",), "3.12", "run", 1.0)], "interop")
    assert times.of(make_cell(ALPHA)) == 5.0
    assert times.of(make_cell(BETA)) is None
