"""Flaky tests and their rates."""

from __future__ import annotations

import datetime as dt

from stackcompat.gate.flaky import FlakyRate, count_runs, flaky_rates, report_flaky
from stackcompat.gate.model import FlakyTest
from support.made_up import starved
from support.paired import (
    GREEN,
    JOINT,
    OLD,
    RED,
    SOLID,
    WAVERS,
    arm,
    changed,
    context,
    judge,
    pair,
    quarantine,
    wavering,
)


def test_only_runs_with_an_outcome_of_their_own_are_counted() -> None:
    assert count_runs(wavering().candidate, JOINT) == FlakyRate(failed=1, runs=3)
    hungry = starved(JOINT, "alpha", "beta")
    assert count_runs(arm(OLD, changed(hungry), "disk-full", GREEN, (RED,)), JOINT) == FlakyRate(failed=1, runs=2)
    assert count_runs(wavering().candidate, "another") == FlakyRate(failed=0, runs=0)


def test_a_rate_is_that_of_the_arms_in_which_the_test_is_flaky() -> None:
    assert flaky_rates(pair(GREEN)) == {}
    assert flaky_rates(wavering()) == {JOINT: FlakyRate(failed=1, runs=3)}
    both = pair(*WAVERS, control=arm(OLD, *WAVERS))
    assert flaky_rates(both) == {JOINT: FlakyRate(failed=2, runs=6)}


def test_the_rates_of_all_cells_are_added() -> None:
    rates = [{"b": FlakyRate(1, 3), "a": FlakyRate(1, 2)}, {"b": FlakyRate(2, 4)}]
    tests, quarantines = report_flaky(context(), rates)
    assert tests == (FlakyTest(test="a", failed=1, runs=2), FlakyTest(test="b", failed=3, runs=7))
    assert not quarantines


def test_a_quarantine_is_shown_with_its_last_day() -> None:
    exceptions = quarantine()
    (flaky,), quarantines = report_flaky(context(waivers=exceptions), [{JOINT: FlakyRate(1, 3)}])
    assert flaky.quarantined_until == dt.date(2026, 12, 1)
    assert quarantines == exceptions.quarantine


def test_a_flaky_test_asks_a_human_and_shows_its_rate() -> None:
    report = judge(wavering())
    assert report.decision == "NEEDS-REVIEW"
    (flaky,) = report.flaky
    assert (flaky.test, flaky.failed, flaky.runs, flaky.quarantined_until) == (JOINT, 1, 3, None)
    assert "is flaky" in report.sentence


def test_a_test_that_is_flaky_in_the_control_does_not_count() -> None:
    red = (*changed(RED), SOLID)
    assert judge(pair(red, red, control=arm(OLD, *WAVERS))).decision == "NEEDS-REVIEW"
