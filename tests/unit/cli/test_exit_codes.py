"""The table of exit codes: every verdict and decision has one, and the page for users says the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from stackcompat.advice.checked import Answer
from stackcompat.cli.exit_codes import (
    ExitCode,
    FailOn,
    of_calibration,
    of_check,
    of_checks,
    of_decision,
    of_doctor,
    of_frontier,
    of_replay,
    of_run,
    of_try,
    of_verdict,
)
from stackcompat.core.vocabulary import Verdict
from stackcompat.gate.model import Decision
from stackcompat.verdict.run_state import RunState

USAGE = Path(__file__).parents[3] / "docs" / "usage.md"


def test_a_verdict_is_good_bad_to_be_looked_at_or_could_not_be_told() -> None:
    codes = {verdict: of_verdict(verdict) for verdict in get_args(Verdict)}
    assert [verdict for verdict in codes if codes[verdict] == 0] == ["works"]
    assert {verdict for verdict in codes if codes[verdict] == 1} == {"broken", "unresolvable", "uninstallable"}
    assert [verdict for verdict in codes if codes[verdict] == 4] == ["changed"]
    assert {codes[verdict] for verdict in ("flaky", "invalid", "untested", "not-applicable", "infra-error")} == {3}


def test_of_several_files_the_worst_answer_counts() -> None:
    assert of_checks(["works", "works"]) == ExitCode.GOOD
    assert of_checks(["not known", "works"]) == ExitCode.COULD_NOT_TELL
    assert of_checks(["works", "not known", "broken"]) == ExitCode.BAD


@pytest.mark.parametrize(
    ("fail_on", "codes"),
    [((), (0, 3, 1)), (("broken", "unknown"), (0, 3, 1)), (("broken",), (0, 0, 1)), (("unknown",), (0, 3, 0))],
)
def test_an_answer_that_is_not_asked_for_is_good(fail_on: tuple[FailOn, ...], codes: tuple[int, ...]) -> None:
    assert (of_checks(["works"], fail_on), of_checks(["not known"], fail_on), of_checks(["broken"], fail_on)) == codes
    assert of_checks(["not known", "broken", "works"], fail_on) == (3 if fail_on == ("unknown",) else 1)


def test_what_works_but_was_not_tried_deep_enough_could_not_be_told() -> None:
    assert of_try("works", deep_enough=True) == 0
    assert of_try("works", deep_enough=False) == 3
    assert of_try("broken", deep_enough=False) == 1


def test_every_decision_of_the_gate_has_a_code_of_its_own() -> None:
    codes = {decision: int(of_decision(decision)) for decision in get_args(Decision)}
    assert codes == {"PASS": 0, "BLOCK": 1, "CANNOT-TELL": 3, "NEEDS-REVIEW": 4}


def test_every_answer_of_a_check_has_a_code_of_its_own() -> None:
    codes = {answer: int(of_check(answer)) for answer in get_args(Answer)}
    assert codes == {"works": 0, "broken": 1, "not known": 3}


@pytest.mark.parametrize(
    ("right", "complete", "code"), [(True, True, 0), (False, True, 1), (False, False, 1), (True, False, 3)]
)
def test_a_wrong_case_counts_before_one_without_a_verdict(right: bool, complete: bool, code: int) -> None:
    assert of_calibration(right=right, complete=complete) == code


@pytest.mark.parametrize(
    ("fail_on", "state", "code"),
    [
        ((), RunState(new=1, broken=1, unknown=1), 0),
        (("new",), RunState(new=0, broken=2, unknown=1), 0),
        (("new",), RunState(new=1, broken=2, unknown=1), 1),
        (("broken",), RunState(new=0, broken=2, unknown=1), 1),
        (("broken", "unknown"), RunState(new=0, broken=0, unknown=1), 3),
        (("broken", "unknown"), RunState(new=0, broken=1, unknown=1), 1),
        (("new", "broken", "unknown"), RunState(new=0, broken=0, unknown=0), 0),
    ],
)
def test_a_run_fails_only_on_what_is_asked_for(fail_on: tuple[FailOn, ...], state: RunState, code: int) -> None:
    assert of_run(fail_on, state) == code


def test_nothing_is_missing_or_something_is() -> None:
    assert (of_doctor(good=True), of_doctor(good=False)) == (0, 3)


def test_a_replay_is_right_or_wrong_and_a_frontier_is_complete_or_not() -> None:
    assert (of_replay(right=True), of_replay(right=False)) == (0, 1)
    assert (of_frontier(complete=True), of_frontier(complete=False)) == (0, 3)


def test_the_page_for_users_lists_exactly_these_codes() -> None:
    section = USAGE.read_text(encoding="utf-8").partition("## Exit codes")[2].partition("\n## ")[0]
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)}
    assert listed == set(ExitCode)
    assert {f"| `{word}` |" in section for word in get_args(FailOn)} == {True}
