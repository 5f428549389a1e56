"""Rows about how cells were run."""

from __future__ import annotations

from stackcompat.table.build import summarise
from stackcompat.table.summary import Summary
from support.made_up import COMPONENTS, NOW, History, history


def of(made: History) -> Summary:
    return summarise(COMPONENTS, (made.record(),), made.evidence, NOW)


def test_how_it_was_measured() -> None:
    summary = of(history())
    assert [one.python for one in summary.measured] == ["3.13", "3.12", "3.11"]
    measured = summary.measured[0]
    assert (measured.interpreters, measured.networks) == (("cpython-3.13.7",), ("loopback only",))
    assert (measured.memory_limits_mb, measured.time_limits_s) == ((8192,), (900.0,))
    assert measured.seconds == measured.runs * 21.5
    (run,) = summary.runs
    assert run.missing_pythons == ("3.14",)
    assert run.coverage["pairs on 3.13, 2-way"] == 97.3
    assert run.answered["pairs on 3.13, 2-way"] == 94.6
    assert run.unanswered == ("pairs on 3.13, 2-way: 3 were not asked for again",)
    assert run.rounds == (5, 2)
