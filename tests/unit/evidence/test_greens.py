"""What a run adds to the knowledge of which smoke test passed with which release."""

from __future__ import annotations

import pytest

from stackcompat.core.vocabulary import Level
from stackcompat.evidence.greens import GreenRelease, green_releases
from support.made_up import failed, make_cell, not_applicable, passed, planned, run_of

CELL = planned(make_cell({"alpha": "1.3.0", "beta": "2.4.1"}), {"alpha": "1.3.0", "beta": "2.4.1"})


def test_a_test_that_passed_is_green_with_each_release_that_it_uses() -> None:
    run = run_of(CELL, passed("a", "alpha", "beta"), passed("b", "beta"))
    assert green_releases(run) == {
        GreenRelease("a", "alpha", "1.3.0"),
        GreenRelease("a", "beta", "2.4.1"),
        GreenRelease("b", "beta", "2.4.1"),
    }


def test_what_did_not_pass_or_is_not_installed_is_not_green() -> None:
    run = run_of(CELL, failed("a", "alpha"), not_applicable("b", "beta"), passed("c", "gamma"))
    assert green_releases(run) == frozenset()


@pytest.mark.parametrize(
    ("level", "is_noted"),
    [
        ("import", False),
        ("lower", True),
        ("compile", True),
        ("run", True),
        ("interop", True),
        ("exchange", False),
        ("upstream", False),
    ],
)
def test_only_smoke_tests_that_go_deeper_than_an_import_are_noted(level: Level, is_noted: bool) -> None:
    assert bool(green_releases(run_of(CELL, passed("a", "alpha", level=level)))) == is_noted


def test_a_run_that_says_nothing_is_not_green() -> None:
    assert green_releases(run_of(CELL, passed("a", "alpha"), outcome="invalid")) == frozenset()
    unseen = run_of(CELL, passed("a", "alpha")).model_copy(update={"observed": None})
    assert green_releases(unseen) == frozenset()
