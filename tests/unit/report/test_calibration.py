"""The page of the known cases, and the measurements that it keeps."""

from __future__ import annotations

import datetime as dt
from typing import Any

from stackcompat.plan.known_cases import KnownCase
from stackcompat.report.calibration import calibration_page, history_lines
from stackcompat.validation.calibration import Calibration, compare_verdict
from stackcompat.verdict.verdict import judge
from support.command_line import BLAMED
from support.made_up import COMPONENTS, NEWEST, failed, make_cell, passed, planned, run_of

DAY = dt.date(2026, 3, 1)
CELL = planned(make_cell(NEWEST), NEWEST)
WORKS = judge(CELL, (run_of(CELL, passed("t", *CELL.cell.roots())),), COMPONENTS)
RED = failed("t", "alpha", level="import", type="AttributeError", message="no attribute 'Box'")
BROKEN = judge(CELL, (run_of(CELL, RED), run_of(CELL, RED, attempt=1)), COMPONENTS)


def calibration(name: str, seen: Any = BROKEN, blame: Any = None, **fields: Any) -> Calibration:
    known = {"python": "3.12", "requirements": ("alpha==1.3.0",), "verdict": "broken", "level": "import"}
    case = KnownCase.model_validate(known | fields | {"id": name})
    return Calibration(case=case, verdict=seen, wrong=compare_verdict(case, seen), blame=blame)


def lines_of(page: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith("| ")]


def test_a_measurement_is_one_line() -> None:
    exact = ["alpha==1.3.0", "beta==2.4.1", "gamma==1.0.2"]
    seen = [
        calibration("caught", blame=BLAMED, culprit=exact),
        calibration("other", blame=BLAMED, culprit=["alpha==1.3.0"]),
        calibration("missed", WORKS),
        calibration("green", WORKS, verdict="works", level="interop"),
    ]
    page = calibration_page(seen, DAY, ())
    assert f"| {DAY} | 2 of 3 | 1 of 1 | 1 of 2 | {2 * BLAMED.probes} | 0 |" in page.splitlines()
    cases = {line.split(" | ")[0].removeprefix("| "): line for line in lines_of(page)}
    assert "as known (import) | alpha 1.3.0, beta 2.4.1, gamma 1.0.2 |" in cases["caught"]
    assert "known: alpha==1.3.0 |" in cases["other"]
    assert "✗ works at interop, known to be broken: 1 test passed |" in cases["missed"]


def test_a_case_that_was_kept_from_a_verdict_counts_for_nothing() -> None:
    untold = calibration("untold", BROKEN.model_copy(update={"verdict": "infra-error"}))
    page = calibration_page([untold, calibration("green", WORKS, verdict="works")], DAY, ())
    assert f"| {DAY} | 0 of 0 | 1 of 1 | not searched |  | 1 |" in page.splitlines()


def test_earlier_measurements_stay_and_one_of_the_same_day_is_replaced() -> None:
    first = calibration_page([calibration("missed", WORKS)], DAY, ())
    second = calibration_page([calibration("caught")], DAY, history_lines(first))
    assert history_lines(second) == (f"| {DAY} | 1 of 1 | 0 of 0 | not searched |  | 0 |",)
    third = calibration_page([], DAY + dt.timedelta(days=1), history_lines(second))
    assert history_lines(third)[0] == history_lines(second)[0]
    assert len(history_lines(third)) == 2
    assert history_lines("# Another page") == ()
