"""What a sweep says of a cell: limits of modules, and no more."""

from __future__ import annotations

import pytest

from stackcompat.evidence.greens import GreenRelease
from stackcompat.evidence.results import TestResult
from stackcompat.verdict.greens import Greens
from stackcompat.verdict.outcomes import limit_in_words
from stackcompat.verdict.verdict import CellVerdict, judge
from support.made_up import COMPONENTS, make_cell, passed, planned, run_of
from support.swept import lost_module, module_test, swept, whole_sweep

VERSIONS = {"alpha": "1.3.0"}
CELL = planned(make_cell(VERSIONS), VERSIONS)
IMPORT = passed("test_import.py::test_import[alpha]", "alpha", level="import")
GREEN = Greens([GreenRelease(module_test("alpha.a"), "alpha", "1.2.0")])


def judged(*runs: tuple[TestResult, ...], greens: Greens | None = GREEN) -> CellVerdict:
    return judge(
        CELL, tuple(run_of(CELL, *tests, attempt=n) for n, tests in enumerate(runs)), COMPONENTS, greens=greens
    )


def test_modules_are_counted_apart_and_deepen_nothing() -> None:
    plain = judged((IMPORT,))
    verdict = judged((IMPORT, whole_sweep("alpha.a", "alpha.b")))
    assert (verdict.passed, verdict.modules) == (1, 2)
    assert (verdict.sentence, verdict.level, verdict.components) == (plain.sentence, plain.level, plain.components)
    assert [status.result.test for status in verdict.statuses] == [IMPORT.test]


def test_a_sweep_alone_tries_nothing() -> None:
    verdict = judged((whole_sweep("alpha.a"),))
    assert (verdict.verdict, verdict.level) == ("untested", "install")


def test_modules_that_fail_twice_are_a_limit_of_them() -> None:
    lost = lost_module("alpha.a", "alpha.b", "alpha.c")
    again = lost_module("alpha.a")
    verdict = judged((IMPORT, whole_sweep("alpha.d", lost=(lost,)), lost), (again,))
    assert (verdict.verdict, verdict.modules, verdict.not_judged) == ("works", 1, {})
    (limit,) = verdict.broken_features
    assert limit_in_words(limit) == (
        "alpha.a and 2 more modules of alpha cannot be imported: ImportError: no boxes [alpha]"
    )
    assert verdict.sentence == "alpha was imported, nothing else of it was tried, all but 3 modules of alpha"


def test_one_module_is_named() -> None:
    verdict = judged((IMPORT, lost_module("alpha.a")), (lost_module("alpha.a"),))
    assert limit_in_words(verdict.broken_features[0]) == "alpha.a cannot be imported: ImportError: no boxes [alpha]"
    assert verdict.sentence.endswith(", all but the module alpha.a")


def test_a_module_that_never_could_be_imported_is_not_spoken_of() -> None:
    lost = lost_module("alpha.never")
    verdict = judged((IMPORT, lost), (lost,))
    assert (verdict.broken_features, verdict.not_judged) == ((), {})
    assert verdict.sentence == judged((IMPORT,)).sentence


@pytest.mark.parametrize("outcome", ["failed", "passed", "timeout", "blocked"])
def test_a_sweep_makes_no_cell_red_or_unknown(outcome: str) -> None:
    second = swept("alpha.a", outcome=outcome, feature="alpha.a")
    verdict = judged((IMPORT, lost_module("alpha.a")), (second,))
    assert verdict.verdict == "works"
