"""Outlines have all that verdicts and tables read, in little memory."""

from __future__ import annotations

import pytest

from stackcompat.evidence.outline import Outlines, SharedPins, outline_of
from stackcompat.evidence.results import Evidence, WarningSeen
from support.made_up import NEWEST, failed, history, make_cell, not_applicable, passed, planned, run_of, starved
from support.outlined import outlined

CELL = planned(make_cell(NEWEST), NEWEST)
WARNED = WarningSeen(category="FutureWarning", raised_by="alpha", triggered_by="beta", message="old", count=2)


def read(*runs: Evidence) -> tuple[Evidence, ...]:
    """Runs of CELL as they are read from their outlines."""
    return outlined(runs).evidence[CELL.key]


def test_equal_results_are_one_object_whatever_they_took() -> None:
    slow = passed("a", "alpha").model_copy(update={"seconds": 7.5, "memory_mb": 900.0})
    warned = passed("b", "alpha", warnings=(WARNED,))
    runs = [run_of(CELL, *tests) for tests in ((passed("a", "alpha"), warned), (slow, warned, not_applicable("c")))]
    first, second = read(*runs)
    assert first.tests[0] is second.tests[0]
    assert first.tests[1] is second.tests[1]
    assert first.tests[1] == warned.model_copy(update={"seconds": 0.0})
    assert second.tests[2] == not_applicable("c")
    assert outlined(runs).longest == {(first.platform, "a"): 7.5, (first.platform, "b"): 0.5}


def test_a_result_that_differs_is_another_object() -> None:
    tests = (
        passed("a", "alpha"),
        passed("a", "beta"),
        passed("a", "alpha", level="run"),
        passed("a", "alpha", warnings=(WARNED,)),
    )
    together = read(*(run_of(CELL, test) for test in tests))
    assert [run.tests[0] for run in together] == [test.model_copy(update={"seconds": 0.0}) for test in tests]


def test_what_did_not_pass_keeps_its_measurements_and_its_traceback() -> None:
    run = run_of(CELL, failed("a", "alpha", packages=("alpha",)), starved("b", "alpha"))
    assert read(run) == (run,)


def test_a_log_is_left_out() -> None:
    run = run_of(CELL, passed("a")).model_copy(update={"log": "much text"})
    assert read(run)[0].log == ""


def test_only_runs_whose_tests_ran_say_how_long_a_test_takes() -> None:
    assert outlined([run_of(CELL, passed("a"), outcome="crashed")]).longest == {}


@pytest.mark.parametrize("text", ["{}", "[]", '{"outcome": "ran", "tests": [{}]}', "no JSON"])
def test_a_record_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"Evidence|JSON|expected"):
        outline_of(text)
    assert Outlines(lambda _: {}).read([text, None]) == (None, None)


def test_every_record_of_a_history_reads_as_itself_but_for_what_is_left_out() -> None:
    evidence = history().evidence
    found = outlined(run for runs in evidence.values() for run in runs).evidence
    assert found.keys() == evidence.keys()
    for key, runs in evidence.items():
        for run, outline in zip(runs, found[key], strict=True):
            timeless = [test.model_copy(update={"seconds": 0.0}) for test in run.tests]
            assert [test.model_copy(update={"seconds": 0.0}) for test in outline.tests] == timeless
            assert outline.model_copy(update={"tests": run.tests}) == run


def test_equal_pins_of_an_execution_are_one_object() -> None:
    record = history().record()
    shared = SharedPins().read(record.to_json())
    assert shared == record
    pins = [pin for cell in shared.cells if cell.resolution.lock for pin in cell.resolution.lock.pins]
    assert len({id(pin) for pin in pins}) == len({pin.to_json() for pin in pins}) < len(pins)


@pytest.mark.parametrize("text", ["{}", '{"cells": [{"resolution": null}]}', "no JSON"])
def test_an_execution_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"RunRecord|JSON|expected"):
        SharedPins().read(text)
